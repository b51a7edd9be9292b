// Philox::Block for many counters at once: the same numbers as
// simd/base/philox.h, on every target.

#if defined(RANVIER_SIMD_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_PHILOX_INL_H_
#undef RANVIER_SIMD_PHILOX_INL_H_
#else
#define RANVIER_SIMD_PHILOX_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "ranvier/simd/base/philox.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out[4 b + w] = word w of the block of counter {first + b, 0}, for b < blocks.
HWY_INLINE void PhiloxBlocks(Philox::Key key, uint64_t first, size_t blocks,
                             uint32_t* HWY_RESTRICT out) {
  size_t b = 0;
#if HWY_TARGET != HWY_SCALAR
  // One block per 64-bit lane, of which the low halves count: the products of
  // a round come out where the next round wants them, and no word moves
  // between lanes.
  const hn::ScalableTag<uint64_t> d;
  const hn::RepartitionToNarrow<decltype(d)> d32;
  const size_t N = hn::Lanes(d);
  const auto low = hn::Set(d, 0xFFFFFFFFu);
  const auto m0 = hn::BitCast(d32, hn::Set(d, 0xD2511F53u));
  const auto m1 = hn::BitCast(d32, hn::Set(d, 0xCD9E8D57u));
  const auto round = [&](auto& c0, auto& c1, auto& c2, auto& c3, auto k0,
                         auto k1) HWY_ATTR {
    const auto p0 = hn::MulEven(hn::BitCast(d32, c0), m0);
    const auto p1 = hn::MulEven(hn::BitCast(d32, c2), m1);
    c0 = hn::Xor3(hn::ShiftRight<32>(p1), c1, k0);
    c2 = hn::Xor3(hn::ShiftRight<32>(p0), c3, k1);
    c1 = p1;
    c3 = p0;
  };
  const auto store = [&](auto c0, auto c1, auto c2, auto c3,
                         uint32_t* to) HWY_ATTR {
    const auto w01 = hn::Or(hn::And(c0, low), hn::ShiftLeft<32>(c1));
    const auto w23 = hn::Or(hn::And(c2, low), hn::ShiftLeft<32>(c3));
    const auto lower = hn::InterleaveWholeLower(d, w01, w23);
    const auto upper = hn::InterleaveWholeUpper(d, w01, w23);
    hn::StoreU(hn::BitCast(d32, lower), d32, to);
    hn::StoreU(hn::BitCast(d32, upper), d32, to + 2 * N);
  };
  // Two vectors at a time: a round waits for its product, and ten of them are
  // too long a chain for the processor to look past.
  for (; b + 2 * N <= blocks; b += 2 * N) {
    const auto c = hn::Iota(d, first + b);
    const auto e = hn::Iota(d, first + b + N);
    auto c0 = hn::And(c, low);
    auto c1 = hn::ShiftRight<32>(c);
    auto c2 = hn::Zero(d);
    auto c3 = hn::Zero(d);
    auto e0 = hn::And(e, low);
    auto e1 = hn::ShiftRight<32>(e);
    auto e2 = hn::Zero(d);
    auto e3 = hn::Zero(d);
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];
    for (int i = 0; i < 10; ++i) {
      const auto v0 = hn::Set(d, k0);
      const auto v1 = hn::Set(d, k1);
      round(c0, c1, c2, c3, v0, v1);
      round(e0, e1, e2, e3, v0, v1);
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    store(c0, c1, c2, c3, out + 4 * b);
    store(e0, e1, e2, e3, out + 4 * (b + N));
  }
#endif
  for (; b < blocks; ++b) {
    const auto words = Philox::Block(Philox::Split(first + b, 0), key);
    for (size_t w = 0; w < 4; ++w) out[4 * b + w] = words[w];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_PHILOX_INL_H_
