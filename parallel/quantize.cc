#include "ranvier/parallel/quantize.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ranvier/parallel/gaps.h"
#include "ranvier/parallel/ranges.h"
#include "ranvier/simd/quantize.h"

namespace ranvier::parallel {
namespace {

// From this many elements on threads are used: two took 1 / 1.35 of the time of
// one to quantise as many, and as long for half of them (Zen 4, both cores
// idle).
constexpr size_t kCutoff = 65536;
// Elements that a thread takes at a time.
constexpr size_t kGrain = 32768;
// Columns that are worked on together, where each has its own scale.
constexpr size_t kSlab = kPacked;

bool ByColumn(QuantLayout layout) {
  return layout.granularity == QuantGranularity::kColumn;
}

// Columns that share a scale within a row; not of kColumn.
size_t GroupCols(QuantLayout layout, size_t cols) {
  return layout.granularity == QuantGranularity::kGroup
             ? std::min(layout.group_size, std::max<size_t>(cols, 1))
             : std::max<size_t>(cols, 1);
}

size_t CeilDiv(size_t a, size_t b) { return a == 0 ? 0 : (a - 1) / b + 1; }

simd::FiniteRange Union(simd::FiniteRange a, simd::FiniteRange b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

simd::FiniteRange RangeOfRun(const float* x, size_t stride, size_t n) {
  if (stride == 1) return simd::FindRange(x, n);
  float packed[kPacked];
  simd::FiniteRange range;
  for (size_t i = 0; i < n; i += kPacked) {
    const size_t count = std::min(kPacked, n - i);
    Pack(x + i * stride, stride, count, packed);
    range = Union(range, simd::FindRange(packed, count));
  }
  return range;
}

// The ranges of all runs of a row that share a scale; row r, group g is
// ranges[r * groups + g].
std::vector<simd::FiniteRange> GroupRanges(Context& ctx, MatView<const float> x,
                                           size_t group_cols) {
  const size_t groups = CeilDiv(x.cols(), group_cols);
  std::vector<simd::FiniteRange> ranges(x.rows() * groups);
  const size_t grain = std::max<size_t>(1, kGrain / group_cols);
  const size_t cutoff = CeilDiv(kCutoff, group_cols);
  ForRanges(ctx, ranges.size(), grain, cutoff, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t row = i / groups;
      const size_t col = i % groups * group_cols;
      ranges[i] = RangeOfRun(&x(row, col), x.col_stride(),
                             std::min(group_cols, x.cols() - col));
    }
  });
  return ranges;
}

simd::FiniteRange WholeRange(Context& ctx, MatView<const float> x) {
  if (IsFlat(x)) x = Flat(x);
  simd::FiniteRange whole;
  if (x.empty()) return whole;
  if (x.rows() * x.cols() < kCutoff || ctx.threads() == 1) {
    for (size_t row = 0; row < x.rows(); ++row) {
      whole = Union(whole, RangeOfRun(&x(row, 0), x.col_stride(), x.cols()));
    }
    return whole;
  }
  // A group is as good a piece as any: the range of all is that of the ranges.
  const size_t piece = std::min(x.cols(), kGrain);
  for (const simd::FiniteRange& range : GroupRanges(ctx, x, piece)) {
    whole = Union(whole, range);
  }
  return whole;
}

std::vector<simd::FiniteRange> ColumnRanges(Context& ctx,
                                            MatView<const float> x) {
  const size_t cols = x.cols();
  const size_t slabs = CeilDiv(cols, kSlab);
  const size_t bands = std::clamp<size_t>(x.rows() * cols / kCutoff, 1,
                                          std::max<size_t>(x.rows(), 1));
  // Each task has its own ends, side by side by column.
  std::vector<float> low(bands * cols), high(bands * cols);
  const size_t band_rows = CeilDiv(x.rows(), bands);
  const size_t cutoff = x.rows() * cols < kCutoff ? slabs * bands + 1 : 0;
  ForRanges(ctx, slabs * bands, 1, cutoff, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t band = i / slabs;
      const size_t col = i % slabs * kSlab;
      const size_t n = std::min(kSlab, cols - col);
      const size_t last = std::min((band + 1) * band_rows, x.rows());
      float packed[kSlab];
      for (size_t row = band * band_rows; row < last; ++row) {
        const float* from = &x(row, col);
        if (x.col_stride() != 1) {
          Pack(from, x.col_stride(), n, packed);
          from = packed;
        }
        simd::WidenRanges(from, &low[band * cols + col],
                          &high[band * cols + col], n);
      }
    }
  });
  std::vector<simd::FiniteRange> ranges(cols);
  for (size_t i = 0; i < bands * cols; ++i) {
    ranges[i % cols] = Union(ranges[i % cols], {low[i], high[i]});
  }
  return ranges;
}

// The scale and zero point of an element, or of a run of columns.
class Parameters {
 public:
  Parameters(QuantLayout layout, ElementType type, MatView<const float> scale,
             MatView<const int32_t> zero_point)
      : scale_(scale),
        zero_point_(zero_point),
        rows_differ_(layout.granularity == QuantGranularity::kRow ||
                     layout.granularity == QuantGranularity::kGroup),
        symmetric_zero_(type == ElementType::kU8 ? 128 : 0),
        range_(simd::RangeOf(type)) {
    if (zero_point.empty()) range_.low += 1;
  }

  simd::QuantizedRange range() const { return range_; }

  simd::Quantization At(size_t row, size_t group) const {
    if (!rows_differ_) row = 0;
    return {scale_(row, group),
            zero_point_.empty() ? symmetric_zero_ : zero_point_(row, group)};
  }

 private:
  MatView<const float> scale_;
  MatView<const int32_t> zero_point_;
  bool rows_differ_;
  int32_t symmetric_zero_;
  simd::QuantizedRange range_;
};

// y from x element by element: one(x, y, n, Quantization) for runs with one
// scale, each(x, y, n, scales, zero_points) for runs with one for each.
template <class S, class D, class One, class Each>
void ForElements(Context& ctx, MatView<const S> x, MatView<D> y,
                 QuantLayout layout, const Parameters& parameters,
                 const One& one, const Each& each) {
  const size_t cols = x.cols();
  const size_t size = x.rows() * cols;
  if (size == 0) return;
  if (ByColumn(layout)) {
    const size_t slabs = CeilDiv(cols, kSlab);
    const size_t band_rows = std::max<size_t>(1, kGrain / kSlab);
    const size_t bands = CeilDiv(x.rows(), band_rows);
    const size_t cutoff = size < kCutoff ? slabs * bands + 1 : 0;
    ForRanges(ctx, slabs * bands, 1, cutoff, [&](size_t begin, size_t end) {
      float scale[kSlab];
      int32_t zero_point[kSlab];
      for (size_t i = begin; i < end; ++i) {
        const size_t band = i / slabs;
        const size_t col = i % slabs * kSlab;
        const size_t n = std::min(kSlab, cols - col);
        for (size_t c = 0; c < n; ++c) {
          const simd::Quantization by = parameters.At(0, col + c);
          scale[c] = by.scale;
          zero_point[c] = by.zero_point;
        }
        const size_t last = std::min((band + 1) * band_rows, x.rows());
        for (size_t row = band * band_rows; row < last; ++row) {
          OverGaps(&x(row, col), x.col_stride(), &y(row, col), y.col_stride(),
                   n, [&](const S* from, D* to, size_t count, size_t at) {
                     each(from, to, count, scale + at, zero_point + at);
                   });
        }
      }
    });
    return;
  }
  const size_t group_cols = GroupCols(layout, cols);
  ForRanges(ctx, size, kGrain, kCutoff, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end;) {
      const size_t row = at / cols;
      const size_t col = at - row * cols;
      const size_t group = col / group_cols;
      const size_t group_end = std::min((group + 1) * group_cols, cols);
      const size_t n = std::min(group_end - col, end - at);
      const simd::Quantization by = parameters.At(row, group);
      OverGaps(&x(row, col), x.col_stride(), &y(row, col), y.col_stride(), n,
               [&](const S* from, D* to, size_t count, size_t) {
                 one(from, to, count, by);
               });
      at += n;
    }
  });
}

template <class Q>
void QuantizeTo(Context& ctx, MatView<const float> x, QuantLayout layout,
                const Parameters& parameters, MatView<Q> q) {
  const simd::QuantizedRange range = parameters.range();
  ForElements(
      ctx, x, q, layout, parameters,
      [&](const float* from, Q* to, size_t n, simd::Quantization by) {
        simd::Quantize(from, by, range, to, n);
      },
      [&](const float* from, Q* to, size_t n, const float* scale,
          const int32_t* zero_point) {
        simd::Quantize(from, scale, zero_point, range, to, n);
      });
}

template <class Q>
void DequantizeFrom(Context& ctx, MatView<const Q> q, QuantLayout layout,
                    const Parameters& parameters, MatView<float> x) {
  ForElements(
      ctx, q, x, layout, parameters,
      [&](const Q* from, float* to, size_t n, simd::Quantization by) {
        simd::Dequantize(from, by, to, n);
      },
      [&](const Q* from, float* to, size_t n, const float* scale,
          const int32_t* zero_point) {
        simd::Dequantize(from, scale, zero_point, to, n);
      });
}

// The same matrices with rows for columns.
QuantLayout Transposed(QuantLayout layout) {
  switch (layout.granularity) {
    case QuantGranularity::kRow:
      return QuantLayout::PerColumn();
    case QuantGranularity::kColumn:
      return QuantLayout::PerRow();
    default:
      return layout;
  }
}

// Turns operands that lie by column, and joins rows where that changes nothing.
template <class X, class Y>
void Simplify(X& x, Y& y, QuantLayout& layout, MatView<const float>& scale,
              MatView<const int32_t>& zero_point) {
  if (ColumnsAreDense(x) && ColumnsAreDense(y) &&
      layout.granularity != QuantGranularity::kGroup) {
    x = x.Transposed();
    y = y.Transposed();
    scale = scale.Transposed();
    zero_point = zero_point.Transposed();
    layout = Transposed(layout);
  }
  if (layout.granularity == QuantGranularity::kTensor && IsFlat(x) &&
      IsFlat(y)) {
    x = Flat(x);
    y = Flat(y);
  }
}

}  // namespace

void FindScales(Context& ctx, MatView<const float> x, QuantLayout layout,
                ElementType type, MatView<float> scale,
                MatView<int32_t> zero_point) {
  if (scale.empty()) return;
  if (ColumnsAreDense(x) && layout.granularity != QuantGranularity::kGroup) {
    x = x.Transposed();
    scale = scale.Transposed();
    zero_point = zero_point.Transposed();
    layout = Transposed(layout);
  }
  const auto set = [&](size_t row, size_t col, simd::FiniteRange range) {
    const simd::Quantization by = zero_point.empty()
                                      ? simd::SymmetricQuantization(range, type)
                                      : simd::AffineQuantization(range, type);
    scale(row, col) = by.scale;
    if (!zero_point.empty()) zero_point(row, col) = by.zero_point;
  };
  if (layout.granularity == QuantGranularity::kTensor) {
    return set(0, 0, WholeRange(ctx, x));
  }
  std::vector<simd::FiniteRange> ranges(scale.rows());
  if (ByColumn(layout)) {
    ranges = ColumnRanges(ctx, x);
  } else if (x.cols() != 0) {
    ranges = GroupRanges(ctx, x, GroupCols(layout, x.cols()));
  }
  for (size_t i = 0; i < ranges.size(); ++i) {
    set(i / scale.cols(), i % scale.cols(), ranges[i]);
  }
}

void Quantize(Context& ctx, MatView<const float> x, QuantLayout layout,
              MatView<const float> scale, MatView<const int32_t> zero_point,
              AnyMatView q) {
  Simplify(x, q, layout, scale, zero_point);
  const Parameters parameters(layout, q.type(), scale, zero_point);
  if (q.type() == ElementType::kU8) {
    QuantizeTo(ctx, x, layout, parameters, q.As<uint8_t>());
  } else {
    QuantizeTo(ctx, x, layout, parameters, q.As<int8_t>());
  }
}

void Dequantize(Context& ctx, ConstAnyMatView q, QuantLayout layout,
                MatView<const float> scale, MatView<const int32_t> zero_point,
                MatView<float> x) {
  Simplify(q, x, layout, scale, zero_point);
  const Parameters parameters(layout, q.type(), scale, zero_point);
  if (q.type() == ElementType::kU8) {
    DequantizeFrom(ctx, q.As<uint8_t>(), layout, parameters, x);
  } else {
    DequantizeFrom(ctx, q.As<int8_t>(), layout, parameters, x);
  }
}

}  // namespace ranvier::parallel
