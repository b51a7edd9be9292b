#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/parallel/lif_frame.h"
#include "ranvier/simd/base/spike_event.h"

namespace ranvier::parallel {

// Compressed sparse rows by presynaptic neuron, columns ascending and not
// repeated within a row. A view: the arrays outlive the engine.
struct SynapseView {
  std::span<const uint64_t> row_ptr;  // [neurons + 1]
  std::span<const uint32_t> col;
  std::variant<std::span<const int16_t>, std::span<const int32_t>,
               std::span<const float>>
      weight;
};

// What differs between neurons; an empty vector stands for the default.
struct NeuronSettings {
  std::vector<int32_t> refractory_steps;  // [neurons]
  std::vector<uint8_t> muted;             // [neurons]: its spikes are not sent
};

// Event-driven simulation of leaky integrate-and-fire neurons, exact.
//
// Neurons sleep in a running frame (LifFrame) where an arrival is one addition
// to two numbers and time costs nothing. A neuron that may cross the threshold
// by itself is awake and looked at in every step until it fires or cannot.
// Whether a neuron is awake never changes its numbers, so neither does anything
// that decides it.
//
// Targets are split between owners, one task each. A spike needs delay_steps
// to arrive, so owners run that many steps without hearing from each other and
// then exchange spikes.
//
// Threads  Those of ctx. Each target has one owner, and adds up its arrivals
//          by step and presynaptic neuron: the same bits for any number of
//          owners and any SIMD target.
class SpikingEngine {
 public:
  // Shapes  synapses.row_ptr holds neurons + 1 entries; delay_steps >= 1.
  SpikingEngine(Context& ctx, const SynapseView& synapses,
                const LifParameters& parameters, NeuronSettings settings);

  // Before the first step: u (v - v_rest) and g of one neuron.
  void SetState(uint32_t neuron, double u_mV, double g_mV);
  // Before the first step: keeps u and g of this neuron for every step.
  void Probe(uint32_t neuron);

  // Runs one window of at most max_window() steps. Kicks are sorted and lie in
  // [steps(), steps() + count).
  void RunWindow(int64_t count, std::span<const SpikeEvent> kicks);
  int64_t max_window() const { return max_window_; }

  int64_t steps() const { return now_; }
  const std::vector<SpikeEvent>& spikes() const { return spikes_; }
  uint64_t synaptic_events() const;
  size_t owners() const { return owners_.size(); }

  // u and g of a neuron at the end of the last step.
  struct State {
    double u_mV = 0;
    double g_mV = 0;
  };
  State StateOf(uint32_t neuron) const;
  // One entry for each step run, in the order of the Probe calls.
  const std::vector<State>& ProbeTrace(size_t probe) const {
    return probes_[probe].trace;
  }

 private:
  struct Owner {
    uint32_t begin = 0, end = 0;  // neurons
    std::vector<uint64_t> awake;
    std::vector<uint64_t> spiking, silent;  // of the current step
    std::vector<uint32_t> touched;          // of the current row
    // Ring by step: neurons whose refractory time ends there.
    std::vector<std::vector<uint32_t>> releases;
    std::vector<SpikeEvent> spikes;  // of the current window
    uint64_t events = 0;
  };
  struct ProbeRecord {
    uint32_t neuron = 0;
    std::vector<State> trace;
  };

  void Partition(int threads);
  void MoveFrame(Owner& owner, int64_t k);
  void RunOwner(size_t index, int64_t count, std::span<const SpikeEvent> kicks);
  void Release(Owner& owner, int64_t step, int64_t k);
  void Threshold(Owner& owner, int64_t step, int64_t k);
  template <typename W>
  void Deliver(Owner& owner, size_t index, int64_t step, int64_t k,
               const W* weight);
  void WakeIfNeeded(Owner& owner, uint32_t neuron, int64_t k);
  void WakeUnlessSilent(Owner& owner, uint32_t neuron, int64_t k);
  void Exchange(int64_t count);
  State StateAt(uint32_t neuron, int64_t k) const;
  uint64_t& StepBegin(int64_t step) {
    return step_begin_[static_cast<size_t>(step) % step_begin_.size()];
  }

  Context& ctx_;
  SynapseView synapses_;
  LifFrame frame_;
  NeuronSettings settings_;
  int64_t max_window_ = 1;
  int64_t now_ = 0;   // next step
  int64_t base_ = 0;  // step at whose start the frame begins

  // {A, B} of each neuron; both -inf while it is refractory, which swallows
  // what arrives without a test.
  std::vector<double> state_;
  std::vector<uint8_t> is_awake_;
  std::vector<Owner> owners_;
  // Where owner o's part of row i begins: split_[o * neurons + i].
  std::vector<uint64_t> split_;

  std::vector<SpikeEvent> spikes_;
  // Ring: where a step's spikes begin in spikes_, for the delay_steps + 1 steps
  // whose spikes may still be on their way.
  std::vector<uint64_t> step_begin_;
  std::vector<ProbeRecord> probes_;
};

}  // namespace ranvier::parallel
