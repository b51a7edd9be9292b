#include "ranvier/cli/help.h"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace ranvier::cli {
namespace {

// The options that every reader of a connectome file shares; stands where a
// page says @IMPORT.
constexpr char kImport[] =
    R"(Reading a connectome
  --format NAME            auto (default: by content, then by name), rvc (our
                           own binary), conn1, flyw, codex (FlyWire Codex CSV),
                           shiu (Connectivity CSV, needs --neurons), csv (any
                           edge list). Any CSV, and CONN1, may be gzipped.
  --neurons FILE           CSV whose first column is the list of neuron ids and
                           fixes their order (the Completeness file for shiu)
  --pre-column NAME        columns of an edge list; by default they are found
  --post-column NAME       among the usual names (pre, source, pre_root_id ...)
  --weight-column NAME
  --transmitter-column NAME  rows where it says GABA or GLUT become negative
  --where COLUMN=VALUE     CSV: only rows whose COLUMN holds VALUE
  --ids-are-indices        the ids of an edge list are 0 .. N-1
  --neuron-count N         how many neurons there are, where ids are indices
  --min-weight W           leave out pairs whose summed |weight| is below W
  --delay TIME             synaptic delay (default: the file's, else 1.8ms))";

constexpr char kMainHelp[] =
    R"(ranvier - neural computing on the CPU

Usage: ranvier COMMAND [OPTIONS]

Commands
  tour                     see what this machine does: a brain, matrix products,
                           activations, norms, losses, an optimiser
  simulate [FILE]          simulate a connectome, or without FILE the built-in
                           synthetic twin, and write spikes, rates and a report
  replay DIR...            run recorded experiments again and compare each spike
  connectome import        turn a connectome file into our fast binary format
  connectome stats         count neurons, connections, weights and degrees
  connectome synth         write the synthetic twin to a file
  info                     what this build and this machine can do

  --help                   this page; 'ranvier COMMAND --help' for each command
  --version                version and commit

Examples
  ranvier tour
  ranvier simulate
  ranvier connectome import connections.csv.gz brain.rvc
  ranvier simulate brain.rvc --excite file:sugar_neurons.txt@150 --trials 30

Environment
  RANVIER_NUM_THREADS      number of threads where --threads is not given; else
                           the affinity mask and the cgroup's quota decide
  RANVIER_TARGET           SIMD target, e.g. AVX2; see 'ranvier info'

Exit codes
  0    it worked (replay: all runs are identical)
  1    a file or the machine is wrong, or a replayed run differs
  2    the arguments or the environment are wrong; nothing was done
  130  stopped by Ctrl-C; what was reached has been written (143: by SIGTERM)
)";

constexpr char kSimulateHelp[] =
    R"(ranvier simulate - simulate a connectome of spiking neurons

Usage: ranvier simulate [FILE] [OPTIONS]

Leaky integrate-and-fire neurons with exponential synapses, stepped exactly as
Brian2 does it (Shiu et al. 2024), in double precision: the same spikes for any
number of threads and any SIMD target. FILE is a connectome in any format that
'ranvier connectome import' reads. Without FILE the synthetic twin of FlyWire
v783 is simulated (138,639 neurons, 15.1 M connections). It is not real wiring:
it is for speed, memory and exactness, never for biology. If nothing else is
asked for, its 21 feeding neurons are driven at 200 Hz for 1 s.

What is done to the network
  --excite WHAT[@RATE[:BEGIN-END]]
                           drive neurons with Poisson kicks at RATE Hz (200),
                           from BEGIN to END (the whole run). Repeatable.
  --silence WHAT[:KIND]    silence neurons. KIND is outgoing (default: their
                           outgoing connections are cut, as the published code
                           does), both (incoming ones too) or transmission
                           (they fire, but nobody hears it). Repeatable.
  --input FILE             exact list of kicks: CSV or CSV.gz with the columns
                           step and neuron (index) or id. The spikes.csv.gz of
                           another run is such a list.

  WHAT is a list with commas of neurons, file:PATH (a text file of ids) and
  sets: all, and for the twin feeding (21 neurons) and ignition (60 neurons that
  set off dense activity; RATE is 150 if not given). A driven neuron, and one in
  --input, has its own refractory time, --driven-refractory.

  --ids index|id           whether numbers on the command line and in id files
                           are indices or the file's own ids (default: ids where
                           the file has some)

The run
  --duration TIME          biological time of a trial (1s)
  --trials N               repetitions with other random numbers (1)
  --seed N                 seed of all random numbers (0)
  --threads N              threads (default: RANVIER_NUM_THREADS, then affinity
                           mask, then cgroup quota)
  --target NAME            SIMD target (default: RANVIER_TARGET, then the best)
  --estimate               print the memory and disk the run needs, and stop

  TIME is a number with us, ms, s or min behind it; without one it is ms.

The model, with the values of Shiu et al. 2024
  --dt TIME                step (0.1ms)
  --tau-m TIME             membrane time constant (20ms)
  --tau-s TIME             synaptic time constant (5ms)
  --v-rest MV              resting potential (-52)
  --v-reset MV             potential after a spike (-52)
  --v-threshold MV         a spike is fired strictly above it (-45)
  --refractory TIME        time without input after a spike (2.2ms)
  --driven-refractory TIME   of neurons that are driven (0)
  --w-syn MV               jump of g for each unit of weight (0.275)
  --kick MV                jump of v for each kick (68.75)

Output
  --out DIR                folder for the files (ranvier-out), made if needed:
      report.html          raster, population rate, histogram, top neurons
      spikes.csv.gz        trial,step,time_ms,neuron,id; neuron is the index
      spikes.npy           NumPy uint32 [spikes, 3]: trial, step, neuron
      rates.csv            id,index,mean_rate_hz,std_rate_hz,spikes of the
                           neurons that fired; std over trials
      run.json             the run's figures and settings
      voltage.csv          trial,step,time_ms,neuron,id,v_mV,g_mV at the end of
                           each step, with --voltage only
  --voltage WHAT           neurons whose voltage is recorded
  --json FILE              the content of run.json; - for standard output
  --no-report              leave out report.html
  -q, --quiet              print nothing but errors and notes
  -h, --help               this page

@IMPORT

Ctrl-C stops at the next step and writes what was reached; run.json then says
"complete": false. A second Ctrl-C stops at once. All files appear under their
name only when they are whole. wall_s in run.json is the time in the simulation
loop; loading, set-up and output are listed beside it. spikes_sha256 is that of
all spikes as little-endian u32 step, u32 neuron, trial after trial.

Examples
  ranvier simulate
      the twin's feeding experiment
  ranvier simulate --excite ignition@150:0-300ms --duration 500ms
      set off dense activity that goes on after the drive has ended
  ranvier simulate brain.rvc --excite 720575940624963786,720575940630233916@150
      drive two neurons by their FlyWire ids
  ranvier simulate brain.rvc --excite file:sugar.txt@200 --trials 30 \
                   --silence 720575940622695448:both --out silenced
      does the response survive without this neuron?
  ranvier simulate brain.rvc --ids index --input kicks.csv --json -
      an exact input, figures to standard output

Exit codes: 0 done, 1 file or machine wrong, 2 arguments wrong, 130 Ctrl-C.
)";

constexpr char kTourHelp[] =
    R"(ranvier tour - see what ranvier does on this machine, in under a minute

Usage: ranvier tour [OPTIONS]

First the experiment of 'ranvier simulate' without arguments: one second of the
synthetic twin of a fly's brain, its 21 feeding neurons driven at 200 Hz. Then
matrix products, squares and the layers of a network that answers 16 requests or
one, each of them in several ways:

  plain loop, f32          one number at a time on one thread: the baseline
  SIMD, f32                the kernels of the SIMD target, on one thread and on
                           all of them
  SIMD, bf16               operands of half the size, sums in f32
  SIMD, s8 x s8            8-bit integers with a scale, sums exact

Then exp, GELU, softmax, layer norm, cross-entropy with its gradient and a step
of AdamW, in f32, as a plain loop and with SIMD.

Everything is compared with the same in double precision before it is timed.
What is off by more than its bound is told and not timed.

  --threads N              threads (default: RANVIER_NUM_THREADS, then affinity
                           mask, then cgroup quota)
  --target NAME            SIMD target (default: RANVIER_TARGET, then the best)
  --seed N                 seed of all random numbers (0)
  --out DIR                folder for the files (ranvier-out): those of
                           'ranvier simulate'; report.html and run.json hold
                           what was timed too
  --json FILE              the content of run.json; - for standard output
  --no-report              leave out report.html
  -q, --quiet              print nothing but errors and notes
  -h, --help               this page

A product of M x N x K takes 2 M N K operations. For the others GB/s count what
must be moved: operands read once, results written once. Times are medians; an
error is the largest one, as a share of its bound. That of a product is
2 (K + 2) / 2^24 times the product of the absolute values; narrow operands are
rounded beforehand. The others' bounds are those of the headers in ranvier/ops.
Only GELU as a plain loop, x / 2 (1 + erf(x / sqrt(2))), which loses digits
below 0, is held to |x| / 2^22 instead.

Ctrl-C stops at the next step and writes what was reached; run.json then says
"complete": false. A second Ctrl-C stops at once.

Exit codes: 0 done, 1 a result or the machine is wrong, 2 arguments wrong,
130 Ctrl-C.
)";

constexpr char kReplayHelp[] =
    R"(ranvier replay - run recorded experiments again and compare each spike

Usage: ranvier replay DIR... [OPTIONS]

Each DIR holds params.json (model, graph, expected counts and SHA-256),
input.csv (step,neuron), spikes.csv.gz (what fired there) and often the graph
(graph.csv, or a CONN1 file that params.json names). Prints one line for each
folder, target and number of threads: identical, or the first difference and
the counts.

  --connectome FILE        use this graph in place of the one in params.json
  --threads N[,N...]       numbers of threads to run with
  --target NAME|all        SIMD target; all: every one that this machine runs
  -h, --help               this page

@IMPORT

Examples
  ranvier replay golden/toys/* golden/larva_sparse --threads 1,2,7 --target all
  ranvier replay twin783/sugar21_200Hz_1s --connectome twin783.conn1

Exit codes: 0 all identical, 1 some differ or cannot be read, 2 arguments
wrong, 130 Ctrl-C.
)";

constexpr char kConnectomeHelp[] =
    R"(ranvier connectome - read, write and measure connectome files

Usage: ranvier connectome import IN OUT.rvc [OPTIONS]
       ranvier connectome stats FILE [OPTIONS]
       ranvier connectome synth OUT.rvc [OPTIONS]

  import   read any format and write our own binary: versioned, checksummed,
           mapped into memory, loaded in a fraction of a second
  stats    neurons, connections, signs, weights, degrees
  synth    the synthetic twin of FlyWire v783, from a seed

'ranvier connectome COMMAND --help' tells more.
)";

constexpr char kConnectomeImportHelp[] =
    R"(ranvier connectome import - turn a connectome into our binary format

Usage: ranvier connectome import IN OUT.rvc [OPTIONS]

Reads IN, sums repeated pairs, checks everything and writes OUT. OUT appears
only when it is whole.

@IMPORT
  --threads N              threads
  -h, --help               this page

Examples
  ranvier connectome import connections.csv.gz brain.rvc
  ranvier connectome import Connectivity_783.csv brain.rvc \
                   --format shiu --neurons Completeness_783.csv
  ranvier connectome import edges.csv worm.rvc --format csv \
                   --pre-column from --post-column to --weight-column synapses

Exit codes: 0 done, 1 file wrong, 2 arguments wrong, 130 Ctrl-C.
)";

constexpr char kConnectomeStatsHelp[] =
    R"(ranvier connectome stats - measure a connectome file

Usage: ranvier connectome stats FILE [OPTIONS]

  --json                   print JSON
  -h, --help               this page

@IMPORT

Exit codes: 0 done, 1 file wrong, 2 arguments wrong, 130 Ctrl-C.
)";

constexpr char kConnectomeSynthHelp[] =
    R"(ranvier connectome synth - write the synthetic twin to a file

Usage: ranvier connectome synth OUT.rvc [OPTIONS]

A connectome of the size and shape of FlyWire v783, made from a seed: degrees,
counts, signs, a planted feeding pathway and an ignition core. It is not real
wiring. The same seed gives the same file on every machine.

  --seed N                 seed (783)
  --neurons N              neurons (138639), 2,000 to 4,000,000
  --edges N                connections (15091983), at least 8 for each neuron
  --threads N              threads
  -h, --help               this page

Exit codes: 0 done, 1 file wrong, 2 arguments wrong, 130 Ctrl-C.
)";

constexpr char kInfoHelp[] =
    R"(ranvier info - what this build and this machine can do

Usage: ranvier info [--json]

Version and commit, SIMD targets (compiled, supported, in use), threads and why
that many, caches, memory, GPU or why there is none.

  --json                   print JSON
  -h, --help               this page

Exit codes: 0 done, 2 arguments or environment wrong.
)";

constexpr std::pair<std::string_view, std::string_view> kPages[] = {
    {"", kMainHelp},
    {"tour", kTourHelp},
    {"simulate", kSimulateHelp},
    {"replay", kReplayHelp},
    {"connectome", kConnectomeHelp},
    {"connectome import", kConnectomeImportHelp},
    {"connectome stats", kConnectomeStatsHelp},
    {"connectome synth", kConnectomeSynthHelp},
    {"info", kInfoHelp},
};

}  // namespace

std::string HelpPage(const std::string& command) {
  for (const auto& [name, text] : kPages) {
    if (name != command) continue;
    std::string page(text);
    constexpr std::string_view kMark = "@IMPORT";
    const size_t mark = page.find(kMark);
    if (mark != std::string::npos) page.replace(mark, kMark.size(), kImport);
    return page;
  }
  throw std::logic_error("no help page for " + command);
}

}  // namespace ranvier::cli
