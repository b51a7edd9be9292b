#include "ranvier/ops/gemm_int8.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/reference/gemm_int8_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::GuardedBuffer;

enum class Layout { kRows, kColumns, kStrided };
constexpr Layout kLayouts[] = {Layout::kRows, Layout::kColumns,
                               Layout::kStrided};

// A matrix in a guarded buffer; what lies between its elements is `gap`.
template <typename T>
class Matrix {
 public:
  Matrix(size_t rows, size_t cols, Layout layout, T gap, size_t offset = 1)
      : gap_(gap),
        row_stride_(layout == Layout::kColumns ? 1
                    : layout == Layout::kRows  ? cols + 3
                                               : 2 * cols + 1),
        col_stride_(layout == Layout::kColumns   ? rows + 2
                    : layout == Layout::kStrided ? 2
                                                 : 1),
        buffer_(rows == 0 || cols == 0
                    ? 0
                    : (rows - 1) * row_stride_ + (cols - 1) * col_stride_ + 1,
                offset),
        view_(buffer_.data(), rows, cols, row_stride_, col_stride_) {
    std::fill_n(buffer_.data(), buffer_.size(), gap);
  }
  const MatView<T>& view() const { return view_; }
  testing::AssertionResult Intact() const {
    std::vector<bool> element(buffer_.size());
    for (size_t i = 0; i < view_.rows(); ++i) {
      for (size_t j = 0; j < view_.cols(); ++j) {
        element[i * row_stride_ + j * col_stride_] = true;
      }
    }
    for (size_t i = 0; i < buffer_.size(); ++i) {
      if (!element[i] && std::memcmp(&buffer_[i], &gap_, sizeof(T)) != 0) {
        return testing::AssertionFailure() << "gap written at " << i;
      }
    }
    return buffer_.Intact();
  }

 private:
  T gap_;
  size_t row_stride_, col_stride_;
  GuardedBuffer<T> buffer_;
  MatView<T> view_;
};

class GemmInt8Test : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  std::mt19937 random_{11};

  size_t Below(size_t n) { return random_() % n; }
  Layout AnyLayout() { return kLayouts[Below(3)]; }

  // Extreme elements are frequent: their pairs saturate 16 bits.
  template <typename T>
  void Fill(const MatView<T>& m) {
    for (size_t i = 0; i < m.rows(); ++i) {
      for (size_t j = 0; j < m.cols(); ++j) {
        const size_t kind = Below(6);
        m(i, j) = kind == 0   ? std::numeric_limits<T>::min()
                  : kind == 1 ? std::numeric_limits<T>::max()
                              : static_cast<T>(random_());
      }
    }
  }

  // Sums of one shape in random layouts, packed or not, with or without zero
  // points, against 64-bit integers.
  template <typename A>
  void CheckSums(size_t M, size_t N, size_t K) {
    Matrix<A> a(M, K, AnyLayout(), A{77});
    Matrix<int8_t> b(K, N, AnyLayout(), -99);
    Matrix<int32_t> c(M, N, AnyLayout(), 123456789);
    Fill(a.view());
    Fill(b.view());
    GemmInt8Options o;
    std::vector<int32_t> a_zero(Below(2) == 0 ? 1 : M);
    std::vector<int32_t> b_zero(Below(2) == 0 ? 1 : N);
    const int lowest = std::numeric_limits<A>::min();
    for (int32_t& z : a_zero) z = static_cast<int>(Below(256)) + lowest;
    for (int32_t& z : b_zero) z = static_cast<int>(Below(256)) - 128;
    if (Below(2) == 0) o.a_zero = {a_zero.data(), a_zero.size()};
    if (Below(2) == 0) o.b_zero = {b_zero.data(), b_zero.size()};
    const bool packed = Below(2) == 0;
    SCOPED_TRACE(testing::Message()
                 << M << " x " << N << " x " << K << ", a "
                 << Name(kElementType<A>) << ", a zeros " << o.a_zero.size()
                 << ", b zeros " << o.b_zero.size()
                 << (packed ? ", packed" : ""));
    if (packed) {
      GemmInt8(ctx_, a.view(), PackedMatrix(ctx_, b.view()), c.view(), o);
    } else {
      GemmInt8(ctx_, a.view(), b.view(), c.view(), o);
    }
    for (size_t i = 0; i < M; ++i) {
      for (size_t j = 0; j < N; ++j) {
        ASSERT_EQ(c.view()(i, j), static_cast<int32_t>(test::Int8Sum(
                                      a.view(), b.view(), o, i, j)))
            << i << ", " << j;
      }
    }
    ASSERT_TRUE(c.Intact());
    ASSERT_TRUE(a.Intact());
    ASSERT_TRUE(b.Intact());
  }
};

TEST_P(GemmInt8Test, SumsOfAllSmallShapes) {
  // Around register tiles of 6 and 12 rows, vectors of 4, 8 and 16 columns,
  // several panels at once, and quads.
  for (size_t M : {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 25}) {
    for (size_t N : {1, 4, 7, 8, 9, 16, 17, 31, 32, 33, 65, 130}) {
      for (size_t K : {1, 2, 3, 4, 5, 8, 15, 67}) {
        CheckSums<uint8_t>(M, N, K);
        CheckSums<int8_t>(M, N, K);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(GemmInt8Test, SumsOfManyRowsAndAlongK) {
  CheckSums<uint8_t>(200, 70, 1999);  // K in pieces, B packed beforehand
  CheckSums<int8_t>(201, 33, 1601);
  CheckSums<uint8_t>(17, 45, 9001);  // K in pieces, B packed where it is used
  CheckSums<int8_t>(30, 19, 4100);
  CheckSums<uint8_t>(1, 300, 3000);
  CheckSums<int8_t>(3, 300, 3001);
  CheckSums<uint8_t>(400, 1, 30);
}

TEST_P(GemmInt8Test, ExtremesAreExactAsFarAsTheyFit) {
  struct Case {
    int a;
    int b;
    bool is_unsigned;
    size_t K;
  };
  // The longest sum that fits; one longer wraps, as 64 bits cut to 32 do.
  const Case cases[] = {
      {255, -128, true, 65793},    {255, -128, true, 65794},
      {255, 127, true, 66312},     {255, 127, true, 66313},
      {-128, -128, false, 131071}, {-128, -128, false, 131072},
      {-128, 127, false, 1000},    {127, 127, false, 1000},
      {0, -128, true, 1000},
  };
  for (const Case& t : cases) {
    SCOPED_TRACE(testing::Message() << t.a << " x " << t.b << ", " << t.K);
    constexpr size_t kRows = 2, kCols = 3;
    std::vector<uint8_t> a(kRows * t.K, static_cast<uint8_t>(t.a));
    std::vector<int8_t> b(kCols * t.K, static_cast<int8_t>(t.b));
    std::vector<int32_t> c(kRows * kCols);
    const ConstAnyMatView a_view(
        a.data(), t.is_unsigned ? ElementType::kU8 : ElementType::kI8, kRows,
        t.K, t.K);
    GemmInt8(ctx_, a_view, MatView<const int8_t>(b.data(), t.K, kCols),
             MatView<int32_t>(c.data(), kRows, kCols));
    const int64_t expected = int64_t{t.a} * t.b * static_cast<int64_t>(t.K);
    for (int32_t x : c) ASSERT_EQ(x, static_cast<int32_t>(expected));
  }
}

TEST_P(GemmInt8Test, NothingToAddUp) {
  std::vector<int32_t> c(6, 7);
  GemmInt8(ctx_, MatView<const uint8_t>(nullptr, 2, 0),
           MatView<const int8_t>(nullptr, 0, 3),
           MatView<int32_t>(c.data(), 2, 3));
  for (int32_t x : c) EXPECT_EQ(x, 0);
  const PackedMatrix empty(ctx_, MatView<const int8_t>(nullptr, 0, 3));
  std::vector<float> y(6, 7.0f);
  const float bias[] = {-1, 2, 3};
  const int32_t zeros[] = {5, 6, 7};
  GemmInt8Options o;
  o.bias = {bias, 3};
  o.b_zero = {zeros, 3};
  o.activation = Activation::kRelu;
  GemmInt8(ctx_, MatView<const uint8_t>(nullptr, 2, 0), empty,
           MatView<float>(y.data(), 2, 3), o);
  const std::vector<float> expected{0, 2, 3, 0, 2, 3};
  EXPECT_EQ(y, expected);
  // No rows, no columns.
  GemmInt8(ctx_, MatView<const uint8_t>(nullptr, 0, 2),
           MatView<const int8_t>(nullptr, 2, 0),
           MatView<int32_t>(nullptr, 0, 0));
}

// In double, from the definition.
double Apply(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kGelu:
      return x * std::erfc(-x / std::numbers::sqrt2) / 2;
    case Activation::kGeluTanh:
      return x / (1 + std::exp(-2 * std::sqrt(2 / std::numbers::pi) *
                               (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
  }
  return 0;
}

// A product with every option, whose y lies mostly in [-8, 8].
struct ScaledCase {
  size_t M = 14, N = 37, K = 50;
  Matrix<uint8_t> a{M, K, Layout::kRows, 3};
  Matrix<int8_t> b{K, N, Layout::kColumns, 3};
  std::vector<int32_t> a_zero, b_zero;
  std::vector<float> a_scale, b_scale, bias;
  GemmInt8Options options;

  explicit ScaledCase(std::mt19937& random) {
    const auto real = [&](float low, float high) {
      return std::uniform_real_distribution<float>(low, high)(random);
    };
    for (size_t i = 0; i < M; ++i) {
      a_zero.push_back(static_cast<int>(random() % 256));
      a_scale.push_back(real(0.01f, 0.03f));
    }
    for (size_t j = 0; j < N; ++j) {
      b_zero.push_back(static_cast<int>(random() % 256) - 128);
      b_scale.push_back(real(0.001f, 0.003f));
      for (float x : {real(-1, 1), 1e9f}) bias.push_back(x);  // stride 2
    }
    options.a_zero = {a_zero.data(), M};
    options.b_zero = {b_zero.data(), N};
    options.a_scale = {a_scale.data(), M};
    options.b_scale = {b_scale.data(), N};
    options.bias = {bias.data(), N, 2};
  }
  // What y is before the activation, and how far from it ours may be.
  double Exact(size_t i, size_t j, double* error) const {
    const int64_t sum = test::Int8Sum(a.view(), b.view(), options, i, j);
    const double scaled = test::Int8Scaled(sum, options, i, j);
    const double offset = test::Int8Bias(options, j);
    *error = std::ldexp(std::abs(scaled) + std::abs(offset), -22);
    return scaled + offset;
  }
};

TEST_P(GemmInt8Test, ScalesBiasAndActivation) {
  ScaledCase s(random_);
  Fill(s.a.view());
  Fill(s.b.view());
  for (Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kGelu,
        Activation::kGeluTanh, Activation::kSilu, Activation::kSigmoid,
        Activation::kTanh}) {
    SCOPED_TRACE(static_cast<int>(activation));
    s.options.activation = activation;
    for (Layout layout : kLayouts) {
      Matrix<float> c(s.M, s.N, layout, -5.0f);
      Matrix<bf16> c_bf16(s.M, s.N, layout, bf16{77});
      Matrix<f16> c_f16(s.M, s.N, layout, f16{77});
      GemmInt8(ctx_, s.a.view(), s.b.view(), c.view(), s.options);
      GemmInt8(ctx_, s.a.view(), PackedMatrix(ctx_, s.b.view()), c_bf16.view(),
               s.options);
      GemmInt8(ctx_, s.a.view(), s.b.view(), c_f16.view(), s.options);
      for (size_t i = 0; i < s.M; ++i) {
        for (size_t j = 0; j < s.N; ++j) {
          double error;
          const double x = s.Exact(i, j, &error);
          // No activation is steeper than 1.2; 4 ULP are its own error.
          const double y = Apply(activation, x);
          const double bound = 1.2 * error + std::ldexp(std::abs(y), -21);
          const float ours = c.view()(i, j);
          ASSERT_TRUE(test::IsNear(ours, y, {0, bound, false}))
              << i << " " << j;
          ASSERT_EQ(c_bf16.view()(i, j).bits, ToBf16(ours).bits);
          ASSERT_EQ(c_f16.view()(i, j).bits, ToF16(ours).bits);
        }
      }
      ASSERT_TRUE(c.Intact());
      ASSERT_TRUE(c_bf16.Intact());
      ASSERT_TRUE(c_f16.Intact());
    }
  }
}

TEST_P(GemmInt8Test, OneScaleForAll) {
  ScaledCase s(random_);
  Fill(s.a.view());
  Fill(s.b.view());
  GemmInt8Options& o = s.options;
  o.a_scale = {s.a_scale.data(), 1};
  o.b_scale = {s.b_scale.data(), 1};
  o.a_zero = {s.a_zero.data(), 1};
  o.b_zero = {s.b_zero.data(), 1};
  o.bias = {};
  Matrix<float> c(s.M, s.N, Layout::kRows, -5.0f);
  GemmInt8(ctx_, s.a.view(), s.b.view(), c.view(), o);
  for (size_t i = 0; i < s.M; ++i) {
    for (size_t j = 0; j < s.N; ++j) {
      double error;
      const double x = s.Exact(i, j, &error);
      ASSERT_TRUE(test::IsNear(c.view()(i, j), x, {0, error, false}));
    }
  }
}

template <typename T>
void CheckRequantised(Context& ctx, const ScaledCase& s, int32_t c_zero) {
  GemmInt8Options o = s.options;
  o.c_scale = 0.07f;
  o.c_zero = c_zero;
  for (Layout layout : kLayouts) {
    Matrix<T> c(s.M, s.N, layout, T{66});
    GemmInt8(ctx, s.a.view(), s.b.view(), c.view(), o);
    for (size_t i = 0; i < s.M; ++i) {
      for (size_t j = 0; j < s.N; ++j) {
        double error;
        const double y = s.Exact(i, j, &error);
        error += std::ldexp(std::abs(y), -23);
        // Rounded as a y within the error.
        const auto quantise = [&](double value) {
          return std::clamp<double>(
              std::nearbyint(value / static_cast<double>(o.c_scale)) + c_zero,
              std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
        };
        const double q = c.view()(i, j);
        ASSERT_GE(q, quantise(y - error)) << i << " " << j;
        ASSERT_LE(q, quantise(y + error)) << i << " " << j;
      }
    }
    ASSERT_TRUE(c.Intact());
  }
}

TEST_P(GemmInt8Test, Requantises) {
  ScaledCase s(random_);
  Fill(s.a.view());
  Fill(s.b.view());
  CheckRequantised<uint8_t>(ctx_, s, 0);
  CheckRequantised<uint8_t>(ctx_, s, 131);
  CheckRequantised<int8_t>(ctx_, s, -128);
  CheckRequantised<int8_t>(ctx_, s, 5);
}

TEST_P(GemmInt8Test, TiesGoToEvenAndLimitsHold) {
  // Sums 0 ... N - 1 less 40, halved: every second one is a tie.
  constexpr size_t kCols = 97;
  std::vector<int8_t> b(kCols);
  for (size_t j = 0; j < kCols; ++j) b[j] = static_cast<int8_t>(j);
  const uint8_t a = 1;
  const int32_t b_zero = 40;
  GemmInt8Options o;
  o.b_zero = {&b_zero, 1};
  o.c_scale = 2;
  o.c_zero = 3;
  std::vector<int8_t> c(kCols);
  const auto multiply = [&] {
    GemmInt8(ctx_, MatView<const uint8_t>(&a, 1, 1),
             MatView<const int8_t>(b.data(), 1, kCols),
             MatView<int8_t>(c.data(), 1, kCols), o);
  };
  multiply();
  for (size_t j = 0; j < kCols; ++j) {
    const double half = (static_cast<double>(j) - 40) / 2;
    ASSERT_EQ(c[j], std::nearbyint(half) + 3) << j;
  }
  // Far beyond every integer, both ways, and no number at all.
  std::vector<float> scales(kCols, 3e38f);
  std::vector<float> bias(kCols);
  bias[7] = std::numeric_limits<float>::quiet_NaN();
  bias[8] = std::numeric_limits<float>::infinity();
  o.b_scale = {scales.data(), kCols};
  o.bias = {bias.data(), kCols};
  scales[8] = 1;
  multiply();
  for (size_t j = 0; j < kCols; ++j) {
    const int expected = j == 7 || j == 40 ? 3 : j == 8 || j > 40 ? 127 : -128;
    ASSERT_EQ(c[j], expected) << j;
  }
}

TEST_P(GemmInt8Test, SameBitsForAnyThreadCount) {
  for (const auto& [M, N, K] : {std::array<size_t, 3>{1, 513, 700},
                                {40, 200, 300},
                                {260, 300, 1700},
                                {1000, 20, 64}}) {
    Matrix<int8_t> a(M, K, Layout::kRows, 1);
    Matrix<int8_t> b(K, N, Layout::kColumns, 1);
    Fill(a.view());
    Fill(b.view());
    std::vector<float> bias(N, 0.3f);
    const int32_t zero = 9;
    GemmInt8Options o;
    o.a_zero = o.b_zero = {&zero, 1};
    o.bias = {bias.data(), N};
    o.activation = Activation::kGelu;
    std::vector<float> first(M * N);
    for (int threads : {1, 2, 7}) {
      Context ctx(ContextOptions{.threads = threads});
      const PackedMatrix packed(ctx, b.view());
      for (bool use_packed : {false, true}) {
        std::vector<float> c(M * N);
        const MatView<float> view(c.data(), M, N);
        if (use_packed) {
          GemmInt8(ctx, a.view(), packed, view, o);
        } else {
          GemmInt8(ctx, a.view(), b.view(), view, o);
        }
        if (threads == 1 && !use_packed) {
          first = c;
          continue;
        }
        ASSERT_TRUE(test::SameBits<float>(c, first))
            << M << " " << threads << " " << use_packed;
      }
    }
  }
}

TEST_P(GemmInt8Test, MatrixPackedOnAnotherTarget) {
  Matrix<uint8_t> a(5, 21, Layout::kRows, 1);
  Matrix<int8_t> b(21, 70, Layout::kRows, 1);
  Fill(a.view());
  Fill(b.view());
  std::vector<int32_t> expected(5 * 70), c(5 * 70);
  GemmInt8(ctx_, a.view(), b.view(), MatView<int32_t>(expected.data(), 5, 70));
  for (const std::string& other : simd::SupportedTargets()) {
    ASSERT_TRUE(simd::ForceTarget(other));
    const PackedMatrix packed(ctx_, b.view());
    ASSERT_TRUE(simd::ForceTarget(GetParam()));
    GemmInt8(ctx_, a.view(), packed, MatView<int32_t>(c.data(), 5, 70));
    ASSERT_EQ(c, expected) << other;
  }
}

RANVIER_ON_EVERY_TARGET(GemmInt8Test);

class GemmInt8Errors : public testing::Test {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  uint8_t a_[6] = {};
  int8_t b_[12] = {};
  int32_t c_[8] = {};
  uint8_t q_[8] = {};
  MatView<const uint8_t> a{a_, 2, 3};
  MatView<const int8_t> b{b_, 3, 4};
  MatView<int32_t> c{c_, 2, 4};
  MatView<uint8_t> q{q_, 2, 4};
  int32_t zeros_[4] = {};
  float floats_[4] = {};
};

TEST_F(GemmInt8Errors, Shapes) {
  EXPECT_THROW(GemmInt8(ctx_, a, MatView<const int8_t>(b_, 4, 3), c),
               ShapeError);
  EXPECT_THROW(GemmInt8(ctx_, a, b, MatView<int32_t>(c_, 4, 2)), ShapeError);
  GemmInt8Options o;
  o.a_zero = {zeros_, 3};
  EXPECT_THROW(GemmInt8(ctx_, a, b, c, o), ShapeError);
  o = {};
  o.b_zero = {zeros_, 2};
  EXPECT_THROW(GemmInt8(ctx_, a, b, c, o), ShapeError);
  o = {};
  o.a_scale = {floats_, 4};
  EXPECT_THROW(GemmInt8(ctx_, a, b, q, o), ShapeError);
  o = {};
  o.b_scale = {floats_, 3};
  EXPECT_THROW(GemmInt8(ctx_, a, b, q, o), ShapeError);
  o = {};
  o.bias = {floats_, 1};
  EXPECT_THROW(GemmInt8(ctx_, a, b, q, o), ShapeError);
  const size_t huge = std::numeric_limits<size_t>::max() / 2;
  EXPECT_THROW(
      GemmInt8(ctx_, MatView<const uint8_t>(a_, 2, 3, huge, huge), b, c),
      ShapeError);
  EXPECT_THROW(GemmInt8(ctx_, a, b, MatView<int32_t>(c_, 2, 4, 0)), ShapeError);
}

TEST_F(GemmInt8Errors, Arguments) {
  float f[8] = {};
  EXPECT_THROW(GemmInt8(ctx_, MatView<const float>(f, 2, 3), b, c),
               std::invalid_argument);
  EXPECT_THROW(
      GemmInt8(ctx_, ConstAnyMatView(nullptr, ElementType::kU8, 2, 3, 3), b, c),
      std::invalid_argument);
  EXPECT_THROW(
      GemmInt8(ctx_, a, PackedMatrix(ctx_, MatView<const float>(f, 3, 2)),
               MatView<int32_t>(c_, 2, 2)),
      std::invalid_argument);
  EXPECT_THROW(GemmInt8(ctx_, a, b, AnyMatView(a_, ElementType::kU8, 2, 4, 4)),
               std::invalid_argument);
  const auto refuses = [&](const AnyMatView& out, auto change) {
    GemmInt8Options o;
    change(o);
    EXPECT_THROW(GemmInt8(ctx_, a, b, out, o), std::invalid_argument);
  };
  zeros_[0] = 256;
  refuses(c, [&](GemmInt8Options& o) { o.a_zero = {zeros_, 1}; });
  zeros_[0] = -1;
  refuses(c, [&](GemmInt8Options& o) { o.a_zero = {zeros_, 1}; });
  zeros_[0] = 128;
  refuses(c, [&](GemmInt8Options& o) { o.b_zero = {zeros_, 1}; });
  refuses(c, [&](GemmInt8Options& o) { o.a_scale = {floats_, 1}; });
  refuses(c, [&](GemmInt8Options& o) { o.bias = {floats_, 4}; });
  refuses(c, [&](GemmInt8Options& o) { o.activation = Activation::kRelu; });
  refuses(c, [&](GemmInt8Options& o) { o.c_scale = 2; });
  refuses(q, [&](GemmInt8Options& o) { o.c_scale = 0; });
  refuses(q, [&](GemmInt8Options& o) { o.c_scale = -1; });
  refuses(q, [&](GemmInt8Options& o) {
    o.c_scale = std::numeric_limits<float>::quiet_NaN();
  });
  refuses(q, [&](GemmInt8Options& o) { o.c_zero = -1; });
}

}  // namespace
}  // namespace ranvier
