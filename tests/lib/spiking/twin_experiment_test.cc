// The two experiments that are planted into the synthetic twin, run with the
// production engine.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/lif_model.h"
#include "ranvier/spiking/protocol.h"
#include "ranvier/spiking/simulation.h"
#include "ranvier/spiking/twin.h"

namespace ranvier {
namespace {

constexpr int64_t kStepsPerSecond = 10000;

Protocol Drive(const std::vector<uint32_t>& neurons, double rate_hz,
               double end_ms) {
  Protocol protocol;
  for (uint32_t neuron : neurons) {
    protocol.drives.push_back({.neuron = neuron,
                               .rate_hz = rate_hz,
                               .begin_ms = 0,
                               .end_ms = end_ms});
  }
  return protocol;
}

// Of the spikes in steps [begin, end).
struct Activity {
  size_t active = 0;
  double spikes_per_s = 0;
};
Activity ActivityOf(const Simulation& simulation, size_t neurons, int64_t begin,
                    int64_t end) {
  std::vector<bool> fired(neurons);
  size_t spikes = 0;
  for (const auto& spike : simulation.spikes()) {
    if (spike.step < begin || spike.step >= end) continue;
    ++spikes;
    fired[spike.neuron] = true;
  }
  return {static_cast<size_t>(std::count(fired.begin(), fired.end(), true)),
          double(spikes) * kStepsPerSecond / double(end - begin)};
}

void ExpectFeedingResponse(const Activity& activity) {
  EXPECT_GE(activity.active, 350u);
  EXPECT_LE(activity.active, 450u);
  EXPECT_GE(activity.spikes_per_s, 15000);
  EXPECT_LE(activity.spikes_per_s, 18000);
}

TEST(TwinExperiment, FeedingAnswersAlikeInEveryTrial) {
  Context ctx({.threads = 2, .seed = 1});
  const Twin twin = MakeTwin(ctx);
  const Protocol protocol = Drive(twin.feeding, 200, 1000);
  for (uint32_t trial = 0; trial < 8; ++trial) {
    SCOPED_TRACE(trial);
    Simulation simulation(ctx, twin.connectome, LifModel{}, protocol, trial);
    ASSERT_EQ(simulation.Run(kStepsPerSecond), kStepsPerSecond);
    ExpectFeedingResponse(
        ActivityOf(simulation, twin.connectome.neurons(), 0, kStepsPerSecond));
  }
}

// Another seed is another brain with the same pathway.
TEST(TwinExperiment, FeedingAnswersAlikeInOtherTwins) {
  Context ctx({.threads = 2, .seed = 1});
  for (uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    const Twin twin = MakeTwin(ctx, {.seed = seed});
    Simulation simulation(ctx, twin.connectome, LifModel{},
                          Drive(twin.feeding, 200, 1000));
    simulation.Run(kStepsPerSecond);
    ExpectFeedingResponse(
        ActivityOf(simulation, twin.connectome.neurons(), 0, kStepsPerSecond));
  }
}

TEST(TwinExperiment, FeedingStaysConfinedAndEndsWithItsInput) {
  Context ctx({.threads = 2, .seed = 2});
  const Twin twin = MakeTwin(ctx);
  Simulation simulation(ctx, twin.connectome, LifModel{},
                        Drive(twin.feeding, 200, 10000));
  simulation.Run(11 * kStepsPerSecond);
  const size_t neurons = twin.connectome.neurons();
  for (int64_t second = 0; second < 10; ++second) {
    SCOPED_TRACE(second);
    ExpectFeedingResponse(ActivityOf(simulation, neurons,
                                     second * kStepsPerSecond,
                                     (second + 1) * kStepsPerSecond));
  }
  EXPECT_LE(ActivityOf(simulation, neurons, 0, 11 * kStepsPerSecond).active,
            450u);
  // 0.1 s is more than the pathway's depth in delays and time constants.
  EXPECT_EQ(ActivityOf(simulation, neurons, 10 * kStepsPerSecond + 1000,
                       11 * kStepsPerSecond)
                .active,
            0u);
}

TEST(TwinExperiment, IgnitionGoesOnAfterItsInput) {
  Context ctx({.threads = 2, .seed = 3});
  const Twin twin = MakeTwin(ctx);
  Simulation simulation(ctx, twin.connectome, LifModel{},
                        Drive(twin.ignition, 150, 300));
  simulation.Run(kStepsPerSecond);
  const size_t neurons = twin.connectome.neurons();
  // The input ends at step 3000.
  for (int64_t begin = 4000; begin < kStepsPerSecond; begin += 2000) {
    SCOPED_TRACE(begin);
    const Activity after = ActivityOf(simulation, neurons, begin, begin + 2000);
    EXPECT_GE(after.spikes_per_s, 450e3);
    EXPECT_LE(after.spikes_per_s, 700e3);
    EXPECT_GE(after.active, 8000u);
  }
  const Activity all = ActivityOf(simulation, neurons, 0, kStepsPerSecond);
  EXPECT_GE(all.active, 11000u);
  EXPECT_LE(all.active, 16000u);
}

TEST(TwinExperiment, SmallTwinsHaveBothCircuits) {
  Context ctx({.threads = 2, .seed = 4});
  for (const TwinOptions& options :
       std::vector<TwinOptions>{{.neurons = 2000, .edges = 16000},
                                {.neurons = 2000, .edges = 200000},
                                {.neurons = 10000, .edges = 500000},
                                {.neurons = 30000, .edges = 3000000}}) {
    SCOPED_TRACE(options.neurons);
    const Twin twin = MakeTwin(ctx, options);
    const size_t members = std::min<size_t>(400, options.neurons / 20);

    Simulation feeding(ctx, twin.connectome, LifModel{},
                       Drive(twin.feeding, 200, 1000));
    feeding.Run(kStepsPerSecond);
    const Activity response =
        ActivityOf(feeding, options.neurons, 0, kStepsPerSecond);
    EXPECT_GE(response.active, (21 + members) * 8 / 10);
    EXPECT_LE(response.active, (21 + members) * 12 / 10);

    Simulation ignition(ctx, twin.connectome, LifModel{},
                        Drive(twin.ignition, 150, 300));
    ignition.Run(kStepsPerSecond);
    const Activity after =
        ActivityOf(ignition, options.neurons, 8000, kStepsPerSecond);
    // Most of the core, 2.9 % of the neurons, keeps firing at 40 Hz or more.
    const double core = 0.0289 * double(options.neurons);
    EXPECT_GE(double(after.active), 0.8 * core);
    EXPECT_GE(after.spikes_per_s, 40 * core);
  }
}

}  // namespace
}  // namespace ranvier
