#include "ranvier/ops/softmax.h"

#include "ranvier/ops/vector_checks.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/softmax.h"

namespace ranvier {
namespace {

void CheckLogits(const char* op, const ConstAnyMatView& x,
                 const SoftmaxOptions& options) {
  internal::CheckRead(op, "x", x);
  if (options.mask.empty()) return;
  internal::CheckRead(op, "mask", options.mask);
  internal::RequireSameShape(op, "x", x, "mask", options.mask);
}

void CheckGradient(const char* op, const ConstAnyMatView& y,
                   const ConstAnyMatView& dy, const AnyMatView& dx) {
  internal::RequireSameShape(op, "y", y, "dy", dy);
  internal::RequireSameShape(op, "y", y, "dx", dx);
  internal::CheckRead(op, "y", y);
  internal::CheckRead(op, "dy", dy);
  internal::CheckWritten(op, "dx", dx);
}

}  // namespace

void Softmax(Context& ctx, ConstAnyMatView x, AnyMatView y,
             const SoftmaxOptions& options) {
  internal::RequireSameShape("Softmax", "x", x, "y", y);
  CheckLogits("Softmax", x, options);
  internal::CheckWritten("Softmax", "y", y);
  parallel::Softmax(ctx, x, y, options.scale, options.mask);
}

void LogSoftmax(Context& ctx, ConstAnyMatView x, AnyMatView y,
                const SoftmaxOptions& options) {
  internal::RequireSameShape("LogSoftmax", "x", x, "y", y);
  CheckLogits("LogSoftmax", x, options);
  internal::CheckWritten("LogSoftmax", "y", y);
  parallel::LogSoftmax(ctx, x, y, options.scale, options.mask);
}

void LogSumExp(Context& ctx, ConstAnyMatView x, VecView<float> y,
               const SoftmaxOptions& options) {
  internal::RequireLength("LogSumExp", "y", y, x.rows(), "row", x);
  CheckLogits("LogSumExp", x, options);
  internal::RequireOwnPlaces("LogSumExp", "y", y);
  parallel::LogSumExp(ctx, x, y, options.scale, options.mask);
}

void SoftmaxGradient(Context& ctx, ConstAnyMatView y, ConstAnyMatView dy,
                     AnyMatView dx, float scale) {
  CheckGradient("SoftmaxGradient", y, dy, dx);
  parallel::SoftmaxGradient(ctx, y, dy, dx, scale);
}

void LogSoftmaxGradient(Context& ctx, ConstAnyMatView y, ConstAnyMatView dy,
                        AnyMatView dx, float scale) {
  CheckGradient("LogSoftmaxGradient", y, dy, dx);
  parallel::LogSoftmaxGradient(ctx, y, dy, dx, scale);
}

}  // namespace ranvier
