#pragma once

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <Eigen/Core>

#include "ranvier/simd/base/view.h"

// Eigen's matrices are ranvier's views and the other way round; nothing is
// copied, so the owner of the memory must outlive the view. An adapter to be
// asked for by name: nothing else of ranvier includes it or needs Eigen.
//
//   Eigen::MatrixXf x, w, y;                                // column-major
//   ranvier::Gemm(ctx, AsMatView(x), AsMatView(w), AsMatView(y));
//   AsEigen(tensor.Mat()).rowwise() += bias.transpose();

namespace ranvier {

namespace internal {

template <typename E>
concept EigenInMemory = std::derived_from<E, Eigen::DenseBase<E>> &&
                        (static_cast<unsigned>(E::Flags) &
                         Eigen::DirectAccessBit) != 0;

// Whose elements go away with it. A Ref to const may hold a copy of what it was
// made from.
template <typename E>
inline constexpr bool kEigenOwns =
    std::derived_from<E, Eigen::PlainObjectBase<E>>;
template <typename M, int kOptions, typename Stride>
inline constexpr bool kEigenOwns<Eigen::Ref<const M, kOptions, Stride>> = true;

template <typename E>
concept EigenViewable = EigenInMemory<std::remove_cvref_t<E>> &&
    (std::is_lvalue_reference_v<E> || !kEigenOwns<std::remove_cvref_t<E>>);

template <typename T, int kRows, int kCols, int kOrder>
using EigenOf = std::conditional_t<
    std::is_const_v<T>,
    const Eigen::Matrix<std::remove_const_t<T>, kRows, kCols, kOrder>,
    Eigen::Matrix<T, kRows, kCols, kOrder>>;
template <typename T>
using EigenRows = EigenOf<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename T>
using EigenVector = EigenOf<T, Eigen::Dynamic, 1, Eigen::ColMajor>;

inline Eigen::Index ToIndex(size_t n) { return static_cast<Eigen::Index>(n); }

}  // namespace internal

// A matrix, array, map, block, row, diagonal, transpose or Ref as a view: all
// that lies in memory, in either order and with any strides. What cannot be
// written (a const matrix, a Ref to const) gives a view of const. An expression
// that has yet to be computed does not compile, nor does a temporary matrix.
template <typename E>
requires internal::EigenViewable<E>
auto AsMatView(E&& e) {
  using T = std::remove_pointer_t<decltype(e.data())>;
  return MatView<T>(
      e.data(), static_cast<size_t>(e.rows()), static_cast<size_t>(e.cols()),
      static_cast<size_t>(e.rowStride()), static_cast<size_t>(e.colStride()));
}

// The same for what is a vector by its type.
template <typename E>
requires(internal::EigenViewable<E>&& static_cast<bool>(
    std::remove_cvref_t<E>::IsVectorAtCompileTime)) auto AsVecView(E&& e) {
  using T = std::remove_pointer_t<decltype(e.data())>;
  return VecView<T>(e.data(), static_cast<size_t>(e.size()),
                    static_cast<size_t>(e.innerStride()));
}

// A view as a row-major matrix of Eigen. For the transpose of one, write
// AsEigen(view.Transposed()).transpose().
//
// Throws  std::invalid_argument if the elements of a row are not neighbours.
template <typename T>
auto AsEigen(MatView<T> view) {
  if (view.col_stride() != 1 && view.cols() > 1) {
    throw std::invalid_argument(
        "AsEigen: the elements of a row lie " +
        std::to_string(view.col_stride()) + " apart in a view of [" +
        std::to_string(view.rows()) + ", " + std::to_string(view.cols()) +
        "]; AsEigenStrided takes any strides");
  }
  using Map = Eigen::Map<internal::EigenRows<T>, Eigen::Unaligned,
                         Eigen::OuterStride<>>;
  return Map(view.data(), internal::ToIndex(view.rows()),
             internal::ToIndex(view.cols()),
             Eigen::OuterStride<>(internal::ToIndex(view.row_stride())));
}

// A view as a column vector of Eigen.
//
// Throws  std::invalid_argument if its elements are not neighbours.
template <typename T>
auto AsEigen(VecView<T> view) {
  if (!view.contiguous()) {
    throw std::invalid_argument(
        "AsEigen: the elements lie " + std::to_string(view.stride()) +
        " apart in a view of [" + std::to_string(view.size()) +
        "]; AsEigenStrided takes any strides");
  }
  return Eigen::Map<internal::EigenVector<T>>(view.data(),
                                              internal::ToIndex(view.size()));
}

// The same for any strides, which Eigen does not vectorise.
template <typename T>
auto AsEigenStrided(MatView<T> view) {
  using Strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  using Map = Eigen::Map<internal::EigenRows<T>, Eigen::Unaligned, Strides>;
  return Map(view.data(), internal::ToIndex(view.rows()),
             internal::ToIndex(view.cols()),
             Strides(internal::ToIndex(view.row_stride()),
                     internal::ToIndex(view.col_stride())));
}
template <typename T>
auto AsEigenStrided(VecView<T> view) {
  using Map = Eigen::Map<internal::EigenVector<T>, Eigen::Unaligned,
                         Eigen::InnerStride<>>;
  return Map(view.data(), internal::ToIndex(view.size()),
             Eigen::InnerStride<>(internal::ToIndex(view.stride())));
}

}  // namespace ranvier
