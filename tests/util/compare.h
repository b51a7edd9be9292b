#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <type_traits>

#include <gtest/gtest.h>

namespace ranvier::test {

// |actual - expected| <= relative * |expected| + absolute. Derived, never
// tuned.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
  // A result of the opposite sign fails however small it is, and so does -0 for
  // 0. False where terms may cancel.
  bool sign_matters = true;
};

namespace internal {

inline bool Overlap(const void* a, size_t a_bytes, const void* b,
                    size_t b_bytes) {
  const auto* a8 = static_cast<const char*>(a);
  const auto* b8 = static_cast<const char*>(b);
  const std::less<const char*> less;
  return a_bytes != 0 && b_bytes != 0 && less(a8, b8 + b_bytes) &&
         less(b8, a8 + a_bytes);
}

// A result compared with itself is always right: that is no test.
inline testing::AssertionResult Comparable(const void* a, size_t a_size,
                                           size_t a_width, const void* b,
                                           size_t b_size, size_t b_width) {
  if (a_size != b_size) {
    return testing::AssertionFailure()
           << "sizes differ: actual " << a_size << ", expected " << b_size;
  }
  if (Overlap(a, a_size * a_width, b, b_size * b_width)) {
    return testing::AssertionFailure() << "actual and expected share storage";
  }
  return testing::AssertionSuccess();
}

}  // namespace internal

// One pair of numbers. NaN on either side fails; infinities must be the same.
inline testing::AssertionResult IsNear(double actual, double expected,
                                       const Tolerance& tolerance) {
  const auto fail = [&](const char* why) {
    return testing::AssertionFailure()
           << why << ": actual " << testing::PrintToString(actual)
           << ", expected " << testing::PrintToString(expected);
  };
  if (std::isnan(actual) || std::isnan(expected)) return fail("NaN");
  if (tolerance.sign_matters &&
      std::signbit(actual) != std::signbit(expected)) {
    return fail("wrong sign");
  }
  if (std::isinf(actual) || std::isinf(expected)) {
    return actual == expected ? testing::AssertionSuccess() : fail("infinity");
  }
  const double bound =
      tolerance.relative * std::abs(expected) + tolerance.absolute;
  const double error = std::abs(actual - expected);
  if (!(error <= bound)) {
    return fail("too far") << ", error " << error << " > " << bound;
  }
  return testing::AssertionSuccess();
}

// Element by element; the message names the first that differs.
template <typename A, typename E>
testing::AssertionResult AllNear(std::span<const A> actual,
                                 std::span<const E> expected,
                                 const Tolerance& tolerance) {
  if (auto result =
          internal::Comparable(actual.data(), actual.size(), sizeof(A),
                               expected.data(), expected.size(), sizeof(E));
      !result) {
    return result;
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    if (auto result = IsNear(static_cast<double>(actual[i]),
                             static_cast<double>(expected[i]), tolerance);
        !result) {
      return result << ", at " << i << " of " << actual.size();
    }
  }
  return testing::AssertionSuccess();
}

// The same bits: tells -0 from 0 and one NaN from another.
template <typename T>
testing::AssertionResult SameBits(std::span<const T> actual,
                                  std::span<const T> expected) {
  static_assert(std::has_unique_object_representations_v<T> ||
                std::is_floating_point_v<T>);
  if (auto result =
          internal::Comparable(actual.data(), actual.size(), sizeof(T),
                               expected.data(), expected.size(), sizeof(T));
      !result) {
    return result;
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::memcmp(&actual[i], &expected[i], sizeof(T)) != 0) {
      return testing::AssertionFailure()
             << "bits differ at " << i << " of " << actual.size() << ": actual "
             << testing::PrintToString(actual[i]) << ", expected "
             << testing::PrintToString(expected[i]);
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace ranvier::test
