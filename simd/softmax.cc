#include "ranvier/simd/softmax.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/softmax.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/row_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// The three kinds of logits. Behind `count` LoadN gives what e^ makes 0 of.
struct Plain {
  explicit Plain(const Logits& v) : x(v.x) {}
  HWY_INLINE V Load(D d, size_t i) const { return hn::LoadU(d, x + i); }
  HWY_INLINE V LoadN(D d, size_t i, size_t count) const {
    return FirstOr(d, count, hn::LoadN(d, x + i, count), hn::Set(d, kLowest));
  }
  const float* x;
};
struct Scaled {
  explicit Scaled(const Logits& v) : x(v.x), scale(v.scale) {}
  HWY_INLINE V Load(D d, size_t i) const {
    return hn::Mul(hn::LoadU(d, x + i), hn::Set(d, scale));
  }
  HWY_INLINE V LoadN(D d, size_t i, size_t count) const {
    const V v = hn::Mul(hn::LoadN(d, x + i, count), hn::Set(d, scale));
    return FirstOr(d, count, v, hn::Set(d, kLowest));
  }
  const float* x;
  float scale;
};
struct Masked {
  explicit Masked(const Logits& v) : x(v.x), mask(v.mask), scale(v.scale) {}
  HWY_INLINE V Load(D d, size_t i) const {
    return hn::MulAdd(hn::LoadU(d, x + i), hn::Set(d, scale),
                      hn::LoadU(d, mask + i));
  }
  HWY_INLINE V LoadN(D d, size_t i, size_t count) const {
    const V v = hn::MulAdd(hn::LoadN(d, x + i, count), hn::Set(d, scale),
                           hn::LoadN(d, mask + i, count));
    return FirstOr(d, count, v, hn::Set(d, kLowest));
  }
  const float* x;
  const float* mask;
  float scale;
};

// f(kind of v)
template <class F>
HWY_INLINE auto WithKind(const Logits& v, const F& f) {
  if (v.mask != nullptr) return f(Masked(v));
  if (v.scale != 1) return f(Scaled(v));
  return f(Plain(v));
}

// v stands first, so that x86 keeps the maximum where v is NaN.
template <class L>
HWY_INLINE float MaxOf(const L& v, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  V m0 = hn::Set(d, kLowest);
  V m1 = m0;
  V m2 = m0;
  V m3 = m0;
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    m0 = hn::Max(v.Load(d, i), m0);
    m1 = hn::Max(v.Load(d, i + N), m1);
    m2 = hn::Max(v.Load(d, i + 2 * N), m2);
    m3 = hn::Max(v.Load(d, i + 3 * N), m3);
  }
  for (; i + N <= n; i += N) m0 = hn::Max(v.Load(d, i), m0);
  if (i != n) m1 = hn::Max(v.LoadN(d, i, n - i), m1);
  return hn::ReduceMax(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3)));
}

template <class L>
HWY_INLINE bool HasNan(const L& v, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  for (size_t i = 0; i < n; i += N) {
    const V x = i + N <= n ? v.Load(d, i) : v.LoadN(d, i, n - i);
    if (!hn::AllFalse(d, hn::IsNaN(x))) return true;
  }
  return false;
}

// The sum of e^(v - max), and the terms themselves in e.
template <bool kStore, class L>
HWY_INLINE double ExpAndSum(const L& v, float max, float* e, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const InF64<D> dd;
  const V m = hn::Set(d, max);
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    const V e0 = ExpOfNegative(d, hn::Sub(v.Load(d, i), m));
    const V e1 = ExpOfNegative(d, hn::Sub(v.Load(d, i + N), m));
    const V e2 = ExpOfNegative(d, hn::Sub(v.Load(d, i + 2 * N), m));
    const V e3 = ExpOfNegative(d, hn::Sub(v.Load(d, i + 3 * N), m));
    if constexpr (kStore) {
      hn::StoreU(e0, d, e + i);
      hn::StoreU(e1, d, e + i + N);
      hn::StoreU(e2, d, e + i + 2 * N);
      hn::StoreU(e3, d, e + i + 3 * N);
    }
    AddInF64(d, Tree(e0, e1, e2, e3), low, high);
  }
  for (; i + N <= n; i += N) {
    const V e0 = ExpOfNegative(d, hn::Sub(v.Load(d, i), m));
    if constexpr (kStore) hn::StoreU(e0, d, e + i);
    AddInF64(d, e0, low, high);
  }
  if (i != n) {
    const V e0 = ExpOfNegative(d, hn::Sub(v.LoadN(d, i, n - i), m));
    if constexpr (kStore) hn::StoreN(e0, d, e + i, n - i);
    AddInF64(d, e0, low, high);
  }
  return hn::ReduceSum(dd, hn::Add(low, high));
}

// y[i] = f(d, i, N) for all whole vectors, y[i] = f(d, i, count) for the rest.
template <bool kStream, class F>
HWY_INLINE void ForVectors(float* y, size_t n, const F& f) {
  const D d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    const V a = f(d, i, N);
    const V b = f(d, i + N, N);
    StoreOrStream<kStream>(a, d, y + i);
    StoreOrStream<kStream>(b, d, y + i + N);
  }
  if (i + N <= n) {
    StoreOrStream<kStream>(f(d, i, N), d, y + i);
    i += N;
  }
  if (i != n) hn::StoreN(f(d, i, n - i), d, y + i, n - i);
}
template <class F>
HWY_INLINE void ForVectors(float* y, size_t n, bool stream, const F& f) {
  if (stream) {
    ForVectors<true>(y, n, f);
    hwy::FlushStream();
  } else {
    ForVectors<false>(y, n, f);
  }
}
template <class L>
HWY_INLINE V LoadSome(const L& v, D d, size_t i, size_t count) {
  return count == hn::Lanes(d) ? v.Load(d, i) : v.LoadN(d, i, count);
}
HWY_INLINE V LoadSome(const float* x, D d, size_t i, size_t count) {
  return count == hn::Lanes(d) ? hn::LoadU(d, x + i)
                               : hn::LoadN(d, x + i, count);
}

template <bool kStream>
HWY_INLINE void ScaleRow(const float* e, float factor, const float* next,
                         float* y, size_t n) {
  ForVectors<kStream>(y, n, [=](D d, size_t i, size_t count) HWY_ATTR {
    hwy::Prefetch(next + i);
    return hn::Mul(LoadSome(e, d, i, count), hn::Set(d, factor));
  });
}

template <bool kStream, class L>
HWY_INLINE void SoftmaxRow(const L& v, const Logits& given, const float* next,
                           float* e, float* y, size_t n) {
  const float max = MaxOf(v, n);
  if (!(std::abs(max) < std::numeric_limits<float>::infinity())) {
    const bool none = max == kLowest && !HasNan(v, n);
    std::fill_n(y, n, none ? 0 : std::numeric_limits<float>::quiet_NaN());
    return;
  }
  double sum = 0;
  for (size_t at = 0; at < n; at += kSoftmaxPiece) {
    sum += ExpAndSum<true>(L(given.From(at)), max, e + at,
                           std::min(kSoftmaxPiece, n - at));
  }
  ScaleRow<kStream>(e, static_cast<float>(1 / sum), next, y, n);
}

// Rows of 4 vectors, such as 64 elements, stay in registers, and two at once:
// each waits for a maximum, a sum and a division. The same sums as above.

// The logits of a row, less their maximum.
template <class L>
HWY_INLINE void LoadRowOf4(const L& v, V& v0, V& v1, V& v2, V& v3) {
  const D d;
  const size_t N = hn::Lanes(d);
  v0 = v.Load(d, 0);
  v1 = v.Load(d, N);
  v2 = v.Load(d, 2 * N);
  v3 = v.Load(d, 3 * N);
  const V max = hn::MaxOfLanes(d, hn::Max(hn::Max(v0, v1), hn::Max(v2, v3)));
  v0 = hn::Sub(v0, max);
  v1 = hn::Sub(v1, max);
  v2 = hn::Sub(v2, max);
  v3 = hn::Sub(v3, max);
}
HWY_INLINE double SumOf4(V e0, V e1, V e2, V e3) {
  const D d;
  const InF64<D> dd;
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  AddInF64(d, Tree(e0, e1, e2, e3), low, high);
  return hn::ReduceSum(dd, hn::Add(low, high));
}
template <bool kStream>
HWY_INLINE void StoreRowOf4(V e0, V e1, V e2, V e3, double sum, float* y) {
  const D d;
  const size_t N = hn::Lanes(d);
  const V factor = hn::Set(d, static_cast<float>(1 / sum));
  StoreOrStream<kStream>(hn::Mul(e0, factor), d, y);
  StoreOrStream<kStream>(hn::Mul(e1, factor), d, y + N);
  StoreOrStream<kStream>(hn::Mul(e2, factor), d, y + 2 * N);
  StoreOrStream<kStream>(hn::Mul(e3, factor), d, y + 3 * N);
}

// False, and nothing is written, if one of them holds NaN or infinity or has
// nothing left.
template <bool kStream, class L>
HWY_INLINE bool TwoRowsOf4(const L& v, const L& w, float* y, float* z) {
  const D d;
  V v0, v1, v2, v3, w0, w1, w2, w3;
  LoadRowOf4(v, v0, v1, v2, v3);
  LoadRowOf4(w, w0, w1, w2, w3);
  v0 = ExpOfNegative(d, v0);
  w0 = ExpOfNegative(d, w0);
  v1 = ExpOfNegative(d, v1);
  w1 = ExpOfNegative(d, w1);
  v2 = ExpOfNegative(d, v2);
  w2 = ExpOfNegative(d, w2);
  v3 = ExpOfNegative(d, v3);
  w3 = ExpOfNegative(d, w3);
  const double v_sum = SumOf4(v0, v1, v2, v3);
  const double w_sum = SumOf4(w0, w1, w2, w3);
  if (!(v_sum + w_sum < std::numeric_limits<double>::infinity())) return false;
  StoreRowOf4<kStream>(v0, v1, v2, v3, v_sum, y);
  StoreRowOf4<kStream>(w0, w1, w2, w3, w_sum, z);
  return true;
}

void SoftmaxRowsImpl(const Logits& first, size_t x_stride, size_t mask_stride,
                     float* y, size_t y_stride, float* work, size_t rows,
                     size_t n, bool stream) {
  // A longer row does not stay in L1 until its turn comes.
  const bool fetch = n <= 4096;
  const bool of_4 = n == 4 * hn::Lanes(D());
  WithKind(first, [=](auto kind) HWY_ATTR {
    using L = decltype(kind);
    const auto logits = [=](size_t row) {
      return Logits{
          first.x + row * x_stride,
          first.mask == nullptr ? nullptr : first.mask + row * mask_stride,
          first.scale};
    };
    for (size_t row = 0; row < rows; ++row) {
      const Logits v = logits(row);
      float* to = y + row * y_stride;
      if (of_4 && row + 1 < rows) {
        const L a(v), b(logits(row + 1));
        if (stream ? TwoRowsOf4<true>(a, b, to, to + y_stride)
                   : TwoRowsOf4<false>(a, b, to, to + y_stride)) {
          ++row;
          continue;
        }
      }
      float* e = stream ? work : to;
      const float* next = fetch && row + 1 < rows ? v.x + x_stride : e;
      if (stream) {
        SoftmaxRow<true>(L(v), v, next, e, to, n);
      } else {
        SoftmaxRow<false>(L(v), v, next, e, to, n);
      }
    }
  });
  if (stream) hwy::FlushStream();
}

float MaxLogitImpl(const Logits& v, size_t n) {
  return WithKind(v, [=](auto l) HWY_ATTR { return MaxOf(l, n); });
}

bool AnyNanImpl(const Logits& v, size_t n) {
  return WithKind(v, [=](auto l) HWY_ATTR { return HasNan(l, n); });
}

double SumExpImpl(const Logits& v, float max, size_t n) {
  return WithKind(
      v, [=](auto l) HWY_ATTR { return ExpAndSum<false>(l, max, nullptr, n); });
}

void ScaledExpImpl(const Logits& v, float max, float factor, float* y, size_t n,
                   bool stream) {
  WithKind(v, [=](auto l) HWY_ATTR {
    ForVectors(y, n, stream, [=](D d, size_t i, size_t count) HWY_ATTR {
      const V x = hn::Sub(LoadSome(l, d, i, count), hn::Set(d, max));
      return hn::Mul(ExpOfNegative(d, x), hn::Set(d, factor));
    });
  });
}

void ShiftLogitsImpl(const Logits& v, float max, float log_sum, float* y,
                     size_t n, bool stream) {
  WithKind(v, [=](auto l) HWY_ATTR {
    ForVectors(y, n, stream, [=](D d, size_t i, size_t count) HWY_ATTR {
      const V x = hn::Sub(LoadSome(l, d, i, count), hn::Set(d, max));
      return hn::Sub(x, hn::Set(d, log_sum));
    });
  });
}

double DotInF64Impl(const float* a, const float* b, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const InF64<D> dd;
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    V s = hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    s = hn::MulAdd(hn::LoadU(d, a + i + N), hn::LoadU(d, b + i + N), s);
    s = hn::MulAdd(hn::LoadU(d, a + i + 2 * N), hn::LoadU(d, b + i + 2 * N), s);
    s = hn::MulAdd(hn::LoadU(d, a + i + 3 * N), hn::LoadU(d, b + i + 3 * N), s);
    AddInF64(d, s, low, high);
  }
  for (; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    AddInF64(d, hn::Mul(LoadSome(a, d, i, count), LoadSome(b, d, i, count)),
             low, high);
  }
  return hn::ReduceSum(dd, hn::Add(low, high));
}

double SumInF64Impl(const float* a, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const InF64<D> dd;
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    AddInF64(d,
             Tree(hn::LoadU(d, a + i), hn::LoadU(d, a + i + N),
                  hn::LoadU(d, a + i + 2 * N), hn::LoadU(d, a + i + 3 * N)),
             low, high);
  }
  for (; i < n; i += N) {
    AddInF64(d, LoadSome(a, d, i, std::min(N, n - i)), low, high);
  }
  return hn::ReduceSum(dd, hn::Add(low, high));
}

void SoftmaxBackwardImpl(const float* y, const float* dy, float dot,
                         float scale, float* dx, size_t n, bool stream) {
  ForVectors(dx, n, stream, [=](D d, size_t i, size_t count) HWY_ATTR {
    const V difference = hn::Sub(LoadSome(dy, d, i, count), hn::Set(d, dot));
    const V product = hn::Mul(LoadSome(y, d, i, count), difference);
    return hn::Mul(product, hn::Set(d, scale));
  });
}

void LogSoftmaxBackwardImpl(const float* y, const float* dy, float sum,
                            float scale, float* dx, size_t n, bool stream) {
  ForVectors(dx, n, stream, [=](D d, size_t i, size_t count) HWY_ATTR {
    const V p = ExpOfNegative(d, LoadSome(y, d, i, count));
    const V difference =
        hn::NegMulAdd(p, hn::Set(d, sum), LoadSome(dy, d, i, count));
    return hn::Mul(difference, hn::Set(d, scale));
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(SoftmaxRowsImpl);
HWY_EXPORT(MaxLogitImpl);
HWY_EXPORT(AnyNanImpl);
HWY_EXPORT(SumExpImpl);
HWY_EXPORT(ScaledExpImpl);
HWY_EXPORT(ShiftLogitsImpl);
HWY_EXPORT(DotInF64Impl);
HWY_EXPORT(SumInF64Impl);
HWY_EXPORT(SoftmaxBackwardImpl);
HWY_EXPORT(LogSoftmaxBackwardImpl);

void SoftmaxRows(const Logits& v, size_t x_stride, size_t mask_stride, float* y,
                 size_t y_stride, float* work, size_t rows, size_t n,
                 bool stream) noexcept {
  RANVIER_DISPATCH(SoftmaxRowsImpl)
  (v, x_stride, mask_stride, y, y_stride, work, rows, n, stream);
}

float MaxLogit(const Logits& v, size_t n) noexcept {
  return RANVIER_DISPATCH(MaxLogitImpl)(v, n);
}

bool AnyNan(const Logits& v, size_t n) noexcept {
  return RANVIER_DISPATCH(AnyNanImpl)(v, n);
}

double SumExp(const Logits& v, float max, size_t n) noexcept {
  return RANVIER_DISPATCH(SumExpImpl)(v, max, n);
}

void ScaledExp(const Logits& v, float max, float factor, float* y, size_t n,
               bool stream) noexcept {
  RANVIER_DISPATCH(ScaledExpImpl)(v, max, factor, y, n, stream);
}

void ShiftLogits(const Logits& v, float max, float log_sum, float* y, size_t n,
                 bool stream) noexcept {
  RANVIER_DISPATCH(ShiftLogitsImpl)(v, max, log_sum, y, n, stream);
}

double DotInF64(const float* a, const float* b, size_t n) noexcept {
  return RANVIER_DISPATCH(DotInF64Impl)(a, b, n);
}

double SumInF64(const float* a, size_t n) noexcept {
  return RANVIER_DISPATCH(SumInF64Impl)(a, n);
}

void SoftmaxBackward(const float* y, const float* dy, float dot, float scale,
                     float* dx, size_t n, bool stream) noexcept {
  RANVIER_DISPATCH(SoftmaxBackwardImpl)(y, dy, dot, scale, dx, n, stream);
}

void LogSoftmaxBackward(const float* y, const float* dy, float sum, float scale,
                        float* dx, size_t n, bool stream) noexcept {
  RANVIER_DISPATCH(LogSoftmaxBackwardImpl)(y, dy, sum, scale, dx, n, stream);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
