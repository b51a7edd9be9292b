#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ranvier/simd/targets.h"

namespace ranvier::test {

// Asks a kernel, not the setting.
inline testing::AssertionResult TargetRan(std::string_view wanted) {
  const std::string ran = simd::RunningTarget();
  if (ran == wanted) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "wanted SIMD target " << wanted << ", but " << ran << " ran";
}

// Runs each TEST_P on every target that this machine supports; fails if another
// one ran, before or after the body; puts back what was chosen.
//
//   using SumTest = test::TargetTest;
//   TEST_P(SumTest, Empty) { ... }
//   RANVIER_ON_EVERY_TARGET(SumTest);
class TargetTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = simd::CurrentTarget();
    ASSERT_TRUE(simd::ForceTarget(GetParam()));
    ASSERT_TRUE(TargetRan(GetParam()));
  }
  void TearDown() override {
    EXPECT_TRUE(TargetRan(GetParam()));
    EXPECT_TRUE(simd::ForceTarget(before_));
  }

 private:
  std::string before_;
};

}  // namespace ranvier::test

#define RANVIER_ON_EVERY_TARGET(Suite)                                       \
  INSTANTIATE_TEST_SUITE_P(                                                  \
      Target, Suite, testing::ValuesIn(::ranvier::simd::SupportedTargets()), \
      [](const auto& parameter) { return parameter.param; })
