// Compiled for each RANVIER_X86_LEVEL, as bench/CMakeLists.txt says.

#include "bench/gemm/eigen_variant.h"

#include <unsupported/Eigen/SpecialFunctions>

#include <Eigen/Core>

namespace ranvier::bench {
namespace {

template <typename T>
using RowMajor =
    Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename T>
using ConstMap = Eigen::Map<const RowMajor<T>>;
using RowVector = Eigen::RowVectorXf;
using Vector = Eigen::VectorXf;

void SetThreads(int threads) { Eigen::setNbThreads(threads); }

// bf16 is cast, so that sums are kept in f32 as with everyone else.
const float* At(const void* data, float) {
  return static_cast<const float*>(data);
}
const Eigen::bfloat16* At(const void* data, Eigen::bfloat16) {
  return static_cast<const Eigen::bfloat16*>(data);
}

template <typename T>
void MultiplyAs(const Product& p) {
  const auto M = static_cast<Eigen::Index>(p.M);
  const auto N = static_cast<Eigen::Index>(p.N);
  const auto K = static_cast<Eigen::Index>(p.K);
  const T* pa = At(p.a, T());
  const T* pb = At(p.b, T());
  const ConstMap<T> a(pa, M, K);
  Eigen::Map<RowMajor<float>> c(static_cast<float*>(p.c), M, N);
  if (p.op == Op::kGemv) {
    const Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, 1>> x(pb, K);
    Eigen::Map<Vector> y(static_cast<float*>(p.c), M);
    y.noalias() = a.template cast<float>() * x.template cast<float>();
  } else if (p.op == Op::kGemm) {
    const ConstMap<T> b(pb, K, N);
    c.noalias() = a.template cast<float>() * b.template cast<float>();
  } else {
    const ConstMap<T> w(pb, N, K);
    c.noalias() =
        a.template cast<float>() * w.template cast<float>().transpose();
  }
}

void Multiply(const Product& p) {
  if (p.element == Element::kF32) {
    MultiplyAs<float>(p);
  } else {
    MultiplyAs<Eigen::bfloat16>(p);
  }
}

void BiasGeluRows(float* c, const float* bias, size_t M, size_t N,
                  int threads) {
  const Eigen::Map<const Eigen::ArrayXf> b(bias, static_cast<Eigen::Index>(N));
  const auto rows = static_cast<Eigen::Index>(M);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (Eigen::Index i = 0; i < rows; ++i) {
    Eigen::Map<Eigen::ArrayXf> row(c + static_cast<size_t>(i) * N,
                                   static_cast<Eigen::Index>(N));
    row += b;
    row *= 0.5f * (1.0f + (row * 0.70710678f).erf());
  }
}

}  // namespace

template <int kX86Level>
EigenVariant EigenOf() {
  return {SetThreads, Multiply, BiasGeluRows};
}
template EigenVariant EigenOf<RANVIER_X86_LEVEL>();

}  // namespace ranvier::bench
