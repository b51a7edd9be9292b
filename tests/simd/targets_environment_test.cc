// What happens at the first look at the processor and the first dispatch of a
// process. Each test forks a child for it, and nothing but CompiledTargets is
// asked in the parent.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include "ranvier/simd/targets.h"

namespace ranvier::simd {
namespace {

// Ends the child; what was not as expected goes to the parent's log.
[[noreturn]] void Report(bool passed, const std::string& what) {
  if (!passed) std::fprintf(stderr, "%s\n", what.c_str());
  std::_Exit(passed ? 0 : 1);
}

// The place of a target among the supported ones, best first.
constexpr size_t kBest = 0;

[[noreturn]] void ExpectTarget(const char* environment, size_t place) {
  setenv("RANVIER_TARGET", environment, 1);
  const std::string error = TargetEnvironmentError();
  const std::string ran = RunningTarget();
  Report(ran == SupportedTargets()[place] && error.empty(),
         ran + " ran; error: " + error);
}

TEST(TargetsEnvironmentTest, NotSetMeansBest) {
  const auto not_set = [] {
    unsetenv("RANVIER_TARGET");
    Report(RunningTarget() == SupportedTargets()[kBest] &&
               TargetEnvironmentError().empty(),
           "not the best");
  };
  EXPECT_EXIT(not_set(), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ExpectTarget("", kBest), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ExpectTarget("best", kBest), testing::ExitedWithCode(0), "");
}

TEST(TargetsEnvironmentTest, EachSupportedOneIsFollowed) {
  for (size_t place = 0; place < CompiledTargets().size(); ++place) {
    const auto child = [place] {
      const std::vector<std::string> supported = SupportedTargets();
      if (place >= supported.size()) Report(true, "");
      ExpectTarget(supported[place].c_str(), place);
    };
    EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
  }
}

TEST(TargetsEnvironmentTest, AnUnknownOneIsAnErrorAndTheBestRuns) {
  const auto child = [] {
    setenv("RANVIER_TARGET", "AVX9", 1);
    const std::string error = TargetEnvironmentError();
    // What was asked, and all that is possible.
    bool passed = RunningTarget() == SupportedTargets()[kBest] &&
                  error.find("\"AVX9\"") != std::string::npos;
    for (const std::string& name : SupportedTargets()) {
      passed = passed && error.find(name) != std::string::npos;
    }
    Report(passed, RunningTarget() + " ran; error: " + error);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

TEST(TargetsEnvironmentTest, IsReadOnce) {
  const auto child = [] {
    unsetenv("RANVIER_TARGET");
    const std::string first = RunningTarget();
    setenv("RANVIER_TARGET", SupportedTargets().back().c_str(), 1);
    Report(RunningTarget() == first, "changed by a later environment");
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

// Highway's own choice belongs to the process: neither made nor lost by ours.
TEST(TargetsEnvironmentTest, HighwaysChoiceIsLeftAlone) {
  const auto not_made = [] {
    hwy::ChosenTarget& shared = hwy::GetChosenTarget();
    RunningTarget();
    ForceTarget(SupportedTargets().back());
    Report(!shared.IsInitialized(), "Highway was made to choose");
  };
  EXPECT_EXIT(not_made(), testing::ExitedWithCode(0), "");

  const auto kept = [] {
    hwy::ChosenTarget& shared = hwy::GetChosenTarget();
    const int64_t all = hwy::SupportedTargets();
    hwy::DisableTargets(all & -all);  // the best one
    shared.Update(hwy::SupportedTargets());
    const size_t index = shared.GetIndex();
    RunningTarget();
    ForceTarget(SupportedTargets().back());
    Report(shared.IsInitialized() && shared.GetIndex() == index,
           "a disabled target came back");
  };
  EXPECT_EXIT(kept(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ranvier::simd
