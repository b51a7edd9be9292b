#include "ranvier/ops/convert.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"

namespace ranvier {
namespace {

using test::GuardedBuffer;

template <class T>
T FromBits(uint32_t bits) {
  if constexpr (std::is_same_v<T, float>) {
    return std::bit_cast<float>(bits);
  } else {
    return T{static_cast<uint16_t>(bits >> 16)};
  }
}
template <class T>
uint32_t ToBits(T x) {
  if constexpr (std::is_same_v<T, float>) {
    return std::bit_cast<uint32_t>(x);
  } else {
    return x.bits;
  }
}

float Widened(float x) { return x; }
float Widened(bf16 x) { return ToFloat(x); }
float Widened(f16 x) { return ToFloat(x); }

template <class D, class S>
D Expected(S x) {
  if constexpr (std::is_same_v<S, D>) {
    return x;
  } else if constexpr (std::is_same_v<D, float>) {
    return Widened(x);
  } else if constexpr (std::is_same_v<D, bf16>) {
    return ToBf16(Widened(x));
  } else {
    return ToF16(Widened(x));
  }
}

// Where the elements of a matrix of rows x cols stand in a buffer.
struct Placement {
  size_t row_stride, col_stride;
  size_t Size(size_t rows, size_t cols) const {
    return rows == 0 || cols == 0
               ? 0
               : (rows - 1) * row_stride + (cols - 1) * col_stride + 1;
  }
};

std::vector<Placement> Placements(size_t rows, size_t cols) {
  if (rows * cols > 100'000) return {{cols, 1}, {1, rows}, {2 * cols + 1, 2}};
  return {{cols, 1},          // flat
          {cols + 3, 1},      // rows apart
          {1, rows},          // by column
          {1, rows + 2},      // by column, apart
          {2 * cols + 1, 2},  // gaps everywhere
          {3, 3 * rows + 1}};
}

constexpr std::pair<size_t, size_t> kShapes[] = {
    {0, 0},    {0, 5},    {5, 0},    {1, 1},      {3, 5},
    {1, 1300}, {1300, 1}, {70, 600}, {3, 70'000}, {2, 100'000}};

class ConvertOpsTest : public testing::Test {
 protected:
  std::mt19937 random_{17};
  Context one_{{.threads = 1, .seed = 5}};
  Context two_{{.threads = 2, .seed = 5}};
  Context seven_{{.threads = 7, .seed = 5}};

  // Every context and placement: convert(ctx, src, dst) gives expected(x, i).
  template <class S, class D, class F, class E>
  void Check(size_t rows, size_t cols, const F& convert, const E& expected) {
    std::vector<S> values(rows * cols);
    for (S& v : values) v = FromBits<S>(static_cast<uint32_t>(random_()));
    size_t turn = 0;
    for (const Placement& from : Placements(rows, cols)) {
      std::vector<S> in(from.Size(rows, cols));
      for (size_t i = 0; i < values.size(); ++i) {
        in[i / cols * from.row_stride + i % cols * from.col_stride] = values[i];
      }
      for (const Placement& to : Placements(rows, cols)) {
        SCOPED_TRACE(testing::Message()
                     << rows << " x " << cols << ", strides " << from.row_stride
                     << " " << from.col_stride << " to " << to.row_stride << " "
                     << to.col_stride);
        GuardedBuffer<D> out(to.Size(rows, cols), 1);
        std::vector<bool> written(out.size());
        const D untouched = FromBits<D>(0x7FA5A5A5u);
        std::fill_n(out.data(), out.size(), untouched);
        Context* contexts[] = {&one_, &two_, &seven_};
        Context& ctx = *contexts[turn++ % 3];
        convert(
            ctx,
            MatView<const S>(in.data(), rows, cols, from.row_stride,
                             from.col_stride),
            MatView<D>(out.data(), rows, cols, to.row_stride, to.col_stride));
        for (size_t i = 0; i < values.size(); ++i) {
          const size_t at = i / cols * to.row_stride + i % cols * to.col_stride;
          written[at] = true;
          ASSERT_EQ(ToBits(out[at]), ToBits(expected(values[i], i))) << i;
        }
        for (size_t i = 0; i < out.size(); ++i) {
          if (written[i]) continue;
          ASSERT_EQ(ToBits(out[i]), ToBits(untouched)) << i;
        }
        EXPECT_TRUE(out.Intact());
      }
    }
  }

  template <class S, class D>
  void CheckNearest() {
    for (const auto& [rows, cols] : kShapes) {
      Check<S, D>(
          rows, cols,
          [](Context& ctx, MatView<const S> src, MatView<D> dst) {
            Convert(ctx, src, dst);
          },
          [](S x, size_t) { return Expected<D>(x); });
    }
  }

  // The values are those of one call on all elements in a row.
  template <class D>
  void CheckStochastic() {
    for (const auto& [rows, cols] : kShapes) {
      std::vector<float> flat;
      std::vector<D> whole;
      std::mt19937 same = random_;
      for (size_t i = 0; i < rows * cols; ++i) {
        flat.push_back(std::bit_cast<float>(static_cast<uint32_t>(same())));
      }
      whole.resize(flat.size());
      ConvertStochastic(one_, VecView<const float>(flat.data(), flat.size()),
                        VecView<D>(whole.data(), whole.size()), 3, 9);
      Check<float, D>(
          rows, cols,
          [](Context& ctx, MatView<const float> src, MatView<D> dst) {
            ConvertStochastic(ctx, src, dst, 3, 9);
          },
          [&](float, size_t i) { return whole[i]; });
    }
  }
};

TEST_F(ConvertOpsTest, EveryPairOfTypes) {
  CheckNearest<float, float>();
  CheckNearest<float, bf16>();
  CheckNearest<float, f16>();
  CheckNearest<bf16, float>();
  CheckNearest<bf16, bf16>();
  CheckNearest<bf16, f16>();
  CheckNearest<f16, float>();
  CheckNearest<f16, bf16>();
  CheckNearest<f16, f16>();
}

TEST_F(ConvertOpsTest, StochasticDependsOnTheElementAlone) {
  CheckStochastic<bf16>();
  CheckStochastic<f16>();
}

// A part of a matrix is rounded as in the whole; another seed or stream draws
// other bits.
TEST_F(ConvertOpsTest, StochasticKeys) {
  const size_t n = 5000;
  const std::vector<float> x(n, 1 + 0x1.0p-9f);  // halfway in bf16
  const auto draw = [&](Context& ctx, uint64_t stream, size_t first) {
    std::vector<uint16_t> bits(n - first);
    std::vector<bf16> y(n - first);
    ConvertStochastic(ctx, VecView<const float>(x.data(), n - first),
                      VecView<bf16>(y.data(), n - first), stream, first);
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = y[i].bits;
    return bits;
  };
  const std::vector<uint16_t> whole = draw(one_, 1, 0);
  EXPECT_EQ(std::count(whole.begin(), whole.end(), 0x3F80) +
                std::count(whole.begin(), whole.end(), 0x3F81),
            static_cast<ptrdiff_t>(n));
  const std::vector<uint16_t> part = draw(one_, 1, 1234);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 1234));
  Context other_seed({.threads = 1, .seed = 6});
  EXPECT_NE(draw(other_seed, 1, 0), whole);
  EXPECT_NE(draw(one_, 2, 0), whole);
}

TEST_F(ConvertOpsTest, Vectors) {
  const std::vector<float> x = {1, -2, 99, 3, 99};
  std::vector<f16> y(6, f16{0});
  Convert(one_, VecView<const float>(x.data(), 2, 3),
          VecView<f16>(y.data(), 2, 5));
  EXPECT_EQ(y[0].bits, ToF16(1.0f).bits);
  EXPECT_EQ(y[5].bits, ToF16(3.0f).bits);
  EXPECT_EQ(y[1].bits, 0);
}

TEST_F(ConvertOpsTest, Checks) {
  std::vector<float> x(12);
  std::vector<bf16> y(12);
  std::vector<int8_t> q(12);
  const MatView<float> x34(x.data(), 3, 4);
  EXPECT_THROW(Convert(one_, x34, MatView<bf16>(y.data(), 4, 3)), ShapeError);
  EXPECT_THROW(Convert(one_, x34, MatView<int8_t>(q.data(), 3, 4)),
               std::invalid_argument);
  EXPECT_THROW(Convert(one_, MatView<int8_t>(q.data(), 3, 4), x34),
               std::invalid_argument);
  EXPECT_THROW(Convert(one_, x34, MatView<bf16>(y.data(), 3, 4, 0)),
               std::invalid_argument);
  EXPECT_THROW(Convert(one_, x34, MatView<bf16>(y.data(), 3, 4, 4, 0)),
               std::invalid_argument);
  EXPECT_THROW(ConvertStochastic(one_, x34, MatView<bf16>(y.data(), 4, 3), 0),
               ShapeError);
  EXPECT_THROW(ConvertStochastic(one_, x34, x34, 0), std::invalid_argument);
  // Read with stride 0: one number for all.
  const float half = 0.5f;
  Convert(one_, MatView<const float>(&half, 3, 4, 0, 0),
          MatView<bf16>(y.data(), 3, 4));
  EXPECT_EQ(ToFloat(y[11]), 0.5f);
}

}  // namespace
}  // namespace ranvier
