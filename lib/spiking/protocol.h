#pragma once

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/spike_event.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier {

// One input event: neuron's v jumps by kick_mV at the end of step.
using Kick = SpikeEvent;

// Poisson drive of one neuron: in each step of [begin_ms, end_ms) a kick with
// probability rate_hz * dt, a function of (seed, trial, neuron) alone.
struct PoissonDrive {
  uint32_t neuron = 0;
  double rate_hz = 0;
  double begin_ms = 0;
  double end_ms = std::numeric_limits<double>::infinity();
};

enum class SilenceKind {
  kOutgoing,      // the out-edges have weight zero (as the published code does)
  kBoth,          // edges in and out have weight zero
  kTransmission,  // spikes are recorded but not sent
};

struct Silence {
  uint32_t neuron = 0;
  SilenceKind kind = SilenceKind::kOutgoing;
};

// What is done to the brain in one experiment.
struct Protocol {
  std::vector<PoissonDrive> drives;
  std::vector<Kick> kicks;  // exact list, any order; a repeated entry counts
  std::vector<Silence> silences;
  // Refractory time of single neurons; wins over the model's two values.
  std::vector<std::pair<uint32_t, double>> refractory_ms;
  // State before step 0; neurons not named start at rest.
  std::vector<std::pair<uint32_t, double>> v_init_mV;
  std::vector<std::pair<uint32_t, double>> g_init_mV;
  std::vector<uint32_t> record_voltage;  // neurons whose v and g are kept
};

// Throws std::invalid_argument naming the entry, what was found and the range:
// neuron out of range, rate not in [0, 1/dt], windows that run backwards.
RANVIER_API void CheckProtocol(const Protocol& protocol, size_t neurons,
                               double dt_ms);

}  // namespace ranvier
