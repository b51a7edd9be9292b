#!/usr/bin/env python3
"""Merges Google Benchmark JSON files and prints ours against the best peer.

A benchmark is named Op/element/shape/threads:N/who; those that differ in who
alone are compared. Of repetitions the median counts. The ratio is the time of
the best peer over ours: above 1 we are faster. Who is "ranvier", a peer, or
"machine" for what the machine can do at best.

A benchmark may have a counter cpus, processor time over time. With one thread
it is processor time that is compared then: the same on an idle machine, and on
a busy one without what other work took away. With several there is no such
remedy: threads that wait for each other by spinning may lose a thousandfold.
Such a row has its ratio in brackets and does not count in the means.

A benchmark may have a counter machine, the share of its best that the machine
gave around the run. Where it was less than 0.9 the run is left out if there are
better ones, else the row is one of those in brackets.
"""

import argparse
import json
import re
import statistics
import sys

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
# What Google Benchmark itself writes of a run; all else is a counter.
OWN_FIELDS = {
    "name", "family_index", "per_family_instance_index", "run_name",
    "run_type", "repetitions", "repetition_index", "threads", "iterations",
    "real_time", "cpu_time", "time_unit", "label", "error_occurred",
    "error_message", "aggregate_name", "aggregate_unit",
}
# Suffixes that Google Benchmark hangs on to a name.
MODIFIER = re.compile(r"^(real_time|process_time|manual_time"
                      r"|(iterations|repeats|min_time|min_warmup_time):.*)$")


def split_name(run_name):
    """'Gemm/f32/64/threads:1/ranvier/real_time' -> ('Gemm/...:1', 'ranvier')"""
    parts = run_name.split("/")
    while MODIFIER.match(parts[-1]):
        parts.pop()
    return "/".join(parts[:-1]), parts[-1]


def without_waiting(run):
    """A run of one thread as if it had had its processor to itself."""
    share = run.get("cpus", 1)
    if not 0 < share < 1 or "/threads:1/" not in run["name"]:
        return run
    return {key: value * share if key == "real_time" else
            value / share if key.endswith("_per_s") or key == "peak_share"
            else value for key, value in run.items()}


def was_slow(run):
    """Whether the machine gave less than it can."""
    return run.get("machine", 1) < 0.9


def was_disturbed(runs):
    """Whether the calling thread, which never sleeps in a product, had to."""
    return all(was_slow(run) for run in runs) or (
        "cpus" in runs[0] and statistics.median(
            run["cpu_time"] / run["real_time"] for run in runs) < 0.9)


def read_runs(benchmarks):
    """{case: {who: (median seconds, {counter: median}, error, disturbed)}}"""
    samples = {}
    for run in benchmarks:
        if run.get("run_type") == "aggregate":
            continue
        case, who = split_name(run.get("run_name", run["name"]))
        samples.setdefault(case, {}).setdefault(who, []).append(run)
    cases = {}
    for case, by_who in samples.items():
        for who, runs in by_who.items():
            runs = [run for run in runs if not was_slow(run)] or runs
            disturbed = was_disturbed(runs)
            runs = [without_waiting(run) for run in runs]
            errors = [run["error_message"] for run in runs
                      if run.get("error_occurred")]
            if errors:
                cases.setdefault(case, {})[who] = (None, {}, errors[0], False)
                continue
            seconds = statistics.median(
                run["real_time"] * SECONDS[run["time_unit"]] for run in runs)
            counters = {
                key: statistics.median(run[key] for run in runs)
                for key, value in runs[0].items()
                if key not in OWN_FIELDS and isinstance(value, (int, float))
            }
            cases.setdefault(case, {})[who] = (
                seconds, counters, None, disturbed)
    return cases


def show_seconds(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds / 1e-9:.4g} ns"


def show_seconds_of(result):
    if result is None:
        return "-"
    return "failed" if result[2] is not None else show_seconds(result[0])


RATES = ("gflop_per_s", "gop_per_s")  # columns of their own


def rate_of(result):
    """Giga-operations per second, or None."""
    for key in RATES if result else ():
        if key in result[1]:
            return result[1][key]
    return None


def show(number, form=".4g"):
    return "-" if number is None else format(number, form)


def best_peer(by_who):
    """(who, result) or None"""
    peers = [(who, result) for who, result in by_who.items()
             if who not in ("ranvier", "machine") and result[0] is not None]
    return min(peers, key=lambda peer: peer[1][0]) if peers else None


def is_busy(case, by_who):
    """Whether other work spoilt the row: with one thread it cannot."""
    return not case.endswith("/threads:1") and any(
        result[3] for result in by_who.values())


def ratio_of(by_who):
    ours, best = by_who.get("ranvier"), best_peer(by_who)
    return best[1][0] / ours[0] if best and ours and ours[0] else None


def compared(cases):
    """Every row of ours and its peers."""
    rows = []
    for case, by_who in cases.items():
        if "machine" in by_who:
            continue
        ours, best = by_who.get("ranvier"), best_peer(by_who)
        counters = dict(ours[1]) if ours else {}
        share = counters.pop("peak_share", None)
        counters.pop("machine", None)
        ratio = show(ratio_of(by_who), ".2f")
        if ratio != "-" and is_busy(case, by_who):
            ratio = f"({ratio})"
        rows.append((
            case, show_seconds_of(ours),
            f"{show_seconds(best[1][0])} {best[0]}" if best else "-",
            ratio, show(rate_of(ours)),
            show(rate_of(best[1]) if best else None),
            "-" if share is None else f"{100 * share:.0f} %",
            " ".join(f"{key}={value:.4g}" for key, value in counters.items()
                     if key not in RATES)))
    return ("benchmark", "ours", "best peer", "ratio", "Gop/s", "peer's",
            "of peak", "counters of ours"), rows


def steps(cases):
    """From the plain loop over one thread to all threads."""
    rows = []
    for case, by_who in cases.items():
        loop, one = by_who.get("loop"), by_who.get("ranvier")
        if not (loop and loop[0] and one and one[0]):
            continue
        shape = re.sub(r"/threads:\d+$", "", case)
        most = max((other for other in cases
                    if re.sub(r"/threads:\d+$", "", other) == shape),
                   key=lambda other: int(other.rsplit(":", 1)[1]))
        all_threads = cases[most].get("ranvier")
        if not (all_threads and all_threads[0]):
            continue
        rows.append((shape, show_seconds(loop[0]),
                     f"{show_seconds(one[0])} x{loop[0] / one[0]:.1f}",
                     f"{show_seconds(all_threads[0])}"
                     f" x{loop[0] / all_threads[0]:.1f}",
                     most.rsplit(":", 1)[1]))
    return ("steps", "loop", "ranvier, 1 thread", "all threads",
            "threads"), rows


def machine(cases):
    """What the machine can do at best."""
    rows = [(case, " ".join(f"{value:.4g}" for value in result[1].values()),
             " ".join(result[1]))
            for case, by_who in cases.items()
            for who, result in by_who.items() if who == "machine"]
    return ("machine", "best", "unit"), rows


def groups(cases):
    """Geometric mean of the ratios, and the worst row, of each Op/element."""
    members = {}
    for case, by_who in cases.items():
        ratio = ratio_of(by_who)
        if ratio is not None and not is_busy(case, by_who):
            parts = case.split("/")
            group = "/".join(parts[:2] if len(parts) > 3 else parts[:1])
            members.setdefault(f"{group}/.../{parts[-1]}", []).append(
                (ratio, case))
    rows = [(group, str(len(ratios)),
             f"{statistics.geometric_mean(r for r, _ in ratios):.2f}",
             f"{min(ratios)[0]:.2f}", min(ratios)[1])
            for group, ratios in members.items()]
    return ("group", "rows", "ratio", "worst", "which"), rows


def errors(cases):
    return [f"{case}/{who}: {result[2]}" for case, by_who in cases.items()
            for who, result in by_who.items() if result[2] is not None]


def columns(header, rows):
    """The first column left, numbers right, the last one as it is."""
    rows = [header, *rows]
    last = len(header) - 1
    widths = [max(len(row[i]) for row in rows) for i in range(last)]
    for row in rows:
        yield "  ".join([row[0].ljust(widths[0])] +
                        [row[i].rjust(widths[i]) for i in range(1, last)] +
                        [row[last]]).rstrip()


def markdown(header, rows):
    yield f"| {' | '.join(header)} |"
    yield f"|---|{'---:|' * (len(header) - 2)}---|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT.json")
    parser.add_argument("parts", metavar="IN.json", nargs="+")
    parser.add_argument("--markdown", metavar="FILE",
                        help="write the tables in Markdown, too")
    arguments = parser.parse_args()
    merged = None
    for path in arguments.parts:
        with open(path, encoding="utf-8") as file:
            part = json.load(file)
        if merged is None:
            merged = part
        else:
            merged["benchmarks"] += part["benchmarks"]
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump(merged, file, indent=1)
        file.write("\n")
    cases = read_runs(merged["benchmarks"])
    if not cases:
        sys.exit("no benchmark matched the filter")
    tables = [(header, rows) for header, rows in
              (part(cases) for part in (machine, compared, steps, groups))
              if rows]
    print("\n\n".join("\n".join(columns(*table)) for table in tables))
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as file:
            file.write("\n\n".join("\n".join(markdown(*table))
                                   for table in tables) + "\n")
    spoilt = sum(is_busy(*row) for row in cases.items())
    if spoilt:
        print(f"\n{spoilt} rows of several threads do not count: other work "
              "took their processors away.")
    wrong = errors(cases)
    if wrong:
        sys.exit("failed:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
