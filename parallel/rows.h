#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/gaps.h"
#include "ranvier/parallel/partition.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/convert.h"

namespace ranvier::parallel {

// Kernels on rows take f32 without gaps; other rows are brought into that form
// and back here, in memory of the caller's.

template <class View>
bool IsPlainF32(const View& x) {
  return x.type() == ElementType::kF32 &&
         (x.col_stride() == 1 || x.cols() <= 1);
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

// Elements [begin, begin + n) of a row, copied.
inline void CopyFromRow(const ConstAnyMatView& x, size_t row, size_t begin,
                        size_t n, float* to) {
  OfFloatType(x.type(), [&](auto element) {
    using T = decltype(element);
    const T* from = static_cast<const T*>(Element(x, row, begin));
    if constexpr (std::is_same_v<T, float>) {
      Pack(from, x.col_stride(), n, to);
    } else {
      OverGaps(from, x.col_stride(), to, 1, n,
               [](const T* a, float* b, size_t count, size_t) {
                 simd::Convert(a, b, count);
               });
    }
  });
}
inline void CopyToRow(const float* from, const AnyMatView& y, size_t row,
                      size_t begin, size_t n) {
  OfFloatType(y.type(), [&](auto element) {
    using T = decltype(element);
    T* to = static_cast<T*>(Element(y, row, begin));
    if constexpr (std::is_same_v<T, float>) {
      Unpack(from, n, to, y.col_stride());
    } else {
      OverGaps(from, 1, to, y.col_stride(), n,
               [](const float* a, T* b, size_t count, size_t) {
                 simd::Convert(a, b, count);
               });
    }
  });
}

// Elements [begin, begin + n) of a row: where they lie, or copied to `room`.
inline const float* ReadRow(const ConstAnyMatView& x, size_t row, size_t begin,
                            size_t n, float* room) {
  if (IsPlainF32(x)) return static_cast<const float*>(Element(x, row, begin));
  CopyFromRow(x, row, begin, n, room);
  return room;
}

// Where to write the elements from `begin` on of a row: in their place if they
// are f32 without gaps, else to `room`, to be taken from there by WriteRow.
inline float* PlaceOfRow(const AnyMatView& y, size_t row, size_t begin,
                         float* room) {
  return IsPlainF32(y) ? static_cast<float*>(Element(y, row, begin)) : room;
}
inline void WriteRow(const float* from, const AnyMatView& y, size_t row,
                     size_t begin, size_t n) {
  if (!IsPlainF32(y)) CopyToRow(from, y, row, begin, n);
}

// The same for elements [begin, begin + n) of a view counted row by row, which
// may be of several rows.

template <class View>
bool IsPlainRun(const View& view, size_t begin, size_t n) {
  return IsPlainF32(view) &&
         (IsFlat(view) || n <= view.cols() - begin % view.cols());
}

// one(row, col, count, done) for the pieces of rows that they consist of;
// `done` of them stand before the piece.
template <class One>
void ForPiecesOfRun(size_t cols, size_t begin, size_t n, const One& one) {
  for (size_t done = 0; done < n;) {
    const size_t row = (begin + done) / cols;
    const size_t col = begin + done - row * cols;
    const size_t count = std::min(cols - col, n - done);
    one(row, col, count, done);
    done += count;
  }
}

inline const float* ReadRun(const ConstAnyMatView& x, size_t begin, size_t n,
                            float* room) {
  if (IsPlainRun(x, begin, n)) {
    return ReadRow(x, begin / x.cols(), begin % x.cols(), n, room);
  }
  ForPiecesOfRun(x.cols(), begin, n,
                 [&](size_t row, size_t col, size_t count, size_t done) {
                   CopyFromRow(x, row, col, count, room + done);
                 });
  return room;
}
inline float* PlaceOfRun(const AnyMatView& y, size_t begin, size_t n,
                         float* room) {
  if (!IsPlainRun(y, begin, n)) return room;
  return PlaceOfRow(y, begin / y.cols(), begin % y.cols(), room);
}
inline void WriteRun(const float* from, const AnyMatView& y, size_t begin,
                     size_t n) {
  if (IsPlainRun(y, begin, n)) return;
  ForPiecesOfRun(y.cols(), begin, n,
                 [&](size_t row, size_t col, size_t count, size_t done) {
                   CopyToRow(from + done, y, row, col, count);
                 });
}

// Whether y is to be written past the caches: it is larger than the last of
// them, its rows begin where a vector may be stored so, and it does not stand
// where x is, which has brought its lines there already.
inline bool ShouldStream(const AnyMatView& y, const ConstAnyMatView& x) {
  constexpr size_t kVectorBytes = 64;
  return IsPlainF32(y) && x.data() != y.data() &&
         ExceedsCaches(y.rows() * y.cols() * sizeof(float)) &&
         reinterpret_cast<uintptr_t>(y.data()) % kVectorBytes == 0 &&
         (y.rows() == 1 || y.row_stride() * sizeof(float) % kVectorBytes == 0);
}

}  // namespace ranvier::parallel
