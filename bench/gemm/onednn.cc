#include "bench/util/onednn.h"

#include <omp.h>

#include "bench/gemm/operands.h"
#include "bench/gemm/peer.h"

namespace ranvier::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;

bool Has(const Product&, int) { return true; }

Type TypeOfA(Element element) {
  switch (element) {
    case Element::kF32:
      return Type::f32;
    case Element::kBf16:
      return Type::bf16;
    case Element::kU8S8:
      return Type::u8;
    case Element::kS8S8:
      return Type::s8;
  }
  return Type::undef;
}

Type TypeOfB(Element element) {
  return element == Element::kU8S8 ? Type::s8 : TypeOfA(element);
}

// An empty description of bias: without. The interface changed with 3.0.
dnnl::matmul::primitive_desc Describe(const dnnl::engine& engine,
                                      const memory::desc& a,
                                      const memory::desc& b,
                                      const memory::desc& bias,
                                      const memory::desc& c, bool gelu) {
  dnnl::primitive_attr attributes;
  dnnl::post_ops after;
#if DNNL_VERSION_MAJOR >= 3
  if (gelu) {
    after.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
    attributes.set_post_ops(after);
    return {engine, a, b, bias, c, attributes};
  }
  return {engine, a, b, c, attributes};
#else
  if (gelu) {
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
    attributes.set_post_ops(after);
    return {dnnl::matmul::desc(a, b, bias, c), attributes, engine};
  }
  return {dnnl::matmul::desc(a, b, c), attributes, engine};
#endif
}

std::function<void()> Prepare(const Product& p, int threads) {
  omp_set_num_threads(threads);
  const dnnl::engine& engine = Engine();
  const auto M = static_cast<memory::dim>(p.M);
  const auto N = static_cast<memory::dim>(p.N);
  const auto K = static_cast<memory::dim>(p.K);
  const bool gelu = p.op == Op::kLinearGelu;
  const bool packed = gelu || p.op == Op::kLinearPacked;
  const bool transposed = p.op != Op::kGemm && p.op != Op::kGemv;
  const memory::desc a({M, K}, TypeOfA(p.element), Tag::ab);
  const memory::desc given({K, N}, TypeOfB(p.element),
                           transposed ? Tag::ba : Tag::ab);
  const memory::desc wanted({K, N}, TypeOfB(p.element),
                            packed       ? Tag::any
                            : transposed ? Tag::ba
                                         : Tag::ab);
  const memory::desc bias({1, N}, Type::f32, Tag::ab);
  const memory::desc c({M, N}, IsInteger(p.element) ? Type::s32 : Type::f32,
                       Tag::ab);
  const auto chosen = Describe(engine, a, wanted, bias, c, gelu);
  memory b(given, engine, const_cast<void*>(p.b));
  if (chosen.weights_desc() != given) {
    memory other(chosen.weights_desc(), engine);
    dnnl::stream stream(engine);
    dnnl::reorder(b, other).execute(stream, b, other);
    stream.wait();
    b = other;
  }
  Arguments arguments = {
      {DNNL_ARG_SRC, memory(a, engine, const_cast<void*>(p.a))},
      {DNNL_ARG_WEIGHTS, b},
      {DNNL_ARG_DST, memory(c, engine, p.c)}};
  if (gelu) {
    arguments.emplace(DNNL_ARG_BIAS,
                      memory(bias, engine, const_cast<float*>(p.bias)));
  }
  return Execute(dnnl::matmul(chosen), std::move(arguments));
}

const Registration registration({"onednn", Version(), Has, Prepare});

}  // namespace
}  // namespace ranvier::bench
