#pragma once

#include <string>

#include <gtest/gtest.h>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/targets.h"
#include "ranvier/spiking/replay.h"

namespace ranvier::test {

// On every SIMD target of this machine, with 1, 2 and 7 threads: the recorded
// spikes, to the last one.
inline void ExpectIdenticalEverywhere(const Fixture& fixture) {
  for (const std::string& target : simd::SupportedTargets()) {
    ASSERT_TRUE(simd::ForceTarget(target));
    ASSERT_EQ(simd::RunningTarget(), target);
    for (const int threads : {1, 2, 7}) {
      Context ctx({.threads = threads});
      const ReplayResult result = Replay(ctx, fixture);
      EXPECT_TRUE(result.identical)
          << fixture.folder << " on " << target << " with " << threads
          << " threads: " << result.missing << " missing, " << result.extra
          << " extra";
      EXPECT_EQ(result.spikes_sha256, fixture.spikes_sha256);
    }
  }
  simd::ForceTarget("best");
}

}  // namespace ranvier::test
