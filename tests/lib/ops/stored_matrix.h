#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/element_type.h"

#include "tests/util/guarded_buffer.h"

namespace ranvier::test {

inline constexpr ElementType kFloatTypes[] = {
    ElementType::kF32, ElementType::kBf16, ElementType::kF16};

// kScattered: no two elements are side by side.
enum class Layout { kRows, kColumns, kScattered };
inline constexpr Layout kLayouts[] = {Layout::kRows, Layout::kColumns,
                                      Layout::kScattered};

// A matrix of any type and layout in memory that begins one element after an
// aligned address and ends with its last element. Its padding, and at first all
// of it, is NaN.
class StoredMatrix {
 public:
  StoredMatrix(ElementType type, Layout layout, size_t rows, size_t cols,
               size_t pad = 3);

  const AnyMatView& view() const { return view_; }
  ElementType type() const { return view_.type(); }
  size_t rows() const { return view_.rows(); }
  size_t cols() const { return view_.cols(); }

  void Set(size_t row, size_t col, float value);
  double Get(size_t row, size_t col) const;
  // Uniform in [-1, 1]; the same numbers for every layout.
  void FillRandom(uint64_t seed);
  void FillNaN();

  // Nothing was written beside the elements: in front of them, between them,
  // behind them.
  testing::AssertionResult PaddingIntact() const;
  // The elements alone, row by row.
  std::vector<unsigned char> Bits() const;

 private:
  void WriteNaN(size_t at);

  GuardedBuffer<unsigned char> memory_;
  AnyMatView view_;
};

// What names a place in a file or a failed case.
const char* Name(Layout layout);

}  // namespace ranvier::test
