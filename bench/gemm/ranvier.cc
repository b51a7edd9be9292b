#include <memory>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/targets.h"

#include "bench/gemm/peer.h"

namespace ranvier::bench {
namespace {

// Integers are in ranvier_int8.cc.
bool Has(const Product& p, int) {
  return p.element == Element::kF32 || p.element == Element::kBf16;
}

template <typename T>
std::function<void()> PrepareFor(const Product& p, int threads) {
  const auto ctx = std::make_shared<Context>(ContextOptions{threads});
  const auto* pa = static_cast<const T*>(p.a);
  const auto* pb = static_cast<const T*>(p.b);
  auto* pc = static_cast<float*>(p.c);
  const MatView<const T> a(pa, p.M, p.K);
  const MatView<float> c(pc, p.M, p.N);
  const MatView<const T> w(pb, p.N, p.K);
  switch (p.op) {
    case Op::kGemm: {
      const MatView<const T> b(pb, p.K, p.N);
      return [=] { Gemm(*ctx, a, b, c); };
    }
    case Op::kLinear:
      return [=] { Gemm(*ctx, a, w.Transposed(), c); };
    case Op::kLinearPacked: {
      const PackedMatrix packed(*ctx, w.Transposed());
      return [=] { Gemm(*ctx, a, packed, c); };
    }
    case Op::kLinearGelu: {
      const PackedMatrix packed(*ctx, w.Transposed());
      GemmOptions options;
      options.bias = {p.bias, p.N};
      options.activation = Activation::kGelu;
      return [=] { Gemm(*ctx, a, packed, c, options); };
    }
    case Op::kGemv:
      if constexpr (std::is_same_v<T, float>) {
        return [=, x = VecView<const T>(pb, p.K), y = VecView<float>(pc, p.M)] {
          Gemv(*ctx, 1, a, x, 0, y);
        };
      }
  }
  return {};
}

std::function<void()> Prepare(const Product& p, int threads) {
  return p.element == Element::kF32 ? PrepareFor<float>(p, threads)
                                    : PrepareFor<bf16>(p, threads);
}

const Registration registration({"ranvier", "", Has, Prepare});

}  // namespace
}  // namespace ranvier::bench
