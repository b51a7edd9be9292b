#include "ranvier/simd/optimizer.h"

#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/optimizer.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/convert-inl.h"
#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/parts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using StepD = hn::ScalableTag<float>;
using StepD16 = hn::Rebind<uint16_t, StepD>;
using StepV = hn::Vec<StepD>;

// The types are decided at each vector: the branches are foreseen, and a third
// of the code is enough.
template <class Part>
HWY_INLINE StepV LoadGradient(const Part& part, const void* from,
                              ElementType type, size_t i) {
  const StepD d;
  const StepD16 d16;
  if (type == ElementType::kF32) {
    return part.Load(d, static_cast<const float*>(from) + i);
  }
  const auto bits = part.Load(d16, static_cast<const uint16_t*>(from) + i);
  return type == ElementType::kBf16 ? WidenBits(bf16(), d, bits)
                                    : WidenBits(f16(), d, bits);
}

template <class Part>
HWY_INLINE void StoreParameter(const Part& part, const UpdateRange& range,
                               size_t i, StepV p) {
  const StepD d;
  const StepD16 d16;
  part.Store(p, d, range.parameter + i);
  if (range.copy == nullptr) return;
  auto* copy = static_cast<uint16_t*>(range.copy) + i;
  if (range.copy_type == ElementType::kBf16) {
    part.Store(NarrowBits(bf16(), d, p), d16, copy);
  } else {
    part.Store(NarrowBits(f16(), d, p), d16, copy);
  }
}

void UpdateSgdImpl(const SgdStep& step, const UpdateRange& range) {
  const StepD d;
  const auto rate = hn::Set(d, step.learning_rate);
  const auto momentum = hn::Set(d, step.momentum);
  const auto decay = hn::Set(d, step.weight_decay);
  const auto multiplier = hn::Set(d, range.multiplier);
  ForParts(d, range.n, [&](const auto& part, size_t i) HWY_ATTR {
    const auto p = part.Load(d, range.parameter + i);
    auto g = hn::Mul(LoadGradient(part, range.gradient, range.gradient_type, i),
                     multiplier);
    g = hn::MulAdd(decay, p, g);
    if (range.first != nullptr) {
      const auto velocity =
          hn::MulAdd(momentum, part.Load(d, range.first + i), g);
      part.Store(velocity, d, range.first + i);
      g = step.nesterov ? hn::MulAdd(momentum, velocity, g) : velocity;
    }
    StoreParameter(part, range, i, hn::NegMulAdd(rate, g, p));
  });
}

void UpdateAdamWImpl(const AdamWStep& step, const UpdateRange& range) {
  const StepD d;
  const auto size = hn::Set(d, step.step_size);
  const auto first_rate = hn::Set(d, step.first_rate);
  const auto second_rate = hn::Set(d, step.second_rate);
  const auto second_scale = hn::Set(d, step.second_scale);
  const auto epsilon = hn::Set(d, step.epsilon);
  const auto decay = hn::Set(d, step.decay);
  const auto multiplier = hn::Set(d, range.multiplier);
  ForParts(d, range.n, [&](const auto& part, size_t i) HWY_ATTR {
    const auto p = part.Load(d, range.parameter + i);
    auto m = part.Load(d, range.first + i);
    auto v = part.Load(d, range.second + i);
    const auto g = hn::Mul(
        LoadGradient(part, range.gradient, range.gradient_type, i), multiplier);
    // As steps towards g and g^2, in which 1 - beta has all its digits.
    m = hn::MulAdd(first_rate, hn::Sub(g, m), m);
    v = hn::MulAdd(second_rate, hn::MulSub(g, g, v), v);
    part.Store(m, d, range.first + i);
    part.Store(v, d, range.second + i);
    const auto below = hn::MulAdd(hn::Sqrt(v), second_scale, epsilon);
    // What is taken away is found first: p itself is rounded once.
    const auto step_down = hn::Mul(size, hn::Div(m, below));
    StoreParameter(part, range, i, hn::Sub(p, hn::MulAdd(decay, p, step_down)));
  });
}

void UpdateRmsPropImpl(const RmsPropStep& step, const UpdateRange& range) {
  const StepD d;
  const auto rate = hn::Set(d, step.learning_rate);
  const auto square_rate = hn::Set(d, step.square_rate);
  const auto epsilon = hn::Set(d, step.epsilon);
  const auto decay = hn::Set(d, step.weight_decay);
  const auto momentum = hn::Set(d, step.momentum);
  const auto multiplier = hn::Set(d, range.multiplier);
  ForParts(d, range.n, [&](const auto& part, size_t i) HWY_ATTR {
    const auto p = part.Load(d, range.parameter + i);
    auto g = hn::Mul(LoadGradient(part, range.gradient, range.gradient_type, i),
                     multiplier);
    g = hn::MulAdd(decay, p, g);
    auto square = part.Load(d, range.first + i);
    square = hn::MulAdd(square_rate, hn::MulSub(g, g, square), square);
    part.Store(square, d, range.first + i);
    if (range.third != nullptr) {
      auto mean = part.Load(d, range.third + i);
      mean = hn::MulAdd(square_rate, hn::Sub(g, mean), mean);
      part.Store(mean, d, range.third + i);
      // The variance, which roundings alone make negative.
      square = hn::NegMulAdd(mean, mean, square);
      square = hn::IfThenZeroElse(hn::Lt(square, hn::Zero(d)), square);
    }
    auto slope = hn::Div(g, hn::Add(hn::Sqrt(square), epsilon));
    if (range.second != nullptr) {
      slope = hn::MulAdd(momentum, part.Load(d, range.second + i), slope);
      part.Store(slope, d, range.second + i);
    }
    StoreParameter(part, range, i, hn::NegMulAdd(rate, slope, p));
  });
}

// s0 + s1 += x^2 in f64.
template <class DD>
HWY_INLINE void AddSquares(DD dd, StepV x, hn::Vec<DD>& s0, hn::Vec<DD>& s1) {
#if HWY_TARGET == HWY_SCALAR
  const auto wide = hn::PromoteTo(dd, x);
  s0 = hn::MulAdd(wide, wide, s0);
  (void)s1;
#else
  const auto low = hn::PromoteLowerTo(dd, x);
  const auto high = hn::PromoteUpperTo(dd, x);
  s0 = hn::MulAdd(low, low, s0);
  s1 = hn::MulAdd(high, high, s1);
#endif
}

double SumOfGradientSquaresImpl(const void* gradient, ElementType type,
                                size_t n) {
#if HWY_TARGET == HWY_SCALAR
  const hn::Rebind<double, StepD> dd;
#else
  const hn::RepartitionToWide<StepD> dd;
#endif
  const size_t N = hn::Lanes(StepD());
  auto s0 = hn::Zero(dd);
  auto s1 = hn::Zero(dd);
  auto s2 = hn::Zero(dd);
  auto s3 = hn::Zero(dd);
  const WholeVector whole;
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    AddSquares(dd, LoadGradient(whole, gradient, type, i), s0, s1);
    AddSquares(dd, LoadGradient(whole, gradient, type, i + N), s2, s3);
  }
  if (i + N <= n) {
    AddSquares(dd, LoadGradient(whole, gradient, type, i), s0, s1);
    i += N;
  }
  if (i != n) {
    AddSquares(dd, LoadGradient(LastElements{n - i}, gradient, type, i), s2,
               s3);
  }
  return hn::ReduceSum(dd, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

size_t CountNonFiniteImpl(const void* gradient, ElementType type, size_t n) {
  const StepD d;
  size_t count = 0;
  ForParts(d, n, [&](const auto& part, size_t i) HWY_ATTR {
    const auto x = LoadGradient(part, gradient, type, i);
    count += hn::CountTrue(d, hn::Not(hn::IsFinite(x)));
  });
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(UpdateSgdImpl);
HWY_EXPORT(UpdateAdamWImpl);
HWY_EXPORT(UpdateRmsPropImpl);
HWY_EXPORT(SumOfGradientSquaresImpl);
HWY_EXPORT(CountNonFiniteImpl);

void UpdateSgd(const SgdStep& step, const UpdateRange& range) noexcept {
  RANVIER_DISPATCH(UpdateSgdImpl)(step, range);
}

void UpdateAdamW(const AdamWStep& step, const UpdateRange& range) noexcept {
  RANVIER_DISPATCH(UpdateAdamWImpl)(step, range);
}

void UpdateRmsProp(const RmsPropStep& step, const UpdateRange& range) noexcept {
  RANVIER_DISPATCH(UpdateRmsPropImpl)(step, range);
}

double SumOfGradientSquares(const void* gradient, ElementType type,
                            size_t n) noexcept {
  return RANVIER_DISPATCH(SumOfGradientSquaresImpl)(gradient, type, n);
}

size_t CountNonFinite(const void* gradient, ElementType type,
                      size_t n) noexcept {
  return RANVIER_DISPATCH(CountNonFiniteImpl)(gradient, type, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
