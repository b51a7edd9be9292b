#include "ranvier/ops/packed_matrix.h"

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/targets.h"

#include "tests/lib/ops/gemm_case.h"
#include "tests/lib/ops/stored_matrix.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::GemmCase;
using test::GemmOperands;
using test::kFloatTypes;
using test::kLayouts;
using test::Layout;
using test::StoredMatrix;

class PackedMatrixTest : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
};

// The bits of a row are a function of that row and the weights.
TEST_P(PackedMatrixTest, ARowDoesNotDependOnItsNeighbours) {
  constexpr size_t kRows = 40;
  for (const ElementType type : kFloatTypes) {
    for (const bool plain : {true, false}) {
      GemmCase g{.M = kRows, .N = 75, .K = 393};
      g.a = g.b = type;
      g.packed = true;
      if (!plain) {
        g.c = type;
        g.alpha = 0.5f;
        g.bias = test::Bias::kContiguous;
        g.activation = Activation::kGelu;
      }
      GemmOperands operands(g);
      const PackedMatrix b(ctx_, operands.b().view());
      GemmOptions options;
      std::vector<float> bias(g.N, 0.25f);
      if (!plain) {
        options.alpha = g.alpha;
        options.activation = g.activation;
        options.bias = VecView<const float>(bias.data(), g.N);
      }
      const auto multiply = [&](size_t first, size_t rows) {
        const AnyMatView& a = operands.a().view();
        const ConstAnyMatView part(static_cast<const unsigned char*>(a.data()) +
                                       first * a.row_stride() * SizeBytes(type),
                                   type, rows, g.K, a.row_stride());
        StoredMatrix c(g.c, Layout::kRows, rows, g.N);
        Gemm(ctx_, part, b, c.view(), options);
        return c.Bits();
      };
      const std::vector<unsigned char> all = multiply(0, kRows);
      const size_t row_bytes = all.size() / kRows;
      for (size_t rows = 1; rows < kRows; ++rows) {
        const size_t first = (rows * 7) % (kRows - rows + 1);
        const std::vector<unsigned char> some = multiply(first, rows);
        ASSERT_EQ(std::memcmp(some.data(), all.data() + first * row_bytes,
                              some.size()),
                  0)
            << g << ": rows [" << first << ", " << first + rows << ")";
      }
    }
  }
}

// Packed here, used and unpacked on another target.
TEST_P(PackedMatrixTest, UsedOnAnotherTarget) {
  for (const ElementType type : kFloatTypes) {
    GemmCase g{.M = 9, .N = 45, .K = 39};
    g.a = g.b = type;
    g.packed = true;
    GemmOperands operands(g);
    const PackedMatrix b(ctx_, operands.b().view());
    for (const std::string& target : simd::SupportedTargets()) {
      SCOPED_TRACE(target);
      ASSERT_TRUE(simd::ForceTarget(target));
      operands.Run(ctx_, b);
      EXPECT_TRUE(operands.Check());
      StoredMatrix back(type, Layout::kRows, g.K, g.N);
      b.Unpack(back.view());
      EXPECT_EQ(back.Bits(), operands.b().Bits());
    }
    ASSERT_TRUE(simd::ForceTarget(GetParam()));
  }
}

TEST_P(PackedMatrixTest, UnpackGivesTheSameBits) {
  for (const ElementType type : kFloatTypes) {
    for (const Layout from : kLayouts) {
      for (const Layout to : kLayouts) {
        for (const size_t rows : {0, 1, 2, 7, 33}) {
          for (const size_t cols : {0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 70}) {
            StoredMatrix b(type, from, rows, cols);
            b.FillRandom(rows * 100 + cols);
            const PackedMatrix packed(ctx_, b.view());
            EXPECT_EQ(packed.rows(), rows);
            EXPECT_EQ(packed.cols(), cols);
            EXPECT_EQ(packed.type(), type);
            EXPECT_GE(packed.size_bytes(), b.Bits().size());
            StoredMatrix back(type, to, rows, cols, 1);
            packed.Unpack(back.view());
            ASSERT_EQ(back.Bits(), b.Bits()) << rows << " x " << cols;
            ASSERT_TRUE(back.PaddingIntact());
          }
        }
      }
    }
  }
}

// A matrix holds what it was given: NaN with its payload, subnormals, zeros
// with their sign.
TEST_P(PackedMatrixTest, UnpackKeepsEveryHalf) {
  std::vector<uint16_t> all(65536), back(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  for (const ElementType type : {ElementType::kBf16, ElementType::kF16}) {
    const PackedMatrix packed(ctx_,
                              AnyMatView(all.data(), type, 256, 256, 256));
    packed.Unpack(AnyMatView(back.data(), type, 256, 256, 256));
    EXPECT_EQ(back, all);
  }
}

RANVIER_ON_EVERY_TARGET(PackedMatrixTest);

TEST(PackedMatrix, UnpackErrors) {
  Context ctx(ContextOptions{.threads = 1});
  std::vector<float> memory(6);
  const PackedMatrix b(ctx, MatView<const float>(memory.data(), 2, 3));
  EXPECT_THROW(b.Unpack(MatView<float>(memory.data(), 3, 2)), ShapeError);
  EXPECT_THROW(b.Unpack(AnyMatView(memory.data(), ElementType::kF16, 2, 3, 3)),
               std::invalid_argument);
}

TEST(PackedMatrix, CopiesShareTheirMemory) {
  Context ctx(ContextOptions{.threads = 1});
  std::vector<float> memory = {1, 2, 3, 4, 5, 6};
  PackedMatrix copy;
  EXPECT_EQ(copy.rows(), 0u);
  EXPECT_EQ(copy.size_bytes(), 0u);
  {
    const PackedMatrix b(ctx, MatView<const float>(memory.data(), 2, 3));
    copy = b;
    EXPECT_EQ(&copy.panels(), &b.panels());
  }
  memory.assign(6, 0.0f);  // the matrix is not needed any more
  copy.Unpack(MatView<float>(memory.data(), 2, 3));
  EXPECT_EQ(memory, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace ranvier
