#include "ranvier/ops/blas1.h"
#include "ranvier/ops/convert.h"
#include "ranvier/ops/quantize.h"

#include "bench/blas1/peer.h"
#include "bench/util/context.h"

namespace ranvier::bench {
namespace {

template <class T>
VecView<T> Vec(T* data, const Operands& o) {
  return {data, o.n};
}
template <class T>
MatView<T> Row(T* data, const Operands& o) {
  return {data, 1, o.n};
}

double DotF32(const Operands& o) {
  return Dot(*context, Vec(o.x, o), Vec<const float>(o.y, o));
}
double DotBf16(const Operands& o) {
  return Dot(*context, Vec(o.x_bf16, o), Vec(o.x_bf16, o));
}
double AxpyF32(const Operands& o) {
  Axpy(*context, o.alpha, Vec(o.x, o), Vec(o.y, o));
  return 0;
}
double ScalF32(const Operands& o) {
  Scal(*context, -1.0f, Vec(o.y, o));
  return 0;
}
double Nrm2F32(const Operands& o) { return Nrm2(*context, Vec(o.x, o)); }
double AsumF32(const Operands& o) { return Asum(*context, Vec(o.x, o)); }
double IamaxF32(const Operands& o) {
  return static_cast<double>(Iamax(*context, Vec(o.x, o)));
}
double F32ToBf16(const Operands& o) {
  Convert(*context, Vec(o.x, o), Vec(o.y_bf16, o));
  return 0;
}
double F32ToF16(const Operands& o) {
  Convert(*context, Vec(o.x, o), Vec(o.y_f16, o));
  return 0;
}
double Bf16ToF32(const Operands& o) {
  Convert(*context, Vec(o.x_bf16, o), Vec(o.y, o));
  return 0;
}
double F16ToF32(const Operands& o) {
  Convert(*context, Vec(o.x_f16, o), Vec(o.y, o));
  return 0;
}
double F32ToBf16Stochastic(const Operands& o) {
  ConvertStochastic(*context, Vec(o.x, o), Vec(o.y_bf16, o), 2);
  return 0;
}
double F32ToF16Stochastic(const Operands& o) {
  ConvertStochastic(*context, Vec(o.x, o), Vec(o.y_f16, o), 2);
  return 0;
}
double FindScale(const Operands& o) {
  float scale = 0;
  FindScales(*context, Row(o.x, o), {}, ElementType::kI8,
             MatView<float>(&scale, 1, 1));
  return scale;
}
double QuantizeS8(const Operands& o) {
  Quantize(*context, Row(o.x, o), {}, MatView<const float>(&o.scale, 1, 1), {},
           Row(o.y_s8, o));
  return 0;
}
double DequantizeS8(const Operands& o) {
  Dequantize(*context, Row(o.x_s8, o), {}, MatView<const float>(&o.scale, 1, 1),
             {}, Row(o.y, o));
  return 0;
}

}  // namespace

Peer RanvierPeer() {
  return {.name = "ranvier",
          .threads = true,
          .set_threads = SetThreads,
          .dot = DotF32,
          .dot_bf16 = DotBf16,
          .axpy = AxpyF32,
          .scal = ScalF32,
          .nrm2 = Nrm2F32,
          .asum = AsumF32,
          .iamax = IamaxF32,
          .f32_to_bf16 = F32ToBf16,
          .f32_to_f16 = F32ToF16,
          .bf16_to_f32 = Bf16ToF32,
          .f16_to_f32 = F16ToF32,
          .f32_to_bf16_stochastic = F32ToBf16Stochastic,
          .f32_to_f16_stochastic = F32ToF16Stochastic,
          .find_scale = FindScale,
          .quantize = QuantizeS8,
          .dequantize = DequantizeS8};
}

}  // namespace ranvier::bench
