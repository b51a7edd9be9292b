// A sample of what gemm_all_shapes runs in full.

#include "tests/parallel/gemm_shapes.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::GemmShapes;

class GemmShapesTest : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  GemmShapes shapes_;

  void Check(const GemmShapes::Way& way, size_t M, size_t N, size_t K) {
    PackedMatrix packed;
    if (way.packed) packed = shapes_.Pack(ctx_, way, N, K);
    std::string why;
    const double error =
        shapes_.Check(ctx_, way, M, N, K, way.packed ? &packed : nullptr, &why);
    ASSERT_EQ(why, "");
    ASSERT_LE(error, 1);
  }
};

TEST_P(GemmShapesTest, AllUpTo8) {
  for (const GemmShapes::Way& way : GemmShapes::Ways()) {
    for (size_t M = 1; M <= 8; ++M) {
      for (size_t N = 1; N <= 8; ++N) {
        for (size_t K = 1; K <= 8; ++K) {
          ASSERT_NO_FATAL_FAILURE(Check(way, M, N, K));
        }
      }
    }
  }
}

TEST_P(GemmShapesTest, SomeUpTo64) {
  const auto& ways = GemmShapes::Ways();
  uint64_t state = 1;
  for (size_t i = 0; i < 2000; ++i) {
    size_t size[3];
    for (size_t& n : size) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      n = 1 + (state >> 40) % GemmShapes::kMost;
    }
    ASSERT_NO_FATAL_FAILURE(
        Check(ways[i % ways.size()], size[0], size[1], size[2]));
  }
}

RANVIER_ON_EVERY_TARGET(GemmShapesTest);

}  // namespace
}  // namespace ranvier
