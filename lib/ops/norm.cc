#include "ranvier/ops/norm.h"

#include <stdexcept>
#include <string>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/norm.h"

namespace ranvier {
namespace {

// A vector that may be left out.
template <class T>
void CheckOptional(const char* op, const char* name, const VecView<T>& v,
                   size_t n, const char* of_what, const ConstAnyMatView& x) {
  if (v.empty()) return;
  internal::RequireLength(op, name, v, n, of_what, x);
}
void CheckWrittenVector(const char* op, const char* name,
                        const VecView<float>& v, size_t n, const char* of_what,
                        const ConstAnyMatView& x) {
  CheckOptional(op, name, v, n, of_what, x);
  internal::RequireOwnPlaces(op, name, v);
}

void CheckForward(const char* op, const ConstAnyMatView& x, const AnyMatView& y,
                  VecView<const float> weight, float epsilon) {
  internal::RequireSameShape(op, "x", x, "y", y);
  internal::CheckRead(op, "x", x);
  internal::CheckWritten(op, "y", y);
  CheckOptional(op, "weight", weight, x.cols(), "column", x);
  if (epsilon >= 0) return;
  throw std::invalid_argument(std::string(op) + ": epsilon is " +
                              std::to_string(epsilon) +
                              "; it must be 0 or more");
}

void CheckGradient(const char* op, const ConstAnyMatView& x,
                   VecView<const float> weight, VecView<const float> rstd,
                   const ConstAnyMatView& dy, const AnyMatView& dx,
                   VecView<float> dweight) {
  internal::RequireSameShape(op, "x", x, "dy", dy);
  internal::RequireSameShape(op, "x", x, "dx", dx);
  internal::CheckRead(op, "x", x);
  internal::CheckRead(op, "dy", dy);
  internal::CheckWritten(op, "dx", dx);
  CheckOptional(op, "weight", weight, x.cols(), "column", x);
  internal::RequireLength(op, "rstd", rstd, x.rows(), "row", x);
  CheckWrittenVector(op, "dweight", dweight, x.cols(), "column", x);
}

}  // namespace

void LayerNorm(Context& ctx, ConstAnyMatView x, VecView<const float> weight,
               VecView<const float> bias, AnyMatView y,
               const LayerNormOptions& options) {
  CheckForward("LayerNorm", x, y, weight, options.epsilon);
  CheckOptional("LayerNorm", "bias", bias, x.cols(), "column", x);
  CheckWrittenVector("LayerNorm", "mean", options.mean, x.rows(), "row", x);
  CheckWrittenVector("LayerNorm", "rstd", options.rstd, x.rows(), "row", x);
  parallel::LayerNorm(ctx, x, weight, bias, y, options.epsilon,
                      {options.mean, options.rstd});
}

void RmsNorm(Context& ctx, ConstAnyMatView x, VecView<const float> weight,
             AnyMatView y, const RmsNormOptions& options) {
  CheckForward("RmsNorm", x, y, weight, options.epsilon);
  CheckWrittenVector("RmsNorm", "rstd", options.rstd, x.rows(), "row", x);
  parallel::RmsNorm(ctx, x, weight, y, options.epsilon, options.weight_offset,
                    options.rstd);
}

void LayerNormGradient(Context& ctx, ConstAnyMatView x,
                       VecView<const float> weight, VecView<const float> mean,
                       VecView<const float> rstd, ConstAnyMatView dy,
                       AnyMatView dx, VecView<float> dweight,
                       VecView<float> dbias) {
  CheckGradient("LayerNormGradient", x, weight, rstd, dy, dx, dweight);
  internal::RequireLength("LayerNormGradient", "mean", mean, x.rows(), "row",
                          x);
  CheckWrittenVector("LayerNormGradient", "dbias", dbias, x.cols(), "column",
                     x);
  parallel::LayerNormGradient(ctx, x, weight, mean, rstd, dy, dx, dweight,
                              dbias);
}

void RmsNormGradient(Context& ctx, ConstAnyMatView x,
                     VecView<const float> weight, VecView<const float> rstd,
                     ConstAnyMatView dy, AnyMatView dx, VecView<float> dweight,
                     float weight_offset) {
  CheckGradient("RmsNormGradient", x, weight, rstd, dy, dx, dweight);
  parallel::RmsNormGradient(ctx, x, weight, rstd, dy, dx, dweight,
                            weight_offset);
}

}  // namespace ranvier
