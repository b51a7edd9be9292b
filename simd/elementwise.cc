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

// Each function and each derivative is one loop: y = f(x + plus) times.
struct LoopArgs {
  const float* x = nullptr;
  const float* plus = nullptr;   // null: none
  const float* times = nullptr;  // null: none
  float* y = nullptr;
  float alpha = 0;
  bool streaming = false;  // y begins where a vector may
};
using Loop = void (*)(const LoopArgs& args, size_t n);

// Two vectors at a time, with nothing between their functions, so that the
// compiler mixes the instructions of both. kPlain: neither plus nor times, nor
// questions about them.
template <bool kPlain, class Function>
HWY_INLINE void ForVectors(LoopArgs l, size_t n, const Function& function) {
  const hn::ScalableTag<float> d;
  if constexpr (kPlain) l.plus = l.times = nullptr;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    auto v0 = hn::LoadU(d, l.x + i);
    auto v1 = hn::LoadU(d, l.x + i + N);
    if (l.plus != nullptr) {
      v0 = hn::Add(v0, hn::LoadU(d, l.plus + i));
      v1 = hn::Add(v1, hn::LoadU(d, l.plus + i + N));
    }
    v0 = function(v0);
    v1 = function(v1);
    if (l.times != nullptr) {
      v0 = hn::Mul(hn::LoadU(d, l.times + i), v0);
      v1 = hn::Mul(hn::LoadU(d, l.times + i + N), v1);
    }
    if (l.streaming) {
      hn::Stream(v0, d, l.y + i);
      hn::Stream(v1, d, l.y + i + N);
    } else {
      hn::StoreU(v0, d, l.y + i);
      hn::StoreU(v1, d, l.y + i + N);
    }
  }
  while (i < n) {  // masked, never past the end
    const size_t count = std::min(N, n - i);
    auto v = hn::LoadN(d, l.x + i, count);
    if (l.plus != nullptr) v = hn::Add(v, hn::LoadN(d, l.plus + i, count));
    v = function(v);
    if (l.times != nullptr) v = hn::Mul(hn::LoadN(d, l.times + i, count), v);
    hn::StoreN(v, d, l.y + i, count);
    i += count;
  }
}

template <Elementwise kFunction>
void ValueLoop(const LoopArgs& args, size_t n) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, args.alpha);
  const auto function = [&](auto v) HWY_ATTR {
    return ApplyElementwise<kFunction>(d, v, a);
  };
  if (args.plus == nullptr && args.times == nullptr) {
    ForVectors<true>(args, n, function);
  } else {
    ForVectors<false>(args, n, function);
  }
}

template <Elementwise kFunction>
void DerivativeLoop(const LoopArgs& args, size_t n) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, args.alpha);
  ForVectors<false>(args, n, [&](auto v) HWY_ATTR {
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

// y = f(x + plus) times; plus and times may have no data.
void RunLoop(Loop loop, const ElementwiseCall& call, const ConstElements& x,
             const ConstElements& plus, const ConstElements& times,
             const Elements& y, size_t n) {
  LoopArgs args;
  args.alpha = call.alpha;
  if (x.direct() && plus.direct() && times.direct() && y.direct()) {
    const auto run = [&](size_t at, size_t count) {
      const auto from = [at](const void* data) {
        const auto* floats = static_cast<const float*>(data);
        return floats == nullptr ? nullptr : floats + at;
      };
      args.x = from(x.data);
      args.plus = from(plus.data);
      args.times = from(times.data);
      args.y = static_cast<float*>(y.data) + at;
      loop(args, count);
    };
    size_t ahead = 0;
    if (call.streaming) {
      ahead = std::min(n, ElementsToVector(static_cast<float*>(y.data)));
      if (ahead != 0) run(0, ahead);
      args.streaming = true;
    }
    run(ahead, n - ahead);
    return;
  }
  HWY_ALIGN float x_room[kChunk];
  HWY_ALIGN float plus_room[kChunk];
  HWY_ALIGN float times_room[kChunk];
  HWY_ALIGN float y_room[kChunk];
  ForChunks(y, n, call.streaming, [&](size_t at, size_t count) HWY_ATTR {
    args.x = ReadElements(x, at, count, x_room);
    if (plus.data != nullptr) {
      args.plus = ReadElements(plus, at, count, plus_room);
    }
    if (times.data != nullptr) {
      args.times = ReadElements(times, at, count, times_room);
    }
    args.y = PlaceElements(y, at, call.streaming, y_room);
    loop(args, count);
    WriteElements(y, at, count, call.streaming, args.y);
  });
}

void MapImpl(const ElementwiseCall& call, const ConstElements& x,
             const ConstElements& bias, const Elements& y, size_t n) {
  RunLoop(LoopOf(call.function, false), call, x, bias, {}, y, n);
}

void MapGradientImpl(const ElementwiseCall& call, const ConstElements& x,
                     const ConstElements& bias, const ConstElements& dy,
                     const Elements& dx, size_t n) {
  RunLoop(LoopOf(call.function, true), call, x, bias, dy, dx, n);
}

void GatedImpl(const ElementwiseCall& call, const ConstElements& gate,
               const ConstElements& up, const Elements& y, size_t n) {
  RunLoop(LoopOf(call.function, false), call, gate, {}, up, y, n);
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
    LoopArgs args;
    args.x = from;
    args.alpha = call.alpha;
    args.y = value_room;
    value(args, count);
    args.y = slope_room;
    slope(args, count);
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

void FinishStreaming() noexcept { hwy::FlushStream(); }

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
