#include "ranvier/spiking/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"
#include "ranvier/simd/targets.h"

#include "tests/lib/spiking/random_network.h"
#include "tests/reference/lif_reference.h"

namespace ranvier {
namespace {

using test::RandomKicks;
using test::RandomNetwork;
using test::SimulateReference;
using test::WeightKind;

Simulation RunAll(Context& ctx, const Connectome& connectome,
                  const LifModel& model, const Protocol& protocol,
                  int64_t steps) {
  Simulation simulation(ctx, connectome, model, protocol);
  EXPECT_EQ(simulation.Run(steps), steps);
  return simulation;
}

// One model that the engine must get right, with a network busy enough to mean
// something.
struct Case {
  std::string name;
  LifModel model;
  double delay_ms = 1.8;
  WeightKind weights = WeightKind::kCount16;
  uint32_t neurons = 3600;  // enough for seven owners
  uint32_t degree = 25;
  int64_t steps = 900;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, auto change) {
    Case c;
    c.name = name;
    change(c);
    cases.push_back(c);
  };
  add("fly", [](Case&) {});
  add("wide_counts", [](Case& c) { c.weights = WeightKind::kCount32; });
  add("real_weights", [](Case& c) { c.weights = WeightKind::kReal; });
  add("equal_time_constants", [](Case& c) { c.model.tau_s_ms = 20; });
  add("nearly_equal_time_constants",
      [](Case& c) { c.model.tau_s_ms = 20.0001; });
  add("slow_synapse", [](Case& c) { c.model.tau_s_ms = 45; });
  add("fast_synapse", [](Case& c) { c.model.tau_s_ms = 0.4; });
  add("ratio_three", [](Case& c) { c.model.tau_s_ms = 20.0 / 3; });
  add("reset_below_rest", [](Case& c) { c.model.v_reset_mV = -60; });
  add("reset_above_rest", [](Case& c) { c.model.v_reset_mV = -48; });
  add("rest_above_threshold", [](Case& c) {
    c.model.v_rest_mV = -44;
    c.neurons = 600;
  });
  add("rest_at_threshold", [](Case& c) { c.model.v_rest_mV = -45; });
  add("delay_of_one_step", [](Case& c) { c.delay_ms = 0.1; });
  add("delay_above_refractory", [](Case& c) { c.delay_ms = 3.3; });
  add("no_refractory_time", [](Case& c) { c.model.refractory_ms = 0; });
  add("long_refractory_time", [](Case& c) { c.model.refractory_ms = 20; });
  add("coarse_steps", [](Case& c) { c.model.dt_ms = 1; });
  // A frame of 1280 steps is moved twice.
  add("many_frames", [](Case& c) {
    c.model.tau_s_ms = 2;
    c.model.w_syn_mV = 0.6;
    c.neurons = 300;
    c.steps = 4000;
  });
  return cases;
}

class SimulationTest : public testing::TestWithParam<Case> {};

TEST_P(SimulationTest, SpikesEqualTheReference) {
  const Case& c = GetParam();
  const Connectome connectome =
      RandomNetwork(c.neurons, c.degree, c.weights, c.delay_ms, 11);
  Protocol protocol;
  protocol.kicks = RandomKicks(c.neurons, c.neurons / 20,
                               static_cast<uint32_t>(c.steps), 60, 12);
  protocol.record_voltage = {0, 1, c.neurons / 2, c.neurons - 1};
  for (const Kick& kick : protocol.kicks) {  // some that are driven
    if (protocol.record_voltage.size() == 8) break;
    protocol.record_voltage.push_back(kick.neuron);
  }
  const test::ReferenceResult expected =
      SimulateReference(connectome, c.model, protocol, c.steps);
  ASSERT_GT(expected.spikes.size(), 1000u) << "the network is too quiet";

  for (const std::string& target : simd::SupportedTargets()) {
    ASSERT_TRUE(simd::ForceTarget(target));
    ASSERT_EQ(simd::RunningTarget(), target);
    for (const int threads : {1, 2, 7}) {
      SCOPED_TRACE(target + ", " + std::to_string(threads) + " threads");
      Context ctx({.threads = threads});
      const Simulation simulation =
          RunAll(ctx, connectome, c.model, protocol, c.steps);
      ASSERT_EQ(simulation.spikes().size(), expected.spikes.size());
      ASSERT_TRUE(simulation.spikes() == expected.spikes);
      // State: a few hundred roundings of numbers up to the largest drive.
      ASSERT_EQ(simulation.traces().size(), expected.traces.size());
      for (size_t t = 0; t < expected.traces.size(); ++t) {
        const VoltageTrace& ours = simulation.traces()[t];
        const VoltageTrace& theirs = expected.traces[t];
        ASSERT_EQ(ours.v_mV.size(), theirs.v_mV.size());
        double scale = 1;
        for (size_t s = 0; s < theirs.v_mV.size(); ++s) {
          scale = std::max(
              {scale, std::abs(theirs.v_mV[s]), std::abs(theirs.g_mV[s])});
          const double bound = scale * 1e4 * 0x1.0p-53;
          ASSERT_NEAR(ours.v_mV[s], theirs.v_mV[s], bound) << "step " << s;
          ASSERT_NEAR(ours.g_mV[s], theirs.g_mV[s], bound) << "step " << s;
        }
      }
    }
  }
  simd::ForceTarget("best");
}

INSTANTIATE_TEST_SUITE_P(Models, SimulationTest, testing::ValuesIn(Cases()),
                         [](const auto& param_info) {
                           return param_info.param.name;
                         });

// Not only the spikes: every bit of the state.
TEST(Simulation, StateHasTheSameBitsForAnyThreadsTargetAndWindows) {
  const Connectome connectome =
      RandomNetwork(5000, 30, WeightKind::kCount16, 1.8, 3);
  Protocol protocol;
  protocol.kicks = RandomKicks(5000, 200, 2000, 80, 4);
  std::vector<double> v(5000), g(5000), v0(5000), g0(5000);
  bool first = true;
  for (const std::string& target : simd::SupportedTargets()) {
    ASSERT_TRUE(simd::ForceTarget(target));
    for (const int threads : {1, 2, 7}) {
      Context ctx({.threads = threads});
      Simulation simulation(ctx, connectome, LifModel(), protocol);
      // Odd portions cut the windows anew.
      for (int64_t left = 2000; left > 0;) {
        left -= simulation.Run(std::min<int64_t>(left, 100 * threads + 7));
      }
      simulation.ReadState(first ? v0 : v, first ? g0 : g);
      if (!first) {
        ASSERT_TRUE(v == v0) << target << " " << threads;
        ASSERT_TRUE(g == g0) << target << " " << threads;
      }
      first = false;
    }
  }
  simd::ForceTarget("best");
}

TEST(Simulation, ThreeKindsOfSilence) {
  const Connectome connectome =
      RandomNetwork(1500, 40, WeightKind::kCount16, 1.8, 21);
  Protocol protocol;
  protocol.kicks = RandomKicks(1500, 100, 1500, 50, 22);
  Context ctx({.threads = 2});
  std::vector<std::vector<Spike>> results;
  for (const SilenceKind kind : {SilenceKind::kOutgoing, SilenceKind::kBoth,
                                 SilenceKind::kTransmission}) {
    protocol.silences.clear();
    for (uint32_t i = 0; i < 400; ++i) {
      protocol.silences.push_back({i * 3, kind});
    }
    const test::ReferenceResult expected =
        SimulateReference(connectome, LifModel(), protocol, 1500);
    const Simulation simulation =
        RunAll(ctx, connectome, LifModel(), protocol, 1500);
    ASSERT_TRUE(simulation.spikes() == expected.spikes);
    results.push_back(expected.spikes);
  }
  protocol.silences.clear();
  EXPECT_NE(RunAll(ctx, connectome, LifModel(), protocol, 1500).spikes(),
            results[0]);
  EXPECT_NE(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);  // they differ in the edges, not here
}

TEST(Simulation, InitialStateAndOwnRefractoryTimes) {
  const Connectome connectome =
      RandomNetwork(800, 40, WeightKind::kCount16, 1.8, 31);
  Protocol protocol;
  for (uint32_t i = 0; i < 800; i += 2) {
    protocol.v_init_mV.push_back({i, -56.0 + 0.02 * i});
    protocol.g_init_mV.push_back({i + (i % 4) / 2, -20.0 + 0.3 * i});
    protocol.refractory_ms.push_back({i, 0.01 * i});
  }
  Context ctx({.threads = 2});
  const test::ReferenceResult expected =
      SimulateReference(connectome, LifModel(), protocol, 1200);
  ASSERT_GT(expected.spikes.size(), 500u);
  EXPECT_TRUE(RunAll(ctx, connectome, LifModel(), protocol, 1200).spikes() ==
              expected.spikes);
}

TEST(Simulation, PoissonDriveHasItsRateAndItsWindow) {
  ConnectomeParts parts;
  parts.row_ptr.assign(1001, 0);
  parts.weight = std::vector<int16_t>();
  const Connectome connectome{std::move(parts)};
  Protocol protocol;
  for (uint32_t i = 0; i < 1000; ++i) {
    protocol.drives.push_back({i, 150.0, 100.0, 600.0});
  }
  Context ctx({.threads = 1, .seed = 5});
  const Simulation simulation =
      RunAll(ctx, connectome, LifModel(), protocol, 10'000);
  // A kick fires the neuron one step later, and is lost in the very step of a
  // spike: rate p / (1 + p) per step.
  const double p = 150 * 1e-4;
  const double expected = 1000 * 5000 * p / (1 + p);
  EXPECT_NEAR(static_cast<double>(simulation.spikes().size()), expected,
              5 * std::sqrt(expected));
  EXPECT_GE(simulation.spikes().front().step, 1001u);
  EXPECT_LE(simulation.spikes().back().step, 6000u);
}

TEST(Simulation, TrialsAndSeedsDifferAndRepeat) {
  const Connectome connectome =
      RandomNetwork(600, 20, WeightKind::kCount16, 1.8, 41);
  Protocol protocol;
  for (uint32_t i = 0; i < 50; ++i) protocol.drives.push_back({i, 120.0});
  const auto run = [&](uint64_t seed, uint32_t trial, int threads) {
    Context ctx({.threads = threads, .seed = seed});
    Simulation simulation(ctx, connectome, LifModel(), protocol, trial);
    simulation.Run(3000);
    return simulation.spikes();
  };
  const std::vector<Spike> base = run(1, 0, 1);
  EXPECT_EQ(base, run(1, 0, 2));
  EXPECT_NE(base, run(1, 1, 1));
  EXPECT_NE(base, run(2, 0, 1));
}

TEST(Simulation, NoNeuronsNoStepsNoEdges) {
  Context ctx({.threads = 2});
  ConnectomeParts none;
  none.row_ptr = {0};
  none.weight = std::vector<int16_t>();
  Simulation empty(ctx, Connectome(std::move(none)), LifModel(), Protocol());
  EXPECT_EQ(empty.Run(100), 100);
  EXPECT_TRUE(empty.spikes().empty());
  EXPECT_EQ(empty.Run(0), 0);
  Simulation no_connectome(ctx, Connectome(), LifModel(), Protocol());
  EXPECT_EQ(no_connectome.Run(50), 50);
}

TEST(Simulation, CancelStopsBetweenWindowsAndKeepsWhatThereIs) {
  const Connectome connectome =
      RandomNetwork(600, 20, WeightKind::kCount16, 1.8, 41);
  Protocol protocol;
  for (uint32_t i = 0; i < 50; ++i) protocol.drives.push_back({i, 120.0});
  Context ctx({.threads = 2});
  double last = 0;
  ctx.SetProgress([&](double done) {
    EXPECT_GE(done, last);
    last = done;
    if (done > 0.5) ctx.Cancel();
  });
  Simulation simulation(ctx, connectome, LifModel(), protocol);
  const int64_t ran = simulation.Run(10'000);
  EXPECT_GT(ran, 5000);
  EXPECT_LT(ran, 6000);
  EXPECT_EQ(simulation.steps(), ran);
  EXPECT_LT(simulation.spikes().back().step, ran);
}

TEST(Simulation, BadArgumentsAreToldBeforeAnyWork) {
  const Connectome connectome =
      RandomNetwork(10, 2, WeightKind::kCount16, 1.8, 1);
  Context ctx({.threads = 1});
  const auto message = [&](auto change) -> std::string {
    LifModel model;
    Protocol protocol;
    change(model, protocol);
    try {
      Simulation simulation(ctx, connectome, model, protocol);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message([](LifModel&, Protocol&) {}), "");
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(
      has(message([&](LifModel& m, Protocol&) { m.dt_ms = nan; }), "dt_ms"));
  EXPECT_TRUE(
      has(message([](LifModel& m, Protocol&) { m.tau_m_ms = 0; }), "tau_m_ms"));
  EXPECT_TRUE(
      has(message([](LifModel& m, Protocol&) { m.dt_ms = 10; }), "delay"));
  EXPECT_TRUE(has(message([](LifModel& m, Protocol&) { m.refractory_ms = -1; }),
                  "refractory_ms"));
  EXPECT_TRUE(has(message([](LifModel&, Protocol& p) {
                    p.drives = {{10, 1.0}};
                  }),
                  "neuron 10"));
  EXPECT_TRUE(has(message([](LifModel&, Protocol& p) {
                    p.drives = {{1, -5.0}};
                  }),
                  "-5 Hz"));
  EXPECT_TRUE(has(message([](LifModel&, Protocol& p) {
                    p.drives = {{1, 10001.0}};
                  }),
                  "10001"));
  EXPECT_TRUE(has(message([](LifModel&, Protocol& p) {
                    p.drives = {{1, 5.0, 10.0, 5.0}};
                  }),
                  "10 ms to 5 ms"));
  EXPECT_TRUE(has(message([](LifModel&, Protocol& p) {
                    p.kicks = {{0, 99}};
                  }),
                  "kicks[0]"));
  EXPECT_TRUE(has(message([&](LifModel&, Protocol& p) {
                    p.v_init_mV = {{1, nan}};
                  }),
                  "v_init_mV[0]"));
  Simulation simulation(ctx, connectome, LifModel(), Protocol());
  EXPECT_THROW(simulation.Run(-1), std::invalid_argument);
  std::vector<double> nine(9), ten(10);
  EXPECT_THROW(simulation.ReadState(nine, ten), ShapeError);
}

TEST(SpikesSha256, OfNothingAndOfKnownBytes) {
  // sha256 of no bytes, and of the eight bytes 01 00 00 00 02 00 00 00.
  EXPECT_EQ(SpikesSha256({}),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const Spike one{1, 2};
  EXPECT_EQ(SpikesSha256({&one, 1}),
            "34fb5c825de7ca4aea6e712f19d439c1da0c92c37b423936c5f618545ca4fa1f");
}

TEST(LifModel, StepsAreCountedAsBrian2Does) {
  EXPECT_EQ(RefractorySteps(2.2, 0.1), 22);
  EXPECT_EQ(RefractorySteps(2.19, 0.1), 21);
  EXPECT_EQ(RefractorySteps(2.29, 0.1), 22);
  EXPECT_EQ(RefractorySteps(0, 0.1), 0);
  EXPECT_EQ(DelaySteps(1.8, 0.1), 18);
  EXPECT_EQ(DelaySteps(1.84, 0.1), 18);
  EXPECT_EQ(DelaySteps(1.86, 0.1), 19);
}

}  // namespace
}  // namespace ranvier
