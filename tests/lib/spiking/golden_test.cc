// Replays every recorded run of Brian2: the toys (one rule of the step
// semantics each), four real connectomes, and the full-size twin, on every SIMD
// target and for 1, 2 and 7 threads. Where a fixture has a trace of v and g,
// that too.

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "ranvier/io/connectome_file.h"
#include "ranvier/parallel/context.h"
#include "ranvier/spiking/replay.h"

#include "tests/lib/spiking/replay_everywhere.h"
#include "tests/util/shared_data.h"

namespace ranvier {
namespace {

using test::SharedData;

struct TraceRow {
  int64_t step = 0;
  uint32_t neuron = 0;
  double v_mV = 0, g_mV = 0;
};

// step,neuron,v,g in volt.
std::vector<TraceRow> ReadTrace(const std::filesystem::path& path) {
  std::vector<TraceRow> rows;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return rows;
  char line[256];
  gzgets(file, line, sizeof(line));
  while (gzgets(file, line, sizeof(line)) != nullptr) {
    long long step = 0;
    unsigned neuron = 0;
    double v = 0;
    double g = 0;
    if (std::sscanf(line, "%lld,%u,%lf,%lf", &step, &neuron, &v, &g) == 4) {
      rows.push_back({step, neuron, v * 1e3, g * 1e3});
    }
  }
  gzclose(file);
  return rows;
}

// Returns how many rows were compared.
size_t CompareTrace(Fixture fixture) {
  const std::vector<TraceRow> rows =
      ReadTrace(std::filesystem::path(fixture.folder) / "trace.csv.gz");
  for (uint32_t i = 0; i < fixture.connectome.neurons(); ++i) {
    fixture.protocol.record_voltage.push_back(i);
  }
  Context ctx({.threads = 1});
  Simulation simulation(ctx, fixture.connectome, fixture.model,
                        fixture.protocol);
  simulation.Run(fixture.steps);
  for (const TraceRow& row : rows) {
    const VoltageTrace& trace = simulation.traces()[row.neuron];
    const auto step = static_cast<size_t>(row.step);
    // Brian2 rounds once or twice a step, we at each arrival: at most a few
    // thousand roundings of numbers up to the drive or 70 mV.
    const double bound = 1e4 * 0x1.0p-53 * (70 + std::abs(row.g_mV));
    EXPECT_NEAR(trace.v_mV[step], row.v_mV, bound)
        << fixture.folder << " step " << row.step << " neuron " << row.neuron;
    EXPECT_NEAR(trace.g_mV[step], row.g_mV, bound)
        << fixture.folder << " step " << row.step << " neuron " << row.neuron;
    if (testing::Test::HasFailure()) break;
  }
  return rows.size();
}

TEST(Golden, ToysSpikesAndTraces) {
  const auto folder = SharedData("golden/toys");
  if (!folder) GTEST_SKIP() << "shared data not found: golden/toys";
  Context ctx({.threads = 1});
  size_t toys = 0;
  size_t rows = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const Fixture fixture = LoadFixture(ctx, entry.path().string());
    test::ExpectIdenticalEverywhere(fixture);
    rows += CompareTrace(fixture);
    ++toys;
  }
  EXPECT_EQ(toys, 21u);
  EXPECT_GT(rows, 50'000u);
}

class GoldenNetwork : public testing::TestWithParam<const char*> {};

TEST_P(GoldenNetwork, IdenticalSpikes) {
  const auto folder = SharedData(std::string("golden/") + GetParam());
  if (!folder) GTEST_SKIP() << "shared data not found: golden/" << GetParam();
  Context ctx({.threads = 1});
  test::ExpectIdenticalEverywhere(LoadFixture(ctx, folder->string()));
}

INSTANTIATE_TEST_SUITE_P(Recorded, GoldenNetwork,
                         testing::Values("larva_sparse", "larva_dense",
                                         "mb_sparse", "mb_dense",
                                         "flyvis_sparse"),
                         [](const auto& param_info) {
                           return std::string(param_info.param);
                         });

}  // namespace
}  // namespace ranvier
