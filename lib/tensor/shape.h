#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// The sizes of a tensor, slowest first: Shape({batch, heads, tokens, dim}).
//
// Throws  ShapeError: no size or more than kMaxRank; or so many elements that
//         they cannot be counted. A size may be 0; the others are then still
//         counted, so that no product of some of the sizes can overflow.
class RANVIER_API Shape {
 public:
  static constexpr size_t kMaxRank = 5;

  Shape() = default;  // [0]
  Shape(std::initializer_list<size_t> sizes);
  explicit Shape(std::span<const size_t> sizes);

  size_t rank() const { return rank_; }
  // The size of one dimension.
  // Throws  ShapeError: there is no such dimension.
  size_t operator[](size_t dimension) const;
  std::span<const size_t> sizes() const { return {sizes_.data(), rank_}; }

  size_t elements() const { return elements_; }
  // The matrix that has the last dimension as its rows: all other dimensions
  // are counted as one. A vector is one row.
  size_t rows() const;
  size_t cols() const { return sizes_[rank_ - 1]; }

  // How many elements lie before those at the leading indices `at`, in a
  // contiguous row-major tensor.
  // Throws  ShapeError: more indices than dimensions, or one that is too large.
  size_t Offset(std::span<const size_t> at) const;
  // What is left behind `count` leading dimensions, at least one of which
  // remains.
  // Throws  ShapeError.
  Shape Behind(size_t count) const;

  std::string ToString() const;  // "[2, 3, 4]"

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<size_t, kMaxRank> sizes_ = {};  // 0 from rank_ on
  size_t rank_ = 1;
  size_t elements_ = 0;
};

}  // namespace ranvier
