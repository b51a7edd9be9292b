#pragma once

#include <algorithm>
#include <cstddef>

#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::parallel {

// Kernels take elements without gaps. What a view leaves between its elements
// is taken out here, a little at a time.

// Elements that are packed on the stack at once: they and their results stay in
// L1.
inline constexpr size_t kPacked = 512;

template <class T>
void Pack(const T* from, size_t stride, size_t n, T* to) {
  for (size_t i = 0; i < n; ++i) to[i] = from[i * stride];
}
template <class T>
void Unpack(const T* from, size_t n, T* to, size_t stride) {
  for (size_t i = 0; i < n; ++i) to[i * stride] = from[i];
}

// convert(x, y, count, at) for runs of the n elements of x and y, without gaps;
// `at` is the place of a run's first element.
template <class S, class D, class F>
void OverGaps(const S* x, size_t x_stride, D* y, size_t y_stride, size_t n,
              const F& convert) {
  if (x_stride == 1 && y_stride == 1) {
    convert(x, y, n, size_t{0});
    return;
  }
  S x_packed[kPacked];
  D y_packed[kPacked];
  for (size_t at = 0; at < n; at += kPacked) {
    const size_t count = std::min(kPacked, n - at);
    Pack(x + at * x_stride, x_stride, count, x_packed);
    convert(x_packed, y_packed, count, at);
    Unpack(y_packed, count, y + at * y_stride, y_stride);
  }
}

// No gaps within rows and none between them: one long row.
template <class View>
bool IsFlat(const View& view) {
  return !view.empty() && view.col_stride() == 1 &&
         (view.rows() == 1 || view.row_stride() == view.cols());
}
template <class T>
MatView<T> Flat(const MatView<T>& view) {
  return {view.data(), 1, view.rows() * view.cols()};
}
inline AnyMatView Flat(const AnyMatView& view) {
  const size_t n = view.rows() * view.cols();
  return {view.data(), view.type(), 1, n, n};
}
inline ConstAnyMatView Flat(const ConstAnyMatView& view) {
  const size_t n = view.rows() * view.cols();
  return {view.data(), view.type(), 1, n, n};
}

// Better read by column.
template <class View>
bool ColumnsAreDense(const View& view) {
  return view.row_stride() == 1 && view.col_stride() != 1;
}

}  // namespace ranvier::parallel
