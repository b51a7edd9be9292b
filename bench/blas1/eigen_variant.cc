// Compiled for each RANVIER_X86_LEVEL, as bench/CMakeLists.txt says.

#include <Eigen/Core>

#include "bench/blas1/peer.h"

namespace ranvier::bench {
namespace {

using Index = Eigen::Index;
template <class T>
using Column = Eigen::Array<T, Eigen::Dynamic, 1>;

template <class To, class From>
auto Map(From* data, const Operands& o) {
  if constexpr (std::is_const_v<From>) {
    return Eigen::Map<const Column<To>>(reinterpret_cast<const To*>(data),
                                        static_cast<Index>(o.n));
  } else {
    return Eigen::Map<Column<To>>(reinterpret_cast<To*>(data),
                                  static_cast<Index>(o.n));
  }
}
auto X(const Operands& o) { return Map<float>(o.x, o); }
auto Y(const Operands& o) { return Map<float>(o.y, o); }

double Dot(const Operands& o) { return X(o).matrix().dot(Y(o).matrix()); }
// Widened, so that sums are kept in f32 as with everyone else.
double DotBf16(const Operands& o) {
  const auto x = Map<Eigen::bfloat16>(o.x_bf16, o).cast<float>();
  return x.matrix().dot(x.matrix());
}
double Axpy(const Operands& o) {
  Y(o) += o.alpha * X(o);
  return 0;
}
double Scal(const Operands& o) {
  Y(o) *= -1.0f;
  return 0;
}
double Nrm2(const Operands& o) { return X(o).matrix().stableNorm(); }
double Asum(const Operands& o) { return X(o).abs().sum(); }
double Iamax(const Operands& o) {
  Index index = 0;
  X(o).abs().maxCoeff(&index);
  return static_cast<double>(index);
}
double F32ToBf16(const Operands& o) {
  Map<Eigen::bfloat16>(o.y_bf16, o) = X(o).cast<Eigen::bfloat16>();
  return 0;
}
double F32ToF16(const Operands& o) {
  Map<Eigen::half>(o.y_f16, o) = X(o).cast<Eigen::half>();
  return 0;
}
double Bf16ToF32(const Operands& o) {
  Y(o) = Map<Eigen::bfloat16>(o.x_bf16, o).cast<float>();
  return 0;
}
double F16ToF32(const Operands& o) {
  Y(o) = Map<Eigen::half>(o.x_f16, o).cast<float>();
  return 0;
}
double FindScale(const Operands& o) { return X(o).abs().maxCoeff() / 127; }
double Quantize(const Operands& o) {
  Map<int8_t>(o.y_s8, o) =
      (X(o) / o.scale).rint().max(-127.0f).min(127.0f).cast<int8_t>();
  return 0;
}
double Dequantize(const Operands& o) {
  Y(o) = Map<int8_t>(o.x_s8, o).cast<float>() * o.scale;
  return 0;
}

}  // namespace

template <int kX86Level>
Peer EigenPeer() {
  return {.name = "eigen",
          .dot = Dot,
          .dot_bf16 = DotBf16,
          .axpy = Axpy,
          .scal = Scal,
          .nrm2 = Nrm2,
          .asum = Asum,
          .iamax = Iamax,
          .f32_to_bf16 = F32ToBf16,
          .f32_to_f16 = F32ToF16,
          .bf16_to_f32 = Bf16ToF32,
          .f16_to_f32 = F16ToF32,
          .find_scale = FindScale,
          .quantize = Quantize,
          .dequantize = Dequantize};
}
template Peer EigenPeer<RANVIER_X86_LEVEL>();

}  // namespace ranvier::bench
