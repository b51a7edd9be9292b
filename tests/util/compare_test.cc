#include "tests/util/compare.h"

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool Says(const testing::AssertionResult& result, const std::string& text) {
  return !result &&
         std::string(result.message()).find(text) != std::string::npos;
}

testing::AssertionResult Near(std::vector<float> actual,
                              std::vector<double> expected,
                              const Tolerance& tolerance) {
  return AllNear(std::span<const float>(actual),
                 std::span<const double>(expected), tolerance);
}

TEST(Compare, BoundIsRelativePlusAbsolute) {
  EXPECT_TRUE(IsNear(101, 100, {.relative = 0.01}));
  EXPECT_TRUE(Says(IsNear(101.001, 100, {.relative = 0.01}), "too far"));
  EXPECT_TRUE(IsNear(102, 100, {.relative = 0.01, .absolute = 1}));
  EXPECT_TRUE(Says(IsNear(98, 100, {.relative = 0.01}), "too far"));
  EXPECT_TRUE(IsNear(0.5, 0.5, {}));
  EXPECT_TRUE(Says(IsNear(0.5, std::nextafter(0.5, 1), {}), "too far"));
}

TEST(Compare, NanFails) {
  const Tolerance all = {.relative = kInfinity, .absolute = kInfinity};
  EXPECT_TRUE(Says(IsNear(kNan, 1, all), "NaN"));
  EXPECT_TRUE(Says(IsNear(1, kNan, all), "NaN"));
  EXPECT_TRUE(Says(IsNear(kNan, kNan, all), "NaN"));
  EXPECT_TRUE(Says(Near({1, 2, NAN}, {1, 2, 3}, {.absolute = 9}), "at 2 of 3"));
  // A tolerance that is NaN lets nothing through.
  EXPECT_TRUE(Says(IsNear(1, 1, {.absolute = kNan}), "too far"));
}

TEST(Compare, WrongSignFails) {
  EXPECT_TRUE(Says(IsNear(-1e-9, 1e-9, {.absolute = 1}), "wrong sign"));
  EXPECT_TRUE(Says(IsNear(-0.0, 0.0, {.absolute = 1}), "wrong sign"));
  EXPECT_TRUE(IsNear(-1e-9, 1e-9, {.absolute = 1, .sign_matters = false}));
  EXPECT_TRUE(
      Says(IsNear(-kInfinity, kInfinity, {.sign_matters = false}), "infinity"));
}

TEST(Compare, InfinitiesMustBeTheSame) {
  EXPECT_TRUE(IsNear(kInfinity, kInfinity, {}));
  EXPECT_TRUE(
      Says(IsNear(kInfinity, 1e300, {.absolute = kInfinity}), "infinity"));
  EXPECT_TRUE(Says(IsNear(1e300, kInfinity, {.relative = 1}), "infinity"));
}

TEST(Compare, SizesMustBeTheSame) {
  EXPECT_TRUE(Says(Near({1}, {1, 2}, {}), "sizes differ"));
  EXPECT_TRUE(Near({}, {}, {}));
}

TEST(Compare, SharedStorageFails) {
  const std::vector<double> x(8, 1.0);
  const std::span<const double> all(x);
  EXPECT_TRUE(Says(AllNear(all, all, {}), "share storage"));
  EXPECT_TRUE(Says(AllNear(all.first(5), all.last(5), {}), "share storage"));
  EXPECT_TRUE(AllNear(all.first(4), all.last(4), {}));  // only neighbours
  EXPECT_TRUE(Says(SameBits(all, all), "share storage"));
  EXPECT_TRUE(SameBits(all.first(0), all.first(0)));
}

TEST(Compare, SameBitsTellsZerosAndNansApart) {
  const std::vector<double> a = {1, 0.0, kNan};
  const std::vector<double> same = a;
  const std::vector<double> zero = {1, -0.0, kNan};
  const std::vector<double> nan = {1, 0.0, -kNan};
  const auto bits = [&](const std::vector<double>& b) {
    return SameBits(std::span(a), std::span(b));
  };
  EXPECT_TRUE(bits(same));
  EXPECT_TRUE(Says(bits(zero), "at 1 of 3"));
  EXPECT_TRUE(Says(bits(nan), "at 2 of 3"));
}

}  // namespace
}  // namespace ranvier::test
