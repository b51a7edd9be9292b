// Compiled for each RANVIER_X86_LEVEL, as bench/CMakeLists.txt says.

#include <unsupported/Eigen/SpecialFunctions>

#include <Eigen/Core>

#include "bench/elementwise/peer.h"

namespace ranvier::bench {
namespace {

using Index = Eigen::Index;
using In = Eigen::Map<const Eigen::ArrayXf>;
using Out = Eigen::Map<Eigen::ArrayXf>;

In Read(const float* data, const Operands& o) {
  return {data, static_cast<Index>(o.n)};
}
Out Write(const Operands& o) { return {o.y, static_cast<Index>(o.n)}; }

Prepared Prepare(Op op, const Operands& o, int threads) {
  if (threads > 1) return {};
  const auto x = [=] { return Read(o.x, o); };
  const auto y = [=] { return Write(o); };
  switch (op) {
    case Op::kExp:
      return [=] { y() = x().exp(); };
    case Op::kTanh:
      return [=] { y() = x().tanh(); };
    case Op::kSigmoid:
      return [=] { y() = x().logistic(); };
    case Op::kSilu:
      return [=] { y() = x() * x().logistic(); };
    case Op::kGelu:
      return [=] { y() = x() * (0.5f + 0.5f * (x() * 0.70710678f).erf()); };
    case Op::kGeluTanh:
      return [=] {
        y() =
            x() *
            (0.5f +
             0.5f * (x() * (0.79788456f + 0.035677408f * x().square())).tanh());
      };
    case Op::kRelu:
      return [=] { y() = x().max(0.0f); };
    case Op::kSoftplus:
      return [=] { y() = x().max(0.0f) + (-x().abs()).exp().log1p(); };
    case Op::kLog:
      return [=] { y() = Read(o.magnitudes, o).log(); };
    case Op::kErf:
      return [=] { y() = x().erf(); };
    case Op::kSiluGradient:
      return [=] {
        // In two passes over what is in the cache, so that the sigmoid is
        // computed once.
        constexpr Index kPiece = 1024;
        Eigen::Array<float, kPiece, 1> s;
        for (Index i = 0; i < x().size(); i += kPiece) {
          const Index n = std::min(kPiece, x().size() - i);
          s.head(n) = x().segment(i, n).logistic();
          y().segment(i, n) = Read(o.dy, o).segment(i, n) * s.head(n) *
                              (1.0f + x().segment(i, n) * (1.0f - s.head(n)));
        }
      };
    case Op::kGeluGradient:
      return [=] {
        y() =
            Read(o.dy, o) * (0.5f + 0.5f * (x() * 0.70710678f).erf() +
                             x() * 0.39894228f * (-0.5f * x().square()).exp());
      };
    case Op::kSwiGlu:
      return [=] { y() = x() * x().logistic() * Read(o.up, o); };
    case Op::kBiasGelu:
      return [=] {
        const Eigen::Map<const Eigen::Array<float, 1024, 1>> bias(o.bias);
        Eigen::Array<float, 1024, 1> sum;
        for (Index i = 0; i < x().size(); i += 1024) {
          sum = x().segment<1024>(i) + bias;
          y().segment<1024>(i) =
              sum * (0.5f + 0.5f * (sum * 0.70710678f).erf());
        }
      };
    case Op::kGeluBf16:
    case Op::kDropout:
      break;
  }
  return {};
}

}  // namespace

template <int kX86Level>
Peer EigenPeer() {
  return {"eigen", RANVIER_EIGEN_VERSION, Prepare};
}
template Peer EigenPeer<RANVIER_X86_LEVEL>();

}  // namespace ranvier::bench
