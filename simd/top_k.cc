#include "ranvier/simd/top_k.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/top_k.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// A group is a lane of a run of vectors; the last run takes what is left over.
size_t GroupMaximaImpl(const float* x, size_t n, size_t wanted, float* maxima) {
  const D d;
  const size_t N = hn::Lanes(d);
  const V lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  const size_t runs = (wanted + N - 1) / N;
  const size_t run = n / N / runs * N;
  for (size_t r = 0; r < runs; ++r) {
    const size_t end = r + 1 == runs ? n : (r + 1) * run;
    V m0 = lowest;
    V m1 = lowest;
    size_t i = r * run;
    for (; i + 2 * N <= end; i += 2 * N) {
      m0 = hn::Max(hn::LoadU(d, x + i), m0);
      m1 = hn::Max(hn::LoadU(d, x + i + N), m1);
    }
    for (; i < end; i += N) {
      const size_t some = std::min(N, end - i);
      const V v = hn::IfThenElse(hn::FirstN(d, some), hn::LoadN(d, x + i, some),
                                 lowest);
      m0 = hn::Max(v, m0);
    }
    hn::StoreU(hn::Max(m0, m1), d, maxima + r * N);
  }
  return runs * N;
}

size_t RanksAtLeastImpl(const float* x, size_t n, float least,
                        uint64_t* ranks) {
  const D d;
  const size_t N = hn::Lanes(d);
  const V limit = hn::Set(d, least);
  size_t count = 0;
  const auto collect = [&](size_t begin, size_t end) {
    const bool only_nan = std::isnan(least);
    for (size_t i = begin; i < end; ++i) {
      if (only_nan ? !std::isnan(x[i]) : x[i] < least) continue;
      ranks[count++] = RankOf(x[i], static_cast<uint32_t>(i));
    }
  };
  size_t i = 0;
  // Few are found: four vectors are passed over at once. What is not less is
  // greater, equal or NaN.
  for (; i + 4 * N <= n; i += 4 * N) {
    const auto less01 = hn::And(hn::Lt(hn::LoadU(d, x + i), limit),
                                hn::Lt(hn::LoadU(d, x + i + N), limit));
    const auto less23 = hn::And(hn::Lt(hn::LoadU(d, x + i + 2 * N), limit),
                                hn::Lt(hn::LoadU(d, x + i + 3 * N), limit));
    if (!hn::AllTrue(d, hn::And(less01, less23))) collect(i, i + 4 * N);
  }
  collect(i, n);
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {
namespace {

// Below this counting digits costs more than comparing.
constexpr size_t kFewForDigits = 192;

// The k least of n to the front, in any order.
template <class Key>
void MoveLeast(Key* keys, size_t n, size_t k) {
  size_t begin = 0;  // all before it belong to the least
  size_t end = n;    // none behind it does
  for (int shift = static_cast<int>(sizeof(Key)) * 8 - 8; shift >= 0;
       shift -= 8) {
    if (k == begin || k == end) return;
    if (end - begin <= kFewForDigits) break;
    const auto digit = [shift](Key key) {
      return static_cast<size_t>(key >> shift & 0xFF);
    };
    std::array<size_t, 256> counts{};
    for (size_t i = begin; i < end; ++i) ++counts[digit(keys[i])];
    size_t at = 0;
    size_t before = begin;
    while (before + counts[at] < k) before += counts[at++];
    if (counts[at] == end - begin) continue;  // all the same
    // Those with a smaller digit, with this one, with a greater one.
    for (size_t i = begin; i < end;) {
      const size_t here = digit(keys[i]);
      if (here < at) {
        std::swap(keys[i++], keys[begin++]);
      } else if (here > at) {
        std::swap(keys[i], keys[--end]);
      } else {
        ++i;
      }
    }
  }
  if (k != begin && k != end) {
    std::nth_element(keys + begin, keys + k - 1, keys + end);
  }
}

}  // namespace

HWY_EXPORT(GroupMaximaImpl);
HWY_EXPORT(RanksAtLeastImpl);

size_t GroupMaxima(const float* x, size_t n, size_t wanted,
                   float* maxima) noexcept {
  return RANVIER_DISPATCH(GroupMaximaImpl)(x, n, wanted, maxima);
}

size_t RanksAtLeast(const float* x, size_t n, float least,
                    uint64_t* ranks) noexcept {
  return RANVIER_DISPATCH(RanksAtLeastImpl)(x, n, least, ranks);
}

void SelectLeast(uint64_t* ranks, size_t n, size_t k) noexcept {
  MoveLeast(ranks, n, k);
  std::sort(ranks, ranks + k);
}

float SelectGreatest(const float* x, size_t n, size_t k,
                     uint32_t* keys) noexcept {
  for (size_t i = 0; i < n; ++i) keys[i] = ~OrderKey(x[i]);
  MoveLeast(keys, n, k);
  return NumberOf(~*std::max_element(keys, keys + k));
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
