#include "tests/lib/ops/gemm_case.h"

#include <limits>

#include "tests/reference/gemm_reference.h"

namespace ranvier::test {
namespace {

constexpr size_t kBiasStride = 3;

VecView<const float> BiasView(const GemmCase& g,
                              const std::vector<float>& bias) {
  switch (g.bias) {
    case Bias::kContiguous:
      return {bias.data(), g.N, 1};
    case Bias::kStrided:
      return {bias.data(), g.N, kBiasStride};
    case Bias::kNone:
      break;
  }
  return {};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const GemmCase& g) {
  out << g.M << " x " << g.N << " x " << g.K << ", a " << Name(g.a) << " "
      << Name(g.a_layout) << ", b " << Name(g.b) << " "
      << (g.packed ? "packed from " : "") << Name(g.b_layout) << ", c "
      << Name(g.c) << " " << Name(g.c_layout) << ", alpha " << g.alpha
      << ", beta " << g.beta;
  if (g.bias == Bias::kContiguous) out << ", bias";
  if (g.bias == Bias::kStrided) out << ", strided bias";
  if (g.residual == Residual::kOwn) out << ", residual";
  if (g.residual == Residual::kIsC) out << ", residual is c";
  if (g.activation != Activation::kNone) {
    out << ", activation " << static_cast<int>(g.activation);
  }
  return out;
}

GemmOperands::GemmOperands(const GemmCase& g)
    : case_(g),
      a_(g.a, g.a_layout, g.M, g.K),
      b_(g.b, g.b_layout, g.K, g.N, 1),
      c_(g.c, g.c_layout, g.M, g.N, 5),
      c_before_(g.c, g.c_layout, g.M, g.N, 5),
      // Another type and layout than that of C.
      residual_(
          g.c == ElementType::kF32 ? ElementType::kBf16 : ElementType::kF32,
          g.c_layout == Layout::kRows ? Layout::kColumns : Layout::kRows,
          g.residual == Residual::kOwn ? g.M : 0, g.N),
      bias_(g.N * kBiasStride, std::numeric_limits<float>::quiet_NaN()) {
  a_.FillRandom(1);
  b_.FillRandom(2);
  FillC(c_before_);
  residual_.FillRandom(4);
  const size_t stride = g.bias == Bias::kStrided ? kBiasStride : 1;
  for (size_t j = 0; j < g.N; ++j) {
    bias_[j * stride] = static_cast<float>(j % 17) / 8 - 1;
  }
}

void GemmOperands::FillC(StoredMatrix& c) const {
  if (case_.beta == 0 && case_.residual != Residual::kIsC) {
    c.FillNaN();
  } else {
    c.FillRandom(3);
  }
}

GemmOptions GemmOperands::Options() const {
  GemmOptions options;
  options.alpha = case_.alpha;
  options.beta = case_.beta;
  options.bias = BiasView(case_, bias_);
  options.activation = case_.activation;
  if (case_.residual == Residual::kOwn) options.residual = residual_.view();
  if (case_.residual == Residual::kIsC) options.residual = c_.view();
  return options;
}

void GemmOperands::Run(Context& ctx) {
  if (case_.packed) return Run(ctx, PackedMatrix(ctx, b_.view()));
  FillC(c_);
  Gemm(ctx, a_.view(), b_.view(), c_.view(), Options());
}

void GemmOperands::Run(Context& ctx, const PackedMatrix& b) {
  FillC(c_);
  Gemm(ctx, a_.view(), b, c_.view(), Options());
}

testing::AssertionResult GemmOperands::Check() const {
  GemmTerms terms;
  terms.a = a_.view();
  terms.b = b_.view();
  terms.c = c_before_.view();
  terms.alpha = case_.alpha;
  terms.beta = case_.beta;
  terms.bias = BiasView(case_, bias_);
  terms.activation = case_.activation;
  terms.output = case_.c;
  if (case_.residual == Residual::kOwn) terms.residual = residual_.view();
  if (case_.residual == Residual::kIsC) terms.residual = c_before_.view();
  const std::vector<Expected> expected = MultiplyReference(terms);
  for (size_t i = 0; i < case_.M; ++i) {
    for (size_t j = 0; j < case_.N; ++j) {
      const Expected& e = expected[i * case_.N + j];
      const double actual = c_.Get(i, j);
      if (IsWithin(actual, e)) continue;
      return testing::AssertionFailure()
             << case_ << ": c(" << i << ", " << j << ") is " << actual
             << ", expected " << e.value << " +- " << e.bound;
    }
  }
  for (const StoredMatrix* m : {&a_, &b_, &c_, &residual_}) {
    if (auto intact = m->PaddingIntact(); !intact) {
      return intact << ", " << case_;
    }
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult CheckGemm(Context& ctx, const GemmCase& g) {
  GemmOperands operands(g);
  operands.Run(ctx);
  return operands.Check();
}

}  // namespace ranvier::test
