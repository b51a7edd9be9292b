#include "ranvier/parallel/convert.h"

#include <algorithm>
#include <type_traits>

#include "ranvier/parallel/gaps.h"
#include "ranvier/parallel/ranges.h"

namespace ranvier::parallel {
namespace {

// From `cutoff` elements on threads are used, `grain` at a time.
struct Cut {
  size_t grain, cutoff;
};
// Two threads took 1 / 1.45 of the time of one at the cutoff of plain
// conversion, 1 / 1.2 at half of it; 1 / 1.55 and 1 / 1.27 where random bits
// are drawn (Zen 4, both cores idle).
constexpr Cut kPlain = {65536, 131072};
constexpr Cut kStochastic = {16384, 32768};

template <class S, class D>
void ConvertViews(Context& ctx, MatView<const S> src, MatView<D> dst) {
  ForPieces(ctx, src.rows(), src.cols(), kPlain.grain, kPlain.cutoff,
            [&](size_t row, size_t col, size_t n) {
              OverGaps(&src(row, col), src.col_stride(), &dst(row, col),
                       dst.col_stride(), n,
                       [](const S* x, D* y, size_t count, size_t) {
                         if constexpr (std::is_same_v<S, D>) {
                           std::copy_n(x, count, y);
                         } else {
                           simd::Convert(x, y, count);
                         }
                       });
            });
}

template <class S>
void ConvertFrom(Context& ctx, MatView<const S> src, AnyMatView dst) {
  switch (dst.type()) {
    case ElementType::kF32:
      return ConvertViews(ctx, src, dst.As<float>());
    case ElementType::kBf16:
      return ConvertViews(ctx, src, dst.As<bf16>());
    default:
      return ConvertViews(ctx, src, dst.As<f16>());
  }
}

template <class D>
void StochasticViews(Context& ctx, MatView<const float> src, MatView<D> dst,
                     const simd::RoundingBits& bits) {
  ForPieces(
      ctx, src.rows(), src.cols(), kStochastic.grain, kStochastic.cutoff,
      [&](size_t row, size_t col, size_t n) {
        const uint64_t first = bits.first + row * src.cols() + col;
        OverGaps(
            &src(row, col), src.col_stride(), &dst(row, col), dst.col_stride(),
            n, [&](const float* x, D* y, size_t count, size_t skipped) {
              simd::ConvertStochastic(x, y, count, {bits.key, first + skipped});
            });
      });
}

}  // namespace

void Convert(Context& ctx, ConstAnyMatView src, AnyMatView dst) {
  if (src.empty()) return;
  if (ColumnsAreDense(src) && ColumnsAreDense(dst)) {
    src = src.Transposed();
    dst = dst.Transposed();
  }
  if (IsFlat(src) && IsFlat(dst)) {
    src = Flat(src);
    dst = Flat(dst);
  }
  switch (src.type()) {
    case ElementType::kF32:
      return ConvertFrom(ctx, src.As<float>(), dst);
    case ElementType::kBf16:
      return ConvertFrom(ctx, src.As<bf16>(), dst);
    default:
      return ConvertFrom(ctx, src.As<f16>(), dst);
  }
}

void ConvertStochastic(Context& ctx, MatView<const float> src, AnyMatView dst,
                       const simd::RoundingBits& bits) {
  if (src.empty()) return;
  if (IsFlat(src) && IsFlat(dst)) {
    src = Flat(src);
    dst = Flat(dst);
  }
  if (dst.type() == ElementType::kBf16) {
    StochasticViews(ctx, src, dst.As<bf16>(), bits);
  } else {
    StochasticViews(ctx, src, dst.As<f16>(), bits);
  }
}

}  // namespace ranvier::parallel
