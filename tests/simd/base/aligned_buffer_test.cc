#include "ranvier/simd/base/aligned_buffer.h"

#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

static_assert(!std::is_copy_constructible_v<AlignedBuffer<float>>);
static_assert(!std::is_copy_assignable_v<AlignedBuffer<float>>);
static_assert(std::is_nothrow_move_constructible_v<AlignedBuffer<float>>);

TEST(AlignedBuffer, Aligned) {
  for (const size_t n : {1, 2, 31, 32, 33, 127, 128, 129, 100'000}) {
    AlignedBuffer<uint8_t> bytes(n);
    AlignedBuffer<double> doubles(n);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % 128, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(doubles.data()) % 128, 0u);
    EXPECT_EQ(doubles.size(), n);
    doubles[0] = 1;
    doubles[n - 1] = 2;  // under ASan: it is ours up to the end
    EXPECT_EQ(std::as_const(doubles)[n - 1], 2);
  }
}

TEST(AlignedBuffer, Empty) {
  AlignedBuffer<int> none;
  AlignedBuffer<int> zero(0);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(zero.size(), 0u);
  EXPECT_EQ(zero.data(), nullptr);
  none = std::move(zero);
  EXPECT_EQ(none.data(), nullptr);
}

TEST(AlignedBuffer, Moves) {
  AlignedBuffer<int> a(3);
  int* data = a.data();
  AlignedBuffer<int> b(std::move(a));
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(b.size(), 3u);
  EXPECT_EQ(a.data(), nullptr);  // NOLINT(bugprone-use-after-move): promised
  EXPECT_EQ(a.size(), 0u);
  AlignedBuffer<int> c(5);
  c = std::move(b);
  EXPECT_EQ(c.data(), data);
  AlignedBuffer<int>& self = c;
  c = std::move(self);
  EXPECT_EQ(c.data(), data);
  EXPECT_EQ(c.size(), 3u);
}

TEST(AlignedBuffer, SizeThatOverflows) {
  constexpr size_t kMax = std::numeric_limits<size_t>::max();
  // Times eight this is 8 bytes, modulo 2^64.
  EXPECT_THROW(AlignedBuffer<double>(kMax / 8 + 2), std::bad_array_new_length);
  EXPECT_THROW(AlignedBuffer<double>{kMax}, std::bad_array_new_length);
}

}  // namespace
}  // namespace ranvier
