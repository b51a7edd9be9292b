// What happens at the first dispatch of a process. Each test forks a child for
// it, so nothing in this program may dispatch in the parent.

#include <cstdio>
#include <cstdlib>
#include <string>

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

void ExpectTarget(const char* environment, const std::string& target,
                  bool error) {
  if (environment == nullptr) {
    unsetenv("RANVIER_TARGET");
  } else {
    setenv("RANVIER_TARGET", environment, 1);
  }
  const std::string message = TargetEnvironmentError();
  const std::string ran = RunningTarget();
  bool passed = ran == target && message.empty() == !error;
  if (error) {  // what was asked, and all that is possible
    passed = passed && message.find(environment) != std::string::npos;
    for (const std::string& name : SupportedTargets()) {
      passed = passed && message.find(name) != std::string::npos;
    }
  }
  Report(passed, ran + " ran; error: " + message);
}

TEST(TargetsEnvironmentTest, NotSetMeansBest) {
  const std::string best = SupportedTargets().front();
  EXPECT_EXIT(ExpectTarget(nullptr, best, false), testing::ExitedWithCode(0),
              "");
  EXPECT_EXIT(ExpectTarget("", best, false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ExpectTarget("best", best, false), testing::ExitedWithCode(0),
              "");
}

TEST(TargetsEnvironmentTest, EachSupportedOneIsFollowed) {
  for (const std::string& name : SupportedTargets()) {
    EXPECT_EXIT(ExpectTarget(name.c_str(), name, false),
                testing::ExitedWithCode(0), "");
  }
}

TEST(TargetsEnvironmentTest, AnUnknownOneIsAnErrorAndTheBestRuns) {
  const std::string best = SupportedTargets().front();
  EXPECT_EXIT(ExpectTarget("AVX9", best, true), testing::ExitedWithCode(0), "");
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
    shared.DeInit();
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
