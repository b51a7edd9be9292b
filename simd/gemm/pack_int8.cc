#include <cstring>

#include "ranvier/simd/gemm/gemm_int8.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/pack_int8.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows of A or columns of B: `lanes` of them, that lie [depth / 4][width] quads
// when packed.
struct ByteSlab {
  const uint8_t* from;
  size_t lane_stride, depth_stride;
  size_t lanes, width, depth;
  const uint8_t* At(size_t lane, size_t k) const {
    return from + lane * lane_stride + k * depth_stride;
  }
  uint32_t Quad(size_t lane, size_t k) const {
    const uint8_t* p = At(lane, k);
    const size_t n = HWY_MIN(size_t{4}, depth - k);
    uint32_t quad = 0;
    for (size_t i = 0; i < n; ++i) {
      quad |= static_cast<uint32_t>(p[i * depth_stride]) << (8 * i);
    }
    return quad;
  }
};

// Quads [begin, end) of all lanes to `out`, the place of quad `begin`.
//
// Values of k are side by side: blocks of 4 lanes x 4 quads are transposed.
void QuadsAlongDepth(const ByteSlab& s, size_t begin, size_t end,
                     uint32_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint32_t, 4> d;
  const hn::RepartitionToWide<decltype(d)> d64;
  const size_t vector_end = HWY_MIN(end, s.depth / 4);
  size_t lane = 0;
  if (hn::Lanes(d) == 4) {
    const auto load = [&](size_t at, size_t k) HWY_ATTR {
      const hn::Repartition<uint8_t, decltype(d)> d8;
      return hn::BitCast(d, hn::LoadU(d8, s.At(at, 4 * k)));
    };
    for (; lane + 4 <= s.lanes; lane += 4) {
      size_t k = begin;
      for (; k + 4 <= vector_end; k += 4) {
        const auto r0 = load(lane, k);
        const auto r1 = load(lane + 1, k);
        const auto r2 = load(lane + 2, k);
        const auto r3 = load(lane + 3, k);
        const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));
        const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
        const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
        const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
        uint32_t* to = out + (k - begin) * s.width + lane;
        const auto store = [&](size_t row, auto v) HWY_ATTR {
          hn::StoreU(hn::BitCast(d, v), d, to + row * s.width);
        };
        store(0, hn::InterleaveLower(d64, low01, low23));
        store(1, hn::InterleaveUpper(d64, low01, low23));
        store(2, hn::InterleaveLower(d64, high01, high23));
        store(3, hn::InterleaveUpper(d64, high01, high23));
      }
      for (; k < end; ++k) {
        for (size_t i = 0; i < 4; ++i) {
          out[(k - begin) * s.width + lane + i] = s.Quad(lane + i, 4 * k);
        }
      }
    }
  }
  for (; lane < s.lanes; ++lane) {
    size_t k = begin;
    for (; k < vector_end; ++k) {
      std::memcpy(out + (k - begin) * s.width + lane, s.At(lane, 4 * k), 4);
    }
    for (; k < end; ++k) {
      out[(k - begin) * s.width + lane] = s.Quad(lane, 4 * k);
    }
  }
}

// Lanes are side by side: vectors of four values of k become quads.
template <class D>
HWY_INLINE size_t QuadsOfLanes(D d, const ByteSlab& s, size_t k, size_t lane,
                               uint32_t* HWY_RESTRICT out) {
  const hn::Rebind<uint8_t, D> d8;
  const size_t N = hn::Lanes(d);
  for (; lane + N <= s.lanes; lane += N) {
    const auto row = [&](size_t i) HWY_ATTR {
      return hn::PromoteTo(d, hn::LoadU(d8, s.At(lane, k + i)));
    };
    const auto low = hn::Or(row(0), hn::ShiftLeft<8>(row(1)));
    const auto high = hn::Or(row(2), hn::ShiftLeft<8>(row(3)));
    hn::StoreU(hn::Or(low, hn::ShiftLeft<16>(high)), d, out + lane);
  }
  return lane;
}

void QuadsAlongLanes(const ByteSlab& s, size_t begin, size_t end,
                     uint32_t* HWY_RESTRICT out) {
  // Values of k may be pages apart: too far for the processor to see what
  // comes next.
  constexpr size_t kAhead = 64;
  for (size_t quad = begin; quad < end; ++quad, out += s.width) {
    const size_t k = 4 * quad;
    for (size_t i = k + kAhead; i < HWY_MIN(k + kAhead + 4, s.depth); ++i) {
      hwy::Prefetch(s.At(0, i));
    }
    size_t lane = 0;
    if (k + 4 <= s.depth) {
      lane = QuadsOfLanes(hn::ScalableTag<uint32_t>(), s, k, lane, out);
      lane = QuadsOfLanes(hn::CappedTag<uint32_t, 4>(), s, k, lane, out);
    }
    for (; lane < s.lanes; ++lane) out[lane] = s.Quad(lane, k);
  }
}

void PackQuads(const ByteSlab& s, size_t begin, size_t end, uint32_t* out) {
  if (s.depth_stride == 1 || s.depth == 1) {
    QuadsAlongDepth(s, begin, end, out);
  } else if (s.lane_stride == 1) {
    QuadsAlongLanes(s, begin, end, out);
  } else {
    for (size_t quad = begin; quad < end; ++quad) {
      for (size_t lane = 0; lane < s.lanes; ++lane) {
        out[(quad - begin) * s.width + lane] = s.Quad(lane, 4 * quad);
      }
    }
  }
  if (s.lanes == s.width) return;
  for (size_t quad = begin; quad < end; ++quad) {
    uint32_t* row = out + (quad - begin) * s.width;
    for (size_t lane = s.lanes; lane < s.width; ++lane) row[lane] = 0;
  }
}

// A run of n quads of A into what the micro-kernel takes: quads with each
// element shifted by 128, or 16-bit pairs.
struct Shifted {
  static constexpr size_t kUnits = 1;  // 32-bit units that a quad becomes
  static uint32_t Flip(ElementType type) {
#if RANVIER_INT8_QUADS_U8
    return type == ElementType::kI8 ? 0x80808080u : 0;
#else
    return type == ElementType::kU8 ? 0x80808080u : 0;
#endif
  }
  static void Run(const uint32_t* HWY_RESTRICT quads, size_t n,
                  ElementType type, uint32_t* HWY_RESTRICT out) {
    const uint32_t flip = Flip(type);
    for (size_t i = 0; i < n; ++i) out[i] = quads[i] ^ flip;
  }
};
struct Paired {
  static constexpr size_t kUnits = 2;
  static void Run(const uint32_t* HWY_RESTRICT quads, size_t n,
                  ElementType type, uint32_t* HWY_RESTRICT out) {
    const Int8U du;
    const hn::Repartition<uint16_t, Int8U> d16;
    const size_t N = hn::Lanes(du);
    size_t i = 0;
    for (; i + N <= n; i += N) {
      const auto q = hn::LoadU(du, quads + i);
      if (type == ElementType::kU8) {
        const auto even = hn::And(q, hn::Set(du, 0x00FF00FFu));
        const auto odd =
            hn::BitCast(du, hn::ShiftRight<8>(hn::BitCast(d16, q)));
        hn::StoreInterleaved2(even, odd, du, out + 2 * i);
      } else {
        const auto signed_q = hn::BitCast(Int8D(), q);
        hn::StoreInterleaved2(hn::BitCast(du, EvenPairs(signed_q)),
                              hn::BitCast(du, OddPairs(signed_q)), du,
                              out + 2 * i);
      }
    }
    const uint32_t sign = type == ElementType::kU8 ? 0 : 0x00800080u;
    for (; i < n; ++i) {
      // (x ^ 80) - 80 extends the sign; no borrow leaves a half, as each is
      // handled apart.
      const auto pair = [&](uint32_t bytes) {
        const uint32_t x = bytes ^ sign;
        const uint32_t low = ((x & 0xFFFFu) - (sign & 0xFFFFu)) & 0xFFFFu;
        const uint32_t high = (x >> 16) - (sign >> 16);
        return low | high << 16;
      };
      out[2 * i] = pair(quads[i] & 0x00FF00FFu);
      out[2 * i + 1] = pair(quads[i] >> 8 & 0x00FF00FFu);
    }
  }
};
#if RANVIER_INT8_QUADS_U8 || RANVIER_INT8_QUADS_S8
using PackedA = Shifted;
#else
using PackedA = Paired;
#endif

void PackInt8TilesImpl(const ConstAnyMatView& a, const RowTiles& tiles,
                       size_t first, size_t last, void* packed) {
  // Quads of k whose rows fit L1 while they are packed.
  constexpr size_t kRun = 64;
  uint32_t quads[kRun * kInt8MR];
  auto* out = static_cast<uint32_t*>(packed);
  ByteSlab s;
  s.lane_stride = a.row_stride();
  s.depth_stride = a.col_stride();
  s.depth = a.cols();
  const size_t steps = (s.depth + 3) / 4;
  for (size_t tile = first; tile < last; ++tile) {
    const size_t row = tiles.Begin(tile);
    s.from = static_cast<const uint8_t*>(a.data()) + row * a.row_stride();
    s.lanes = s.width = tiles.Rows(tile);
    uint32_t* to = out + row * steps * PackedA::kUnits;
    for (size_t begin = 0; begin < steps; begin += kRun) {
      const size_t end = HWY_MIN(begin + kRun, steps);
      PackQuads(s, begin, end, quads);
      PackedA::Run(quads, (end - begin) * s.lanes, a.type(),
                   to + begin * s.lanes * PackedA::kUnits);
    }
  }
}

void PackInt8PanelsImpl(const ConstAnyMatView& b, const GemmShape& shape,
                        size_t first, size_t last, void* packed) {
  auto* out = static_cast<uint32_t*>(packed);
  ByteSlab s;
  s.lane_stride = b.col_stride();
  s.depth_stride = b.row_stride();
  s.depth = b.rows();
  const size_t steps = (s.depth + 3) / 4;
  // Of all panels at a time, so that what is read with a panel's share of a
  // row is still there for the next: as many rows as L1 knows the pages of, or
  // columns as long as fit L1.
  const size_t run = s.depth_stride == 1 ? 64 : 16;
  for (size_t begin = 0; begin < steps; begin += run) {
    const size_t end = HWY_MIN(begin + run, steps);
    for (size_t panel = first; panel < last; ++panel) {
      const size_t col = panel * shape.nr;
      s.from = static_cast<const uint8_t*>(b.data()) + col * b.col_stride();
      s.lanes = HWY_MIN(shape.nr, b.cols() - col);
      s.width = PanelWidth(shape, s.lanes);
      PackQuads(s, begin, end, out + col * steps + begin * s.width);
    }
  }
}

// Sum of p[k], modulo 2^32, of one row.
uint32_t SumRow(const uint8_t* p, size_t stride, size_t n, bool is_unsigned) {
  const hn::ScalableTag<uint8_t> d8;
  const size_t N = hn::Lanes(d8);
  // Of signed elements 128 more, to be taken back.
  const uint8_t flip = is_unsigned ? 0 : 128;
  uint64_t sum = 0;
  size_t k = 0;
  if (stride == 1) {
    const hn::Repartition<uint64_t, decltype(d8)> d64;
    const auto flips = hn::Set(d8, flip);
    auto sums64 = hn::Zero(d64);
    for (; k + N <= n; k += N) {
      sums64 =
          hn::Add(sums64, hn::SumsOf8(hn::Xor(hn::LoadU(d8, p + k), flips)));
    }
    sum = hn::ReduceSum(d64, sums64);
  }
  for (; k < n; ++k) sum += static_cast<uint8_t>(p[k * stride] ^ flip);
  return static_cast<uint32_t>(sum - uint64_t{flip} * n);
}

// Sum of p[k] p[k + 1] over even k, modulo 2^32.
uint32_t SumPairs(const uint8_t* p, size_t stride, size_t n, bool is_unsigned) {
  const Int8D d;
  const hn::Repartition<int16_t, Int8D> d16;
  const hn::Repartition<uint16_t, Int8D> du16;
  const hn::Repartition<uint8_t, Int8D> d8;
  const size_t N = hn::Lanes(d8);
  Int8V sum = hn::Zero(d), rest = hn::Zero(d);
  size_t k = 0;
  if (stride == 1) {
    for (; k + N <= n; k += N) {
      const auto pairs = hn::BitCast(du16, hn::LoadU(d8, p + k));
      auto even = hn::BitCast(d16, hn::And(pairs, hn::Set(du16, 0xFF)));
      auto odd = hn::BitCast(d16, hn::ShiftRight<8>(pairs));
      if (!is_unsigned) {
        even = hn::ShiftRight<8>(hn::ShiftLeft<8>(even));
        odd = hn::ShiftRight<8>(hn::BitCast(d16, pairs));
      }
      sum = hn::ReorderWidenMulAccumulate(d, even, odd, sum, rest);
    }
  }
  auto total = static_cast<uint32_t>(
      hn::ReduceSum(d, hn::RearrangeToOddPlusEven(sum, rest)));
  for (; k + 1 < n; k += 2) {
    const uint8_t a = p[k * stride], b = p[(k + 1) * stride];
    total += static_cast<uint32_t>(
        is_unsigned ? a * b : static_cast<int8_t>(a) * static_cast<int8_t>(b));
  }
  return total;
}

void SumInt8RowsImpl(const ConstAnyMatView& a, size_t first, size_t last,
                     int32_t* sums, int32_t* pairs) {
  const bool is_unsigned = a.type() == ElementType::kU8;
  for (size_t row = first; row < last; ++row) {
    const uint8_t* p =
        static_cast<const uint8_t*>(a.data()) + row * a.row_stride();
    if (sums != nullptr) {
      sums[row] = static_cast<int32_t>(
          SumRow(p, a.col_stride(), a.cols(), is_unsigned));
    }
    if (pairs != nullptr) {
      pairs[row] = static_cast<int32_t>(
          SumPairs(p, a.col_stride(), a.cols(), is_unsigned));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(PackInt8TilesImpl);
HWY_EXPORT(PackInt8PanelsImpl);
HWY_EXPORT(SumInt8RowsImpl);

void PackInt8Tiles(const ConstAnyMatView& a, const RowTiles& tiles,
                   size_t first, size_t last, void* out) noexcept {
  RANVIER_DISPATCH(PackInt8TilesImpl)(a, tiles, first, last, out);
}
void PackInt8Panels(const ConstAnyMatView& b, const GemmShape& shape,
                    size_t first, size_t last, void* out) noexcept {
  RANVIER_DISPATCH(PackInt8PanelsImpl)(b, shape, first, last, out);
}
void SumInt8Rows(const ConstAnyMatView& a, size_t first, size_t last,
                 int32_t* sums, int32_t* pairs) noexcept {
  RANVIER_DISPATCH(SumInt8RowsImpl)(a, first, last, sums, pairs);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
