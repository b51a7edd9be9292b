// Kernels compute in f32, without gaps, a chunk at a time; these bring operands
// of other storage there and results back. Included per target, after
// <hwy/highway.h>.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hwy/cache_control.h>

#include "ranvier/simd/base/elements.h"
#include "ranvier/simd/rows-inl.h"

#if defined(RANVIER_SIMD_ELEMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_ELEMENTS_INL_H_
#undef RANVIER_SIMD_ELEMENTS_INL_H_
#else
#define RANVIER_SIMD_ELEMENTS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Elements of a chunk: five rooms of them take a third of L1.
inline constexpr size_t kChunk = 512;

// Where elements [at, at + n) are as f32: where they stand, else in `room`.
inline const float* ReadElements(const ConstElements& x, size_t at, size_t n,
                                 float* room) {
  if (x.direct()) return static_cast<const float*>(x.data) + at;
  Widen(x.type, x.From(at).data, x.stride, n, room);
  return room;
}

// How many elements there are before `to` begins where a vector may.
inline size_t ElementsToVector(const float* to) {
  const size_t N = hn::Lanes(hn::ScalableTag<float>());
  return (0 - reinterpret_cast<uintptr_t>(to) / sizeof(float)) % N;
}

// n bytes past the caches. All but the ends of `to` are whole vectors, which
// memory is written with without being read.
inline void StreamBytes(const void* from, void* to, size_t n) {
  const hn::ScalableTag<uint8_t> d;
  const size_t N = hn::Lanes(d);
  const auto* x = static_cast<const uint8_t*>(from);
  auto* y = static_cast<uint8_t*>(to);
  const size_t ahead = std::min(n, (0 - reinterpret_cast<uintptr_t>(y)) % N);
  std::memcpy(y, x, ahead);
  size_t i = ahead;
  for (; i + N <= n; i += N) hn::Stream(hn::LoadU(d, x + i), d, y + i);
  std::memcpy(y + i, x + i, n - i);
}

// chunk(at, count) for the chunks of n elements. Those of y that streaming
// stores write begin where lines of the cache do, but for the first.
template <class Chunk>
HWY_INLINE void ForChunks(const Elements& y, size_t n, bool streaming,
                          const Chunk& chunk) {
  const size_t size = SizeBytes(y.type);
  const size_t past =
      streaming ? reinterpret_cast<uintptr_t>(y.data) / size % (64 / size) : 0;
  size_t count = std::min(n, kChunk - past);
  for (size_t at = 0; at < n; at += count, count = std::min(kChunk, n - at)) {
    chunk(at, count);
  }
}

// Where results [at, at + n) of y are to be computed: where they are to stand,
// else in `room`, from where WriteElements takes them.
inline float* PlaceElements(const Elements& y, size_t at, bool streaming,
                            float* room) {
  if (!y.direct() || streaming) return room;
  return static_cast<float*>(y.data) + at;
}
inline void WriteElements(const Elements& y, size_t at, size_t n,
                          bool streaming, const float* from) {
  const Elements to = y.From(at);
  if (y.direct()) {
    if (streaming) StreamBytes(from, to.data, n * sizeof(float));
  } else if (streaming && y.stride == 1 && y.type != ElementType::kF32) {
    uint16_t narrow[kChunk];
    Narrow(y.type, from, n, narrow, 1);
    StreamBytes(narrow, to.data, n * sizeof(uint16_t));
  } else {
    Narrow(y.type, from, n, to.data, y.stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_ELEMENTS_INL_H_
