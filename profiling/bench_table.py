#!/usr/bin/env python3
"""Merges Google Benchmark JSON files and prints ours against the best peer.

usage: bench_table.py OUT.json IN.json...

A benchmark is named Op/element/shape/threads:N/who; those that differ in who
alone are compared. Of repetitions the median counts. The ratio is the time of
the best peer over ours: above 1 we are faster.
"""

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


def read_runs(benchmarks):
    """{case: {who: (median seconds, {counter: median}, error)}}"""
    samples = {}
    for run in benchmarks:
        if run.get("run_type") == "aggregate":
            continue
        case, who = split_name(run.get("run_name", run["name"]))
        samples.setdefault(case, {}).setdefault(who, []).append(run)
    cases = {}
    for case, by_who in samples.items():
        for who, runs in by_who.items():
            errors = [run["error_message"] for run in runs
                      if run.get("error_occurred")]
            if errors:
                cases.setdefault(case, {})[who] = (None, {}, errors[0])
                continue
            seconds = statistics.median(
                run["real_time"] * SECONDS[run["time_unit"]] for run in runs)
            counters = {
                key: statistics.median(run[key] for run in runs)
                for key, value in runs[0].items()
                if key not in OWN_FIELDS and isinstance(value, (int, float))
            }
            cases.setdefault(case, {})[who] = (seconds, counters, None)
    return cases


def show_seconds(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds / 1e-9:.4g} ns"


def table(cases):
    rows = [("benchmark", "ours", "best peer", "ratio", "counters of ours")]
    for case, by_who in cases.items():
        ours = by_who.get("ranvier")
        peers = [(result[0], who) for who, result in by_who.items()
                 if who != "ranvier" and result[0] is not None]
        best = min(peers) if peers else None
        if ours is None:
            mine, counters = "-", ""
        elif ours[2] is not None:
            mine, counters = "failed", ours[2]
        else:
            mine = show_seconds(ours[0])
            counters = " ".join(f"{key}={value:.4g}"
                                for key, value in ours[1].items())
        peer = f"{show_seconds(best[0])} {best[1]}" if best else "-"
        ratio = "-"
        if best and ours and ours[0]:
            ratio = f"{best[0] / ours[0]:.2f}"
        rows.append((case, mine, peer, ratio, counters))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        yield "  ".join([row[0].ljust(widths[0])] +
                        [row[i].rjust(widths[i]) for i in (1, 2, 3)] +
                        [row[4]]).rstrip()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    merged = None
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            part = json.load(file)
        if merged is None:
            merged = part
        else:
            merged["benchmarks"] += part["benchmarks"]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(merged, file, indent=1)
        file.write("\n")
    cases = read_runs(merged["benchmarks"])
    if not cases:
        sys.exit("no benchmark matched the filter")
    for line in table(cases):
        print(line)
    if any(result[2] for by_who in cases.values() for result in by_who.values()):
        sys.exit("a benchmark failed")


if __name__ == "__main__":
    main()
