#include "ranvier/simd/lif.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/lif.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

size_t StepAwakeImpl(const LifMoment& m, const double* HWY_RESTRICT state,
                     uint64_t* awake, size_t n, uint64_t* HWY_RESTRICT spiking,
                     size_t* spikes, uint64_t* HWY_RESTRICT silent,
                     size_t* silents) {
  const hn::ScalableTag<double> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t N = hn::Lanes(d);
  const auto x = hn::Set(d, m.x);
  const auto y = hn::Set(d, m.y);
  const auto z = hn::Set(d, m.z);
  const auto theta = hn::Set(d, m.theta);
  const auto below = hn::Set(d, m.silent_below);
  const auto g_cap = hn::Set(d, m.g_cap);
  const auto line_u = hn::Set(d, m.line_u);
  const auto line_g = hn::Set(d, m.line_g);
  const auto one = hn::Set(d, 1.0);
  size_t kept = 0;
  size_t spike_count = 0;
  size_t silent_count = 0;
  for (size_t i = 0; i < n; i += N) {
    const size_t remaining = n - i;
    const auto valid = hn::FirstN(d, remaining);
    // Past the end the last vector looks at its first neuron again: never at
    // one that another thread may be changing.
    const auto index = hn::IfThenElse(hn::RebindMask(du, valid),
                                      hn::LoadN(du, awake + i, remaining),
                                      hn::Set(du, awake[i]));
    const auto at = hn::BitCast(di, hn::ShiftLeft<1>(index));
    const auto A = hn::GatherIndex(d, state, at);
    const auto B = hn::GatherIndex(d, state + 1, at);
    // Product and sum apart: a fused one would round differently on targets
    // that have none.
    const auto u = hn::Add(hn::Mul(A, x), hn::Mul(B, y));
    const auto g = hn::Mul(B, z);
    const auto fires = hn::And(valid, hn::Gt(u, theta));
    const auto line = hn::Add(hn::Mul(u, line_u), hn::Mul(g, line_g));
    const auto under = hn::And(hn::Le(g, g_cap), hn::Le(line, one));
    const auto sleeps =
        hn::And(hn::And(valid, hn::Le(u, below)),
                hn::Or(under, hn::Or(hn::Le(g, below), hn::Ge(u, g))));
    const auto stays = hn::AndNot(hn::Or(fires, sleeps), valid);
    // Safe in place: at most as many lanes are written as were read, and not
    // further than the end of the vector that was read.
    kept += hn::CompressBlendedStore(index, hn::RebindMask(du, stays), du,
                                     awake + kept);
    if (HWY_UNLIKELY(!hn::AllFalse(d, fires))) {
      spike_count += hn::CompressBlendedStore(index, hn::RebindMask(du, fires),
                                              du, spiking + spike_count);
    }
    if (!hn::AllFalse(d, sleeps)) {
      silent_count += hn::CompressBlendedStore(
          index, hn::RebindMask(du, sleeps), du, silent + silent_count);
    }
  }
  *spikes = spike_count;
  *silents = silent_count;
  return kept;
}

void RebaseImpl(double aa, double ab, double bb, double* HWY_RESTRICT state,
                size_t n) {
  const hn::ScalableTag<double> d;
  const size_t N = hn::Lanes(d);
  const auto vaa = hn::Set(d, aa);
  const auto vab = hn::Set(d, ab);
  const auto vbb = hn::Set(d, bb);
  const auto tiny = hn::Set(d, 1e-200);
  const auto zero = hn::Zero(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hn::Vec<decltype(d)> A, B;
    hn::LoadInterleaved2(d, state + 2 * i, A, B);
    auto a = hn::Mul(A, vaa);
    if (ab != 0) a = hn::Add(a, hn::Mul(B, vab));  // 0 * -inf would be NaN
    auto b = hn::Mul(B, vbb);
    a = hn::IfThenElse(hn::Lt(hn::Abs(a), tiny), zero, a);
    b = hn::IfThenElse(hn::Lt(hn::Abs(b), tiny), zero, b);
    hn::StoreInterleaved2(a, b, d, state + 2 * i);
  }
  for (; i < n; ++i) {
    double* s = state + 2 * i;
    double a = s[0] * aa;
    if (ab != 0) a += s[1] * ab;
    const double b = s[1] * bb;
    s[0] = a < 1e-200 && a > -1e-200 ? 0 : a;
    s[1] = b < 1e-200 && b > -1e-200 ? 0 : b;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(StepAwakeImpl);
HWY_EXPORT(RebaseImpl);

size_t StepAwake(const LifMoment& moment, const double* state, uint64_t* awake,
                 size_t n, uint64_t* spiking, size_t* spikes, uint64_t* silent,
                 size_t* silents) noexcept {
  return RANVIER_DISPATCH(StepAwakeImpl)(moment, state, awake, n, spiking,
                                         spikes, silent, silents);
}

void RebaseState(double aa, double ab, double bb, double* state,
                 size_t n) noexcept {
  RANVIER_DISPATCH(RebaseImpl)(aa, ab, bb, state, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
