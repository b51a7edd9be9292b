#include "ranvier/simd/dropout.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/dropout.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/elements-inl.h"
#include "ranvier/simd/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void DropBelow(const uint32_t* random, const DropoutCall& call, const float* x,
               float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t N = hn::Lanes(d);
  if (call.threshold >> 32 != 0) {  // above every word
    std::fill_n(y, n, 0.0f);
    return;
  }
  const auto threshold = hn::Set(du, static_cast<uint32_t>(call.threshold));
  const auto kept = hn::Set(d, call.kept);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const auto keep =
        hn::RebindMask(d, hn::Ge(hn::LoadU(du, random + i), threshold));
    const auto scaled = hn::Div(hn::LoadU(d, x + i), kept);
    hn::StoreU(hn::IfThenElseZero(keep, scaled), d, y + i);
  }
  if (i != n) {
    const auto keep =
        hn::RebindMask(d, hn::Ge(hn::LoadN(du, random + i, n - i), threshold));
    const auto scaled = hn::Div(hn::LoadN(d, x + i, n - i), kept);
    hn::StoreN(hn::IfThenElseZero(keep, scaled), d, y + i, n - i);
  }
}

void DropoutImpl(const DropoutCall& call, const ConstElements& x,
                 const Elements& y, size_t n) {
  HWY_ALIGN float x_room[kChunk];
  HWY_ALIGN float y_room[kChunk];
  HWY_ALIGN uint32_t random[kChunk + 8];
  ForChunks(y, n, call.streaming, [&](size_t at, size_t count) HWY_ATTR {
    const uint64_t element = call.first + at;
    const auto skip = static_cast<size_t>(element % 4);
    PhiloxBlocks(call.key, element / 4, (skip + count + 3) / 4, random);
    float* to = PlaceElements(y, at, call.streaming, y_room);
    DropBelow(random + skip, call, ReadElements(x, at, count, x_room), to,
              count);
    WriteElements(y, at, count, call.streaming, to);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(DropoutImpl);

void Dropout(const DropoutCall& call, ConstElements x, Elements y,
             size_t n) noexcept {
  RANVIER_DISPATCH(DropoutImpl)(call, x, y, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
