#include "ranvier/simd/loss.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/loss.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/math-inl.h"
#include "ranvier/simd/parts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using LossD = hn::ScalableTag<float>;
#if HWY_TARGET == HWY_SCALAR
using LossWideD = hn::Rebind<double, LossD>;
#else
using LossWideD = hn::RepartitionToWide<LossD>;
#endif
using LossV = hn::Vec<LossD>;
using LossWideV = hn::Vec<LossWideD>;

// low + high += v in f64.
HWY_INLINE void AddWide(LossV v, LossWideV& low, LossWideV& high) {
  const LossWideD dd;
#if HWY_TARGET == HWY_SCALAR
  (void)high;
  low = hn::Add(low, hn::PromoteTo(dd, v));
#else
  low = hn::Add(low, hn::PromoteLowerTo(dd, v));
  high = hn::Add(high, hn::PromoteUpperTo(dd, v));
#endif
}

// e^x for x <= 0, and 0 below 2^-126: no step of it is subnormal, which spares
// Exp's second scaling. Error <= 1 ULP (1.3).
HWY_INLINE LossV ExpOfNegative(LossD d, LossV x) {
  // -88 gives n = -127, and the float with that exponent is 0.
  x = MaxOrNaN(hn::Set(d, -88.0f), x);
  const auto biased =
      hn::MulAdd(x, hn::Set(d, kLog2E), hn::Set(d, kRound + 127.0f));
  const auto n = hn::Sub(biased, hn::Set(d, kRound + 127.0f));
  const auto r = ReduceByLn2(d, x, n);
  const auto p = hn::MulAdd(ReducedExpSlope(d, r), r, hn::Set(d, 1.0f));
  return hn::Mul(p, PowerOfTwo(d, biased));
}

// -1, 0, 1 or NaN.
HWY_INLINE LossV SignOf(LossD d, LossV x) {
  const auto one = hn::CopySign(hn::Set(d, 1.0f), x);
  const auto sign = hn::IfThenZeroElse(hn::Eq(x, hn::Zero(d)), one);
  return hn::IfThenElse(hn::IsNaN(x), x, sign);
}

// For each loss its value l and its derivative g with respect to p.

struct MseForm {
  HWY_INLINE void operator()(LossD, LossV p, LossV t, LossV& l,
                             LossV& g) const {
    const auto e = hn::Sub(p, t);
    l = hn::Mul(e, e);
    g = hn::Add(e, e);
  }
};

struct MaeForm {
  HWY_INLINE void operator()(LossD d, LossV p, LossV t, LossV& l,
                             LossV& g) const {
    const auto e = hn::Sub(p, t);
    l = hn::Abs(e);
    g = SignOf(d, e);
  }
};

// c (|e| - c / 2) with c = min(|e|, delta) is e^2 / 2 within delta and
// delta (|e| - delta / 2) beyond.
struct HuberForm {
  float delta;
  HWY_INLINE void operator()(LossD d, LossV p, LossV t, LossV& l,
                             LossV& g) const {
    const auto e = hn::Sub(p, t);
    const auto size = hn::Abs(e);
    const auto c = MinOrNaN(hn::Set(d, delta), size);
    l = hn::Mul(c, hn::NegMulAdd(hn::Set(d, 0.5f), c, size));
    g = hn::CopySign(c, e);
  }
};

struct QuantileForm {
  float q;
  HWY_INLINE void operator()(LossD d, LossV p, LossV t, LossV& l,
                             LossV& g) const {
    const auto e = hn::Sub(t, p);
    const auto zero = hn::Zero(d);
    const auto slope =
        hn::IfThenElse(hn::Lt(e, zero), hn::Set(d, q - 1.0f), hn::Set(d, q));
    l = hn::Mul(slope, e);
    g = hn::IfThenZeroElse(hn::Eq(e, zero), hn::Neg(slope));
    g = hn::IfThenElse(hn::IsNaN(e), e, g);
  }
};

// log(1 + e) for 0 <= e <= 1. Error <= 2 ULP. Softplus divides; here one
// division is all that there is time for, and the gradient needs it.
HWY_INLINE LossV LogOfOnePlus(LossD d, LossV e) {
  // (log(1 + e) - e) / e^2; error of e + e^2 times it 2^-25.2, relative.
  const auto e2 = hn::Mul(e, e);
  const auto e4 = hn::Mul(e2, e2);
  const auto p01 =
      hn::MulAdd(hn::Set(d, 0x1.554dfp-2f), e, hn::Set(d, -0x1.ffffd2p-2f));
  const auto p23 =
      hn::MulAdd(hn::Set(d, 0x1.935cap-3f), e, hn::Set(d, -0x1.ff26e2p-3f));
  const auto p45 =
      hn::MulAdd(hn::Set(d, 0x1.b579c4p-4f), e, hn::Set(d, -0x1.3a7a82p-3f));
  auto p67 =
      hn::MulAdd(hn::Set(d, 0x1.4b0836p-6f), e, hn::Set(d, -0x1.d86326p-5f));
  p67 = hn::MulAdd(hn::Set(d, -0x1.b2f58ap-9f), e2, p67);
  const auto p0123 = hn::MulAdd(p23, e2, p01);
  const auto p4567 = hn::MulAdd(p67, e2, p45);
  return hn::MulAdd(e2, hn::MulAdd(p4567, e4, p0123), e);
}

// With u = t for negative x and 1 - t for others, and s = 1 / (1 + e^|x|):
//   l = |x| u + log(1 + e^-|x|),  |g| = |u - s|.
// For 0 <= t <= 1 nothing cancels in l, and in g only what is nearly equal;
// where the sigmoid is saturated its small side is what is computed.
struct BinaryCrossEntropyForm {
  HWY_INLINE void operator()(LossD d, LossV x, LossV t, LossV& l,
                             LossV& g) const {
    const auto one = hn::Set(d, 1.0f);
    const auto size = hn::Abs(x);
    const auto negative = hn::Lt(x, hn::Zero(d));
    const auto u = hn::IfThenElse(negative, t, hn::Sub(one, t));
    const auto e = ExpOfNegative(d, hn::Neg(size));
    const auto s = hn::Div(e, hn::Add(one, e));
    g = hn::IfThenElse(negative, hn::Sub(s, u), hn::Sub(u, s));
    // An infinite logit that is right costs nothing: 0 * infinity is 0.
    const auto right = hn::Eq(u, hn::Zero(d));
    l = hn::Add(hn::IfThenZeroElse(right, hn::Mul(size, u)),
                LogOfOnePlus(d, e));
  }
};

// 200 |p - t| / (|p| + |t|). Its derivative is 400 sign(p - t) |t| /
// (|p| + |t|)^2 where p and t have one sign and 0 where they have not; half way
// between at p = 0. Written like this nothing cancels.
struct SmapeForm {
  HWY_INLINE void operator()(LossD d, LossV p, LossV t, LossV& l,
                             LossV& g) const {
    const auto zero = hn::Zero(d);
    const auto one = hn::Set(d, 1.0f);
    const auto half = hn::Set(d, 0.5f);
    // Halves, so that their sum is finite.
    const auto t_half = hn::Mul(half, hn::Abs(t));
    const auto mean = hn::MulAdd(half, hn::Abs(p), t_half);
    const auto e_half = hn::MulSub(half, p, hn::Mul(half, t));
    const auto nothing = hn::Eq(mean, zero);
    l = hn::Mul(hn::Set(d, 200.0f), hn::Div(hn::Abs(e_half), mean));
    l = hn::IfThenZeroElse(nothing, l);
    const auto one_sign = hn::Eq(hn::CopySign(one, p), hn::CopySign(one, t));
    const auto factor = hn::IfThenElse(hn::Eq(p, zero), half,
                                       hn::IfThenElseZero(one_sign, one));
    const auto slope =
        hn::Mul(hn::Div(hn::Div(t_half, mean), mean), hn::Set(d, 200.0f));
    g = hn::Mul(hn::Mul(slope, factor), SignOf(d, e_half));
    g = hn::IfThenZeroElse(nothing, g);
  }
};

// The greatest float that is not above 1e-8: what is more counts.
inline constexpr float kMapeThreshold = 0x1.5798eep-27f;
static_assert(kMapeThreshold <= 1e-8 && 0x1.5798f0p-27 > 1e-8);

// |t| is above the threshold, or NaN, which must not go unnoticed.
HWY_INLINE auto MapeCounts(LossD d, LossV t) {
  return hn::Not(hn::Le(hn::Abs(t), hn::Set(d, kMapeThreshold)));
}

struct MapeForm {
  HWY_INLINE void operator()(LossD d, LossV p, LossV t, LossV& l,
                             LossV& g) const {
    const auto e = hn::Sub(p, t);
    const auto size = hn::Abs(t);
    const auto counts = MapeCounts(d, t);
    const auto hundred = hn::Set(d, 100.0f);
    l = hn::Mul(hundred, hn::Div(hn::Abs(e), size));
    l = hn::IfThenElseZero(counts, l);
    g = hn::Div(hn::Mul(hundred, SignOf(d, e)), size);
    g = hn::IfThenElseZero(counts, g);
  }
};

template <class Form>
double SumLoop(const Form& form, const LossBlock& b) {
  const LossD d;
  const LossWideD dd;
  const size_t N = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  const auto factor = hn::Set(d, b.factor);
  const auto at = [&](const auto& part, size_t i) HWY_ATTR {
    LossV l = zero;
    LossV g = zero;
    form(d, part.Load(d, b.prediction + i), part.Load(d, b.target + i), l, g);
    if (b.weights == nullptr) {
      g = hn::Mul(g, factor);
    } else {
      const auto w = part.Load(d, b.weights + i);
      const auto left_out = hn::Eq(w, zero);
      l = hn::IfThenZeroElse(left_out, hn::Mul(l, w));
      g = hn::IfThenZeroElse(left_out, hn::Mul(g, hn::Mul(w, factor)));
    }
    if (b.gradient != nullptr) part.Store(g, d, b.gradient + i);
    if (b.losses != nullptr) part.Store(l, d, b.losses + i);
    return part.Keep(d, l);
  };
  auto low0 = hn::Zero(dd);
  auto high0 = hn::Zero(dd);
  auto low1 = hn::Zero(dd);
  auto high1 = hn::Zero(dd);
  size_t i = 0;
  for (; i + 2 * N <= b.n; i += 2 * N) {
    AddWide(at(WholeVector(), i), low0, high0);
    AddWide(at(WholeVector(), i + N), low1, high1);
  }
  if (i + N <= b.n) {
    AddWide(at(WholeVector(), i), low0, high0);
    i += N;
  }
  if (i != b.n) AddWide(at(LastElements{b.n - i}, i), low1, high1);
  return hn::ReduceSum(dd, hn::Add(hn::Add(low0, high0), hn::Add(low1, high1)));
}

double SumLossesImpl(ElementLoss loss, float parameter, const LossBlock& b) {
  switch (loss) {
    case ElementLoss::kMse:
      return SumLoop(MseForm(), b);
    case ElementLoss::kMae:
      return SumLoop(MaeForm(), b);
    case ElementLoss::kHuber:
      return SumLoop(HuberForm{parameter}, b);
    case ElementLoss::kQuantile:
      return SumLoop(QuantileForm{parameter}, b);
    case ElementLoss::kBinaryCrossEntropy:
      return SumLoop(BinaryCrossEntropyForm(), b);
    case ElementLoss::kSmape:
      return SumLoop(SmapeForm(), b);
    case ElementLoss::kMape:
      return SumLoop(MapeForm(), b);
  }
  return 0;
}

double SumLossWeightsImpl(ElementLoss loss, const float* target,
                          const float* weights, size_t n) {
  const LossD d;
  const LossWideD dd;
  const size_t N = hn::Lanes(d);
  const bool all = loss != ElementLoss::kMape;
  if (all && weights == nullptr) return static_cast<double>(n);
  const auto one = hn::Set(d, 1.0f);
  const auto at = [&](const auto& part, size_t i) HWY_ATTR {
    const auto w = weights == nullptr ? one : part.Load(d, weights + i);
    const auto kept =
        all ? w
            : hn::IfThenElseZero(MapeCounts(d, part.Load(d, target + i)), w);
    return part.Keep(d, kept);
  };
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  size_t i = 0;
  for (; i + N <= n; i += N) AddWide(at(WholeVector(), i), low, high);
  if (i != n) AddWide(at(LastElements{n - i}, i), low, high);
  return hn::ReduceSum(dd, hn::Add(low, high));
}

// NaN may be lost here; it comes back with the sum.
HWY_INLINE float GreatestOf(const float* x, size_t n, float least) {
  const LossD d;
  const size_t N = hn::Lanes(d);
  const auto lowest = hn::Set(d, least);
  auto m0 = lowest;
  auto m1 = lowest;
  auto m2 = lowest;
  auto m3 = lowest;
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    m0 = hn::Max(hn::LoadU(d, x + i), m0);
    m1 = hn::Max(hn::LoadU(d, x + i + N), m1);
    m2 = hn::Max(hn::LoadU(d, x + i + 2 * N), m2);
    m3 = hn::Max(hn::LoadU(d, x + i + 3 * N), m3);
  }
  for (; i + N <= n; i += N) m0 = hn::Max(hn::LoadU(d, x + i), m0);
  if (i != n) {
    const auto v = hn::LoadN(d, x + i, n - i);
    m1 = hn::Max(hn::IfThenElse(hn::FirstN(d, n - i), v, lowest), m1);
  }
  const float greatest =
      hn::ReduceMax(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3)));
  return greatest > least ? greatest : least;
}

// A cache line, and how far ahead lines are fetched: a block of
// parallel/loss.h. What lies past the end of a row is mostly the next one;
// where there is nothing, fetching it does no harm.
inline constexpr size_t kLineFloats = 16;
inline constexpr size_t kAheadFloats = 2048;

void AddLogitsImpl(const float* logits, const float* probabilities,
                   bool uniform, size_t n, CrossEntropySums* sums) {
  const LossD d;
  const LossWideD dd;
  const size_t N = hn::Lanes(d);
  const float greatest = GreatestOf(logits, n, sums->reference);
  if (greatest > sums->reference) {
    const double step = static_cast<double>(sums->reference) - greatest;
    if (sums->exponentials != 0) sums->exponentials *= std::exp(step);
    if (sums->weight != 0) sums->distances += sums->weight * step;
    sums->reference = greatest;
  }
  const auto reference = hn::Set(d, greatest);
  const auto distance = [&](const auto& part, size_t i) HWY_ATTR {
    return hn::Sub(part.Load(d, logits + i), reference);
  };
  const auto term = [&](const auto& part, size_t i) HWY_ATTR {
    return part.Keep(d, ExpOfNegative(d, distance(part, i)));
  };
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  size_t i = 0;
  // Four terms of at most 1 are added in f32: two roundings, and a quarter of
  // the conversions.
  for (; i + 4 * N <= n; i += 4 * N) {
    // The next block is fetched while this one is computed with.
    for (size_t j = i; j < i + 4 * N; j += kLineFloats) {
      hwy::Prefetch(logits + j + kAheadFloats);
    }
    const auto e01 =
        hn::Add(term(WholeVector(), i), term(WholeVector(), i + N));
    const auto e23 =
        hn::Add(term(WholeVector(), i + 2 * N), term(WholeVector(), i + 3 * N));
    AddWide(hn::Add(e01, e23), low, high);
  }
  for (; i + N <= n; i += N) AddWide(term(WholeVector(), i), low, high);
  if (i != n) AddWide(term(LastElements{n - i}, i), low, high);
  sums->exponentials += hn::ReduceSum(dd, hn::Add(low, high));

  if (probabilities != nullptr) {
    auto q_low = hn::Zero(dd);
    auto q_high = hn::Zero(dd);
    low = high = q_low;
    const auto add = [&](const auto& part, size_t j) HWY_ATTR {
      const auto q = part.Load(d, probabilities + j);
      const auto product = hn::Mul(q, distance(part, j));
      const auto nothing = hn::Eq(q, hn::Zero(d));
      AddWide(hn::IfThenZeroElse(nothing, product), low, high);
      AddWide(q, q_low, q_high);
    };
    for (i = 0; i + N <= n; i += N) add(WholeVector(), i);
    if (i != n) add(LastElements{n - i}, i);
    sums->distances += hn::ReduceSum(dd, hn::Add(low, high));
    sums->weight += hn::ReduceSum(dd, hn::Add(q_low, q_high));
  } else if (uniform) {
    low = high = hn::Zero(dd);
    for (i = 0; i + N <= n; i += N) {
      AddWide(distance(WholeVector(), i), low, high);
    }
    if (i != n) {
      const LastElements last{n - i};
      AddWide(last.Keep(d, distance(last, i)), low, high);
    }
    sums->distances += hn::ReduceSum(dd, hn::Add(low, high));
    sums->weight += static_cast<double>(n);
  }
}

void WriteGradientImpl(const CrossEntropyGradient& of, const float* logits,
                       const float* probabilities, size_t n, float* gradient) {
  const LossD d;
  const size_t N = hn::Lanes(d);
  const auto reference = hn::Set(d, of.reference);
  const auto factor = hn::Set(d, of.factor);
  const auto target_factor = hn::Set(d, of.target_factor);
  const auto at = [&](const auto& part, size_t i) HWY_ATTR {
    const auto x = part.Load(d, logits + i);
    const auto e = ExpOfNegative(d, hn::Sub(x, reference));
    auto target = target_factor;
    if (probabilities != nullptr) {
      target = hn::Mul(part.Load(d, probabilities + i), target);
    }
    return hn::MulSub(e, factor, target);
  };
  size_t i = 0;
  if (of.streamed) {
    // Up to where a vector is aligned.
    const size_t past = reinterpret_cast<uintptr_t>(gradient) / sizeof(float);
    const size_t head = std::min(n, (N - past % N) % N);
    if (head != 0) {
      const LastElements first{head};
      first.Store(at(first, 0), d, gradient);
    }
    for (i = head; i + N <= n; i += N) {
      hn::Stream(at(WholeVector(), i), d, gradient + i);
    }
    hwy::FlushStream();
  } else {
    for (; i + N <= n; i += N) {
      hn::StoreU(at(WholeVector(), i), d, gradient + i);
    }
  }
  if (i != n) {
    const LastElements last{n - i};
    last.Store(at(last, i), d, gradient + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(SumLossesImpl);
HWY_EXPORT(SumLossWeightsImpl);
HWY_EXPORT(AddLogitsImpl);
HWY_EXPORT(WriteGradientImpl);

double SumLosses(ElementLoss loss, float parameter,
                 const LossBlock& block) noexcept {
  return RANVIER_DISPATCH(SumLossesImpl)(loss, parameter, block);
}

double SumLossWeights(ElementLoss loss, const float* target,
                      const float* weights, size_t n) noexcept {
  return RANVIER_DISPATCH(SumLossWeightsImpl)(loss, target, weights, n);
}

void AddLogits(const float* logits, const float* probabilities, bool uniform,
               size_t n, CrossEntropySums* sums) noexcept {
  RANVIER_DISPATCH(AddLogitsImpl)(logits, probabilities, uniform, n, sums);
}

void WriteGradient(const CrossEntropyGradient& of, const float* logits,
                   const float* probabilities, size_t n,
                   float* gradient) noexcept {
  RANVIER_DISPATCH(WriteGradientImpl)(of, logits, probabilities, n, gradient);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
