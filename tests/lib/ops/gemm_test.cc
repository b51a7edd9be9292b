#include "ranvier/ops/gemm.h"

#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/gemm/gemm.h"

#include "tests/lib/ops/gemm_case.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::Bias;
using test::CheckGemm;
using test::GemmCase;
using test::kFloatTypes;
using test::kLayouts;
using test::kWays;
using test::Layout;
using test::Residual;
using test::StoredMatrix;

class GemmTest : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
};

// Every type of A, B and C, each operand as it is and transposed.
TEST_P(GemmTest, StorageTypes) {
  constexpr GemmCase kShapes[] = {{.M = 3, .N = 37, .K = 65},
                                  {.M = 29, .N = 41, .K = 51},
                                  {.M = 1, .N = 50, .K = 40}};
  for (const ElementType a : kFloatTypes) {
    for (const ElementType b : kFloatTypes) {
      for (const ElementType c : kFloatTypes) {
        for (const GemmCase& shape : kShapes) {
          for (int way = 0; way < 8; ++way) {
            GemmCase g = shape;
            g.a = a;
            g.b = b;
            g.c = c;
            g.a_layout = (way & 1) != 0 ? Layout::kColumns : Layout::kRows;
            g.b_layout = (way & 2) != 0 ? Layout::kColumns : Layout::kRows;
            g.packed = (way & 4) != 0;
            ASSERT_TRUE(CheckGemm(ctx_, g));
          }
        }
      }
    }
  }
}

TEST_P(GemmTest, Layouts) {
  constexpr GemmCase kShapes[] = {{.M = 7, .N = 35, .K = 20},
                                  {.M = 33, .N = 20, .K = 41},
                                  {.M = 1, .N = 9, .K = 17},
                                  {.M = 9, .N = 1, .K = 17}};
  for (const Layout a : kLayouts) {
    for (const Layout b : kLayouts) {
      for (const Layout c : kLayouts) {
        for (const GemmCase& shape : kShapes) {
          for (const ElementType type : kFloatTypes) {
            GemmCase g = shape;
            g.a = g.b = g.c = type;
            g.a_layout = a;
            g.b_layout = b;
            g.c_layout = c;
            ASSERT_TRUE(CheckGemm(ctx_, g));
            g.packed = true;
            g.beta = 1;
            ASSERT_TRUE(CheckGemm(ctx_, g));
          }
        }
      }
    }
  }
}

// beta 0 among them: C holds NaN then.
TEST_P(GemmTest, AlphaAndBeta) {
  for (const GemmCase& way : kWays) {
    for (const float alpha : {0.0f, 1.0f, -0.5f}) {
      for (const float beta : {0.0f, 1.0f, -0.5f}) {
        for (const ElementType c : kFloatTypes) {
          GemmCase g = way;
          g.alpha = alpha;
          g.beta = beta;
          g.c = c;
          ASSERT_TRUE(CheckGemm(ctx_, g));
        }
      }
    }
  }
}

TEST_P(GemmTest, Epilogue) {
  size_t turn = 0;
  for (const Activation activation : test::kActivations) {
    for (const Bias bias : {Bias::kNone, Bias::kContiguous, Bias::kStrided}) {
      for (const Residual residual :
           {Residual::kNone, Residual::kOwn, Residual::kIsC}) {
        for (int i = 0; i < 3; ++i, ++turn) {
          GemmCase g = kWays[turn % std::size(kWays)];
          g.activation = activation;
          g.bias = bias;
          g.residual = residual;
          g.c = kFloatTypes[turn / 3 % 3];
          g.c_layout = kLayouts[turn / 9 % 3];
          g.alpha = turn % 2 == 0 ? 1.0f : -0.5f;
          g.beta = turn % 4 < 2 ? 0.0f : 0.75f;
          ASSERT_TRUE(CheckGemm(ctx_, g));
        }
      }
    }
  }
}

// Around vectors, panels, tiles and the blocks of K, whatever the target's.
TEST_P(GemmTest, SizesAroundTilesAndBlocks) {
  const simd::GemmShape shape = simd::CurrentGemmShape();
  const size_t lanes = shape.lanes, nr = shape.nr;
  const size_t columns[] = {1,      lanes - 1,  lanes,     lanes + 1,
                            nr - 1, nr,         nr + 1,    2 * nr + lanes,
                            4 * nr, 4 * nr + 1, 5 * nr + 3};
  constexpr size_t kRows[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  11,
                              12, 13, 16, 17, 18, 19, 23, 24, 25, 31};
  constexpr size_t kDepths[] = {1,  2,  3,  4,  7,   8,   9,   15,  16,  17,
                                31, 32, 33, 64, 127, 128, 129, 383, 384, 385};
  size_t turn = 0;
  for (const size_t M : kRows) {
    for (const size_t N : columns) {
      if (N == 0) continue;
      for (int i = 0; i < 4; ++i, ++turn) {
        GemmCase g{.M = M, .N = N, .K = kDepths[turn * 7 % std::size(kDepths)]};
        g.b_layout = i == 1 ? Layout::kColumns : Layout::kRows;
        g.a_layout = i == 2 ? Layout::kColumns : Layout::kRows;
        g.packed = i == 3;
        g.a = g.b = kFloatTypes[turn / 4 % 3];
        g.beta = turn % 5 == 0 ? 1.0f : 0.0f;
        ASSERT_TRUE(CheckGemm(ctx_, g));
      }
    }
  }
}

// 0 * NaN is NaN, and neither NaN nor infinity goes where it does not belong.
TEST_P(GemmTest, NaNAndInfinity) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const GemmCase& way : kWays) {
    for (const ElementType type : kFloatTypes) {
      for (const float strange : {kNaN, kInf, -kInf}) {
        GemmCase g = way;
        g.a = g.b = type;
        test::GemmOperands in_a(g);
        in_a.a().Set(g.M / 2, g.K - 1, strange);
        in_a.b().Set(g.K - 1, 0, 0);
        in_a.Run(ctx_);
        ASSERT_TRUE(in_a.Check());
        test::GemmOperands in_b(g);
        in_b.b().Set(g.K - 1, g.N - 1, strange);
        in_b.a().Set(g.M - 1, g.K - 1, 0);
        in_b.Run(ctx_);
        ASSERT_TRUE(in_b.Check());
        test::GemmOperands in_both(g);
        in_both.a().Set(0, 0, strange);
        in_both.a().Set(0, g.K - 1, -strange);
        in_both.Run(ctx_);
        ASSERT_TRUE(in_both.Check());
      }
    }
  }
}

TEST_P(GemmTest, Overflow) {
  for (const GemmCase& way : kWays) {
    GemmCase g = way;
    test::GemmOperands operands(g);
    operands.a().Set(0, 0, 0x1p127f);
    operands.b().Set(0, 0, 16.0f);
    operands.Run(ctx_);
    EXPECT_EQ(operands.c().Get(0, 0), std::numeric_limits<double>::infinity())
        << g;
    // 65504 is the largest f16: C itself overflows.
    g.c = ElementType::kF16;
    test::GemmOperands narrow(g);
    narrow.a().Set(0, 0, -0x1p15f);
    narrow.b().Set(0, 0, 4.0f);
    narrow.Run(ctx_);
    EXPECT_EQ(narrow.c().Get(0, 0), -std::numeric_limits<double>::infinity())
        << g;
  }
}

TEST_P(GemmTest, EmptyShapes) {
  for (const size_t M : {0, 1, 5, 30}) {
    for (const size_t N : {0, 1, 19, 261}) {
      for (const size_t K : {0, 3}) {
        if (M != 0 && N != 0 && K != 0) continue;
        for (const ElementType type : kFloatTypes) {
          for (const Layout layout : kLayouts) {
            for (int i = 0; i < 4; ++i) {
              GemmCase g{.M = M, .N = N, .K = K};
              g.a = g.b = g.c = type;
              g.a_layout = g.b_layout = g.c_layout = layout;
              g.packed = i % 2 != 0;
              if (i >= 2) {
                g.beta = -0.5f;
                g.bias = Bias::kStrided;
                g.activation = Activation::kSilu;
                g.residual = Residual::kIsC;
              }
              ASSERT_TRUE(CheckGemm(ctx_, g));
            }
          }
        }
      }
    }
  }
}

TEST_P(GemmTest, EmptyOperandsNeedNoMemory) {
  std::vector<float> c(12, 7.0f);
  const MatView<float> c_view(c.data(), 3, 4);
  Gemm(ctx_, MatView<const float>(nullptr, 3, 0),
       MatView<const float>(nullptr, 0, 4), c_view);
  EXPECT_EQ(c, std::vector<float>(12, 0.0f));
  const PackedMatrix nothing(ctx_, MatView<const float>(nullptr, 0, 4));
  c.assign(12, 7.0f);
  GemmOptions options;
  options.beta = 1;
  Gemm(ctx_, MatView<const float>(nullptr, 3, 0), nothing, c_view, options);
  EXPECT_EQ(c, std::vector<float>(12, 7.0f));
  const std::vector<float> b(8, 1.0f);
  Gemm(ctx_, MatView<const float>(nullptr, 0, 2),
       MatView<const float>(b.data(), 2, 4), MatView<float>(nullptr, 0, 4));
  Gemm(ctx_, MatView<const float>(), PackedMatrix(), MatView<float>());
}

// With packed weights, a row's result does not depend on its company.
TEST_P(GemmTest, PackedRowsAreTheSameInAnyCompany) {
  constexpr size_t kRows = 130;
  struct Weights {
    size_t N, K;
  };
  for (const Weights w : {Weights{10, 512}, {35, 1100}, {70, 64}, {300, 513}}) {
    for (const ElementType a_type : kFloatTypes) {
      for (const ElementType b_type : kFloatTypes) {
        StoredMatrix a(a_type, Layout::kRows, kRows, w.K);
        StoredMatrix b(b_type, Layout::kColumns, w.K, w.N);
        StoredMatrix all(ElementType::kF32, Layout::kRows, kRows, w.N);
        a.FillRandom(1);
        b.FillRandom(2);
        const PackedMatrix packed(ctx_, b.view());
        Gemm(ctx_, a.view(), packed, all.view());
        for (const size_t M : {1, 2, 5, 12, 17, 100}) {
          const size_t row = kRows - M;
          const auto* from =
              static_cast<const unsigned char*>(a.view().data()) +
              row * a.view().row_stride() * SizeBytes(a_type);
          const ConstAnyMatView some(from, a_type, M, w.K,
                                     a.view().row_stride());
          std::vector<float> c(M * w.N);
          Gemm(ctx_, some, packed, MatView<float>(c.data(), M, w.N));
          for (size_t i = 0; i < c.size(); ++i) {
            ASSERT_EQ(c[i], all.Get(row + i / w.N, i % w.N))
                << M << " rows, N " << w.N << ", K " << w.K << ", "
                << Name(a_type) << " times " << Name(b_type) << ", element "
                << i;
          }
        }
      }
    }
  }
}

// Strides of 0 are a matrix of one row, column or element, repeated.
TEST_P(GemmTest, OperandsWithStrideZero) {
  const float row[] = {1, 2, 3, 4, 5};
  const float number = 0.5f;
  for (const size_t M : {2, 30}) {
    for (const size_t N : {3, 40}) {
      std::vector<float> c(M * N);
      const MatView<const float> a(row, M, 5, 0, 1);
      const MatView<const float> b(&number, 5, N, 0, 0);
      Gemm(ctx_, a, b, MatView<float>(c.data(), M, N));
      EXPECT_EQ(c, std::vector<float>(M * N, 7.5f));
      c.assign(M * N, 0.0f);
      Gemm(ctx_, a, PackedMatrix(ctx_, b), MatView<float>(c.data(), M, N));
      EXPECT_EQ(c, std::vector<float>(M * N, 7.5f));
    }
  }
}

RANVIER_ON_EVERY_TARGET(GemmTest);

}  // namespace
}  // namespace ranvier
