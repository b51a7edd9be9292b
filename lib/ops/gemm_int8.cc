#include "ranvier/ops/gemm_int8.h"

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/gemm_int8.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

using internal::Shape;

struct Limits {
  int32_t low, high;
};
Limits LimitsOf(ElementType type) {
  if (type == ElementType::kU8) return {0, 255};
  return {-128, 127};
}

[[noreturn]] void FailType(const char* name, ElementType type,
                           const char* possible) {
  throw std::invalid_argument(std::string("GemmInt8: ") + name +
                              " has elements of type " + Name(type) + "; " +
                              possible);
}

template <typename T>
void CheckSize(const VecView<const T>& v, const char* name, size_t n,
               const char* of) {
  if (v.size() <= 1 || v.size() == n) return;
  throw ShapeError(std::string("GemmInt8: ") + name + " has " +
                   std::to_string(v.size()) + " elements; 1 is possible, or " +
                   std::to_string(n) + ", one of each " + of);
}

void CheckZeros(const VecView<const int32_t>& zeros, const char* name,
                ElementType type) {
  const Limits limits = LimitsOf(type);
  for (size_t i = 0; i < zeros.size(); ++i) {
    if (zeros[i] >= limits.low && zeros[i] <= limits.high) continue;
    throw std::invalid_argument(
        std::string("GemmInt8: ") + name + "[" + std::to_string(i) + "] is " +
        std::to_string(zeros[i]) + ", which " + Name(type) +
        " cannot hold: it goes from " + std::to_string(limits.low) + " to " +
        std::to_string(limits.high));
  }
}

void CheckOutput(const AnyMatView& c, const GemmInt8Options& o, size_t N) {
  switch (c.type()) {
    case ElementType::kI32:
      if (!o.a_scale.empty() || !o.b_scale.empty() || !o.bias.empty() ||
          o.activation != Activation::kNone) {
        throw std::invalid_argument(
            "GemmInt8: a c of s32 holds the sums as they are; scales, bias "
            "and activation need a c of another type");
      }
      break;
    case ElementType::kU8:
    case ElementType::kI8:
    case ElementType::kF32:
    case ElementType::kBf16:
    case ElementType::kF16:
      break;
  }
  const bool quantised =
      c.type() == ElementType::kU8 || c.type() == ElementType::kI8;
  if (!quantised && (o.c_scale != 1.0f || o.c_zero != 0)) {
    throw std::invalid_argument(
        std::string("GemmInt8: c_scale and c_zero are for a c of u8 or s8, "
                    "but c has elements of type ") +
        Name(c.type()));
  }
  if (quantised) {
    if (!(o.c_scale > 0) || !std::isfinite(o.c_scale)) {
      throw std::invalid_argument("GemmInt8: c_scale is " +
                                  std::to_string(o.c_scale) +
                                  "; a positive finite number is needed");
    }
    CheckZeros(VecView<const int32_t>(&o.c_zero, 1), "c_zero", c.type());
  }
  if (!o.bias.empty() && o.bias.size() != N) {
    throw ShapeError("GemmInt8: bias has " + std::to_string(o.bias.size()) +
                     " elements, but c " + Shape(c) + " has " +
                     std::to_string(N) + " columns");
  }
}

// Options side by side, as kernels want them.
struct Copies {
  std::vector<int32_t> a_zero, b_zero;
  std::vector<float> a_scale, b_scale, bias;
};

// One number to `one`, several to `many`.
template <typename T>
void Take(const VecView<const T>& from, std::vector<T>* copy, T* one,
          const T** many) {
  if (from.size() == 1) *one = from[0];
  if (from.size() <= 1) return;
  *many = from.data();
  if (from.contiguous()) return;
  copy->resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) (*copy)[i] = from[i];
  *many = copy->data();
}

bool AllZero(const VecView<const int32_t>& v) {
  for (size_t i = 0; i < v.size(); ++i) {
    if (v[i] != 0) return false;
  }
  return true;
}

void CheckOverlap(const void* operand, const char* name, const AnyMatView& c) {
  if (!c.empty() && operand == c.data()) {
    throw std::invalid_argument(std::string("GemmInt8: c and ") + name +
                                " begin at the same place; the product cannot "
                                "be written over its operand");
  }
}

// Everything but b's memory. `copies` must outlive the problem.
parallel::Int8Problem CheckProblem(const ConstAnyMatView& a, size_t b_rows,
                                   size_t N, const AnyMatView& c,
                                   const GemmInt8Options& o, Copies* copies) {
  if (a.type() != ElementType::kU8 && a.type() != ElementType::kI8) {
    FailType("a", a.type(), "u8 and s8 are possible here, floats in Gemm");
  }
  internal::CheckMemory("GemmInt8", a, "a", false);
  internal::CheckMemory("GemmInt8", c, "c", true);
  const size_t M = a.rows();
  if (a.cols() != b_rows) {
    throw ShapeError("GemmInt8: a is " + Shape(a) + " and b " +
                     Shape(b_rows, N) +
                     ": a's columns and b's rows differ; a transposed operand "
                     "is given as m.Transposed()");
  }
  if (c.rows() != M || c.cols() != N) {
    throw ShapeError("GemmInt8: c is " + Shape(c) + ", but a " + Shape(a) +
                     " and b " + Shape(b_rows, N) + " give " + Shape(M, N));
  }
  CheckSize(o.a_zero, "a_zero", M, "row of a");
  CheckSize(o.b_zero, "b_zero", N, "column of b");
  CheckSize(o.a_scale, "a_scale", M, "row of a");
  CheckSize(o.b_scale, "b_scale", N, "column of b");
  CheckZeros(o.a_zero, "a_zero", a.type());
  CheckZeros(o.b_zero, "b_zero", ElementType::kI8);
  CheckOutput(c, o, N);
  CheckOverlap(a.data(), "a", c);

  parallel::Int8Problem p;
  p.a = a;
  simd::Int8Epilogue& e = p.epilogue;
  e.c = c;
  Take(o.a_zero, &copies->a_zero, &p.a_zero, &p.a_zeros);
  if (!AllZero(o.b_zero)) {
    Take(o.b_zero, &copies->b_zero, &p.b_zero, &p.b_zeros);
  }
  Take(o.a_scale, &copies->a_scale, &e.a_scale, &e.a_scales);
  Take(o.b_scale, &copies->b_scale, &e.b_scale, &e.b_scales);
  if (o.bias.contiguous()) {
    e.bias = o.bias.data();
  } else {
    copies->bias.resize(N);
    for (size_t i = 0; i < N; ++i) copies->bias[i] = o.bias[i];
    e.bias = copies->bias.data();
  }
  e.activation = o.activation;
  e.c_scale = o.c_scale;
  e.c_zero = o.c_zero;
  return p;
}

}  // namespace

void GemmInt8(Context& ctx, ConstAnyMatView a, MatView<const int8_t> b,
              AnyMatView c, const GemmInt8Options& options) {
  internal::CheckMemory("GemmInt8", b, "b", false);
  Copies copies;
  parallel::Int8Problem problem =
      CheckProblem(a, b.rows(), b.cols(), c, options, &copies);
  CheckOverlap(b.data(), "b", c);
  problem.b = b;
  parallel::GemmInt8(ctx, problem, ctx.threads());
}

void GemmInt8(Context& ctx, ConstAnyMatView a, const PackedMatrix& b,
              AnyMatView c, const GemmInt8Options& options) {
  if (b.type() != ElementType::kI8 && b.size_bytes() != 0) {
    FailType("the packed b", b.type(), "s8 is possible here, floats in Gemm");
  }
  Copies copies;
  parallel::Int8Problem problem =
      CheckProblem(a, b.rows(), b.cols(), c, options, &copies);
  problem.packed = &b.panels();
  if (parallel::FitsCurrentTarget(b.panels()) || b.size_bytes() == 0) {
    parallel::GemmInt8(ctx, problem, ctx.threads());
    return;
  }
  // Packed on another target than the one that is forced now.
  AlignedBuffer<int8_t> plain(b.rows() * b.cols());
  const MatView<int8_t> view(plain.data(), b.rows(), b.cols());
  b.Unpack(view);
  const parallel::PackedPanels panels = parallel::Pack(ctx, view);
  problem.packed = &panels;
  parallel::GemmInt8(ctx, problem, ctx.threads());
}

}  // namespace ranvier
