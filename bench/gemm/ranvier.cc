#include <cstdint>
#include <memory>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/gemm_int8.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/targets.h"

#include "bench/gemm/operands.h"
#include "bench/gemm/peer.h"

namespace ranvier::bench {
namespace {

bool Has(const Product& p, int) {
  return !IsInteger(p.element) ||
         (p.op != Op::kLinearGelu && p.op != Op::kGemv);
}

template <typename T>  // of A
std::function<void()> PrepareInt8(const Product& p, int threads) {
  const auto ctx = std::make_shared<Context>(ContextOptions{threads});
  const auto* pb = static_cast<const int8_t*>(p.b);
  const MatView<const T> a(static_cast<const T*>(p.a), p.M, p.K);
  const MatView<int32_t> c(static_cast<int32_t*>(p.c), p.M, p.N);
  const MatView<const int8_t> w(pb, p.N, p.K);
  if (p.op == Op::kLinearPacked) {
    const PackedMatrix packed(*ctx, w.Transposed());
    return [=] { GemmInt8(*ctx, a, packed, c); };
  }
  const auto b =
      p.op == Op::kGemm ? MatView<const int8_t>(pb, p.K, p.N) : w.Transposed();
  return [=] { GemmInt8(*ctx, a, b, c); };
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
  switch (p.element) {
    case Element::kF32:
      return PrepareFor<float>(p, threads);
    case Element::kBf16:
      return PrepareFor<bf16>(p, threads);
    case Element::kU8S8:
      return PrepareInt8<uint8_t>(p, threads);
    case Element::kS8S8:
      return PrepareInt8<int8_t>(p, threads);
  }
  return {};
}

const Registration registration({"ranvier", "", Has, Prepare});

}  // namespace
}  // namespace ranvier::bench
