#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include "ranvier/simd/base/check.h"
#include "ranvier/simd/base/export.h"

namespace ranvier {

// Two cache lines: the unit that x86 prefetches in, and a multiple of every
// vector. Buffers of different threads share none.
inline constexpr size_t kAlignment = 128;

namespace internal {
// Aligned to kAlignment. Large blocks are aligned to huge pages and ask the
// system for them: what is read in long strides then misses no address.
// Throws  std::bad_alloc.
RANVIER_API void* AllocateAligned(size_t bytes);
RANVIER_API void FreeAligned(void* data, size_t bytes) noexcept;
}  // namespace internal

// Owns n elements of aligned, uninitialised memory. Moves, does not copy.
//
// Throws  std::bad_array_new_length if n elements have more bytes than size_t
//         can say, std::bad_alloc.
template <typename T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t n) : size_(n) {
    if (n > std::numeric_limits<size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    if (n != 0) {
      data_ = static_cast<T*>(internal::AllocateAligned(n * sizeof(T)));
    }
  }
  ~AlignedBuffer() { internal::FreeAligned(data_, size_ * sizeof(T)); }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) {
    RANVIER_DCHECK(i < size_);
    return data_[i];
  }
  const T& operator[](size_t i) const {
    RANVIER_DCHECK(i < size_);
    return data_[i];
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace ranvier
