#include <cblas.h>

#include "bench/gemm/bias_gelu.h"
#include "bench/gemm/peer.h"

namespace ranvier::bench {
namespace {

bool Has(const Product& p, int) { return p.element == Element::kF32; }

std::function<void()> Prepare(const Product& p, int threads) {
  openblas_set_num_threads(threads);
  const auto M = static_cast<blasint>(p.M);
  const auto N = static_cast<blasint>(p.N);
  const auto K = static_cast<blasint>(p.K);
  const auto* a = static_cast<const float*>(p.a);
  const auto* b = static_cast<const float*>(p.b);
  auto* c = static_cast<float*>(p.c);
  const bool transposed = p.op != Op::kGemm;
  const float* bias = p.op == Op::kLinearGelu ? p.bias : nullptr;
  if (p.op == Op::kGemv) {
    return [=] {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, M, K, 1.0f, a, K, b, 1, 0.0f, c,
                  1);
    };
  }
  if (transposed && M == 1) {  // its gemm is five times slower here
    return [=] {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, N, K, 1.0f, b, K, a, 1, 0.0f, c,
                  1);
      if (bias != nullptr) {
        BiasGelu(c, bias, 1, static_cast<size_t>(N), threads);
      }
    };
  }
  return [=] {
    cblas_sgemm(CblasRowMajor, CblasNoTrans,
                transposed ? CblasTrans : CblasNoTrans, M, N, K, 1.0f, a, K, b,
                transposed ? K : N, 0.0f, c, N);
    if (bias != nullptr) {
      BiasGelu(c, bias, static_cast<size_t>(M), static_cast<size_t>(N),
               threads);
    }
  };
}

const Registration registration({"openblas", openblas_get_config(), Has,
                                 Prepare});

}  // namespace
}  // namespace ranvier::bench
