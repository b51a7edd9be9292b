#include "ranvier/parallel/spiking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ranvier/simd/base/check.h"
#include "ranvier/simd/lif.h"
#include "ranvier/simd/synapse.h"

namespace ranvier::parallel {
namespace {

constexpr double kRefractory = -std::numeric_limits<double>::infinity();

// Below this many neurons an owner's window is shorter than the exchange.
constexpr size_t kMinNeuronsPerOwner = 512;

// Four states share a cache line; owners do not.
constexpr uint32_t kOwnerAlignment = 4;

}  // namespace

SpikingEngine::SpikingEngine(Context& ctx, const SynapseView& synapses,
                             const LifParameters& parameters,
                             NeuronSettings settings)
    : ctx_(ctx),
      synapses_(synapses),
      frame_(parameters),
      settings_(std::move(settings)) {
  RANVIER_DCHECK(!synapses.row_ptr.empty());
  RANVIER_DCHECK(parameters.delay_steps >= 1);
  const size_t neurons = synapses.row_ptr.size() - 1;
  max_window_ = std::min(parameters.delay_steps, frame_.length());
  state_.assign(2 * neurons, 0.0);
  is_awake_.assign(neurons, 0);
  step_begin_.assign(static_cast<size_t>(parameters.delay_steps) + 1, 0);
  if (settings_.refractory_steps.empty()) {
    settings_.refractory_steps.assign(neurons, 0);
  }
  Partition(ctx.threads());
  if (!frame_.CanSleep()) {
    for (Owner& owner : owners_) {
      for (uint32_t i = owner.begin; i < owner.end; ++i) {
        WakeUnlessSilent(owner, i, 0);
      }
    }
  }
}

void SpikingEngine::Partition(int threads) {
  const size_t neurons = is_awake_.size();
  const std::span<const uint32_t> col = synapses_.col;
  const size_t count = std::clamp<size_t>(neurons / kMinNeuronsPerOwner, 1,
                                          static_cast<size_t>(threads));
  owners_.resize(count);

  // Equal work: arrivals are what costs, and in-degree foretells them. A sample
  // of the edges is enough.
  std::vector<uint32_t> arrivals;
  uint64_t total = neurons;
  if (count > 1) {
    constexpr size_t kSample = 8;
    arrivals.assign(neurons, 1);
    for (size_t e = 0; e < col.size(); e += kSample, ++total) {
      ++arrivals[col[e]];
    }
  }
  uint32_t begin = 0;
  uint64_t sum = 0;
  for (size_t o = 0; o < count; ++o) {
    uint32_t end = static_cast<uint32_t>(neurons);
    if (o + 1 < count) {
      end = begin;
      while (end < neurons && sum < total * (o + 1) / count) {
        sum += arrivals[end++];
      }
      const uint32_t aligned =
          (end + kOwnerAlignment - 1) / kOwnerAlignment * kOwnerAlignment;
      for (; end < std::min<uint32_t>(aligned, static_cast<uint32_t>(neurons));
           ++end) {
        sum += arrivals[end];
      }
    }
    owners_[o].begin = begin;
    owners_[o].end = end;
    begin = end;
  }

  int64_t longest = 0;
  for (const int32_t steps : settings_.refractory_steps) {
    longest = std::max<int64_t>(longest, steps);
  }
  split_.resize((count + 1) * neurons);
  ctx_.ParallelFor(count, [&](size_t o) {
    Owner& owner = owners_[o];
    owner.releases.resize(static_cast<size_t>(longest) + 2);
    for (size_t i = 0; i < neurons; ++i) {
      const uint64_t row_begin = synapses_.row_ptr[i];
      const uint64_t row_end = synapses_.row_ptr[i + 1];
      const auto first = col.begin() + static_cast<std::ptrdiff_t>(row_begin);
      const auto last = col.begin() + static_cast<std::ptrdiff_t>(row_end);
      split_[o * neurons + i] =
          o == 0
              ? row_begin
              : static_cast<uint64_t>(
                    std::lower_bound(first, last, owner.begin) - col.begin());
      if (o + 1 == count) split_[count * neurons + i] = row_end;
    }
  });
  for (size_t o = 0; o < count; ++o) {
    uint64_t longest_row = 0;
    for (size_t i = 0; i < neurons; ++i) {
      longest_row = std::max(
          longest_row, split_[(o + 1) * neurons + i] - split_[o * neurons + i]);
    }
    owners_[o].touched.resize(longest_row + 1);
  }
}

void SpikingEngine::SetState(uint32_t neuron, double u_mV, double g_mV) {
  RANVIER_DCHECK(now_ == 0);
  state_[2 * size_t{neuron}] = frame_.StateA(0, u_mV, g_mV);
  state_[2 * size_t{neuron} + 1] = frame_.StateB(0, g_mV);
  for (Owner& owner : owners_) {
    if (neuron >= owner.begin && neuron < owner.end) {
      WakeUnlessSilent(owner, neuron, 0);
    }
  }
}

void SpikingEngine::Probe(uint32_t neuron) { probes_.push_back({neuron, {}}); }

void SpikingEngine::RunWindow(int64_t count,
                              std::span<const SpikeEvent> kicks) {
  RANVIER_DCHECK(count >= 1 && count <= max_window_);
  const int64_t k = now_ - base_;
  const bool move = k + count > frame_.length();
  if (move) base_ = now_;
  ctx_.ParallelFor(owners_.size(), [&](size_t o) {
    if (move) MoveFrame(owners_[o], k);
    RunOwner(o, count, kicks);
  });
  Exchange(count);
}

void SpikingEngine::MoveFrame(Owner& owner, int64_t k) {
  const LifFrame::Move move = frame_.MoveTo(k);
  simd::RebaseState(move.aa, move.ab, move.bb,
                    state_.data() + 2 * size_t{owner.begin},
                    owner.end - owner.begin);
}

void SpikingEngine::RunOwner(size_t index, int64_t count,
                             std::span<const SpikeEvent> kicks) {
  Owner& owner = owners_[index];
  auto kick = kicks.begin();
  for (int64_t step = now_; step < now_ + count; ++step) {
    const int64_t before = step - base_;  // index of the state before this step
    const int64_t after = before + 1;
    Release(owner, step, before);
    Threshold(owner, step, after);
    std::visit(
        [&](const auto& weight) {
          Deliver(owner, index, step, after, weight.data());
        },
        synapses_.weight);

    const SpikeEvent first{static_cast<uint32_t>(step), owner.begin};
    kick = std::lower_bound(kick, kicks.end(), first);
    for (;
         kick != kicks.end() && kick->step == step && kick->neuron < owner.end;
         ++kick) {
      double& a = state_[2 * size_t{kick->neuron}];
      if (a == kRefractory) continue;  // refractory
      a += frame_.KickA(after);
      WakeIfNeeded(owner, kick->neuron, after);
    }
    for (ProbeRecord& probe : probes_) {
      if (probe.neuron >= owner.begin && probe.neuron < owner.end) {
        probe.trace.push_back(StateAt(probe.neuron, after));
      }
    }
  }
}

// Neurons whose refractory time is over start from the reset state, in which
// they stood still until the end of the step before.
void SpikingEngine::Release(Owner& owner, int64_t step, int64_t k) {
  std::vector<uint32_t>& due =
      owner.releases[static_cast<size_t>(step) % owner.releases.size()];
  const double reset = frame_.parameters().reset_mV;
  for (const uint32_t neuron : due) {
    state_[2 * size_t{neuron}] = frame_.StateA(k, reset, 0);
    state_[2 * size_t{neuron} + 1] = 0;
    WakeUnlessSilent(owner, neuron, k);
  }
  due.clear();
}

void SpikingEngine::Threshold(Owner& owner, int64_t step, int64_t k) {
  const size_t n = owner.awake.size();
  if (n == 0) return;
  owner.awake.resize(n + simd::kLifPadding);
  if (owner.spiking.size() < owner.awake.size()) {
    owner.spiking.resize(owner.awake.capacity());
    owner.silent.resize(owner.awake.capacity());
  }
  size_t spikes = 0;
  size_t silents = 0;
  const size_t kept = simd::StepAwake(
      frame_.At(k), state_.data(), owner.awake.data(), n, owner.spiking.data(),
      &spikes, owner.silent.data(), &silents);
  owner.awake.resize(kept);
  for (size_t i = 0; i < silents; ++i) is_awake_[owner.silent[i]] = 0;

  std::sort(owner.spiking.begin(),
            owner.spiking.begin() + static_cast<std::ptrdiff_t>(spikes));
  for (size_t i = 0; i < spikes; ++i) {
    const uint32_t neuron = static_cast<uint32_t>(owner.spiking[i]);
    is_awake_[neuron] = 0;
    state_[2 * size_t{neuron}] = kRefractory;
    state_[2 * size_t{neuron} + 1] = kRefractory;
    // What arrives in the spike's own step is dropped even without a
    // refractory time.
    const int64_t frozen =
        std::max<int64_t>(1, settings_.refractory_steps[neuron]);
    owner.releases[static_cast<size_t>(step + frozen) % owner.releases.size()]
        .push_back(neuron);
    owner.spikes.push_back({static_cast<uint32_t>(step), neuron});
  }
}

template <typename W>
void SpikingEngine::Deliver(Owner& owner, size_t index, int64_t step, int64_t k,
                            const W* weight) {
  const int64_t sent = step - frame_.parameters().delay_steps;
  if (sent < 0) return;
  const size_t neurons = is_awake_.size();
  const uint64_t* row_begin = split_.data() + index * neurons;
  const uint64_t* row_end = row_begin + neurons;
  const uint32_t* col = synapses_.col.data();
  const uint64_t end = StepBegin(sent + 1);
  const simd::RowUpdate update = frame_.ArrivalAt(k);
  for (uint64_t i = StepBegin(sent); i < end; ++i) {
    const uint32_t source = spikes_[i].neuron;
    if (!settings_.muted.empty() && settings_.muted[source] != 0) continue;
    if (i + 1 < end) {
      const uint64_t next = row_begin[spikes_[i + 1].neuron];
      __builtin_prefetch(col + next);
      __builtin_prefetch(weight + next);
    }
    const uint64_t begin = row_begin[source];
    const size_t n = row_end[source] - begin;
    owner.events += n;
    const size_t touched =
        simd::DeliverRow(update, col + begin, weight + begin, n, state_.data(),
                         owner.touched.data());
    for (size_t t = 0; t < touched; ++t) {
      WakeIfNeeded(owner, owner.touched[t], k);
    }
  }
}

void SpikingEngine::WakeIfNeeded(Owner& owner, uint32_t neuron, int64_t k) {
  if (is_awake_[neuron] == 0) WakeUnlessSilent(owner, neuron, k);
}

void SpikingEngine::WakeUnlessSilent(Owner& owner, uint32_t neuron, int64_t k) {
  const State state = StateAt(neuron, k);
  if (frame_.Silent(state.u_mV, state.g_mV)) return;
  is_awake_[neuron] = 1;
  owner.awake.push_back(neuron);
}

// Owners hold ascending ranges of neurons, so that taking them in turn keeps
// each step sorted by neuron.
void SpikingEngine::Exchange(int64_t count) {
  std::vector<size_t> next(owners_.size(), 0);
  for (int64_t step = now_; step < now_ + count; ++step) {
    for (size_t o = 0; o < owners_.size(); ++o) {
      const std::vector<SpikeEvent>& from = owners_[o].spikes;
      for (; next[o] < from.size() && from[next[o]].step == step; ++next[o]) {
        spikes_.push_back(from[next[o]]);
      }
    }
    StepBegin(step + 1) = spikes_.size();
  }
  for (Owner& owner : owners_) owner.spikes.clear();
  now_ += count;
}

uint64_t SpikingEngine::synaptic_events() const {
  uint64_t sum = 0;
  for (const Owner& owner : owners_) sum += owner.events;
  return sum;
}

SpikingEngine::State SpikingEngine::StateAt(uint32_t neuron, int64_t k) const {
  const double a = state_[2 * size_t{neuron}];
  const double b = state_[2 * size_t{neuron} + 1];
  if (a == kRefractory) return {frame_.parameters().reset_mV, 0};
  const simd::LifMoment moment = frame_.At(k);
  return {a * moment.x + b * moment.y, b * moment.z};
}

SpikingEngine::State SpikingEngine::StateOf(uint32_t neuron) const {
  return StateAt(neuron, now_ - base_);
}

}  // namespace ranvier::parallel
