#include <string>
#include <utility>

#include "bench/gemm/bias_gelu.h"
#include "bench/gemm/eigen_variant.h"
#include "bench/gemm/peer.h"
#include "bench/util/x86_level.h"

namespace ranvier::bench {
namespace {

// The best one that the processor has.
std::pair<const EigenVariant*, std::string> Choose() {
#if defined(__x86_64__)
  const int level = X86Level();
  if (level == 4) return {&kEigenV4, "x86-64-v4"};
  if (level == 3) return {&kEigenV3, "x86-64-v3"};
#endif
  return {&kEigenBaseline, "baseline"};
}

const EigenVariant& Variant() {
  static const EigenVariant& variant = *Choose().first;
  return variant;
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

const Registration registration({"eigen",
                                 std::string(RANVIER_EIGEN_VERSION) + " " +
                                     Choose().second,
                                 Has, Prepare});

}  // namespace

void BiasGelu(float* c, const float* bias, size_t M, size_t N, int threads) {
  Variant().bias_gelu(c, bias, M, N, threads);
}

}  // namespace ranvier::bench
