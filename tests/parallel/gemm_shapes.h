#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/element_type.h"

namespace ranvier::test {

// Products of the leading blocks A [M, K] and B [K, N] of two matrices
// 64 x 64: their sums over K come from each other, so that a product of any
// shape is checked in the time it takes to read its result. What lies beside
// the blocks is neither 0 nor NaN: whoever multiplies it is found out.
class GemmShapes {
 public:
  static constexpr size_t kMost = 64;

  enum class Data {
    kReal,      // random numbers of which most roundings show; within the bound
    kIntegers,  // all sums are exact: so must C be
  };
  struct Way {
    const char* name;
    ElementType type;  // of A and B
    Data data;
    bool packed;
    // 0 to 3: A transposed (1), B transposed (2); 4: another for each shape.
    int transposed;
    ElementType c = ElementType::kF32;
  };
  static const std::vector<Way>& Ways();

  GemmShapes();

  // Of B [K, N], for a way that is packed.
  PackedMatrix Pack(Context& ctx, const Way& way, size_t N, size_t K) const;

  // The largest error as a share of its bound (above 1: a failure; integers: 0
  // or infinity); infinity too if anything was written beside C. Fills `why`
  // if so.
  double Check(Context& ctx, const Way& way, size_t M, size_t N, size_t K,
               const PackedMatrix* packed, std::string* why) const;

 private:
  // One of A, one of B in all types, as they are and transposed; one type for
  // all is exact where the numbers are.
  struct Operands {
    std::vector<unsigned char> a[2], b[2];
  };
  struct Sums {  // [K][64][64], of the first K products
    std::vector<double> values, sizes;
  };

  static size_t Index(ElementType type, Data data);
  ConstAnyMatView Operand(const Way& way, bool of_b, size_t rows, size_t cols,
                          size_t turn) const;

  Operands operands_[6];
  Sums sums_[6];
};

}  // namespace ranvier::test
