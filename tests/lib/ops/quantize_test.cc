#include "ranvier/ops/quantize.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/reference/quantize_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"

namespace ranvier {
namespace {

using test::GuardedBuffer;
using test::ReferenceQuantization;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A matrix with strides in a buffer of its own, other values in between.
template <class T>
struct Matrix {
  Matrix(size_t rows, size_t cols, int placement)
      : rows_(rows), cols_(cols), placement_(placement), buffer_(Size(), 1) {
    std::fill_n(buffer_.data(), buffer_.size(), T{99});
  }
  size_t RowStride() const {
    return placement_ == 0   ? cols_
           : placement_ == 1 ? 1
           : placement_ == 2 ? cols_ + 3
                             : 2 * cols_ + 1;
  }
  size_t ColStride() const {
    return placement_ == 1 ? std::max<size_t>(rows_, 1)
                           : (placement_ == 3 ? 2 : 1);
  }
  size_t Size() const {
    return rows_ == 0 || cols_ == 0
               ? 0
               : (rows_ - 1) * RowStride() + (cols_ - 1) * ColStride() + 1;
  }
  MatView<T> view() {
    return {buffer_.data(), rows_, cols_, RowStride(), ColStride()};
  }
  // Nothing but the elements was written.
  testing::AssertionResult Intact() {
    const size_t elements = rows_ * cols_;
    size_t others = 0;
    for (size_t i = 0; i < buffer_.size(); ++i) others += buffer_[i] == T{99};
    for (size_t r = 0; r < rows_; ++r) {
      for (size_t c = 0; c < cols_; ++c) others -= view()(r, c) == T{99};
    }
    if (buffer_.size() - elements != others) {
      return testing::AssertionFailure() << "a gap was written to";
    }
    return buffer_.Intact();
  }

  size_t rows_, cols_;
  int placement_;
  GuardedBuffer<T> buffer_;
};

class QuantizeOpsTest : public testing::Test {
 protected:
  std::mt19937 random_{19};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  void Fill(MatView<float> x) {
    std::uniform_real_distribution<float> real(-1, 1);
    const float special[] = {kNan, kInfinity, -kInfinity, 0.0f};
    for (size_t r = 0; r < x.rows(); ++r) {
      // Rows and columns differ in size, and a row and a column are empty.
      for (size_t c = 0; c < x.cols(); ++c) {
        const float size = static_cast<float>((r % 7) * (c % 11));
        x(r, c) = random_() % 50 == 0 ? special[random_() % 4]
                                      : size * (real(random_) + 0.3f);
      }
    }
  }

  template <class Q>
  void Check(size_t rows, size_t cols, QuantLayout layout, bool affine,
             int placement) {
    SCOPED_TRACE(testing::Message()
                 << rows << " x " << cols << ", granularity "
                 << static_cast<int>(layout.granularity) << ", placement "
                 << placement << (affine ? ", affine" : ""));
    const bool is_unsigned = std::is_same_v<Q, uint8_t>;
    Matrix<float> x(rows, cols, placement);
    Fill(x.view());
    const size_t scale_rows = layout.ScaleRows(rows);
    const size_t scale_cols = layout.ScaleCols(cols);

    // By hand: the elements of each scale are gathered.
    std::vector<std::vector<float>> members(scale_rows * scale_cols);
    const auto scale_of = [&](size_t r, size_t c) {
      const size_t row = scale_rows == 1 ? 0 : r;
      size_t col = 0;
      if (layout.granularity == QuantGranularity::kColumn) col = c;
      if (layout.granularity == QuantGranularity::kGroup) {
        col = c / layout.group_size;
      }
      return row * scale_cols + col;
    };
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < cols; ++c) {
        members[scale_of(r, c)].push_back(x.view()(r, c));
      }
    }
    std::vector<ReferenceQuantization> expected;
    for (const std::vector<float>& some : members) {
      expected.push_back(affine ? test::AffineReference(some, is_unsigned)
                                : test::SymmetricReference(some, is_unsigned));
    }

    for (Context* ctx : {&one_, &two_, &seven_}) {
      Matrix<float> scale(scale_rows, scale_cols, 3 - placement);
      Matrix<int32_t> zero(affine ? scale_rows : 0, affine ? scale_cols : 0, 3);
      Matrix<Q> q(rows, cols, placement);
      Matrix<float> back(rows, cols, (placement + (rows > 50 ? 1 : 0)) % 4);
      FindScales(*ctx, x.view(), layout, kElementType<Q>, scale.view(),
                 zero.view());
      Quantize(*ctx, x.view(), layout, scale.view(), zero.view(), q.view());
      Dequantize(*ctx, q.view(), layout, scale.view(), zero.view(),
                 back.view());
      for (size_t i = 0; i < expected.size(); ++i) {
        const size_t r = i / scale_cols;
        const size_t c = i % scale_cols;
        ASSERT_EQ(scale.view()(r, c), expected[i].scale) << i;
        if (affine) {
          ASSERT_EQ(zero.view()(r, c), expected[i].zero_point) << i;
        }
      }
      for (size_t r = 0; r < rows; ++r) {
        for (size_t c = 0; c < cols; ++c) {
          const ReferenceQuantization& by = expected[scale_of(r, c)];
          const int32_t integer = test::QuantizeReference(x.view()(r, c), by);
          ASSERT_EQ(q.view()(r, c), integer) << r << ", " << c;
          ASSERT_EQ(back.view()(r, c), test::DequantizeReference(integer, by))
              << r << ", " << c;
        }
      }
      EXPECT_TRUE(scale.Intact());
      EXPECT_TRUE(zero.Intact());
      EXPECT_TRUE(q.Intact());
      EXPECT_TRUE(back.Intact());
    }
  }

  template <class Q>
  void CheckShape(size_t rows, size_t cols, int placement) {
    for (const QuantLayout layout :
         {QuantLayout::PerTensor(), QuantLayout::PerRow(),
          QuantLayout::PerColumn(), QuantLayout::PerGroup(32),
          QuantLayout::PerGroup(7), QuantLayout::PerGroup(1'000'000'000'000)}) {
      for (const bool affine : {false, true}) {
        Check<Q>(rows, cols, layout, affine, placement);
      }
    }
  }
};

TEST_F(QuantizeOpsTest, SmallShapes) {
  const std::pair<size_t, size_t> shapes[] = {{0, 0},  {0, 4},  {4, 0}, {1, 1},
                                              {1, 40}, {40, 1}, {9, 33}};
  for (const auto& [rows, cols] : shapes) {
    for (int placement = 0; placement < 4; ++placement) {
      CheckShape<int8_t>(rows, cols, placement);
      CheckShape<uint8_t>(rows, cols, placement);
    }
  }
}

// Larger than what one thread takes: long rows, many rows, columns over a slab.
TEST_F(QuantizeOpsTest, LargeShapes) {
  const std::pair<size_t, size_t> shapes[] = {
      {1, 100'001}, {100'001, 1}, {300, 517}, {3, 40'000}};
  for (const auto& [rows, cols] : shapes) {
    for (const int placement : {0, 1, 3}) {
      for (const QuantLayout layout :
           {QuantLayout::PerTensor(), QuantLayout::PerRow(),
            QuantLayout::PerColumn(), QuantLayout::PerGroup(32)}) {
        Check<int8_t>(rows, cols, layout, false, placement);
        Check<uint8_t>(rows, cols, layout, true, placement);
      }
    }
  }
}

TEST_F(QuantizeOpsTest, ScaleShapes) {
  EXPECT_EQ(QuantLayout::PerTensor().ScaleRows(5), 1u);
  EXPECT_EQ(QuantLayout::PerTensor().ScaleCols(9), 1u);
  EXPECT_EQ(QuantLayout::PerRow().ScaleRows(5), 5u);
  EXPECT_EQ(QuantLayout::PerRow().ScaleCols(9), 1u);
  EXPECT_EQ(QuantLayout::PerColumn().ScaleRows(5), 1u);
  EXPECT_EQ(QuantLayout::PerColumn().ScaleCols(9), 9u);
  EXPECT_EQ(QuantLayout::PerGroup(4).ScaleRows(5), 5u);
  EXPECT_EQ(QuantLayout::PerGroup(4).ScaleCols(8), 2u);
  EXPECT_EQ(QuantLayout::PerGroup(4).ScaleCols(9), 3u);
  EXPECT_EQ(QuantLayout::PerGroup(4).ScaleCols(0), 0u);
}

TEST_F(QuantizeOpsTest, Checks) {
  std::vector<float> x(12), scale(12, 1.0f);
  std::vector<int32_t> zero(12);
  std::vector<int8_t> q(12);
  const MatView<float> x34(x.data(), 3, 4);
  const MatView<int8_t> q34(q.data(), 3, 4);
  const MatView<float> one(scale.data(), 1, 1);
  const MatView<int32_t> zero1(zero.data(), 1, 1);
  const QuantLayout tensor;
  EXPECT_THROW(
      Quantize(one_, x34, tensor, one, {}, MatView<int8_t>(q.data(), 4, 3)),
      ShapeError);
  EXPECT_THROW(
      Quantize(one_, x34, tensor, MatView<float>(scale.data(), 3, 1), {}, q34),
      ShapeError);
  EXPECT_THROW(Quantize(one_, x34, QuantLayout::PerGroup(0),
                        MatView<float>(scale.data(), 3, 4), {}, q34),
               std::invalid_argument);
  EXPECT_THROW(Quantize(one_, x34, QuantLayout::PerRow(),
                        MatView<float>(scale.data(), 3, 1), zero1, q34),
               ShapeError);
  EXPECT_THROW(Quantize(one_, x34, tensor, one, {}, x34),
               std::invalid_argument);
  EXPECT_THROW(Dequantize(one_, x34, tensor, one, {}, x34),
               std::invalid_argument);
  EXPECT_THROW(FindScales(one_, x34, tensor, ElementType::kBf16, one),
               std::invalid_argument);
  EXPECT_THROW(Quantize(one_, x34, tensor, one, {},
                        MatView<int8_t>(q.data(), 3, 4, 0, 1)),
               std::invalid_argument);
  EXPECT_THROW(FindScales(one_, x34, QuantLayout::PerRow(), ElementType::kI8,
                          MatView<float>(scale.data(), 3, 1, 0)),
               std::invalid_argument);
  for (const float bad : {-1.0f, kNan, kInfinity}) {
    scale[0] = bad;
    EXPECT_THROW(Quantize(one_, x34, tensor, one, {}, q34),
                 std::invalid_argument);
    EXPECT_THROW(Dequantize(one_, q34, tensor, one, {}, x34),
                 std::invalid_argument);
  }
  scale[0] = 1;
  for (const int32_t bad : {-129, 128}) {
    zero[0] = bad;
    EXPECT_THROW(Quantize(one_, x34, tensor, one, zero1, q34),
                 std::invalid_argument);
  }
  try {
    Quantize(one_, x34, QuantLayout::PerColumn(), one, {}, q34);
    ADD_FAILURE() << "no exception";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "Quantize: x and q are [3, 4], so scale must be [1, 4]; it is "
                 "[1, 1]");
  }
}

}  // namespace
}  // namespace ranvier
