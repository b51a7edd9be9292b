#include <blis.h>

#include "bench/gemm/bias_gelu.h"
#include "bench/gemm/peer.h"

namespace ranvier::bench {
namespace {

bool Has(const Product& p, int) { return p.element == Element::kF32; }

// Its own typed interface, which takes any strides; only the arrays that it
// leaves alone are not const.
std::function<void()> Prepare(const Product& p, int threads) {
  bli_thread_set_num_threads(threads);
  const auto M = static_cast<dim_t>(p.M);
  const auto N = static_cast<dim_t>(p.N);
  const auto K = static_cast<dim_t>(p.K);
  auto* a = const_cast<float*>(static_cast<const float*>(p.a));
  auto* b = const_cast<float*>(static_cast<const float*>(p.b));
  auto* c = static_cast<float*>(p.c);
  static float one = 1;
  static float zero = 0;
  if (p.op == Op::kGemv) {
    return [=] {
      bli_sgemv(BLIS_NO_TRANSPOSE, BLIS_NO_CONJUGATE, M, K, &one, a, K, 1, b, 1,
                &zero, c, 1);
    };
  }
  const bool transposed = p.op != Op::kGemm;
  const float* bias = p.op == Op::kLinearGelu ? p.bias : nullptr;
  return [=] {
    bli_sgemm(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, M, N, K, &one, a, K, 1, b,
              transposed ? 1 : N, transposed ? K : 1, &zero, c, N, 1);
    if (bias != nullptr) {
      BiasGelu(c, bias, static_cast<size_t>(M), static_cast<size_t>(N),
               threads);
    }
  };
}

const Registration registration({"blis", bli_info_get_version_str(), Has,
                                 Prepare});

}  // namespace
}  // namespace ranvier::bench
