#include "ranvier/simd/synapse.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/synapse.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Far enough ahead that a line from L3 arrives in time, near enough that it is
// still in L1 when its turn comes.
constexpr size_t kPrefetchAhead = 24;

HWY_INLINE bool MayCross(const RowUpdate& update, const double* s) {
  return s[1] > update.cap || s[0] * update.line_a + s[1] * update.line_b > 1.0;
}

template <typename W>
size_t Deliver(const RowUpdate& update, const uint32_t* HWY_RESTRICT col,
               const W* HWY_RESTRICT weight, size_t n,
               double* HWY_RESTRICT state, uint32_t* HWY_RESTRICT touched) {
  size_t i = 0;
  size_t count = 0;
#if HWY_TARGET != HWY_SCALAR
  // A neuron is one 128-bit vector on every target. Four of them at a time:
  // columns do not repeat within a row, so the four are independent.
  const hn::FixedTag<double, 2> d;
  const auto ab = hn::Dup128VecFromValues(d, update.a, update.b);
  const auto cap = hn::Set(d, update.cap);
  const auto line_a = hn::Set(d, update.line_a);
  const auto line_b = hn::Set(d, update.line_b);
  const auto one = hn::Set(d, 1.0);
  const auto may_cross = [&](auto s, auto t) HWY_ATTR {
    const auto A = hn::InterleaveLower(d, s, t);
    const auto B = hn::InterleaveUpper(d, s, t);
    const auto line = hn::Add(hn::Mul(A, line_a), hn::Mul(B, line_b));
    return hn::Or(hn::Gt(B, cap), hn::Gt(line, one));
  };
  for (; i + 4 <= n; i += 4) {
    if (i + kPrefetchAhead + 4 <= n) {
      for (size_t j = 0; j < 4; ++j) {
        hwy::Prefetch(state +
                      2 * static_cast<size_t>(col[i + kPrefetchAhead + j]));
      }
    }
    double* s0 = state + 2 * static_cast<size_t>(col[i]);
    double* s1 = state + 2 * static_cast<size_t>(col[i + 1]);
    double* s2 = state + 2 * static_cast<size_t>(col[i + 2]);
    double* s3 = state + 2 * static_cast<size_t>(col[i + 3]);
    const auto w0 = hn::Set(d, static_cast<double>(weight[i]));
    const auto w1 = hn::Set(d, static_cast<double>(weight[i + 1]));
    const auto w2 = hn::Set(d, static_cast<double>(weight[i + 2]));
    const auto w3 = hn::Set(d, static_cast<double>(weight[i + 3]));
    const auto v0 = hn::Add(hn::Load(d, s0), hn::Mul(w0, ab));
    const auto v1 = hn::Add(hn::Load(d, s1), hn::Mul(w1, ab));
    const auto v2 = hn::Add(hn::Load(d, s2), hn::Mul(w2, ab));
    const auto v3 = hn::Add(hn::Load(d, s3), hn::Mul(w3, ab));
    hn::Store(v0, d, s0);
    hn::Store(v1, d, s1);
    hn::Store(v2, d, s2);
    hn::Store(v3, d, s3);
    if (HWY_UNLIKELY(
            !hn::AllFalse(d, hn::Or(may_cross(v0, v1), may_cross(v2, v3))))) {
      for (size_t j = i; j < i + 4; ++j) {
        touched[count] = col[j];
        count +=
            MayCross(update, state + 2 * static_cast<size_t>(col[j])) ? 1 : 0;
      }
    }
  }
#endif
  for (; i < n; ++i) {
    const double w = static_cast<double>(weight[i]);
    double* s = state + 2 * static_cast<size_t>(col[i]);
    s[0] += w * update.a;
    s[1] += w * update.b;
    touched[count] = col[i];
    count += MayCross(update, s) ? 1 : 0;
  }
  return count;
}

size_t DeliverI16(const RowUpdate& update, const uint32_t* col,
                  const int16_t* weight, size_t n, double* state,
                  uint32_t* touched) {
  return Deliver(update, col, weight, n, state, touched);
}
size_t DeliverI32(const RowUpdate& update, const uint32_t* col,
                  const int32_t* weight, size_t n, double* state,
                  uint32_t* touched) {
  return Deliver(update, col, weight, n, state, touched);
}
size_t DeliverF32(const RowUpdate& update, const uint32_t* col,
                  const float* weight, size_t n, double* state,
                  uint32_t* touched) {
  return Deliver(update, col, weight, n, state, touched);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(DeliverI16);
HWY_EXPORT(DeliverI32);
HWY_EXPORT(DeliverF32);

size_t DeliverRow(const RowUpdate& update, const uint32_t* col,
                  const int16_t* weight, size_t n, double* state,
                  uint32_t* touched) noexcept {
  return RANVIER_DISPATCH(DeliverI16)(update, col, weight, n, state, touched);
}

size_t DeliverRow(const RowUpdate& update, const uint32_t* col,
                  const int32_t* weight, size_t n, double* state,
                  uint32_t* touched) noexcept {
  return RANVIER_DISPATCH(DeliverI32)(update, col, weight, n, state, touched);
}

size_t DeliverRow(const RowUpdate& update, const uint32_t* col,
                  const float* weight, size_t n, double* state,
                  uint32_t* touched) noexcept {
  return RANVIER_DISPATCH(DeliverF32)(update, col, weight, n, state, touched);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
