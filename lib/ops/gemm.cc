#include "ranvier/ops/gemm.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/gemm.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

using internal::Shape;

void CheckView(const ConstAnyMatView& m, const char* name, bool written) {
  switch (m.type()) {
    case ElementType::kF32:
    case ElementType::kBf16:
    case ElementType::kF16:
      break;
    default:
      throw std::invalid_argument(
          std::string("Gemm: ") + name + " has elements of type " +
          Name(m.type()) +
          "; f32, bf16 and f16 are possible here, integers in "
          "GemmInt8");
  }
  internal::CheckMemory("Gemm", m, name, written);
}

// What depends on C and the options, given b's columns.
simd::GemmEpilogue CheckEpilogue(const ConstAnyMatView& a, size_t N,
                                 const AnyMatView& c,
                                 const GemmOptions& options) {
  const size_t M = a.rows();
  CheckView(c, "c", true);
  if (c.rows() != M || c.cols() != N) {
    throw ShapeError("Gemm: c is " + Shape(c) + ", but a " + Shape(a) +
                     " and b " + Shape(a.cols(), N) + " give " + Shape(M, N));
  }
  simd::GemmEpilogue e;
  e.c = c;
  e.alpha = options.alpha;
  e.beta = options.beta;
  e.activation = options.activation;
  if (!options.bias.empty() && options.bias.size() != N) {
    throw ShapeError("Gemm: bias has " + std::to_string(options.bias.size()) +
                     " elements, but c " + Shape(c) + " has " +
                     std::to_string(N) + " columns");
  }
  if (!options.residual.empty() || options.residual.data() != nullptr) {
    CheckView(options.residual, "residual", false);
    if (options.residual.rows() != M || options.residual.cols() != N) {
      throw ShapeError("Gemm: residual is " + Shape(options.residual) +
                       ", but c is " + Shape(c));
    }
    e.residual = options.residual;
  }
  return e;
}

void CheckOperands(const ConstAnyMatView& a, size_t b_rows, size_t b_cols) {
  CheckView(a, "a", false);
  if (a.cols() != b_rows) {
    throw ShapeError("Gemm: a is " + Shape(a) + " and b " +
                     Shape(b_rows, b_cols) +
                     ": a's columns and b's rows differ; a transposed operand "
                     "is given as m.Transposed()");
  }
}

void CheckOverlap(const ConstAnyMatView& operand, const char* name,
                  const AnyMatView& c) {
  if (!operand.empty() && !c.empty() && operand.data() == c.data()) {
    throw std::invalid_argument(std::string("Gemm: c and ") + name +
                                " begin at the same place; the product cannot "
                                "be written over its operand");
  }
}

// A bias with elements side by side, as kernels want it.
const float* Contiguous(const VecView<const float>& bias,
                        std::vector<float>* copy) {
  if (bias.empty()) return nullptr;
  if (bias.contiguous()) return bias.data();
  copy->resize(bias.size());
  for (size_t i = 0; i < bias.size(); ++i) (*copy)[i] = bias[i];
  return copy->data();
}

parallel::GemmProblem CheckProblem(const ConstAnyMatView& a,
                                   const ConstAnyMatView& b,
                                   const AnyMatView& c,
                                   const GemmOptions& options) {
  CheckOperands(a, b.rows(), b.cols());
  CheckView(b, "b", false);
  parallel::GemmProblem problem;
  problem.a = a;
  problem.b = b;
  problem.epilogue = CheckEpilogue(a, b.cols(), c, options);
  CheckOverlap(a, "a", c);
  CheckOverlap(b, "b", c);
  return problem;
}

// The i-th of matrices at equal distances.
ConstAnyMatView Step(const ConstAnyMatView& m, size_t elements) {
  return {static_cast<const unsigned char*>(m.data()) +
              elements * SizeBytes(m.type()),
          m.type(),
          m.rows(),
          m.cols(),
          m.row_stride(),
          m.col_stride()};
}
AnyMatView Step(const AnyMatView& m, size_t elements) {
  return {
      static_cast<unsigned char*>(m.data()) + elements * SizeBytes(m.type()),
      m.type(),
      m.rows(),
      m.cols(),
      m.row_stride(),
      m.col_stride()};
}

}  // namespace

void Gemm(Context& ctx, ConstAnyMatView a, ConstAnyMatView b, AnyMatView c,
          const GemmOptions& options) {
  parallel::GemmProblem problem = CheckProblem(a, b, c, options);
  std::vector<float> bias;
  problem.epilogue.bias = Contiguous(options.bias, &bias);
  parallel::Gemm(ctx, problem, ctx.threads());
}

void Gemm(Context& ctx, ConstAnyMatView a, const PackedMatrix& b, AnyMatView c,
          const GemmOptions& options) {
  if (b.type() == ElementType::kI8) {
    throw std::invalid_argument(
        "Gemm: the packed b has elements of type s8; integers are multiplied "
        "by GemmInt8");
  }
  CheckOperands(a, b.rows(), b.cols());
  parallel::GemmProblem problem;
  problem.a = a;
  problem.packed = &b.panels();
  problem.epilogue = CheckEpilogue(a, b.cols(), c, options);
  CheckOverlap(a, "a", c);
  std::vector<float> bias;
  problem.epilogue.bias = Contiguous(options.bias, &bias);
  if (parallel::FitsCurrentTarget(b.panels())) {
    parallel::Gemm(ctx, problem, ctx.threads());
    return;
  }
  // Packed on another target than the one that is forced now.
  AlignedBuffer<unsigned char> plain(b.rows() * b.cols() * SizeBytes(b.type()));
  const AnyMatView view(plain.data(), b.type(), b.rows(), b.cols(), b.cols());
  b.Unpack(view);
  const parallel::PackedPanels panels = parallel::Pack(ctx, view);
  problem.packed = &panels;
  parallel::Gemm(ctx, problem, ctx.threads());
}

void GemmBatched(Context& ctx, std::span<const ConstAnyMatView> a,
                 std::span<const ConstAnyMatView> b,
                 std::span<const AnyMatView> c, const GemmOptions& options) {
  if (a.size() != b.size() || a.size() != c.size()) {
    throw ShapeError("GemmBatched: " + std::to_string(a.size()) +
                     " matrices a, " + std::to_string(b.size()) + " b and " +
                     std::to_string(c.size()) + " c; one of each is needed");
  }
  if (options.residual.data() != nullptr) {
    throw std::invalid_argument(
        "GemmBatched: one residual cannot serve a batch; use beta");
  }
  for (size_t i = 0; i < a.size(); ++i) CheckProblem(a[i], b[i], c[i], options);
  std::vector<float> copy;
  const float* bias = Contiguous(options.bias, &copy);
  parallel::GemmBatch(ctx, a.size(), [&](size_t i) {
    parallel::GemmProblem problem = CheckProblem(a[i], b[i], c[i], options);
    problem.epilogue.bias = bias;
    return problem;
  });
}

void GemmStridedBatched(Context& ctx, size_t batch, ConstAnyMatView a,
                        size_t a_distance, ConstAnyMatView b, size_t b_distance,
                        AnyMatView c, size_t c_distance,
                        const GemmOptions& options) {
  if (options.residual.data() != nullptr) {
    throw std::invalid_argument(
        "GemmStridedBatched: one residual cannot serve a batch; use beta");
  }
  const parallel::GemmProblem first = CheckProblem(a, b, c, options);
  if (batch > 1 && c_distance == 0 && !c.empty()) {
    throw ShapeError(
        "GemmStridedBatched: the distance from c to c is 0: all products "
        "would be written to one place");
  }
  const size_t farthest = std::max({a_distance, b_distance, c_distance});
  if (batch > 1 &&
      farthest > std::numeric_limits<size_t>::max() / 16 / (batch - 1)) {
    throw ShapeError("GemmStridedBatched: " + std::to_string(batch) +
                     " matrices at a distance of " + std::to_string(farthest) +
                     " elements are larger than any memory");
  }
  std::vector<float> copy;
  const float* bias = Contiguous(options.bias, &copy);
  parallel::GemmBatch(ctx, batch, [&](size_t i) {
    parallel::GemmProblem problem = first;
    problem.a = Step(a, i * a_distance);
    problem.b = Step(b, i * b_distance);
    problem.epilogue.c = Step(c, i * c_distance);
    problem.epilogue.bias = bias;
    return problem;
  });
}

void Gemv(Context& ctx, float alpha, MatView<const float> a,
          VecView<const float> x, float beta, VecView<float> y) {
  if (x.size() != a.cols() || y.size() != a.rows()) {
    throw ShapeError("Gemv: a is " + Shape(a.rows(), a.cols()) + ", x has " +
                     std::to_string(x.size()) + " elements and y " +
                     std::to_string(y.size()));
  }
  GemmOptions options;
  options.alpha = alpha;
  options.beta = beta;
  // As a row times a's transpose.
  Gemm(ctx, MatView<const float>(x.data(), 1, x.size(), x.size(), x.stride()),
       a.Transposed(),
       MatView<float>(y.data(), 1, y.size(), y.size(), y.stride()), options);
}

}  // namespace ranvier
