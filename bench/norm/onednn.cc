#include "bench/util/onednn.h"

#include <omp.h>

#include "bench/norm/peer.h"

namespace ranvier::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::desc Describe(size_t rows, size_t cols) {
  return {{static_cast<memory::dim>(rows), static_cast<memory::dim>(cols)},
          memory::data_type::f32,
          Tag::ab};
}

// The interface changed with 3.0.
#if DNNL_VERSION_MAJOR >= 3
dnnl::primitive SoftmaxOf(const memory::desc& m) {
  return dnnl::softmax_forward(dnnl::softmax_forward::primitive_desc(
      Engine(), dnnl::prop_kind::forward_inference,
      dnnl::algorithm::softmax_accurate, m, m, 1));
}
dnnl::primitive LayerNormOf(const memory::desc& m) {
  return dnnl::layer_normalization_forward(
      dnnl::layer_normalization_forward::primitive_desc(
          Engine(), dnnl::prop_kind::forward_inference, m, m, kEpsilon,
          dnnl::normalization_flags::use_scale |
              dnnl::normalization_flags::use_shift));
}
dnnl::primitive ReductionOf(dnnl::algorithm algorithm, const memory::desc& from,
                            const memory::desc& to) {
  return dnnl::reduction(dnnl::reduction::primitive_desc(Engine(), algorithm,
                                                         from, to, 0.0f, 0.0f));
}
#else
dnnl::primitive SoftmaxOf(const memory::desc& m) {
  return dnnl::softmax_forward(dnnl::softmax_forward::primitive_desc(
      dnnl::softmax_forward::desc(dnnl::prop_kind::forward_inference, m, 1),
      Engine()));
}
dnnl::primitive LayerNormOf(const memory::desc& m) {
  return dnnl::layer_normalization_forward(
      dnnl::layer_normalization_forward::primitive_desc(
          dnnl::layer_normalization_forward::desc(
              dnnl::prop_kind::forward_inference, m, kEpsilon,
              dnnl::normalization_flags::use_scale |
                  dnnl::normalization_flags::use_shift),
          Engine()));
}
dnnl::primitive ReductionOf(dnnl::algorithm algorithm, const memory::desc& from,
                            const memory::desc& to) {
  return dnnl::reduction(dnnl::reduction::primitive_desc(
      dnnl::reduction::desc(algorithm, from, to, 0.0f, 0.0f), Engine()));
}
#endif

std::function<void()> Prepare(const RowProblem& p, int threads) {
  omp_set_num_threads(threads);
  const auto at = [](const memory::desc& m, const float* data) {
    return memory(m, Engine(), const_cast<float*>(data));
  };
  const memory::desc m = Describe(p.rows, p.cols);
  const memory::desc of_rows = Describe(p.rows, 1);
  const memory::desc row({static_cast<memory::dim>(p.cols)},
                         memory::data_type::f32, Tag::a);
  const Arguments both = {{DNNL_ARG_SRC, at(m, p.x)},
                          {DNNL_ARG_DST, at(m, p.y)}};
  const Arguments reduced = {{DNNL_ARG_SRC, at(m, p.x)},
                             {DNNL_ARG_DST, at(of_rows, p.y)}};
  switch (p.op) {
    case RowOp::kSoftmax:
      return Execute(SoftmaxOf(m), both);
    case RowOp::kLayerNorm: {
      Arguments arguments = both;
      arguments.emplace(DNNL_ARG_SCALE, at(row, p.weight));
      arguments.emplace(DNNL_ARG_SHIFT, at(row, p.bias));
      return Execute(LayerNormOf(m), std::move(arguments));
    }
    case RowOp::kSumRows:
      return Execute(ReductionOf(dnnl::algorithm::reduction_sum, m, of_rows),
                     reduced);
    case RowOp::kMaxRows:
      return Execute(ReductionOf(dnnl::algorithm::reduction_max, m, of_rows),
                     reduced);
    default:
      return {};
  }
}

}  // namespace

RowPeer OneDnnPeer() { return {"onednn", Version(), true, Prepare}; }

}  // namespace ranvier::bench
