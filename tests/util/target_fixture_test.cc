#include "tests/util/target_fixture.h"

#include <set>
#include <string>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace ranvier::test {
namespace {

std::set<std::string>& Seen() {
  static std::set<std::string> seen;
  return seen;
}

using FixtureTest = TargetTest;

TEST_P(FixtureTest, RunsOnItsTarget) {
  EXPECT_EQ(simd::RunningTarget(), GetParam());
  Seen().insert(GetParam());
}
RANVIER_ON_EVERY_TARGET(FixtureTest);

// A body that lets another target run is found out.
class StrayingTest : public TargetTest {
 protected:
  void TearDown() override {
    if (simd::RunningTarget() == GetParam()) {  // the machine has only one
      TargetTest::TearDown();
      return;
    }
    EXPECT_NONFATAL_FAILURE(TargetTest::TearDown(), "wanted SIMD target");
  }
};

TEST_P(StrayingTest, IsFoundOut) {
  for (const std::string& other : simd::SupportedTargets()) {
    if (other != GetParam()) {
      ASSERT_TRUE(simd::ForceTarget(other));
    }
  }
}
RANVIER_ON_EVERY_TARGET(StrayingTest);

TEST(TargetRanTest, TellsWhichRan) {
  EXPECT_TRUE(TargetRan(simd::RunningTarget()));
  EXPECT_NONFATAL_FAILURE(
      EXPECT_TRUE(TargetRan("SSE9")),
      "wanted SIMD target SSE9, but " + simd::RunningTarget() + " ran");
}

// Runs when all tests have: nothing is left out, nothing stays forced.
class WholeProgram : public testing::Environment {
 public:
  void SetUp() override { before_ = simd::CurrentTarget(); }
  void TearDown() override {
    EXPECT_EQ(simd::CurrentTarget(), before_);
    if (testing::GTEST_FLAG(filter) != "*") return;  // some were asked for
    EXPECT_EQ(Seen().size(), simd::SupportedTargets().size());
  }

 private:
  std::string before_;
};
const testing::Environment* const kWholeProgram =
    testing::AddGlobalTestEnvironment(new WholeProgram);

}  // namespace
}  // namespace ranvier::test
