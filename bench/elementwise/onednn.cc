#include "bench/util/onednn.h"

#include <omp.h>

#include "bench/elementwise/peer.h"

namespace ranvier::bench {
namespace {

using dnnl::algorithm;
using dnnl::memory;

Prepared Forward(algorithm kind, float alpha, memory::data_type type,
                 const Operands& o, const void* x, void* y) {
  const dnnl::engine& engine = Engine();
  const memory::desc row({1, static_cast<memory::dim>(o.n)}, type,
                         memory::format_tag::ab);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::eltwise_forward::primitive_desc chosen(
      engine, dnnl::prop_kind::forward_inference, kind, row, row, alpha);
#else
  const dnnl::eltwise_forward::primitive_desc chosen(
      {dnnl::prop_kind::forward_inference, kind, row, alpha}, engine);
#endif
  return Execute(dnnl::eltwise_forward(chosen),
                 {{DNNL_ARG_SRC, memory(row, engine, const_cast<void*>(x))},
                  {DNNL_ARG_DST, memory(row, engine, y)}});
}

Prepared Prepare(Op op, const Operands& o, int threads) {
  omp_set_num_threads(threads);
  const auto f32 = [&](algorithm kind, float alpha = 0) {
    return Forward(kind, alpha, memory::data_type::f32, o, o.x, o.y);
  };
  switch (op) {
    case Op::kExp:
      return f32(algorithm::eltwise_exp);
    case Op::kTanh:
      return f32(algorithm::eltwise_tanh);
    case Op::kSigmoid:
      return f32(algorithm::eltwise_logistic);
    case Op::kSilu:
      return f32(algorithm::eltwise_swish, 1);
    case Op::kGelu:
      return f32(algorithm::eltwise_gelu_erf);
    case Op::kGeluTanh:
      return f32(algorithm::eltwise_gelu_tanh);
    case Op::kRelu:
      return f32(algorithm::eltwise_relu);
    case Op::kSoftplus:
#if DNNL_VERSION_MAJOR >= 3
      return f32(algorithm::eltwise_soft_relu, 1);
#else
      return f32(algorithm::eltwise_soft_relu);
#endif
    case Op::kLog:
      return Forward(algorithm::eltwise_log, 0, memory::data_type::f32, o,
                     o.magnitudes, o.y);
    case Op::kGeluBf16:
      return Forward(algorithm::eltwise_gelu_erf, 0, memory::data_type::bf16, o,
                     o.x_bf16, o.y_bf16);
    default:
      return {};
  }
}

}  // namespace

Peer OneDnnPeer() { return {"onednn", Version(), Prepare}; }

}  // namespace ranvier::bench
