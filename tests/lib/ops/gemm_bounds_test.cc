// Operands that end where readable memory ends: whoever reads past one dies.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/simd/gemm/gemm.h"

#include "tests/lib/ops/stored_matrix.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::kFloatTypes;
using test::kLayouts;
using test::Layout;

// Memory with a page behind it, and one in front, that may not be touched.
class FencedMemory {
 public:
  explicit FencedMemory(size_t bytes)
      : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
        bytes_((bytes + page_ - 1) / page_ * page_) {
    void* all = mmap(nullptr, bytes_ + 2 * page_, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(all, MAP_FAILED);
    begin_ = static_cast<unsigned char*>(all) + page_;
    EXPECT_EQ(mprotect(begin_, bytes_, PROT_READ | PROT_WRITE), 0);
  }
  ~FencedMemory() { munmap(begin_ - page_, bytes_ + 2 * page_); }
  FencedMemory(const FencedMemory&) = delete;
  FencedMemory& operator=(const FencedMemory&) = delete;

  unsigned char* begin() const { return begin_; }
  unsigned char* end() const { return begin_ + bytes_; }

 private:
  size_t page_, bytes_;
  unsigned char* begin_;
};

// A matrix of zeros at the end, or the beginning, of fenced memory.
AnyMatView Place(const FencedMemory& memory, bool at_end, ElementType type,
                 Layout layout, size_t rows, size_t cols) {
  const size_t row_stride = layout == Layout::kRows      ? cols
                            : layout == Layout::kColumns ? 1
                                                         : 2 * cols + 1;
  const size_t col_stride = layout == Layout::kRows      ? 1
                            : layout == Layout::kColumns ? rows
                                                         : 2;
  const size_t bytes =
      ((rows - 1) * row_stride + (cols - 1) * col_stride + 1) * SizeBytes(type);
  EXPECT_LE(bytes, static_cast<size_t>(memory.end() - memory.begin()));
  return {at_end ? memory.end() - bytes : memory.begin(),
          type,
          rows,
          cols,
          row_stride,
          col_stride};
}

class GemmBoundsTest : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  FencedMemory a_{1 << 18}, b_{1 << 18}, c_{1 << 18}, residual_{1 << 18},
      bias_{1 << 12};

  void Multiply(bool at_end, ElementType type, Layout layout, size_t M,
                size_t N, size_t K) {
    const AnyMatView a = Place(a_, at_end, type, layout, M, K);
    const AnyMatView b = Place(b_, at_end, type, layout, K, N);
    const AnyMatView c = Place(c_, at_end, type, layout, M, N);
    const AnyMatView bt = Place(b_, at_end, type, layout, N, K).Transposed();
    GemmOptions options;
    Gemm(ctx_, a, b, c, options);
    Gemm(ctx_, a, bt, c, options);
    options.beta = 2;
    options.residual = Place(residual_, at_end, type, layout, M, N);
    const AnyMatView bias =
        Place(bias_, at_end, ElementType::kF32, Layout::kRows, 1, N);
    options.bias =
        VecView<const float>(static_cast<const float*>(bias.data()), N);
    options.activation = Activation::kGelu;
    Gemm(ctx_, a, bt, c, options);
    Gemm(ctx_, a, PackedMatrix(ctx_, b), c, options);
  }
};

TEST_P(GemmBoundsTest, NothingOutsideIsTouched) {
  const size_t lanes = simd::CurrentGemmShape().lanes;
  const size_t nr = simd::CurrentGemmShape().nr;
  for (const bool at_end : {true, false}) {
    for (const ElementType type : kFloatTypes) {
      for (const Layout layout : kLayouts) {
        for (const size_t M : {1, 2, 5, 13, 27}) {
          for (const size_t N :
               {size_t{1}, lanes - 1, lanes + 1, nr, nr + 1, 4 * nr + 3}) {
            if (N == 0) continue;
            for (const size_t K : {1, 3, 18, 135}) {
              Multiply(at_end, type, layout, M, N, K);
            }
          }
        }
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(GemmBoundsTest);

}  // namespace
}  // namespace ranvier
