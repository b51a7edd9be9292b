#include <cmath>
#include <span>

#include "ranvier/ops/loss.h"
#include "ranvier/ops/optimizer.h"

#include "bench/loss/peer.h"
#include "bench/util/context.h"

namespace ranvier::bench {
namespace {

template <class T>
MatView<T> Mat(T* data, const Operands& o) {
  return {data, o.rows, o.cols};
}
VecView<const int32_t> Classes(const Operands& o) {
  return {o.classes, o.rows};
}

double Mse(const Operands& o) {
  return MseLoss(*context, Mat(o.x, o), Mat(o.target, o));
}
double MseGradient(const Operands& o) {
  return MseLoss(*context, Mat(o.x, o), Mat(o.target, o), {},
                 Mat(o.gradient, o));
}
double HuberGradient(const Operands& o) {
  return HuberLoss(*context, Mat(o.x, o), Mat(o.target, o), kHuberDelta, {},
                   Mat(o.gradient, o));
}
double Bce(const Operands& o) {
  return BinaryCrossEntropyLoss(*context, Mat(o.x, o), Mat(o.target, o));
}
double BceGradient(const Operands& o) {
  return BinaryCrossEntropyLoss(*context, Mat(o.x, o), Mat(o.target, o), {},
                                Mat(o.gradient, o));
}
double CrossEntropy(const Operands& o) {
  return CrossEntropyLoss(*context, Mat(o.x, o), Classes(o));
}
double CrossEntropyGradient(const Operands& o) {
  return CrossEntropyLoss(*context, Mat(o.x, o), Classes(o), {},
                          Mat(o.gradient, o));
}
double AdamW(const Operands& o) {
  UpdateAdamW(*context, {Mat(o.parameter, o), Mat(o.x, o)}, Mat(o.m, o),
              Mat(o.v, o), kStep, {});
  return 0;
}
double Norm(const Operands& o) {
  const ConstAnyMatView gradient = Mat(o.x, o);
  return std::sqrt(
      FindGradientStatistics(*context, std::span(&gradient, 1)).sum_of_squares);
}

}  // namespace

Peer RanvierPeer() {
  return {.name = "ranvier",
          .threads = true,
          .set_threads = SetThreads,
          .mse = Mse,
          .mse_gradient = MseGradient,
          .huber_gradient = HuberGradient,
          .bce = Bce,
          .bce_gradient = BceGradient,
          .cross_entropy = CrossEntropy,
          .cross_entropy_gradient = CrossEntropyGradient,
          .adamw = AdamW,
          .norm = Norm};
}

}  // namespace ranvier::bench
