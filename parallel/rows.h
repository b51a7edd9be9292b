#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/gaps.h"
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

// Elements [begin, begin + n) of a row: where they lie, or copied to `room`.
inline const float* ReadRow(const ConstAnyMatView& x, size_t row, size_t begin,
                            size_t n, float* room) {
  const size_t at = row * x.row_stride() + begin * x.col_stride();
  if (IsPlainF32(x)) return static_cast<const float*>(x.data()) + at;
  const auto widen = [&](const auto* from) {
    OverGaps(from + at, x.col_stride(), room, 1, n,
             [](const auto* a, float* b, size_t count, size_t) {
               simd::Convert(a, b, count);
             });
  };
  switch (x.type()) {
    case ElementType::kBf16:
      widen(static_cast<const bf16*>(x.data()));
      break;
    case ElementType::kF16:
      widen(static_cast<const f16*>(x.data()));
      break;
    default:
      Pack(static_cast<const float*>(x.data()) + at, x.col_stride(), n, room);
  }
  return room;
}

// Where to write the elements [begin, begin + n) of a row: in their place if
// they are f32 without gaps, else to `room`, to be taken from there by
// WriteRow.
inline float* PlaceOfRow(const AnyMatView& y, size_t row, size_t begin,
                         float* room) {
  if (!IsPlainF32(y)) return room;
  return static_cast<float*>(y.data()) + row * y.row_stride() + begin;
}

inline void WriteRow(const float* from, const AnyMatView& y, size_t row,
                     size_t begin, size_t n) {
  if (IsPlainF32(y)) return;
  const size_t at = row * y.row_stride() + begin * y.col_stride();
  const auto narrow = [&](auto* to) {
    OverGaps(from, 1, to + at, y.col_stride(), n,
             [](const float* a, auto* b, size_t count, size_t) {
               simd::Convert(a, b, count);
             });
  };
  switch (y.type()) {
    case ElementType::kBf16:
      return narrow(static_cast<bf16*>(y.data()));
    case ElementType::kF16:
      return narrow(static_cast<f16*>(y.data()));
    default:
      Unpack(from, n, static_cast<float*>(y.data()) + at, y.col_stride());
  }
}

// Whether y is to be written past the caches: it is larger than the last of
// them, its rows begin where a vector may be stored so, and it does not stand
// where x is, which has brought its lines there already.
inline bool ShouldStream(const AnyMatView& y, const ConstAnyMatView& x) {
  constexpr size_t kVectorBytes = 64;
  const size_t bytes = y.rows() * y.cols() * sizeof(float);
  if (bytes < (size_t{1} << 20) || !IsPlainF32(y) || x.data() == y.data()) {
    return false;
  }
  static const CacheSizes caches = DetectCacheSizes();
  return bytes > std::max(caches.l2_bytes, caches.l3_bytes) &&
         reinterpret_cast<uintptr_t>(y.data()) % kVectorBytes == 0 &&
         (y.rows() == 1 || y.row_stride() * sizeof(float) % kVectorBytes == 0);
}

}  // namespace ranvier::parallel
