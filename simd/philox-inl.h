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
  for (; b + N <= blocks; b += N) {
    const auto counter = hn::Iota(d, first + b);
    auto c0 = hn::And(counter, low);
    auto c1 = hn::ShiftRight<32>(counter);
    auto c2 = hn::Zero(d);
    auto c3 = hn::Zero(d);
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];
    for (int round = 0; round < 10; ++round) {
      const auto p0 = hn::MulEven(hn::BitCast(d32, c0), m0);
      const auto p1 = hn::MulEven(hn::BitCast(d32, c2), m1);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, k0));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, k1));
      c1 = p1;
      c3 = p0;
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    const auto w01 = hn::Or(hn::And(c0, low), hn::ShiftLeft<32>(c1));
    const auto w23 = hn::Or(hn::And(c2, low), hn::ShiftLeft<32>(c3));
    const auto lower = hn::InterleaveWholeLower(d, w01, w23);
    const auto upper = hn::InterleaveWholeUpper(d, w01, w23);
    hn::StoreU(hn::BitCast(d32, lower), d32, out + 4 * b);
    hn::StoreU(hn::BitCast(d32, upper), d32, out + 4 * b + 2 * N);
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
