#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/simulation.h"

namespace ranvier {

// One recorded run of another simulator: a folder with
//   params.json     model, graph, driven neurons, expected counts and SHA-256
//   graph.csv       pre,post,weight (repeated pairs add), or a CONN1 graph
//   input.csv       step,neuron: one kick each
//   spikes.csv[.gz] step,neuron: what fired there
struct Fixture {
  std::string folder;
  Connectome connectome;
  LifModel model;
  Protocol protocol;
  int64_t steps = 0;
  std::vector<Spike> expected;  // sorted by step, then neuron
  std::string spikes_sha256;
};

// `connectome` stands in for the graph that params.json names where it is not
// null; its delay is replaced by the recorded one.
//
// Throws  IoError: what is missing, malformed or contradicts itself, with the
//         file and the place.
RANVIER_API Fixture LoadFixture(Context& ctx, const std::string& folder,
                                const Connectome* connectome = nullptr);

// How a run of ours differs from the recorded one.
struct ReplayResult {
  bool complete = false;   // false: ctx was cancelled on the way
  bool identical = false;  // same spikes and same SHA-256
  size_t expected = 0, found = 0;
  size_t missing = 0;  // expected and not found
  size_t extra = 0;    // found and not expected
  Spike first;         // first difference, where there is one
  bool first_is_extra = false;
  std::string spikes_sha256;  // of what was found
  double wall_s = 0;
};

RANVIER_API ReplayResult Replay(Context& ctx, const Fixture& fixture);

// Both lists sorted by step, then neuron. Fills the counts and the first
// difference.
RANVIER_API ReplayResult CompareSpikes(std::span<const Spike> expected,
                                       std::span<const Spike> found);

}  // namespace ranvier
