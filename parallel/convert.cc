#include "ranvier/parallel/convert.h"

#include <algorithm>
#include <type_traits>

#include "ranvier/parallel/gaps.h"
#include "ranvier/parallel/ranges.h"

namespace ranvier::parallel {
namespace {

// Below this many elements waking a second thread costs more than it saves.
constexpr size_t kCutoff = 65536;
// Elements that a thread takes at a time.
constexpr size_t kGrain = 65536;

// one(row, col, n) for pieces of rows, of which none crosses the end of a row.
template <class One>
void ForPieces(Context& ctx, size_t rows, size_t cols, size_t cutoff,
               const One& one) {
  ForRanges(ctx, rows * cols, kGrain, cutoff, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end;) {
      const size_t row = at / cols;
      const size_t col = at - row * cols;
      const size_t n = std::min(cols - col, end - at);
      one(row, col, n);
      at += n;
    }
  });
}

template <class S, class D>
void ConvertViews(Context& ctx, MatView<const S> src, MatView<D> dst) {
  ForPieces(ctx, src.rows(), src.cols(), kCutoff,
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
  // Drawing costs more than a thread that wakes, from fewer elements on.
  ForPieces(
      ctx, src.rows(), src.cols(), kCutoff / 4,
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
