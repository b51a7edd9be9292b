// The three recorded Brian2 runs of the full-size twin.

#include <string>

#include <gtest/gtest.h>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/targets.h"
#include "ranvier/spiking/replay.h"

#include "tests/lib/spiking/connc16.h"
#include "tests/util/shared_data.h"

namespace ranvier {
namespace {

TEST(GoldenTwin, IdenticalSpikesOnEveryTargetForAnyThreads) {
  const auto folder = test::SharedData("twin783");
  if (!folder) GTEST_SKIP() << "shared data not found: twin783";
  const Connectome twin = test::ReadConnC16(*folder / "twin783.c16.zst");
  ASSERT_EQ(twin.neurons(), 138'639u);
  ASSERT_EQ(twin.edges(), 15'091'983u);
  for (const char* run :
       {"sugar21_200Hz_1s", "sugar21_200Hz_10s", "olfactory60_ignite_0p5s"}) {
    Context loading({.threads = 1});
    const Fixture fixture =
        LoadFixture(loading, (*folder / run).string(), &twin);
    for (const std::string& target : simd::SupportedTargets()) {
      ASSERT_TRUE(simd::ForceTarget(target));
      ASSERT_EQ(simd::RunningTarget(), target);
      for (const int threads : {1, 2, 7}) {
        Context ctx({.threads = threads});
        const ReplayResult result = Replay(ctx, fixture);
        EXPECT_TRUE(result.identical)
            << run << " on " << target << " with " << threads << " threads";
        EXPECT_EQ(result.spikes_sha256, fixture.spikes_sha256);
      }
    }
  }
  simd::ForceTarget("best");
}

}  // namespace
}  // namespace ranvier
