#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/dot.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/convert-inl.h"
#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A is f32, B is T and widened.
template <typename T>
struct F32Dot {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  using A = float;
  using B = T;
  static size_t Step() { return hn::Lanes(D()); }
  static HWY_INLINE V LoadA(const float* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE V LoadA(const float* p, size_t n) {
    return hn::LoadN(D(), p, n);
  }
  static HWY_INLINE V LoadB(const T* p) {
    if constexpr (std::is_same_v<T, float>) {
      return hn::LoadU(D(), p);
    } else {
      return Widen(hn::LoadU(D16(), &p->bits));
    }
  }
  static HWY_INLINE V LoadB(const T* p, size_t n) {
    if constexpr (std::is_same_v<T, float>) {
      return hn::LoadN(D(), p, n);
    } else {
      return Widen(hn::LoadN(D16(), &p->bits, n));
    }
  }
  static HWY_INLINE V MulAdd(V a, V b, V sum) { return hn::MulAdd(a, b, sum); }

 private:
  using D16 = hn::Rebind<uint16_t, D>;
  static HWY_INLINE V Widen(hn::Vec<D16> bits) {
    if constexpr (std::is_same_v<T, bf16>) {
      const hn::RebindToUnsigned<D> du;
      return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(du, bits)));
    } else {
      return WidenBits(f16(), D(), bits);
    }
  }
};

#if HWY_NATIVE_DOT_BF16
// Both are bf16, multiplied as they are.
struct Bf16Dot {
  using D = hn::ScalableTag<float>;
  using D16 = hn::Repartition<hwy::bfloat16_t, D>;
  using V = hn::Vec<D>;
  using A = bf16;
  using B = bf16;
  static size_t Step() { return hn::Lanes(D16()); }
  static HWY_INLINE hn::Vec<D16> LoadA(const bf16* p) {
    return hn::BitCast(D16(), hn::LoadU(DU(), &p->bits));
  }
  static HWY_INLINE hn::Vec<D16> LoadA(const bf16* p, size_t n) {
    return hn::BitCast(D16(), hn::LoadN(DU(), &p->bits, n));
  }
  static HWY_INLINE hn::Vec<D16> LoadB(const bf16* p) { return LoadA(p); }
  static HWY_INLINE hn::Vec<D16> LoadB(const bf16* p, size_t n) {
    return LoadA(p, n);
  }
  static HWY_INLINE V MulAdd(hn::Vec<D16> a, hn::Vec<D16> b, V sum) {
    V none = hn::Zero(D());  // the instruction needs one sum only
    return hn::ReorderWidenMulAccumulate(D(), a, b, sum, none);
  }

 private:
  using DU = hn::RebindToUnsigned<D16>;
};
#endif

// rows x cols sums of one tile to where they go.
HWY_INLINE void PutSums(const GemmOutput& o, size_t row, size_t col,
                        size_t rows, size_t cols, float* sums) {
  if (o.partial != nullptr) {
    for (size_t i = 0; i < rows; ++i) {
      const float* partial = o.partial + (row + i) * o.partial_stride + col;
      for (size_t j = 0; j < cols; ++j) sums[i * cols + j] += partial[j];
    }
  }
  for (size_t i = 0; i < rows; ++i) {
    float* out = o.out + (row + i) * o.out_stride + col;
    for (size_t j = 0; j < cols; ++j) out[j] = sums[i * cols + j];
  }
}

template <class Kind>
void RunGemmDot(const GemmDotArgs& g) {
  RunDots<Kind>(
      g.rows, g.cols, {g.a, g.a_row_stride, g.b, g.b_col_stride, g.depth},
      [&](size_t row, size_t col, size_t rows, size_t cols, float* sums)
          HWY_ATTR { PutSums(g.output, row, col, rows, cols, sums); });
}

void GemmDotImpl(const GemmDotArgs& g) {
#if HWY_NATIVE_DOT_BF16
  if (g.a_type == ElementType::kBf16) return RunGemmDot<Bf16Dot>(g);
#endif
  switch (g.b_type) {
    case ElementType::kBf16:
      return RunGemmDot<F32Dot<bf16>>(g);
    case ElementType::kF16:
      return RunGemmDot<F32Dot<f16>>(g);
    default:
      return RunGemmDot<F32Dot<float>>(g);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(GemmDotImpl);

void GemmDot(const GemmDotArgs& block) noexcept {
  RANVIER_DISPATCH(GemmDotImpl)(block);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
