#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"

#include "tests/lib/ops/stored_matrix.h"
#include "tests/reference/gemm_reference.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::Expected;
using test::GemmTerms;
using test::GuardedBuffer;
using test::kFloatTypes;
using test::kLayouts;
using test::Layout;
using test::MultiplyReference;
using test::StoredMatrix;

class GemmBatchedTest : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  Context threads_{ContextOptions{.threads = 3}};
};

void Check(const StoredMatrix& c, const std::vector<Expected>& expected) {
  for (size_t i = 0; i < c.rows(); ++i) {
    for (size_t j = 0; j < c.cols(); ++j) {
      const Expected& e = expected[i * c.cols() + j];
      ASSERT_TRUE(test::IsWithin(c.Get(i, j), e))
          << "c(" << i << ", " << j << ") is " << c.Get(i, j) << ", expected "
          << e.value << " +- " << e.bound;
    }
  }
  ASSERT_TRUE(c.PaddingIntact());
}

// Shapes, types and layouts all differ, empty ones among them.
TEST_P(GemmBatchedTest, ProductsOfAnyShape) {
  constexpr size_t kN = 21;  // of the bias
  for (const size_t count : {0, 1, 2, 5, 40}) {
    std::vector<StoredMatrix> a, b, c;
    std::vector<std::vector<Expected>> expected;
    std::vector<float> bias(kN, 0.5f);
    GemmOptions options;
    options.alpha = -0.5f;
    options.beta = 0.25f;
    options.bias = VecView<const float>(bias.data(), kN);
    options.activation = Activation::kTanh;
    for (size_t i = 0; i < count; ++i) {
      const size_t M = i * 5 % 33, K = i * 7 % 50;
      const Layout layout = kLayouts[i % 3];
      a.emplace_back(kFloatTypes[i % 3], layout, M, K);
      b.emplace_back(kFloatTypes[i / 3 % 3], layout, K, kN);
      c.emplace_back(kFloatTypes[i / 2 % 3], kLayouts[i / 3 % 3], M, kN);
      a[i].FillRandom(i);
      b[i].FillRandom(i + 100);
      c[i].FillRandom(i + 200);
      GemmTerms terms;
      terms.a = a[i].view();
      terms.b = b[i].view();
      terms.c = c[i].view();
      terms.alpha = options.alpha;
      terms.beta = options.beta;
      terms.bias = options.bias;
      terms.activation = options.activation;
      terms.output = c[i].type();
      expected.push_back(MultiplyReference(terms));
    }
    std::vector<ConstAnyMatView> as, bs;
    std::vector<AnyMatView> cs;
    for (size_t i = 0; i < count; ++i) {
      as.push_back(a[i].view());
      bs.push_back(b[i].view());
      cs.push_back(c[i].view());
    }
    GemmBatched(ctx_, as, bs, cs, options);
    for (size_t i = 0; i < count; ++i) {
      SCOPED_TRACE(i);
      Check(c[i], expected[i]);
    }
    // The same bits on threads, where they run beside each other.
    for (size_t i = 0; i < count; ++i) {
      const std::vector<unsigned char> before = c[i].Bits();
      c[i].FillRandom(i + 200);
      Gemm(ctx_, as[i], bs[i], cs[i], options);
      EXPECT_EQ(c[i].Bits(), before);
    }
    std::vector<std::vector<unsigned char>> one;
    for (size_t i = 0; i < count; ++i) {
      one.push_back(c[i].Bits());
      c[i].FillRandom(i + 200);
    }
    GemmBatched(threads_, as, bs, cs, options);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(c[i].Bits(), one[i]);
  }
}

struct Strided {
  size_t batch, M, N, K;
  size_t a_distance, b_distance, c_distance;  // 0: the same; else gaps
};

TEST_P(GemmBatchedTest, EqualDistances) {
  constexpr Strided kCases[] = {
      {0, 3, 4, 5, 15, 20, 12},    {1, 3, 4, 5, 0, 0, 0},
      {2, 3, 4, 5, 15, 20, 12},    {9, 3, 4, 5, 16, 23, 13},
      {9, 7, 33, 20, 0, 660, 231}, {9, 7, 33, 20, 140, 0, 240},
      {3, 7, 33, 20, 0, 0, 231},   {20, 1, 40, 30, 30, 0, 40},
  };
  for (const Strided& s : kCases) {
    for (Context* ctx : {&ctx_, &threads_}) {
      const size_t times = s.batch == 0 ? 1 : s.batch;
      GuardedBuffer<float> a((times - 1) * s.a_distance + s.M * s.K, 1);
      GuardedBuffer<float> b((times - 1) * s.b_distance + s.K * s.N, 1);
      GuardedBuffer<float> c((times - 1) * s.c_distance + s.M * s.N, 1);
      for (size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<float>(i % 13) - 6;
      }
      for (size_t i = 0; i < b.size(); ++i) {
        b[i] = static_cast<float>(i % 7) - 3;
      }
      for (size_t i = 0; i < c.size(); ++i) c[i] = 999;
      GemmStridedBatched(*ctx, s.batch,
                         MatView<const float>(a.data(), s.M, s.K), s.a_distance,
                         MatView<const float>(b.data(), s.K, s.N), s.b_distance,
                         MatView<float>(c.data(), s.M, s.N), s.c_distance);
      // Small integers: exact.
      std::vector<float> expected(c.size(), 999);
      for (size_t p = 0; p < s.batch; ++p) {
        for (size_t i = 0; i < s.M; ++i) {
          for (size_t j = 0; j < s.N; ++j) {
            float sum = 0;
            for (size_t k = 0; k < s.K; ++k) {
              sum += a[p * s.a_distance + i * s.K + k] *
                     b[p * s.b_distance + k * s.N + j];
            }
            expected[p * s.c_distance + i * s.N + j] = sum;
          }
        }
      }
      EXPECT_EQ(std::vector<float>(c.data(), c.data() + c.size()), expected);
      EXPECT_TRUE(c.Intact());
    }
  }
}

TEST_P(GemmBatchedTest, EmptyProductsNeedNoMemory) {
  std::vector<float> c(24, 7.0f);
  GemmStridedBatched(ctx_, 2, MatView<const float>(nullptr, 3, 0), 12,
                     MatView<const float>(nullptr, 0, 4), 16,
                     MatView<float>(c.data(), 3, 4), 12);
  EXPECT_EQ(c, std::vector<float>(24, 0.0f));
  GemmStridedBatched(ctx_, 5, MatView<const float>(nullptr, 0, 0), 12,
                     MatView<const float>(nullptr, 0, 4), 16,
                     MatView<float>(nullptr, 0, 4), 12);
}

TEST_P(GemmBatchedTest, Gemv) {
  const size_t sizes[] = {0, 1, 2, 7, 8, 9, 33, 70};
  for (const size_t M : sizes) {
    for (const size_t N : sizes) {
      for (const Layout layout : kLayouts) {
        for (const size_t stride : {1, 3}) {
          for (const float beta : {0.0f, 1.0f, -0.5f}) {
            StoredMatrix a(ElementType::kF32, layout, M, N);
            // One column of a wider matrix of NaN is a strided vector.
            StoredMatrix x(ElementType::kF32, Layout::kRows, N, 1, stride - 1);
            StoredMatrix y(ElementType::kF32, Layout::kRows, M, 1, stride - 1);
            StoredMatrix y_before(ElementType::kF32, Layout::kRows, M, 1);
            a.FillRandom(1);
            x.FillRandom(2);
            if (beta != 0) {
              y.FillRandom(3);
              y_before.FillRandom(3);
            }
            const float alpha = beta == 1 ? 1.0f : 0.75f;
            Gemv(ctx_, alpha, MatView<const float>(a.view().As<float>()),
                 VecView<const float>(static_cast<float*>(x.view().data()), N,
                                      stride),
                 beta,
                 VecView<float>(static_cast<float*>(y.view().data()), M,
                                stride));
            GemmTerms terms;
            terms.a = a.view();
            terms.b = x.view();
            terms.c = y_before.view();
            terms.alpha = alpha;
            terms.beta = beta;
            SCOPED_TRACE(testing::Message()
                         << M << " x " << N << " " << Name(layout)
                         << ", stride " << stride << ", beta " << beta);
            Check(y, MultiplyReference(terms));
          }
        }
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(GemmBatchedTest);

}  // namespace
}  // namespace ranvier
