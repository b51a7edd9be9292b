#include <type_traits>

#include "ranvier/simd/gemm/gemm_int8.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/dot_int8.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/dot-inl.h"
#include "ranvier/simd/gemm/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if RANVIER_INT8_QUADS_U8 || RANVIER_INT8_QUADS_S8
// Quads of 8 bits, A as the instruction takes it.
struct Int8Dot {
  using D = Int8D;
#if RANVIER_INT8_QUADS_U8
  using A = uint8_t;
#else
  using A = int8_t;
#endif
  using B = int8_t;
  using DA = hn::Repartition<A, D>;
  using DB = hn::Repartition<B, D>;
  static size_t Step() { return hn::Lanes(DB()); }
  static HWY_INLINE hn::Vec<DA> LoadA(const A* p) { return hn::LoadU(DA(), p); }
  static HWY_INLINE hn::Vec<DA> LoadA(const A* p, size_t n) {
    return hn::LoadN(DA(), p, n);
  }
  static HWY_INLINE hn::Vec<DB> LoadB(const B* p) { return hn::LoadU(DB(), p); }
  static HWY_INLINE hn::Vec<DB> LoadB(const B* p, size_t n) {
    return hn::LoadN(DB(), p, n);
  }
  static HWY_INLINE Int8V MulAdd(hn::Vec<DA> a, hn::Vec<DB> b, Int8V sum) {
    return hn::SumOfMulQuadAccumulate(D(), a, b, sum);
  }
};
#else
// Pairs of 16 bits; B is widened.
struct Int8Dot {
  using D = Int8D;
  using A = int16_t;
  using B = int8_t;
  using D16 = hn::Repartition<int16_t, D>;
  using D8 = hn::Rebind<int8_t, D16>;
  static size_t Step() { return hn::Lanes(D16()); }
  static HWY_INLINE hn::Vec<D16> LoadA(const A* p) {
    return hn::LoadU(D16(), p);
  }
  static HWY_INLINE hn::Vec<D16> LoadA(const A* p, size_t n) {
    return hn::LoadN(D16(), p, n);
  }
  static HWY_INLINE hn::Vec<D16> LoadB(const B* p) {
    return hn::PromoteTo(D16(), hn::LoadU(D8(), p));
  }
  static HWY_INLINE hn::Vec<D16> LoadB(const B* p, size_t n) {
    return hn::PromoteTo(D16(), hn::LoadN(D8(), p, n));
  }
  static HWY_INLINE Int8V MulAdd(hn::Vec<D16> a, hn::Vec<D16> b, Int8V sum) {
    return hn::Add(sum, hn::WidenMulPairwiseAdd(D(), a, b));
  }
};
#endif

void GemmInt8DotImpl(const Int8DotArgs& g) {
  RunDots<Int8Dot>(
      g.rows, g.cols, {g.a, g.a_row_stride, g.b, g.b_col_stride, g.depth},
      [&](size_t row, size_t col, size_t rows, size_t cols, const int32_t* sums)
          HWY_ATTR {
            for (size_t i = 0; i < rows; ++i) {
              int32_t* out = g.out + (row + i) * g.out_stride + col;
              for (size_t j = 0; j < cols; ++j) {
                out[j] = sums[i * cols + j];
              }
            }
          });
}

template <typename From>
void CopyRow(const From* from, size_t stride, size_t n, Int8Dot::A* to) {
  constexpr bool kShifts =
      sizeof(Int8Dot::A) == 1 && !std::is_same_v<From, Int8Dot::A>;
  constexpr int kShift = !kShifts ? 0 : std::is_unsigned_v<From> ? -128 : 128;
  const auto convert = [](From x) {
    return static_cast<Int8Dot::A>(static_cast<int>(x) + kShift);
  };
  if (stride == 1) {
    for (size_t k = 0; k < n; ++k) to[k] = convert(from[k]);
  } else {
    for (size_t k = 0; k < n; ++k) to[k] = convert(from[k * stride]);
  }
}

void PackInt8DotRowsImpl(const ConstAnyMatView& a, size_t out_stride, bool ones,
                         void* out) {
  auto* to = static_cast<Int8Dot::A*>(out);
  const size_t K = a.cols();
  for (size_t row = 0; row < a.rows(); ++row, to += out_stride) {
    const size_t at = row * a.row_stride();
    if (a.type() == ElementType::kU8) {
      CopyRow(static_cast<const uint8_t*>(a.data()) + at, a.col_stride(), K,
              to);
    } else {
      CopyRow(static_cast<const int8_t*>(a.data()) + at, a.col_stride(), K, to);
    }
  }
  for (size_t k = 0; ones && k < K; ++k) to[k] = 1;
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(GemmInt8DotImpl);
HWY_EXPORT(PackInt8DotRowsImpl);

void GemmInt8Dot(const Int8DotArgs& block) noexcept {
  RANVIER_DISPATCH(GemmInt8DotImpl)(block);
}
void PackInt8DotRows(const ConstAnyMatView& a, size_t out_stride, bool ones,
                     void* out) noexcept {
  RANVIER_DISPATCH(PackInt8DotRowsImpl)(a, out_stride, ones, out);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
