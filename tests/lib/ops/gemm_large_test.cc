// Products larger than the blocks they are cut into, and matrices that reach
// beyond 2^31 elements.

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"

#include "tests/lib/ops/stored_matrix.h"
#include "tests/reference/gemm_reference.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::Layout;
using test::StoredMatrix;

constexpr ElementType kF32 = ElementType::kF32;
constexpr ElementType kBf16 = ElementType::kBf16;
constexpr ElementType kF16 = ElementType::kF16;

struct LargeCase {
  size_t M, N, K;
  ElementType a = kF32, b = kF32;
  Layout a_layout = Layout::kRows, b_layout = Layout::kRows;
  bool packed = false;
};

class GemmLargeTest : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 2}};

  static void FillIntegers(StoredMatrix& m, uint64_t seed) {
    uint64_t state = seed;
    for (size_t i = 0; i < m.rows(); ++i) {
      for (size_t j = 0; j < m.cols(); ++j) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        m.Set(i, j, static_cast<float>(state >> 61) - 3);  // -3 to 4
      }
    }
  }

  // m x, exactly.
  static std::vector<double> Times(const StoredMatrix& m,
                                   const std::vector<double>& x) {
    std::vector<double> y(m.rows());
    for (size_t i = 0; i < m.rows(); ++i) {
      for (size_t j = 0; j < m.cols(); ++j) y[i] += m.Get(i, j) * x[j];
    }
    return y;
  }

  // Freivalds' check: with integers C x = A (B x) holds to the last bit, and
  // hardly ever does for another C.
  void Check(const LargeCase& l, bool plain) {
    SCOPED_TRACE(testing::Message() << l.M << " x " << l.N << " x " << l.K);
    StoredMatrix a(l.a, l.a_layout, l.M, l.K);
    StoredMatrix b(l.b, l.b_layout, l.K, l.N);
    StoredMatrix c(kF32, Layout::kRows, l.M, l.N);
    FillIntegers(a, 1);
    FillIntegers(b, 2);
    FillIntegers(c, 3);
    std::vector<double> x(l.N);
    for (size_t j = 0; j < l.N; ++j) x[j] = static_cast<double>(j * j % 61 + 1);
    std::vector<double> expected = Times(a, Times(b, x));
    GemmOptions options;
    if (!plain) {  // sums wait beside C for the rest of K
      options.alpha = 0.5f;
      options.beta = -2;
      const std::vector<double> before = Times(c, x);
      for (size_t i = 0; i < l.M; ++i) {
        expected[i] = 0.5 * expected[i] - 2 * before[i];
      }
    }
    if (l.packed) {
      Gemm(ctx_, a.view(), PackedMatrix(ctx_, b.view()), c.view(), options);
    } else {
      Gemm(ctx_, a.view(), b.view(), c.view(), options);
    }
    EXPECT_EQ(Times(c, x), expected);
    EXPECT_TRUE(c.PaddingIntact());
  }
};

TEST_P(GemmLargeTest, MoreThanOneBlock) {
  constexpr auto kColumns = Layout::kColumns;
  constexpr LargeCase kCases[] = {
      {700, 900, 1300},
      {301, 402, 503, kBf16, kF16, kColumns, kColumns},
      {301, 402, 503, kBf16, kBf16, Layout::kRows, Layout::kRows, true},
      // streamed
      {16, 3001, 701},
      {1, 5003, 999},
      // of K more than is packed at a time
      {30, 50, 6143, kF32, kF32, Layout::kRows, kColumns},
      {30, 50, 6145, kF32, kF32, Layout::kRows, kColumns},
      {30, 50, 12289, kBf16, kBf16},
      {30, 50, 6145, kBf16, kF16, Layout::kRows, Layout::kRows, true},
      {5, 50, 12289, kF32, kBf16, Layout::kRows, Layout::kRows, true},
      // of N, and of M, more than is packed at a time
      {26, 1500, 6147, kF32, kF32, Layout::kRows, kColumns},
      {26, 1500, 6147, kF32, kF32, Layout::kRows, Layout::kRows, true},
      {750, 26, 6147},
  };
  for (const LargeCase& l : kCases) {
    Check(l, true);
    Check(l, false);
  }
}

RANVIER_ON_EVERY_TARGET(GemmLargeTest);

// Address space of which only what is written takes memory.
class SparseMemory {
 public:
  explicit SparseMemory(size_t bytes)
      : bytes_(bytes),
        data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ~SparseMemory() {
    if (there()) munmap(data_, bytes_);
  }
  SparseMemory(const SparseMemory&) = delete;
  SparseMemory& operator=(const SparseMemory&) = delete;

  bool there() const { return data_ != MAP_FAILED; }
  void* data() const { return data_; }

 private:
  size_t bytes_;
  void* data_;
};

class GemmFarTest : public test::TargetTest {
 protected:
  // Elements whose index, and whose bytes, have more than 31 and 32 bits.
  static constexpr size_t kFar = (size_t{1} << 31) + 5;
  Context ctx_{ContextOptions{.threads = 1}};

  static AnyMatView View(const SparseMemory& memory, ElementType type,
                         size_t rows, size_t cols, bool by_rows) {
    return {memory.data(),     type, rows, cols, by_rows ? kFar : 1,
            by_rows ? 1 : kFar};
  }

  static void Fill(const AnyMatView& m) {
    for (size_t i = 0; i < m.rows(); ++i) {
      for (size_t j = 0; j < m.cols(); ++j) {
        const size_t at = i * m.row_stride() + j * m.col_stride();
        const auto value = static_cast<float>((i * 5 + j * 3) % 7) - 3;
        if (m.type() == kF32) {
          static_cast<float*>(m.data())[at] = value;
        } else {
          static_cast<bf16*>(m.data())[at] = ToBf16(value);
        }
      }
    }
  }
};

TEST_P(GemmFarTest, RowsFurtherThan31BitsApart) {
  constexpr size_t kSmall = 3, kSide = 40;
  for (const ElementType type : {kF32, kBf16}) {
    const size_t bytes = ((kSmall - 1) * kFar + kSide) * SizeBytes(type);
    const SparseMemory a_memory(bytes), b_memory(bytes), c_memory(bytes);
    if (!a_memory.there() || !b_memory.there() || !c_memory.there()) {
      GTEST_SKIP() << "no address space of 3 x " << (bytes >> 30) << " GiB";
    }
    struct Shape {
      size_t M, N, K;
    };
    // Each of the three sizes is the one along which memory is far.
    for (const Shape s :
         {Shape{kSmall, kSide, kSmall}, Shape{kSide, kSmall, kSmall},
          Shape{kSmall, kSmall, kSide}}) {
      SCOPED_TRACE(testing::Message()
                   << Name(type) << " " << s.M << " x " << s.N << " x " << s.K);
      const AnyMatView a = View(a_memory, type, s.M, s.K, s.M == kSmall);
      const AnyMatView b = View(b_memory, type, s.K, s.N, s.K == kSmall);
      const AnyMatView c = View(c_memory, type, s.M, s.N, s.M == kSmall);
      Fill(a);
      Fill(b);
      for (const bool packed : {false, true}) {
        Fill(c);
        if (packed) {
          Gemm(ctx_, a, PackedMatrix(ctx_, b), c);
        } else {
          Gemm(ctx_, a, b, c);
        }
        for (size_t i = 0; i < s.M; ++i) {
          for (size_t j = 0; j < s.N; ++j) {
            double sum = 0;
            for (size_t k = 0; k < s.K; ++k) {
              sum += test::ElementAt(a, i, k) * test::ElementAt(b, k, j);
            }
            ASSERT_EQ(test::ElementAt(c, i, j), sum) << i << ", " << j;
          }
        }
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(GemmFarTest);

}  // namespace
}  // namespace ranvier
