#include <cstring>
#include <type_traits>

#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/pack.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/convert-inl.h"
#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows of A or columns of B: `lanes` of them, that lie [depth][width] when
// packed, the lanes from `lanes` to `width` and what lies behind depth 0.
struct Slab {
  const void* from;
  size_t lane_stride, depth_stride;
  size_t lanes, width, depth;
  size_t filled_depth;  // >= depth
  size_t element_bytes;
  const void* At(size_t lane, size_t k) const {
    return static_cast<const unsigned char*>(from) +
           (lane * lane_stride + k * depth_stride) * element_bytes;
  }
};

// Storage `From` as packed elements, each kDepth values of k.
template <typename From>
struct ToF32 {
  using Source = From;
  using Packed = float;
  static constexpr size_t kDepth = 1;
  static float One(const From* p, size_t /*depth_stride*/, size_t /*left*/) {
    if constexpr (std::is_same_v<From, float>) {
      return *p;
    } else {
      return ToFloat(*p);
    }
  }
  // kDepth * Lanes(d) values side by side.
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const From* p) {
    const hn::Rebind<float, D> df;
    if constexpr (std::is_same_v<From, float>) {
      return hn::BitCast(d, hn::LoadU(df, p));
    } else if constexpr (std::is_same_v<From, bf16>) {
      const hn::Rebind<uint16_t, D> d16;
      return hn::ShiftLeft<16>(hn::PromoteTo(d, hn::LoadU(d16, &p->bits)));
    } else {
      const hn::Rebind<uint16_t, D> d16;
      return hn::BitCast(d, WidenBits(f16(), df, hn::LoadU(d16, &p->bits)));
    }
  }
};
struct ToBf16Pairs {
  using Source = bf16;
  using Packed = uint32_t;
  static constexpr size_t kDepth = 2;
  static uint32_t One(const bf16* p, size_t depth_stride, size_t left) {
    const uint32_t second = left > 1 ? p[depth_stride].bits : 0u;
    return p->bits | second << 16;
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const bf16* p) {
    const hn::Repartition<uint16_t, D> d16;
    return hn::BitCast(d, hn::LoadU(d16, &p->bits));
  }
};

struct CopyF16 {
  using Source = f16;
  using Packed = uint16_t;
  static constexpr size_t kDepth = 1;
  static uint16_t One(const f16* p, size_t /*depth_stride*/, size_t /*left*/) {
    return p->bits;
  }
};

// Values of k are side by side: blocks of 4 lanes x 4 elements are transposed.
template <class To>
void PackAlongDepth(const Slab& s, typename To::Packed* HWY_RESTRICT out) {
  using Source = typename To::Source;
  const hn::CappedTag<uint32_t, 4> d;
  // Elements of which all lanes are packed before going on: what is read and
  // written meanwhile fits L1.
  constexpr size_t kRun = 64;
  const size_t whole = s.depth / To::kDepth;
  const size_t steps = (s.depth + To::kDepth - 1) / To::kDepth;
  for (size_t begin = 0; begin < steps; begin += kRun) {
    const size_t end = HWY_MIN(begin + kRun, steps);
    const size_t vector_end = HWY_MIN(end, whole);
    size_t lane = 0;
    if (hn::Lanes(d) == 4) {
      for (; lane + 4 <= s.lanes; lane += 4) {
        const auto* p0 = static_cast<const Source*>(s.At(lane, 0));
        const auto* p1 = static_cast<const Source*>(s.At(lane + 1, 0));
        const auto* p2 = static_cast<const Source*>(s.At(lane + 2, 0));
        const auto* p3 = static_cast<const Source*>(s.At(lane + 3, 0));
        size_t k = begin;
        for (; k + 4 <= vector_end; k += 4) {
          const hn::RepartitionToWide<decltype(d)> d64;
          // What these lanes have in the next run: too far for the processor
          // to guess, as the lanes between are read first.
          hwy::Prefetch(p0 + (k + kRun) * To::kDepth);
          hwy::Prefetch(p1 + (k + kRun) * To::kDepth);
          hwy::Prefetch(p2 + (k + kRun) * To::kDepth);
          hwy::Prefetch(p3 + (k + kRun) * To::kDepth);
          const auto r0 = To::Load(d, p0 + k * To::kDepth);
          const auto r1 = To::Load(d, p1 + k * To::kDepth);
          const auto r2 = To::Load(d, p2 + k * To::kDepth);
          const auto r3 = To::Load(d, p3 + k * To::kDepth);
          const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));
          const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
          const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
          const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
          auto* to = reinterpret_cast<uint32_t*>(out + k * s.width + lane);
          const auto store = [&](size_t row, auto v) HWY_ATTR {
            hn::StoreU(hn::BitCast(d, v), d, to + row * s.width);
          };
          store(0, hn::InterleaveLower(d64, low01, low23));
          store(1, hn::InterleaveUpper(d64, low01, low23));
          store(2, hn::InterleaveLower(d64, high01, high23));
          store(3, hn::InterleaveUpper(d64, high01, high23));
        }
        for (; k < end; ++k) {
          const size_t at = k * To::kDepth;
          for (size_t i = 0; i < 4; ++i) {
            out[k * s.width + lane + i] =
                To::One(static_cast<const Source*>(s.At(lane + i, at)), 1,
                        s.depth - at);
          }
        }
      }
    }
    for (; lane < s.lanes; ++lane) {
      for (size_t k = begin; k < end; ++k) {
        const size_t at = k * To::kDepth;
        out[k * s.width + lane] = To::One(
            static_cast<const Source*>(s.At(lane, at)), 1, s.depth - at);
      }
    }
  }
}

// Lanes are side by side: rows of them are copied.
template <class To>
void PackAlongLanes(const Slab& s, typename To::Packed* HWY_RESTRICT out) {
  using Source = typename To::Source;
  const hn::ScalableTag<uint32_t> d;
  const size_t N = hn::Lanes(d);
  const size_t steps = (s.depth + To::kDepth - 1) / To::kDepth;
  for (size_t k = 0; k < steps; ++k) {
    const size_t at = k * To::kDepth;
    const auto* from = static_cast<const Source*>(s.At(0, at));
    auto* to = out + k * s.width;
    size_t lane = 0;
    // Rows may be pages apart, which no processor follows by itself.
    constexpr size_t kAhead = 16;
    if (k + kAhead < steps) {
      const auto* ahead =
          static_cast<const Source*>(s.At(0, at + kAhead * To::kDepth));
      for (size_t i = 0; i < s.lanes; i += 64 / sizeof(Source)) {
        hwy::Prefetch(ahead + i);
      }
    }
    if constexpr (To::kDepth == 1) {
      for (; lane + N <= s.lanes; lane += N) {
        hn::StoreU(To::Load(d, from + lane), d,
                   reinterpret_cast<uint32_t*>(to + lane));
      }
    } else if (at + 1 < s.depth) {
      const hn::Rebind<uint16_t, decltype(d)> d16;
      const auto* next = from + s.depth_stride;
      for (; lane + N <= s.lanes; lane += N) {
        const auto even = hn::PromoteTo(d, hn::LoadU(d16, &from[lane].bits));
        const auto odd = hn::PromoteTo(d, hn::LoadU(d16, &next[lane].bits));
        hn::StoreU(hn::Or(even, hn::ShiftLeft<16>(odd)), d, to + lane);
      }
    }
    for (; lane < s.lanes; ++lane) {
      to[lane] = To::One(from + lane, s.depth_stride, s.depth - at);
    }
  }
}

template <class To>
void PackSlab(const Slab& s, void* packed) {
  auto* out = static_cast<typename To::Packed*>(packed);
  const size_t steps = (s.depth + To::kDepth - 1) / To::kDepth;
  constexpr bool kVectors = sizeof(typename To::Packed) == 4;
  bool done = false;
  if constexpr (kVectors) {
    done = true;
    if (s.depth_stride == 1 || s.depth == 1) {
      PackAlongDepth<To>(s, out);
    } else if (s.lane_stride == 1) {
      PackAlongLanes<To>(s, out);
    } else {
      done = false;
    }
  }
  if (!done) {
    for (size_t k = 0; k < steps; ++k) {
      const size_t at = k * To::kDepth;
      for (size_t lane = 0; lane < s.lanes; ++lane) {
        out[k * s.width + lane] =
            To::One(static_cast<const typename To::Source*>(s.At(lane, at)),
                    s.depth_stride, s.depth - at);
      }
    }
  }
  const size_t filled = (s.filled_depth + To::kDepth - 1) / To::kDepth;
  std::memset(out + steps * s.width, 0,
              (filled - steps) * s.width * sizeof(typename To::Packed));
  if (s.lanes == s.width) return;
  for (size_t k = 0; k < steps; ++k) {
    for (size_t lane = s.lanes; lane < s.width; ++lane) {
      out[k * s.width + lane] = 0;
    }
  }
}

using PackFunction = void (*)(const Slab&, void*);

PackFunction ChoosePack(ElementType from, ElementType to) {
  switch (from) {
    case ElementType::kBf16:
      return to == ElementType::kBf16 ? PackSlab<ToBf16Pairs>
                                      : PackSlab<ToF32<bf16>>;
    case ElementType::kF16:
      return to == ElementType::kF16 ? PackSlab<CopyF16> : PackSlab<ToF32<f16>>;
    default:
      return PackSlab<ToF32<float>>;
  }
}

void PackTilesImpl(const ConstAnyMatView& a, const RowTiles& tiles,
                   size_t first, size_t last, ElementType to, size_t depth,
                   void* out) {
  const PackFunction pack = ChoosePack(a.type(), to);
  Slab s;
  s.lane_stride = a.row_stride();
  s.depth_stride = a.col_stride();
  s.depth = a.cols();
  s.filled_depth = depth;
  s.element_bytes = SizeBytes(a.type());
  const size_t row_bytes = PanelDepth(to, depth) * SizeBytes(to);
  for (size_t tile = first; tile < last; ++tile) {
    const size_t row = tiles.Begin(tile);
    s.from = static_cast<const unsigned char*>(a.data()) +
             row * a.row_stride() * s.element_bytes;
    s.lanes = s.width = tiles.Rows(tile);
    pack(s, static_cast<unsigned char*>(out) + row * row_bytes);
  }
}

void PackPanelsImpl(const ConstAnyMatView& b, const GemmShape& shape,
                    size_t first, size_t last, ElementType to, void* out) {
  const PackFunction pack = ChoosePack(b.type(), to);
  Slab s;
  s.lane_stride = b.col_stride();
  s.depth_stride = b.row_stride();
  s.depth = s.filled_depth = b.rows();
  s.element_bytes = SizeBytes(b.type());
  const size_t panel_bytes = shape.nr * PanelDepth(to, s.depth) * SizeBytes(to);
  for (size_t panel = first; panel < last; ++panel) {
    const size_t col = panel * shape.nr;
    s.from = static_cast<const unsigned char*>(b.data()) +
             col * b.col_stride() * s.element_bytes;
    s.lanes = HWY_MIN(shape.nr, b.cols() - col);
    s.width = PanelWidth(shape, s.lanes);
    pack(s, static_cast<unsigned char*>(out) + panel * panel_bytes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(PackTilesImpl);
HWY_EXPORT(PackPanelsImpl);

void PackTiles(const ConstAnyMatView& a, const RowTiles& tiles, size_t first,
               size_t last, ElementType to, size_t depth, void* out) noexcept {
  RANVIER_DISPATCH(PackTilesImpl)(a, tiles, first, last, to, depth, out);
}
void PackPanels(const ConstAnyMatView& b, const GemmShape& shape, size_t first,
                size_t last, ElementType to, void* out) noexcept {
  RANVIER_DISPATCH(PackPanelsImpl)(b, shape, first, last, to, out);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
