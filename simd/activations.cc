#include "ranvier/simd/activations.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/activations.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/activations-inl.h"
#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Function>
void Map(const float* x, float* y, size_t n, const Function& function) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hn::StoreU(function(d, hn::LoadU(d, x + i)), d, y + i);
  }
  if (i != n) {  // remainder: masked, never past the end
    hn::StoreN(function(d, hn::LoadN(d, x + i, n - i)), d, y + i, n - i);
  }
}

template <Activation kActivation>
void ActivationLoop(const float* x, float* y, size_t n) {
  Map(x, y, n, [](auto d, auto v) HWY_ATTR {
    return ApplyActivation<kActivation>(d, v);
  });
}

void ActivationImpl(Activation activation, const float* x, float* y, size_t n) {
  switch (activation) {
    case Activation::kNone:
      return ActivationLoop<Activation::kNone>(x, y, n);
    case Activation::kRelu:
      return ActivationLoop<Activation::kRelu>(x, y, n);
    case Activation::kGelu:
      return ActivationLoop<Activation::kGelu>(x, y, n);
    case Activation::kGeluTanh:
      return ActivationLoop<Activation::kGeluTanh>(x, y, n);
    case Activation::kSilu:
      return ActivationLoop<Activation::kSilu>(x, y, n);
    case Activation::kSigmoid:
      return ActivationLoop<Activation::kSigmoid>(x, y, n);
    case Activation::kTanh:
      return ActivationLoop<Activation::kTanh>(x, y, n);
  }
}

void ExpImpl(const float* x, float* y, size_t n) {
  Map(x, y, n, [](auto d, auto v) HWY_ATTR { return Exp(d, v); });
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(ActivationImpl);
HWY_EXPORT(ExpImpl);

void ApplyActivation(Activation activation, const float* x, float* y,
                     size_t n) noexcept {
  RANVIER_DISPATCH(ActivationImpl)(activation, x, y, n);
}

void Exp(const float* x, float* y, size_t n) noexcept {
  RANVIER_DISPATCH(ExpImpl)(x, y, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
