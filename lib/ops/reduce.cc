#include "ranvier/ops/reduce.h"

#include <limits>
#include <string>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/reduce.h"
#include "ranvier/parallel/top_k.h"

namespace ranvier {
namespace {

template <class T>
void CheckRows(const char* op, const ConstAnyMatView& x, const VecView<T>& y) {
  internal::RequireLength(op, "y", y, x.rows(), "row", x);
  internal::CheckRead(op, "x", x);
  internal::RequireOwnPlaces(op, "y", y);
}

double Count(const ConstAnyMatView& x) {
  return static_cast<double>(x.rows()) * static_cast<double>(x.cols());
}

}  // namespace

void SumRows(Context& ctx, ConstAnyMatView x, VecView<float> y) {
  CheckRows("SumRows", x, y);
  parallel::SumRows(ctx, x, y, 1);
}

float Sum(Context& ctx, ConstAnyMatView x) {
  internal::CheckRead("Sum", "x", x);
  return static_cast<float>(parallel::Sum(ctx, x));
}

void MeanRows(Context& ctx, ConstAnyMatView x, VecView<float> y) {
  CheckRows("MeanRows", x, y);
  parallel::SumRows(ctx, x, y, static_cast<double>(x.cols()));
}

float Mean(Context& ctx, ConstAnyMatView x) {
  internal::CheckRead("Mean", "x", x);
  return static_cast<float>(parallel::Sum(ctx, x) / Count(x));
}

void VarianceRows(Context& ctx, ConstAnyMatView x, VecView<float> y) {
  CheckRows("VarianceRows", x, y);
  parallel::VarianceRows(ctx, x, y);
}

float Variance(Context& ctx, ConstAnyMatView x) {
  internal::CheckRead("Variance", "x", x);
  if (x.empty()) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(parallel::FindMoments(ctx, x).variance);
}

void MaxRows(Context& ctx, ConstAnyMatView x, VecView<float> y) {
  CheckRows("MaxRows", x, y);
  parallel::MaxRows(ctx, x, y);
}

float Max(Context& ctx, ConstAnyMatView x) {
  internal::CheckRead("Max", "x", x);
  return parallel::Max(ctx, x);
}

void ArgMaxRows(Context& ctx, ConstAnyMatView x, VecView<int64_t> y) {
  CheckRows("ArgMaxRows", x, y);
  parallel::ArgMaxRows(ctx, x, y);
}

int64_t ArgMax(Context& ctx, ConstAnyMatView x) {
  internal::CheckRead("ArgMax", "x", x);
  return static_cast<int64_t>(parallel::FindGreatest(ctx, x).index);
}

void TopK(Context& ctx, ConstAnyMatView x, size_t k, AnyMatView values,
          MatView<int64_t> indices) {
  const auto check = [&](const char* name, const ConstAnyMatView& m) {
    if (m.rows() == x.rows() && m.cols() == k) return;
    throw ShapeError("TopK: " + std::string(name) + " is " +
                     internal::Shape(m) + " for the " + std::to_string(k) +
                     " greatest of the rows of x " + internal::Shape(x) +
                     "; it must be " + internal::Shape(x.rows(), k));
  };
  if (k > x.cols() || x.cols() > std::numeric_limits<uint32_t>::max()) {
    throw ShapeError("TopK: the " + std::to_string(k) +
                     " greatest of rows of " + std::to_string(x.cols()) +
                     "; k may be at most that, and that below 2^32");
  }
  check("values", values);
  const ConstAnyMatView places(
      indices.data(), ElementType::kI32, indices.rows(), indices.cols(),
      2 * indices.row_stride(), 2 * indices.col_stride());
  check("indices", places);
  internal::CheckRead("TopK", "x", x);
  internal::CheckWritten("TopK", "values", values);
  internal::CheckMemory("TopK", places, "indices", true);
  parallel::TopK(ctx, x, k, values, indices);
}

}  // namespace ranvier
