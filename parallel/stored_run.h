#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "ranvier/parallel/gaps.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/convert.h"

namespace ranvier::parallel {

// Runs of the elements of a view, counted row by row, as f32 without gaps: for
// kernels that know nothing else. f32, bf16 or f16, any strides.

template <class T>
void WidenRun(const T* from, size_t stride, size_t n, float* to) {
  if constexpr (std::is_same_v<T, float>) {
    Pack(from, stride, n, to);
  } else if (stride == 1) {
    simd::Convert(from, to, n);
  } else {
    T packed[kPacked];
    for (size_t at = 0; at < n; at += kPacked) {
      const size_t count = std::min(kPacked, n - at);
      Pack(from + at * stride, stride, count, packed);
      simd::Convert(packed, to + at, count);
    }
  }
}
template <class T>
void NarrowRun(const float* from, size_t n, T* to, size_t stride) {
  if constexpr (std::is_same_v<T, float>) {
    Unpack(from, n, to, stride);
  } else if (stride == 1) {
    simd::Convert(from, to, n);
  } else {
    T packed[kPacked];
    for (size_t at = 0; at < n; at += kPacked) {
      const size_t count = std::min(kPacked, n - at);
      simd::Convert(from + at, packed, count);
      Unpack(packed, count, to + at * stride, stride);
    }
  }
}

// part(data, stride, n, done) for the pieces of rows that make up elements
// [begin, begin + n) of a view of T; `done` elements stand before the piece.
template <class T, class View, class Part>
void ForRowPieces(const View& view, size_t begin, size_t n, const Part& part) {
  const auto typed = view.template As<T>();
  for (size_t done = 0; done < n;) {
    const size_t row = (begin + done) / view.cols();
    const size_t col = begin + done - row * view.cols();
    const size_t count = std::min(view.cols() - col, n - done);
    part(&typed(row, col), view.col_stride(), count, done);
    done += count;
  }
}

// visit(T()) with the type that the view's elements have.
template <class Visit>
void OfFloatType(ElementType type, const Visit& visit) {
  switch (type) {
    case ElementType::kBf16:
      return visit(bf16());
    case ElementType::kF16:
      return visit(f16());
    default:
      return visit(float());
  }
}

// f32 that are already where a kernel can take them; else nullptr.
template <class View>
auto DirectRun(const View& view, size_t begin, size_t n)
    -> decltype(&view.template As<float>()(0, 0)) {
  if (view.type() != ElementType::kF32 || view.col_stride() != 1) {
    return nullptr;
  }
  const size_t row = begin / view.cols();
  const size_t col = begin - row * view.cols();
  if (!IsFlat(view) && n > view.cols() - col) return nullptr;
  return view.template As<float>().data() + row * view.row_stride() + col;
}

// n elements of a row from `col` on, where they are or in `room`.
inline const float* LoadRow(const ConstAnyMatView& view, size_t row, size_t col,
                            size_t n, float* room) {
  const size_t at = row * view.row_stride() + col * view.col_stride();
  if (view.type() == ElementType::kF32 && view.col_stride() == 1) {
    return static_cast<const float*>(view.data()) + at;
  }
  OfFloatType(view.type(), [&](auto element) {
    using T = decltype(element);
    WidenRun(static_cast<const T*>(view.data()) + at, view.col_stride(), n,
             room);
  });
  return room;
}
inline void StoreRow(const float* from, const AnyMatView& view, size_t row,
                     size_t col, size_t n) {
  const size_t at = row * view.row_stride() + col * view.col_stride();
  OfFloatType(view.type(), [&](auto element) {
    using T = decltype(element);
    NarrowRun(from, n, static_cast<T*>(view.data()) + at, view.col_stride());
  });
}

// Elements [begin, begin + n), where they are or in `room`.
inline const float* LoadRun(const ConstAnyMatView& view, size_t begin, size_t n,
                            float* room) {
  if (const float* direct = DirectRun(view, begin, n)) return direct;
  OfFloatType(view.type(), [&](auto element) {
    using T = decltype(element);
    ForRowPieces<T>(
        view, begin, n,
        [&](const T* from, size_t stride, size_t count, size_t done) {
          WidenRun(from, stride, count, room + done);
        });
  });
  return room;
}
inline void StoreRun(const float* from, const AnyMatView& view, size_t begin,
                     size_t n) {
  OfFloatType(view.type(), [&](auto element) {
    using T = decltype(element);
    ForRowPieces<T>(view, begin, n,
                    [&](T* to, size_t stride, size_t count, size_t done) {
                      NarrowRun(from + done, count, to, stride);
                    });
  });
}

}  // namespace ranvier::parallel
