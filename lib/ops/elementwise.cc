#include "ranvier/ops/elementwise.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/elementwise.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/philox.h"

namespace ranvier {
namespace {

// What is written stands where an operand is, wholly, or elsewhere.
void CheckPlace(const char* op, const char* name, const ConstAnyMatView& m,
                const char* result_name, const AnyMatView& result) {
  internal::RequireSameShape(op, name, m, result_name, result);
  if (m.empty() || m.data() != result.data()) return;
  if (m.type() == result.type() &&
      (m.rows() == 1 || m.row_stride() == result.row_stride()) &&
      (m.cols() == 1 || m.col_stride() == result.col_stride())) {
    return;
  }
  throw std::invalid_argument(
      std::string(op) + ": " + result_name + " is written where " + name +
      " stands, but " + result_name + " is " + Name(result.type()) +
      " with strides " + std::to_string(result.row_stride()) + " and " +
      std::to_string(result.col_stride()) + ", " + name + " " + Name(m.type()) +
      " with " + std::to_string(m.row_stride()) + " and " +
      std::to_string(m.col_stride()) +
      "; in place they must be the same, else give it memory of its own");
}

simd::ElementwiseCall Call(Elementwise f, const std::optional<float>& alpha) {
  return {.function = f, .alpha = alpha.value_or(DefaultAlpha(f))};
}

void CheckBias(const char* op, const ConstAnyMatView& x,
               const VecView<const float>& bias) {
  if (bias.empty() || bias.size() == x.cols()) return;
  throw ShapeError(std::string(op) + ": bias has " +
                   std::to_string(bias.size()) + " elements and x is " +
                   internal::Shape(x) +
                   "; it must have one for each column, or none");
}

}  // namespace

void Map(Context& ctx, Elementwise f, ConstAnyMatView x, AnyMatView y,
         const MapOptions& options) {
  internal::CheckRead("Map", "x", x);
  internal::CheckWritten("Map", "y", y);
  CheckPlace("Map", "x", x, "y", y);
  CheckBias("Map", x, options.bias);
  parallel::Map(ctx, Call(f, options.alpha), x, options.bias, y);
}

void MapGradient(Context& ctx, Elementwise f, ConstAnyMatView x,
                 ConstAnyMatView dy, AnyMatView dx, const MapOptions& options) {
  internal::CheckRead("MapGradient", "x", x);
  internal::CheckRead("MapGradient", "dy", dy);
  internal::CheckWritten("MapGradient", "dx", dx);
  CheckPlace("MapGradient", "x", x, "dx", dx);
  CheckPlace("MapGradient", "dy", dy, "dx", dx);
  CheckBias("MapGradient", x, options.bias);
  parallel::MapGradient(ctx, Call(f, options.alpha), x, options.bias, dy, dx);
}

void Gated(Context& ctx, Elementwise f, ConstAnyMatView gate,
           ConstAnyMatView up, AnyMatView y) {
  internal::CheckRead("Gated", "gate", gate);
  internal::CheckRead("Gated", "up", up);
  internal::CheckWritten("Gated", "y", y);
  CheckPlace("Gated", "gate", gate, "y", y);
  CheckPlace("Gated", "up", up, "y", y);
  parallel::Gated(ctx, Call(f, {}), gate, up, y);
}

void GatedGradient(Context& ctx, Elementwise f, ConstAnyMatView gate,
                   ConstAnyMatView up, ConstAnyMatView dy, AnyMatView dgate,
                   AnyMatView dup) {
  const char* op = "GatedGradient";
  internal::CheckRead(op, "gate", gate);
  internal::CheckRead(op, "up", up);
  internal::CheckRead(op, "dy", dy);
  internal::CheckWritten(op, "dgate", dgate);
  internal::CheckWritten(op, "dup", dup);
  CheckPlace(op, "gate", gate, "dgate", dgate);
  CheckPlace(op, "up", up, "dgate", dgate);
  CheckPlace(op, "dy", dy, "dgate", dgate);
  CheckPlace(op, "gate", gate, "dup", dup);
  CheckPlace(op, "up", up, "dup", dup);
  CheckPlace(op, "dy", dy, "dup", dup);
  if (!dgate.empty() && dgate.data() == dup.data()) {
    throw std::invalid_argument(
        "GatedGradient: dgate and dup stand in the same place; each needs one "
        "of its own");
  }
  parallel::GatedGradient(ctx, Call(f, {}), gate, up, dy, dgate, dup);
}

void Dropout(Context& ctx, double p, uint64_t stream, ConstAnyMatView x,
             AnyMatView y, uint64_t first) {
  if (!(p >= 0 && p <= 1)) {  // so that NaN fails
    throw std::invalid_argument("Dropout: p is " + std::to_string(p) +
                                "; a probability lies between 0 and 1");
  }
  internal::CheckRead("Dropout", "x", x);
  internal::CheckWritten("Dropout", "y", y);
  CheckPlace("Dropout", "x", x, "y", y);
  parallel::Dropout(
      ctx,
      {.key = Philox::StreamKey(ctx.seed(), stream),
       .first = first,
       .threshold = static_cast<uint64_t>(std::nearbyint(p * 0x1.0p32)),
       .kept = static_cast<float>(1 - p)},
      x, y);
}

}  // namespace ranvier
