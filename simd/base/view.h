#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "ranvier/simd/base/check.h"

namespace ranvier {

namespace internal {
template <typename From, typename To>
concept AddsConst = std::is_same_v<const From, To> && !std::is_same_v<From, To>;
}  // namespace internal

// Pointer, sizes, strides; owns nothing and is passed by value. Strides count
// elements, not bytes. A view of T is also a view of const T.

template <typename T>
class VecView {
 public:
  using value_type = std::remove_const_t<T>;

  constexpr VecView() = default;
  constexpr VecView(T* data, size_t size, size_t stride = 1)
      : data_(data), size_(size), stride_(stride) {
    RANVIER_DCHECK(data != nullptr || size == 0);
  }
  constexpr VecView(std::span<T> span) : VecView(span.data(), span.size()) {}
  template <internal::AddsConst<T> U>
  constexpr VecView(const VecView<U>& other)
      : VecView(other.data(), other.size(), other.stride()) {}

  constexpr T* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr size_t stride() const { return stride_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool contiguous() const { return stride_ == 1 || size_ <= 1; }

  constexpr T& operator[](size_t i) const {
    RANVIER_DCHECK(i < size_);
    return data_[i * stride_];
  }

  // Elements [begin, begin + count).
  constexpr VecView Slice(size_t begin, size_t count) const {
    RANVIER_DCHECK(begin <= size_ && count <= size_ - begin);
    if (count == 0) return {};
    return {data_ + begin * stride_, count, stride_};
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t stride_ = 1;
};

// Row-major by habit, not by rule: Transposed swaps the strides.
template <typename T>
class MatView {
 public:
  using value_type = std::remove_const_t<T>;

  constexpr MatView() = default;
  // Rows one after the other.
  constexpr MatView(T* data, size_t rows, size_t cols)
      : MatView(data, rows, cols, cols) {}
  constexpr MatView(T* data, size_t rows, size_t cols, size_t row_stride,
                    size_t col_stride = 1)
      : data_(data),
        rows_(rows),
        cols_(cols),
        row_stride_(row_stride),
        col_stride_(col_stride) {
    RANVIER_DCHECK(data != nullptr || empty());
  }
  template <internal::AddsConst<T> U>
  constexpr MatView(const MatView<U>& other)
      : MatView(other.data(), other.rows(), other.cols(), other.row_stride(),
                other.col_stride()) {}

  constexpr T* data() const { return data_; }
  constexpr size_t rows() const { return rows_; }
  constexpr size_t cols() const { return cols_; }
  constexpr size_t row_stride() const { return row_stride_; }
  constexpr size_t col_stride() const { return col_stride_; }
  constexpr bool empty() const { return rows_ == 0 || cols_ == 0; }
  // One run of rows() * cols() elements, row by row.
  constexpr bool contiguous() const {
    return empty() || ((cols_ == 1 || col_stride_ == 1) &&
                       (rows_ == 1 || row_stride_ == cols_));
  }

  constexpr T& operator()(size_t row, size_t col) const {
    RANVIER_DCHECK(row < rows_ && col < cols_);
    return data_[row * row_stride_ + col * col_stride_];
  }

  constexpr VecView<T> Row(size_t row) const {
    RANVIER_DCHECK(row < rows_);
    if (cols_ == 0) return {};
    return {data_ + row * row_stride_, cols_, col_stride_};
  }
  constexpr VecView<T> Col(size_t col) const {
    RANVIER_DCHECK(col < cols_);
    if (rows_ == 0) return {};
    return {data_ + col * col_stride_, rows_, row_stride_};
  }
  // Rows [row, row + rows) of columns [col, col + cols).
  constexpr MatView Block(size_t row, size_t col, size_t rows,
                          size_t cols) const {
    RANVIER_DCHECK(row <= rows_ && rows <= rows_ - row);
    RANVIER_DCHECK(col <= cols_ && cols <= cols_ - col);
    // No pointer is made to where no element is.
    T* at = rows == 0 || cols == 0
                ? data_
                : data_ + row * row_stride_ + col * col_stride_;
    return {at, rows, cols, row_stride_, col_stride_};
  }
  constexpr MatView Transposed() const {
    return {data_, cols_, rows_, col_stride_, row_stride_};
  }

 private:
  T* data_ = nullptr;
  size_t rows_ = 0;
  size_t cols_ = 0;
  size_t row_stride_ = 0;
  size_t col_stride_ = 1;
};

}  // namespace ranvier
