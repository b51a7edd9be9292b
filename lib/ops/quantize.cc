#include "ranvier/ops/quantize.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/parallel/quantize.h"

namespace ranvier {
namespace {

using internal::Shape;

void RequireLayout(const char* op, size_t rows, size_t cols, QuantLayout layout,
                   ElementType type, MatView<const float> scale,
                   MatView<const int32_t> zero_point) {
  if (type != ElementType::kI8 && type != ElementType::kU8) {
    throw std::invalid_argument(std::string(op) + ": q is " + Name(type) +
                                "; it must be s8 or u8");
  }
  if (layout.granularity == QuantGranularity::kGroup &&
      layout.group_size == 0) {
    throw std::invalid_argument(std::string(op) +
                                ": group_size is 0; it must be at least 1");
  }
  const size_t scale_rows = layout.ScaleRows(rows);
  const size_t scale_cols = layout.ScaleCols(cols);
  if (scale.rows() != scale_rows || scale.cols() != scale_cols) {
    throw ShapeError(std::string(op) + ": x and q are " + Shape(rows, cols) +
                     ", so scale must be " + Shape(scale_rows, scale_cols) +
                     "; it is " + Shape(scale.rows(), scale.cols()));
  }
  if (!zero_point.empty()) {
    internal::RequireSameShape(op, "scale", scale, "zero_point", zero_point);
  }
}

void RequireValues(const char* op, ElementType type, MatView<const float> scale,
                   MatView<const int32_t> zero_point) {
  const int32_t low = type == ElementType::kU8 ? 0 : -128;
  const auto at = [](size_t row, size_t col) {
    return " at " + Shape(row, col);
  };
  for (size_t row = 0; row < scale.rows(); ++row) {
    for (size_t col = 0; col < scale.cols(); ++col) {
      const float s = scale(row, col);
      if (!(s >= 0 && std::isfinite(s))) {
        throw std::invalid_argument(std::string(op) + ": scale is " +
                                    std::to_string(s) + at(row, col) +
                                    "; it must be finite and not negative");
      }
      if (zero_point.empty()) continue;
      const int32_t zero = zero_point(row, col);
      if (zero < low || zero > low + 255) {
        throw std::invalid_argument(
            std::string(op) + ": zero_point is " + std::to_string(zero) +
            at(row, col) + "; for " + Name(type) + " it must be from " +
            std::to_string(low) + " to " + std::to_string(low + 255));
      }
    }
  }
}

}  // namespace

void FindScales(Context& ctx, MatView<const float> x, QuantLayout layout,
                ElementType type, MatView<float> scale,
                MatView<int32_t> zero_point) {
  RequireLayout("FindScales", x.rows(), x.cols(), layout, type, scale,
                zero_point);
  internal::RequireOwnPlaces("FindScales", "scale", scale);
  internal::RequireOwnPlaces("FindScales", "zero_point", zero_point);
  parallel::FindScales(ctx, x, layout, type, scale, zero_point);
}

void Quantize(Context& ctx, MatView<const float> x, QuantLayout layout,
              MatView<const float> scale, MatView<const int32_t> zero_point,
              AnyMatView q) {
  internal::RequireSameShape("Quantize", "x", x, "q", q);
  RequireLayout("Quantize", x.rows(), x.cols(), layout, q.type(), scale,
                zero_point);
  RequireValues("Quantize", q.type(), scale, zero_point);
  internal::RequireOwnPlaces("Quantize", "q", q);
  parallel::Quantize(ctx, x, layout, scale, zero_point, q);
}

void Dequantize(Context& ctx, ConstAnyMatView q, QuantLayout layout,
                MatView<const float> scale, MatView<const int32_t> zero_point,
                MatView<float> x) {
  internal::RequireSameShape("Dequantize", "q", q, "x", x);
  RequireLayout("Dequantize", x.rows(), x.cols(), layout, q.type(), scale,
                zero_point);
  RequireValues("Dequantize", q.type(), scale, zero_point);
  internal::RequireOwnPlaces("Dequantize", "x", x);
  parallel::Dequantize(ctx, q, layout, scale, zero_point, x);
}

}  // namespace ranvier
