#include "ranvier/simd/elementwise.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/elementwise.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/activations-inl.h"
#include "ranvier/simd/derivatives-inl.h"
#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/elements-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Each function and each derivative is one loop, from x to y; what else there
// is to an operation (bias, products) is another loop over a chunk that is in
// L1 by then, which costs two of some thirty instructions.
// With `streaming` y begins where a vector may.
using Loop = void (*)(const float* x, float alpha, float* y, size_t n,
                      bool streaming);

template <class Function>
HWY_INLINE void ForVectors(const float* x, float* y, size_t n, bool streaming,
                           const Function& function) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    const auto v0 = function(hn::LoadU(d, x + i));
    const auto v1 = function(hn::LoadU(d, x + i + N));
    if (streaming) {
      hn::Stream(v0, d, y + i);
      hn::Stream(v1, d, y + i + N);
    } else {
      hn::StoreU(v0, d, y + i);
      hn::StoreU(v1, d, y + i + N);
    }
  }
  for (; i + N <= n; i += N) {
    hn::StoreU(function(hn::LoadU(d, x + i)), d, y + i);
  }
  if (i != n) {  // remainder: masked, never past the end
    hn::StoreN(function(hn::LoadN(d, x + i, n - i)), d, y + i, n - i);
  }
}

template <Elementwise kFunction>
void ValueLoop(const float* x, float alpha, float* y, size_t n,
               bool streaming) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, alpha);
  ForVectors(x, y, n, streaming, [&](auto v) HWY_ATTR {
    return ApplyElementwise<kFunction>(d, v, a);
  });
}

template <Elementwise kFunction>
void DerivativeLoop(const float* x, float alpha, float* y, size_t n,
                    bool streaming) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, alpha);
  ForVectors(x, y, n, streaming, [&](auto v) HWY_ATTR {
    return ElementwiseDerivative<kFunction>(d, v, a);
  });
}

template <Elementwise kFunction>
Loop Choose(bool derivative) {
  return derivative ? DerivativeLoop<kFunction> : ValueLoop<kFunction>;
}

Loop LoopOf(Elementwise function, bool derivative) {
  switch (function) {
    case Elementwise::kRelu:
      return Choose<Elementwise::kRelu>(derivative);
    case Elementwise::kLeakyRelu:
      return Choose<Elementwise::kLeakyRelu>(derivative);
    case Elementwise::kElu:
      return Choose<Elementwise::kElu>(derivative);
    case Elementwise::kGelu:
      return Choose<Elementwise::kGelu>(derivative);
    case Elementwise::kGeluTanh:
      return Choose<Elementwise::kGeluTanh>(derivative);
    case Elementwise::kSilu:
      return Choose<Elementwise::kSilu>(derivative);
    case Elementwise::kSigmoid:
      return Choose<Elementwise::kSigmoid>(derivative);
    case Elementwise::kTanh:
      return Choose<Elementwise::kTanh>(derivative);
    case Elementwise::kSoftplus:  // whose derivative is the sigmoid
      return derivative ? ValueLoop<Elementwise::kSigmoid>
                        : ValueLoop<Elementwise::kSoftplus>;
    case Elementwise::kExp:  // its own derivative
      return ValueLoop<Elementwise::kExp>;
    case Elementwise::kExpm1:
      return derivative ? ValueLoop<Elementwise::kExp>
                        : ValueLoop<Elementwise::kExpm1>;
    case Elementwise::kLog:
      return Choose<Elementwise::kLog>(derivative);
    case Elementwise::kLog1p:
      return Choose<Elementwise::kLog1p>(derivative);
    case Elementwise::kErf:
      break;
  }
  return Choose<Elementwise::kErf>(derivative);
}

// y = x + b, y = x b.
void AddLoop(const float* x, const float* b, float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, b + i)), d, y + i);
  }
  for (; i < n; ++i) y[i] = x[i] + b[i];
}
void MultiplyLoop(const float* x, const float* b, float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::LoadU(d, b + i)), d, y + i);
  }
  for (; i < n; ++i) y[i] = x[i] * b[i];
}

// dup = dy value, dgate = dy up slope: either may stand where an operand is, so
// that all are read before.
void GatedProducts(const float* value, const float* slope, const float* up,
                   const float* dy, float* dgate, float* dup, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const auto g = hn::LoadU(d, dy + i);
    const auto for_gate =
        hn::Mul(hn::Mul(g, hn::LoadU(d, up + i)), hn::LoadU(d, slope + i));
    const auto for_up = hn::Mul(g, hn::LoadU(d, value + i));
    hn::StoreU(for_gate, d, dgate + i);
    hn::StoreU(for_up, d, dup + i);
  }
  for (; i < n; ++i) {
    const float for_gate = dy[i] * up[i] * slope[i];
    const float for_up = dy[i] * value[i];
    dgate[i] = for_gate;
    dup[i] = for_up;
  }
}

const float* PlusBias(const float* x, const ConstElements& bias, size_t at,
                      size_t n, float* room) {
  if (bias.data == nullptr) return x;
  HWY_ALIGN float bias_room[kChunk];
  AddLoop(x, ReadElements(bias, at, n, bias_room), room, n);
  return room;
}

void MapImpl(const ElementwiseCall& call, const ConstElements& x,
             const ConstElements& bias, const Elements& y, size_t n) {
  const Loop loop = LoopOf(call.function, false);
  if (x.direct() && y.direct() && bias.data == nullptr) {
    const auto* from = static_cast<const float*>(x.data);
    auto* to = static_cast<float*>(y.data);
    const size_t ahead = call.streaming ? std::min(n, ElementsToVector(to)) : 0;
    if (ahead != 0) loop(from, call.alpha, to, ahead, false);
    loop(from + ahead, call.alpha, to + ahead, n - ahead, call.streaming);
    if (call.streaming) hwy::FlushStream();
    return;
  }
  HWY_ALIGN float x_room[kChunk];
  HWY_ALIGN float y_room[kChunk];
  ForChunks(y, n, call.streaming, [&](size_t at, size_t count) HWY_ATTR {
    const float* from = ReadElements(x, at, count, x_room);
    from = PlusBias(from, bias, at, count, x_room);
    float* to = PlaceElements(y, at, call.streaming, y_room);
    loop(from, call.alpha, to, count, false);
    WriteElements(y, at, count, call.streaming, to);
  });
}

void MapGradientImpl(const ElementwiseCall& call, const ConstElements& x,
                     const ConstElements& bias, const ConstElements& dy,
                     const Elements& dx, size_t n) {
  const Loop loop = LoopOf(call.function, true);
  HWY_ALIGN float x_room[kChunk];
  HWY_ALIGN float dy_room[kChunk];
  HWY_ALIGN float dx_room[kChunk];
  ForChunks(dx, n, call.streaming, [&](size_t at, size_t count) HWY_ATTR {
    const float* from = ReadElements(x, at, count, x_room);
    from = PlusBias(from, bias, at, count, x_room);
    loop(from, call.alpha, x_room, count, false);
    float* to = PlaceElements(dx, at, call.streaming, dx_room);
    MultiplyLoop(ReadElements(dy, at, count, dy_room), x_room, to, count);
    WriteElements(dx, at, count, call.streaming, to);
  });
}

void GatedImpl(const ElementwiseCall& call, const ConstElements& gate,
               const ConstElements& up, const Elements& y, size_t n) {
  const Loop loop = LoopOf(call.function, false);
  HWY_ALIGN float gate_room[kChunk];
  HWY_ALIGN float up_room[kChunk];
  HWY_ALIGN float y_room[kChunk];
  ForChunks(y, n, call.streaming, [&](size_t at, size_t count) HWY_ATTR {
    loop(ReadElements(gate, at, count, gate_room), call.alpha, gate_room, count,
         false);
    float* to = PlaceElements(y, at, call.streaming, y_room);
    MultiplyLoop(ReadElements(up, at, count, up_room), gate_room, to, count);
    WriteElements(y, at, count, call.streaming, to);
  });
}

void GatedGradientImpl(const ElementwiseCall& call, const ConstElements& gate,
                       const ConstElements& up, const ConstElements& dy,
                       const Elements& dgate, const Elements& dup, size_t n) {
  const Loop value = LoopOf(call.function, false);
  const Loop slope = LoopOf(call.function, true);
  HWY_ALIGN float gate_room[kChunk];
  HWY_ALIGN float value_room[kChunk];
  HWY_ALIGN float slope_room[kChunk];
  HWY_ALIGN float up_room[kChunk];
  HWY_ALIGN float dy_room[kChunk];
  ForChunks(dgate, n, call.streaming, [&](size_t at, size_t count) HWY_ATTR {
    const float* from = ReadElements(gate, at, count, gate_room);
    value(from, call.alpha, value_room, count, false);
    slope(from, call.alpha, slope_room, count, false);
    float* to_gate = PlaceElements(dgate, at, call.streaming, slope_room);
    float* to_up = PlaceElements(dup, at, call.streaming, value_room);
    GatedProducts(value_room, slope_room, ReadElements(up, at, count, up_room),
                  ReadElements(dy, at, count, dy_room), to_gate, to_up, count);
    WriteElements(dgate, at, count, call.streaming, to_gate);
    WriteElements(dup, at, count, call.streaming, to_up);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(MapImpl);
HWY_EXPORT(MapGradientImpl);
HWY_EXPORT(GatedImpl);
HWY_EXPORT(GatedGradientImpl);

void Map(const ElementwiseCall& call, ConstElements x, ConstElements bias,
         Elements y, size_t n) noexcept {
  RANVIER_DISPATCH(MapImpl)(call, x, bias, y, n);
}
void MapGradient(const ElementwiseCall& call, ConstElements x,
                 ConstElements bias, ConstElements dy, Elements dx,
                 size_t n) noexcept {
  RANVIER_DISPATCH(MapGradientImpl)(call, x, bias, dy, dx, n);
}
void Gated(const ElementwiseCall& call, ConstElements gate, ConstElements up,
           Elements y, size_t n) noexcept {
  RANVIER_DISPATCH(GatedImpl)(call, gate, up, y, n);
}
void GatedGradient(const ElementwiseCall& call, ConstElements gate,
                   ConstElements up, ConstElements dy, Elements dgate,
                   Elements dup, size_t n) noexcept {
  RANVIER_DISPATCH(GatedGradientImpl)(call, gate, up, dy, dgate, dup, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
