// The baseline: what three loops give at the compiler's default instruction
// set. The inner one runs along rows of B and C, so that it can be vectorised.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "ranvier/simd/base/element_type.h"
#include "ranvier/simd/base/float16.h"

#include "bench/gemm/peer.h"

namespace ranvier::bench {
namespace {

float Widen(float x) { return x; }
float Widen(bf16 x) { return ToFloat(x); }
int32_t Widen(uint8_t x) { return x; }
int32_t Widen(int8_t x) { return x; }

template <typename A, typename B>
std::function<void()> Multiply(const Product& p) {
  return [=] {
    using Sum = decltype(Widen(A{}) * Widen(B{}));
    const auto* a = static_cast<const A*>(p.a);
    const auto* b = static_cast<const B*>(p.b);
    auto* c = static_cast<Sum*>(p.c);
    std::fill_n(c, p.M * p.N, Sum{0});
    for (size_t i = 0; i < p.M; ++i) {
      for (size_t k = 0; k < p.K; ++k) {
        const Sum scale = Widen(a[i * p.K + k]);
        for (size_t j = 0; j < p.N; ++j) {
          c[i * p.N + j] += scale * Widen(b[k * p.N + j]);
        }
      }
    }
  };
}

bool Has(const Product& p, int threads) {
  return p.op == Op::kGemm && threads == 1 && p.M <= 512;
}

std::function<void()> Prepare(const Product& p, int) {
  switch (p.element) {
    case Element::kF32:
      return Multiply<float, float>(p);
    case Element::kBf16:
      return Multiply<bf16, bf16>(p);
    case Element::kU8S8:
      return Multiply<uint8_t, int8_t>(p);
    case Element::kS8S8:
      return Multiply<int8_t, int8_t>(p);
  }
  return {};
}

const Registration registration({"loop", "", Has, Prepare});

}  // namespace
}  // namespace ranvier::bench
