// Each way of multiplying gives the same bits on 1, 2 and 7 threads.

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"

#include "tests/lib/ops/gemm_case.h"

namespace ranvier {
namespace {

using test::GemmCase;
using test::GemmOperands;
using test::Layout;

constexpr ElementType kBf16 = ElementType::kBf16;
constexpr ElementType kF16 = ElementType::kF16;

// Large enough for threads, and each with a remainder everywhere.
constexpr GemmCase kCases[] = {
    // B row by row: small, tall, wide, and streamed
    {.M = 41, .N = 45, .K = 39},
    {.M = 211, .N = 7, .K = 50},
    {.M = 3, .N = 300, .K = 129, .beta = -0.5f},
    {.M = 5, .N = 3001, .K = 150},
    // dot products
    {.M = 1, .N = 301, .K = 300, .b_layout = Layout::kColumns},
    {.M = 23, .N = 65, .K = 99, .b_layout = Layout::kColumns},
    {.M = 6,
     .N = 203,
     .K = 77,
     .a = kBf16,
     .b = kBf16,
     .b_layout = Layout::kColumns},
    // panels and tiles
    {.M = 131, .N = 133, .K = 129},
    {.M = 50, .N = 70, .K = 801, .b_layout = Layout::kColumns},
    {.M = 50,
     .N = 70,
     .K = 801,
     .c = kBf16,
     .a_layout = Layout::kColumns,
     .b_layout = Layout::kColumns,
     .beta = 1},
    {.M = 37, .N = 61, .K = 99, .a = kBf16, .b = kBf16, .c = kBf16},
    {.M = 37, .N = 61, .K = 99, .a = kF16, .b = ElementType::kF32, .c = kF16},
    // packed weights: few rows and more
    {.M = 1, .N = 203, .K = 501, .packed = true},
    {.M = 5, .N = 203, .K = 501, .b = kF16, .packed = true, .beta = 1},
    {.M = 61, .N = 203, .K = 99, .a = kBf16, .b = kBf16, .packed = true},
    // the result column by column, and a column
    {.M = 61, .N = 53, .K = 77, .c_layout = Layout::kColumns},
    {.M = 403, .N = 1, .K = 177},
};

TEST(GemmThreads, SameBits) {
  Context one(ContextOptions{.threads = 1});
  Context two(ContextOptions{.threads = 2});
  Context seven(ContextOptions{.threads = 7});
  for (GemmCase g : kCases) {
    for (const bool plain : {true, false}) {
      if (!plain) {
        g.bias = test::Bias::kContiguous;
        g.activation = Activation::kSilu;
        g.residual = test::Residual::kOwn;
      }
      GemmOperands operands(g);
      operands.Run(one);
      ASSERT_TRUE(operands.Check());
      const std::vector<unsigned char> bits = operands.c().Bits();
      operands.Run(two);
      EXPECT_EQ(operands.c().Bits(), bits) << g << ", 2 threads";
      operands.Run(seven);
      EXPECT_EQ(operands.c().Bits(), bits) << g << ", 7 threads";
      EXPECT_TRUE(operands.c().PaddingIntact());
    }
  }
}

// One packed matrix serves many products at a time.
TEST(GemmThreads, PackedWeightsAreShared) {
  constexpr GemmCase kCase{.M = 9, .N = 45, .K = 77, .packed = true};
  Context ctx(ContextOptions{.threads = 1});
  GemmOperands model(kCase);
  const PackedMatrix b(ctx, model.b().view());
  model.Run(ctx, b);
  const std::vector<unsigned char> bits = model.c().Bits();
  std::vector<std::vector<unsigned char>> results(8);
  Context threads(ContextOptions{.threads = 4});
  threads.ParallelFor(results.size(), [&](size_t i) {
    Context own(ContextOptions{.threads = 1});
    GemmOperands operands(kCase);
    operands.Run(own, b);
    results[i] = operands.c().Bits();
  });
  for (const auto& result : results) EXPECT_EQ(result, bits);
}

TEST(GemmThreads, BatchesGiveTheSameBits) {
  constexpr size_t kM = 20, kN = 33, kK = 41, kBatch = 31;
  std::vector<float> a(kBatch * kM * kK), b(kBatch * kK * kN);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<float>(i * 7919 % 1009) / 500 - 1;
  }
  for (size_t i = 0; i < b.size(); ++i) {
    b[i] = static_cast<float>(i * 104729 % 997) / 500 - 1;
  }
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 7}) {
    Context ctx(ContextOptions{.threads = threads});
    std::vector<float> c(kBatch * kM * kN);
    GemmStridedBatched(ctx, kBatch, MatView<const float>(a.data(), kM, kK),
                       kM * kK, MatView<const float>(b.data(), kK, kN), kK * kN,
                       MatView<float>(c.data(), kM, kN), kM * kN);
    results.push_back(c);
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace ranvier
