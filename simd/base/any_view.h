#pragma once

#include <cstddef>
#include <type_traits>

#include "ranvier/simd/base/element_type.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// A MatView whose element type is known at run time; owns nothing and is passed
// by value. Made from any MatView, so that a function which takes every
// combination of types needs no template. ConstAnyMatView may only be read.

namespace internal {

template <typename Void>  // void or const void
class BasicAnyMatView {
  static constexpr bool kConst = std::is_const_v<Void>;
  template <typename T>
  static constexpr bool kAccepts = Element<std::remove_const_t<T>> &&
                                   (kConst || !std::is_const_v<T>);

 public:
  constexpr BasicAnyMatView() = default;
  constexpr BasicAnyMatView(Void* data, ElementType type, size_t rows,
                            size_t cols, size_t row_stride,
                            size_t col_stride = 1)
      : data_(data),
        rows_(rows),
        cols_(cols),
        row_stride_(row_stride),
        col_stride_(col_stride),
        type_(type) {}
  template <typename T>
  requires kAccepts<T>
  constexpr BasicAnyMatView(const MatView<T>& view)
      : BasicAnyMatView(view.data(), kElementType<std::remove_const_t<T>>,
                        view.rows(), view.cols(), view.row_stride(),
                        view.col_stride()) {}
  template <typename Other>
  requires(kConst&& std::is_same_v<
           Other, BasicAnyMatView<void>>) constexpr BasicAnyMatView(const Other&
                                                                        other)
      : BasicAnyMatView(other.data(), other.type(), other.rows(), other.cols(),
                        other.row_stride(), other.col_stride()) {}

  constexpr Void* data() const { return data_; }
  constexpr ElementType type() const { return type_; }
  constexpr size_t rows() const { return rows_; }
  constexpr size_t cols() const { return cols_; }
  constexpr size_t row_stride() const { return row_stride_; }
  constexpr size_t col_stride() const { return col_stride_; }
  constexpr bool empty() const { return rows_ == 0 || cols_ == 0; }

  constexpr BasicAnyMatView Transposed() const {
    return {data_, type_, cols_, rows_, col_stride_, row_stride_};
  }
  // T must be the element type.
  template <Element T>
  constexpr auto As() const {
    RANVIER_DCHECK(type_ == kElementType<T>);
    using E = std::conditional_t<kConst, const T, T>;
    return MatView<E>(static_cast<E*>(data_), rows_, cols_, row_stride_,
                      col_stride_);
  }

 private:
  Void* data_ = nullptr;
  size_t rows_ = 0;
  size_t cols_ = 0;
  size_t row_stride_ = 0;
  size_t col_stride_ = 1;
  ElementType type_ = ElementType::kF32;
};

}  // namespace internal

using AnyMatView = internal::BasicAnyMatView<void>;
using ConstAnyMatView = internal::BasicAnyMatView<const void>;

}  // namespace ranvier
