#include "ranvier/simd/base/view.h"

#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

static_assert(std::is_convertible_v<VecView<float>, VecView<const float>>);
static_assert(!std::is_constructible_v<VecView<float>, VecView<const float>>);
static_assert(std::is_convertible_v<MatView<float>, MatView<const float>>);
static_assert(!std::is_constructible_v<MatView<float>, MatView<const float>>);
static_assert(std::is_trivially_copyable_v<MatView<float>>);

std::vector<int> Numbers(size_t n) {
  std::vector<int> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(VecView, Empty) {
  const VecView<int> none;
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(none.contiguous());
  EXPECT_TRUE(none.Slice(0, 0).empty());
  EXPECT_TRUE(VecView<const int>(none).empty());
}

TEST(VecView, Strided) {
  std::vector<int> numbers = Numbers(10);
  const VecView<int> even(numbers.data(), 5, 2);
  EXPECT_FALSE(even.contiguous());
  EXPECT_EQ(even[4], 8);
  const VecView<const int> middle = even.Slice(1, 3);
  EXPECT_EQ(middle.size(), 3u);
  EXPECT_EQ(middle[0], 2);
  EXPECT_EQ(middle[2], 6);
  EXPECT_TRUE(even.Slice(5, 0).empty());
  even[1] = -1;
  EXPECT_EQ(middle[0], -1);
}

TEST(VecView, OfSpan) {
  std::vector<int> numbers = Numbers(3);
  const VecView<int> view = std::span(numbers);
  EXPECT_EQ(view.data(), numbers.data());
  EXPECT_EQ(view.size(), 3u);
  EXPECT_TRUE(view.contiguous());
}

TEST(MatView, RowsColumnsBlocks) {
  std::vector<int> numbers = Numbers(20);
  // Rows of 4 in a storage of 5 wide.
  const MatView<int> m(numbers.data(), 4, 4, 5);
  EXPECT_FALSE(m.contiguous());
  EXPECT_EQ(m(0, 0), 0);
  EXPECT_EQ(m(3, 3), 18);
  EXPECT_EQ(m.Row(2)[1], 11);
  EXPECT_TRUE(m.Row(2).contiguous());
  EXPECT_EQ(m.Col(1)[3], 16);
  EXPECT_EQ(m.Col(1).stride(), 5u);

  const MatView<const int> block = m.Block(1, 2, 3, 2);
  EXPECT_EQ(block.rows(), 3u);
  EXPECT_EQ(block.cols(), 2u);
  EXPECT_EQ(block(0, 0), 7);
  EXPECT_EQ(block(2, 1), 18);
  EXPECT_TRUE(m.Block(4, 4, 0, 0).empty());
}

TEST(MatView, Transposed) {
  std::vector<int> numbers = Numbers(6);
  const MatView<int> m(numbers.data(), 2, 3);
  EXPECT_TRUE(m.contiguous());
  const MatView<int> t = m.Transposed();
  EXPECT_FALSE(t.contiguous());
  EXPECT_EQ(t.rows(), 3u);
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < 3; ++j) EXPECT_EQ(&t(j, i), &m(i, j));
  }
  EXPECT_EQ(t.Transposed().row_stride(), m.row_stride());
  EXPECT_TRUE(t.Transposed().contiguous());
}

TEST(MatView, Empty) {
  EXPECT_TRUE(MatView<int>().empty());
  EXPECT_TRUE(MatView<int>(nullptr, 0, 7).contiguous());
  EXPECT_TRUE(MatView<int>(nullptr, 7, 0).Row(3).empty());
  EXPECT_TRUE(MatView<int>(nullptr, 0, 7).Col(3).empty());
}

// One row or one column of anything is a run if its own stride is 1.
TEST(MatView, ContiguousWithOneRowOrColumn) {
  std::vector<int> numbers = Numbers(20);
  EXPECT_TRUE(MatView<int>(numbers.data(), 1, 4, 17).contiguous());
  EXPECT_TRUE(MatView<int>(numbers.data(), 4, 1, 1, 9).contiguous());
  EXPECT_FALSE(MatView<int>(numbers.data(), 4, 1, 5).contiguous());
}

#ifndef NDEBUG
TEST(ViewDeathTest, ChecksInDebugBuilds) {
  std::vector<int> numbers = Numbers(4);
  const VecView<int> v(numbers.data(), 4);
  const MatView<int> m(numbers.data(), 2, 2);
  EXPECT_DEATH(v[4], "");
  EXPECT_DEATH(v.Slice(2, 3), "");
  EXPECT_DEATH(m(0, 2), "");
  EXPECT_DEATH(m.Block(1, 0, 2, 1), "");
  EXPECT_DEATH(VecView<int>(nullptr, 1), "");
}
#endif

}  // namespace
}  // namespace ranvier
