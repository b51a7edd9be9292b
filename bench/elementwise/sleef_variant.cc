// SLEEF in loops that one would write around it. Vectors are those of the
// compiler, of which + - * / work. Compiled for each RANVIER_X86_LEVEL.

#include <sleef.h>

#include <cstring>
#include <string>

#include "bench/elementwise/peer.h"

namespace ranvier::bench {
namespace {

#if defined(__AVX512F__)
using V = __m512;
#define RANVIER_SLEEF(name) Sleef_##name##f16_u10
#elif defined(__AVX2__)
using V = __m256;
#define RANVIER_SLEEF(name) Sleef_##name##f8_u10
#elif defined(__SSE2__)
using V = __m128;
#define RANVIER_SLEEF(name) Sleef_##name##f4_u10
#else
using V = float32x4_t;
#define RANVIER_SLEEF(name) Sleef_##name##f4_u10
#endif
constexpr size_t kLanes = sizeof(V) / sizeof(float);

V Load(const float* x) {
  V v;
  std::memcpy(&v, x, sizeof(V));
  return v;
}

// n is a multiple of every vector's length.
template <class F>
Prepared Each(const Operands& o, const float* from, const F& f) {
  return [=] {
    for (size_t i = 0; i < o.n; i += kLanes) {
      const V y = f(Load(from + i), i);
      std::memcpy(o.y + i, &y, sizeof(V));
    }
  };
}

V Sigmoid(V x) { return 1.0f / (1.0f + RANVIER_SLEEF(exp)(-x)); }
V ErfOfHalf(V x) { return 0.5f + 0.5f * RANVIER_SLEEF(erf)(x * 0.70710678f); }

Prepared Prepare(Op op, const Operands& o, int threads) {
  if (threads > 1) return {};
  switch (op) {
    case Op::kExp:
      return Each(o, o.x, [](V x, size_t) { return RANVIER_SLEEF(exp)(x); });
    case Op::kTanh:
      return Each(o, o.x, [](V x, size_t) { return RANVIER_SLEEF(tanh)(x); });
    case Op::kSigmoid:
      return Each(o, o.x, [](V x, size_t) { return Sigmoid(x); });
    case Op::kSilu:
      return Each(o, o.x, [](V x, size_t) { return x * Sigmoid(x); });
    case Op::kGelu:
      return Each(o, o.x, [](V x, size_t) { return x * ErfOfHalf(x); });
    case Op::kGeluTanh:
      return Each(o, o.x, [](V x, size_t) {
        const V z = x * (0.79788456f + 0.035677408f * x * x);
        return x * (0.5f + 0.5f * RANVIER_SLEEF(tanh)(z));
      });
    case Op::kLog:
      return Each(o, o.magnitudes,
                  [](V x, size_t) { return RANVIER_SLEEF(log)(x); });
    case Op::kErf:
      return Each(o, o.x, [](V x, size_t) { return RANVIER_SLEEF(erf)(x); });
    case Op::kGeluGradient:
      return Each(o, o.x, [=](V x, size_t i) {
        const V phi = 0.39894228f * RANVIER_SLEEF(exp)(-0.5f * x * x);
        return Load(o.dy + i) * (ErfOfHalf(x) + x * phi);
      });
    case Op::kSwiGlu:
      return Each(o, o.x, [=](V x, size_t i) {
        return x * Sigmoid(x) * Load(o.up + i);
      });
    default:
      return {};
  }
}

}  // namespace

template <int kX86Level>
Peer SleefPeer() {
  return {"sleef",
          std::to_string(SLEEF_VERSION_MAJOR) + "." +
              std::to_string(SLEEF_VERSION_MINOR),
          Prepare};
}
template Peer SleefPeer<RANVIER_X86_LEVEL>();

}  // namespace ranvier::bench
