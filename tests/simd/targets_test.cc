#include "ranvier/simd/targets.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier::simd {
namespace {

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(Targets, SupportedAreSomeOfTheCompiledInTheSameOrder) {
  const std::vector<std::string> compiled = CompiledTargets();
  const std::vector<std::string> supported = SupportedTargets();
  ASSERT_FALSE(supported.empty());
  auto at = compiled.begin();
  for (const std::string& name : supported) {
    at = std::find(at, compiled.end(), name);
    ASSERT_NE(at, compiled.end()) << name;
    ++at;
  }
  EXPECT_FALSE(Contains(compiled, "Unknown"));
}

// One binary for all machines: from the oldest to what this compiler knows.
TEST(Targets, CompiledForMoreThanThisMachine) {
#if defined(__x86_64__) && !defined(__SSE3__)
  for (const char* name :
       {"SSE2", "SSSE3", "SSE4", "AVX2", "AVX3", "AVX3_DL", "AVX3_ZEN4"}) {
    const bool disabled =
        std::string("|" RANVIER_DISABLED_TARGETS "|")
            .find("|HWY_" + std::string(name) + "|") != std::string::npos;
    EXPECT_NE(Contains(CompiledTargets(), name), disabled) << name;
  }
#elif defined(__aarch64__)
  EXPECT_TRUE(Contains(CompiledTargets(), "NEON") ||
              Contains(CompiledTargets(), "NEON_WITHOUT_AES"));
#else
  EXPECT_FALSE(CompiledTargets().empty());
#endif
}

#if defined(__x86_64__)
// The compiler's run-time library is the witness of what the processor has.
TEST(Targets, SupportedIsWhatTheProcessorHas) {
  __builtin_cpu_init();
  const std::vector<std::string> compiled = CompiledTargets();
  const std::vector<std::string> supported = SupportedTargets();
  if (Contains(compiled, "AVX2")) {
    const bool has = __builtin_cpu_supports("avx2") &&
                     __builtin_cpu_supports("fma") &&
                     __builtin_cpu_supports("bmi2");
    EXPECT_EQ(Contains(supported, "AVX2"), has);
  }
  if (Contains(compiled, "AVX3")) {
    const bool has = __builtin_cpu_supports("avx512f") &&
                     __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512dq");
    EXPECT_EQ(Contains(supported, "AVX3"), has);
  }
}
#endif

TEST(Targets, EachSupportedOneCanBeForced) {
  for (const std::string& name : SupportedTargets()) {
    ASSERT_TRUE(ForceTarget(name)) << name;
    EXPECT_EQ(RunningTarget(), name);
    EXPECT_EQ(CurrentTarget(), name);
  }
  ASSERT_TRUE(ForceTarget("best"));
  EXPECT_EQ(RunningTarget(), SupportedTargets().front());
}

TEST(Targets, AnUnknownOneChangesNothing) {
  const std::string worst = SupportedTargets().back();
  ASSERT_TRUE(ForceTarget(worst));
  for (const char* name : {"AVX9", "avx2", "SSE2 ", " ", "Unknown"}) {
    EXPECT_FALSE(ForceTarget(name)) << name;
    EXPECT_EQ(RunningTarget(), worst);
  }
  for (const std::string& name : CompiledTargets()) {
    if (!Contains(SupportedTargets(), name)) {
      EXPECT_FALSE(ForceTarget(name)) << "this machine lacks " << name;
    }
  }
  EXPECT_TRUE(ForceTarget(""));
  EXPECT_EQ(RunningTarget(), SupportedTargets().front());
}

}  // namespace
}  // namespace ranvier::simd
