#pragma once

#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/view.h"

#include "tests/util/target_fixture.h"

namespace ranvier::test {

inline constexpr double kU = 0x1.0p-24;
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// What the tests of losses share.
class LossFixture : public TargetTest {
 protected:
  std::mt19937 random_{31};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  float Real(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random_);
  }
  std::vector<float> Reals(size_t n, float low, float high) {
    std::vector<float> x(n);
    for (float& v : x) v = Real(low, high);
    return x;
  }
};

template <class T>
MatView<T> Mat(std::vector<T>& x, size_t rows, size_t cols) {
  return {x.data(), rows, cols};
}

}  // namespace ranvier::test
