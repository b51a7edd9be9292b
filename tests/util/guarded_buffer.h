#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <gtest/gtest.h>

#include "ranvier/simd/base/aligned_buffer.h"

namespace ranvier::test {

// n elements that end exactly at n, between canaries, and begin `offset`
// elements after an aligned address. Whoever writes outside is found out.
template <typename T>
class GuardedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit GuardedBuffer(size_t n, size_t offset = 0)
      : n_(n), before_(kGuard + offset), memory_(n + before_ + kGuard) {
    std::memset(static_cast<void*>(memory_.data()), kCanary,
                memory_.size() * sizeof(T));
  }

  T* data() { return memory_.data() + before_; }
  const T* data() const { return memory_.data() + before_; }
  size_t size() const { return n_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  std::span<T> span() { return {data(), n_}; }
  std::span<const T> span() const { return {data(), n_}; }

  testing::AssertionResult Intact() const {
    const auto* bytes = reinterpret_cast<const uint8_t*>(memory_.data());
    const size_t begin = before_ * sizeof(T);
    const size_t end = begin + n_ * sizeof(T);
    for (size_t i = 0; i < memory_.size() * sizeof(T); ++i) {
      if (i == begin) i = end;
      if (bytes[i] == kCanary) continue;
      return testing::AssertionFailure()
             << "written " << (i < begin ? begin - i : i - end + 1) << " bytes "
             << (i < begin ? "before" : "past the end of") << " " << n_
             << " elements";
    }
    return testing::AssertionSuccess();
  }

 private:
  static constexpr uint8_t kCanary = 0xC5;
  // More than the longest vector, of any element, in elements.
  static constexpr size_t kGuard = 2 * kAlignment;

  size_t n_;
  size_t before_;
  AlignedBuffer<T> memory_;
};

}  // namespace ranvier::test
