#include "ranvier/ops/blas1.h"

#include "ranvier/ops/vector_checks.h"
#include "ranvier/parallel/blas1.h"

namespace ranvier {

float Dot(Context& ctx, VecView<const float> x, VecView<const float> y) {
  internal::RequireSameSize("Dot", x.size(), y.size());
  return parallel::Dot(ctx, x, y);
}

float Dot(Context& ctx, VecView<const bf16> x, VecView<const bf16> y) {
  internal::RequireSameSize("Dot", x.size(), y.size());
  return parallel::Dot(ctx, x, y);
}

void Axpy(Context& ctx, float alpha, VecView<const float> x, VecView<float> y) {
  internal::RequireSameSize("Axpy", x.size(), y.size());
  internal::RequireOwnPlaces("Axpy", "y", y);
  parallel::Axpy(ctx, alpha, x, y);
}

void Scal(Context& ctx, float alpha, VecView<float> x) {
  internal::RequireOwnPlaces("Scal", "x", x);
  parallel::Scal(ctx, alpha, x);
}

float Nrm2(Context& ctx, VecView<const float> x) {
  return parallel::Nrm2(ctx, x);
}

float Asum(Context& ctx, VecView<const float> x) {
  return parallel::Asum(ctx, x);
}

size_t Iamax(Context& ctx, VecView<const float> x) {
  return parallel::Iamax(ctx, x);
}

}  // namespace ranvier
