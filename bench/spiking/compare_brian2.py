#!/usr/bin/env python3
"""Runs one experiment in Brian2 (C++ standalone) and in ranvier, in turn.

usage: compare_brian2.py RANVIER GRAPH.conn1 INPUT.csv STEPS [ROUNDS]

GRAPH is a plain CONN1 file, INPUT a list of kicks (step,neuron). Both sides
simulate STEPS steps of 0.1 ms with 1 and with all processors, ROUNDS times in
turn; prints the median real-time factor of the simulation loop of each and
whether the spikes are the same. Needs the Python packages brian2 and numpy.
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np


def read_conn1(path):
    data = np.fromfile(path, dtype=np.uint8)
    if data[:8].tobytes() != b"CONN1\0\0\0":
        sys.exit(f"{path} is not a plain CONN1 file: unpack it first")
    neurons, edges = (int(x) for x in data[8:16].view("<u4"))
    rest = data[16:]
    row_ptr = rest[: 4 * (neurons + 1)].view("<u4").astype(np.int64)
    rest = rest[4 * (neurons + 1):]
    target = rest[: 4 * edges].view("<u4")
    weight = rest[4 * edges: 8 * edges].view("<f4")
    source = np.repeat(np.arange(neurons), np.diff(row_ptr))
    # In double precision: a count times w_syn must not be rounded to a float.
    return neurons, source, target.astype(np.int64), weight.astype(np.float64)


def build_brian2(folder, graph, input_csv, steps, threads):
    """Builds the standalone program; returns a function that runs it."""
    import brian2 as b2
    from brian2 import mV, ms

    b2.device.reinit()
    b2.device.activate()
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0 if threads == 1 else threads
    b2.defaultclock.dt = 0.1 * ms
    neurons, source, target, weight = graph
    events = np.loadtxt(input_csv, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2)
    namespace = dict(v_0=-52 * mV, v_rst=-52 * mV, v_th=-45 * mV, t_mbr=20 * ms,
                     tau=5 * ms)
    group = b2.NeuronGroup(
        neurons,
        """dv/dt = (v_0 - v + g) / t_mbr : volt (unless refractory)
           dg/dt = -g / tau : volt (unless refractory)
           rfc : second""",
        method="linear", threshold="v > v_th", reset="v = v_rst; g = 0 * mV",
        refractory="rfc", namespace=namespace)
    group.v = -52 * mV
    driven = np.unique(events[:, 1])
    refractory = np.full(neurons, 2.2)
    refractory[driven] = 0
    group.rfc = refractory * ms
    synapses = b2.Synapses(group, group, "w : volt", on_pre="g += w", delay=1.8 * ms)
    synapses.connect(i=source, j=target)
    synapses.w = weight * 0.275 * mV
    index = np.searchsorted(driven, events[:, 1])
    generator = b2.SpikeGeneratorGroup(len(driven), index, events[:, 0] * 0.1 * ms)
    kicks = b2.Synapses(generator, group, on_pre="v += 68.75 * mV")
    kicks.connect(i=np.arange(len(driven)), j=driven)
    monitor = b2.SpikeMonitor(group)
    network = b2.Network(group, synapses, generator, kicks, monitor)
    network.run(steps * 0.1 * ms)
    b2.device.build(directory=folder, compile=True, run=False, with_output=False)

    def run():
        b2.device.run(folder, with_output=False, run_args=[])
        step = np.rint(np.asarray(monitor.t / (0.1 * ms))).astype(np.uint32)
        pairs = np.stack([step, np.asarray(monitor.i, dtype=np.uint32)], axis=1)
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        sha = hashlib.sha256(pairs.astype("<u4").tobytes()).hexdigest()
        return b2.device._last_run_time, sha

    return run


def run_ranvier(command, graph, input_csv, steps, threads):
    out = subprocess.run(
        [command, "simulate", graph, "--input", input_csv, "--duration",
         f"{steps / 10}ms", "--threads", str(threads), "--no-report", "--quiet",
         "--out", tempfile.mkdtemp(), "--json", "-"],
        check=True, capture_output=True, text=True).stdout
    figures = json.loads(out)
    return figures["wall_s"], figures["spikes_sha256"]


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    command, graph_path, input_csv, steps = *sys.argv[1:4], int(sys.argv[4])
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 3
    graph = read_conn1(graph_path)
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        brian2 = build_brian2(tempfile.mkdtemp(), graph, input_csv, steps, threads)
        times = {"brian2": [], "ranvier": []}
        shas = set()
        for _ in range(rounds):
            for name, run in (
                ("brian2", brian2),
                ("ranvier", lambda: run_ranvier(command, graph_path, input_csv,
                                                steps, threads))):
                seconds, sha = run()
                times[name].append(seconds)
                shas.add(sha)
        biological = steps * 1e-4
        factor = {k: biological / statistics.median(v) for k, v in times.items()}
        print(f"threads {threads}: ranvier {factor['ranvier']:.2f}x real time, "
              f"brian2 {factor['brian2']:.3f}x, ratio "
              f"{factor['ranvier'] / factor['brian2']:.0f}, spikes "
              f"{'identical' if len(shas) == 1 else 'DIFFER'}")


if __name__ == "__main__":
    main()
