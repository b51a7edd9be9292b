#include "ranvier/ops/elementwise.h"

#include "bench/elementwise/peer.h"
#include "bench/util/context.h"

namespace ranvier::bench {
namespace {

template <class T>
MatView<T> Row(T* data, const Operands& o) {
  return {data, 1, o.n};
}

Prepared MapOf(Elementwise f, const Operands& o, const float* x) {
  return [=] { Map(*context, f, Row(x, o), Row(o.y, o)); };
}
Prepared GradientOf(Elementwise f, const Operands& o) {
  return
      [=] { MapGradient(*context, f, Row(o.x, o), Row(o.dy, o), Row(o.y, o)); };
}

Prepared Prepare(Op op, const Operands& o, int threads) {
  SetThreads(threads);
  switch (op) {
    case Op::kExp:
      return MapOf(Elementwise::kExp, o, o.x);
    case Op::kTanh:
      return MapOf(Elementwise::kTanh, o, o.x);
    case Op::kSigmoid:
      return MapOf(Elementwise::kSigmoid, o, o.x);
    case Op::kSilu:
      return MapOf(Elementwise::kSilu, o, o.x);
    case Op::kGelu:
      return MapOf(Elementwise::kGelu, o, o.x);
    case Op::kGeluTanh:
      return MapOf(Elementwise::kGeluTanh, o, o.x);
    case Op::kRelu:
      return MapOf(Elementwise::kRelu, o, o.x);
    case Op::kSoftplus:
      return MapOf(Elementwise::kSoftplus, o, o.x);
    case Op::kLog:
      return MapOf(Elementwise::kLog, o, o.magnitudes);
    case Op::kErf:
      return MapOf(Elementwise::kErf, o, o.x);
    case Op::kGeluBf16:
      return [=] {
        Map(*context, Elementwise::kGelu, Row(o.x_bf16, o), Row(o.y_bf16, o));
      };
    case Op::kSiluGradient:
      return GradientOf(Elementwise::kSilu, o);
    case Op::kGeluGradient:
      return GradientOf(Elementwise::kGelu, o);
    case Op::kSwiGlu:
      return [=] {
        Gated(*context, Elementwise::kSilu, Row(o.x, o), Row(o.up, o),
              Row(o.y, o));
      };
    case Op::kDropout:
      return [=] { Dropout(*context, 0.1, 1, Row(o.x, o), Row(o.y, o)); };
    case Op::kBiasGelu:
      return [=] {
        Map(*context, Elementwise::kGelu,
            MatView<const float>(o.x, o.n / 1024, 1024),
            MatView<float>(o.y, o.n / 1024, 1024),
            {.bias = VecView<const float>(o.bias, 1024)});
      };
  }
  return {};
}

}  // namespace

Peer RanvierPeer() { return {"ranvier", "", Prepare}; }

}  // namespace ranvier::bench
