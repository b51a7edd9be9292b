// The three recorded Brian2 runs of the full-size twin.

#include <string>

#include <gtest/gtest.h>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/replay.h"

#include "tests/lib/spiking/connc16.h"
#include "tests/lib/spiking/replay_everywhere.h"
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
    test::ExpectIdenticalEverywhere(fixture);
  }
}

}  // namespace
}  // namespace ranvier
