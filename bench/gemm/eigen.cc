#include <string>

#include "bench/gemm/bias_gelu.h"
#include "bench/gemm/eigen_variant.h"
#include "bench/gemm/peer.h"
#include "bench/util/x86_level.h"

namespace ranvier::bench {
namespace {

// The best one that the processor has.
const EigenVariant& Variant() {
  static const EigenVariant variant =
      AtX86Level([](auto level) { return EigenOf<level>(); });
  return variant;
}

std::string Version() {
  const std::string level = std::to_string(X86Level());
  return std::string(RANVIER_EIGEN_VERSION) + " " +
         (level == "0" ? "baseline" : "x86-64-v" + level);
}

bool Has(const Product& p, int) {
  return p.element == Element::kF32 || p.element == Element::kBf16;
}

std::function<void()> Prepare(const Product& p, int threads) {
  Variant().set_threads(threads);
  if (p.op == Op::kLinearGelu) {
    return [=] {
      Variant().multiply(p);
      BiasGelu(static_cast<float*>(p.c), p.bias, p.M, p.N, threads);
    };
  }
  return [=] { Variant().multiply(p); };
}

const Registration registration({"eigen", Version(), Has, Prepare});

}  // namespace

void BiasGelu(float* c, const float* bias, size_t M, size_t N, int threads) {
  Variant().bias_gelu(c, bias, M, N, threads);
}

}  // namespace ranvier::bench
