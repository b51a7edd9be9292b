// What a kernel's body is given for a whole vector, and for what is left at the
// end: one body serves both, so that a value does not depend on where it
// stands. Included per target, after <hwy/highway.h>.
//
//   ForParts(d, n, [&](const auto& part, size_t i) HWY_ATTR {
//     part.Store(hn::Abs(part.Load(d, x + i)), d, y + i);
//   });

#include <cstddef>

#if defined(RANVIER_SIMD_PARTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_PARTS_INL_H_
#undef RANVIER_SIMD_PARTS_INL_H_
#else
#define RANVIER_SIMD_PARTS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct WholeVector {
  template <class D>
  HWY_INLINE hn::Vec<D> Load(D d, const hn::TFromD<D>* from) const {
    return hn::LoadU(d, from);
  }
  template <class D>
  HWY_INLINE void Store(hn::Vec<D> v, D d, hn::TFromD<D>* to) const {
    hn::StoreU(v, d, to);
  }
  template <class D>
  HWY_INLINE hn::Vec<D> Keep(D, hn::Vec<D> v) const {
    return v;
  }
};

struct LastElements {
  size_t count;
  template <class D>
  HWY_INLINE hn::Vec<D> Load(D d, const hn::TFromD<D>* from) const {
    return hn::LoadN(d, from, count);
  }
  template <class D>
  HWY_INLINE void Store(hn::Vec<D> v, D d, hn::TFromD<D>* to) const {
    hn::StoreN(v, d, to, count);
  }
  // 0 past the end.
  template <class D>
  HWY_INLINE hn::Vec<D> Keep(D d, hn::Vec<D> v) const {
    return hn::IfThenElseZero(hn::FirstN(d, count), v);
  }
};

template <class D, class Body>
HWY_INLINE void ForParts(D d, size_t n, const Body& body) {
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) body(WholeVector(), i);
  if (i != n) body(LastElements{n - i}, i);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
