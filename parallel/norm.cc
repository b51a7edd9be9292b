#include "ranvier/parallel/norm.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "ranvier/parallel/ranges.h"
#include "ranvier/parallel/rows.h"
#include "ranvier/simd/norm.h"

namespace ranvier::parallel {
namespace {

// From this many elements on, 9 us of one thread, a second one always gains: to
// fork and join takes 1.3 to 3.5 us (Zen 4).
constexpr size_t kCutoff = 65536;
// Elements that a thread takes at a time.
constexpr size_t kGrain = 32768;
// Rows that are added up in f32 before their sum goes on in f64.
constexpr size_t kRowsInF32 = 32;

// A multiple of every vector, so that what follows is aligned.
size_t RoundUp(size_t n) { return (n + 31) / 32 * 32; }

float* Scratch(Context& ctx, size_t elements,
               ScratchRoom room = ScratchRoom::kTask) {
  if (elements == 0) return nullptr;
  return static_cast<float*>(ctx.Scratch(elements * sizeof(float), room));
}

// n numbers without gaps: those of v, copied to `room` if need be, or `missing`
// if v is empty.
const float* Dense(VecView<const float> v, float missing, size_t n,
                   float* room) {
  if (!v.empty() && v.contiguous()) return v.data();
  for (size_t i = 0; i < n; ++i) room[i] = v.empty() ? missing : v[i];
  return room;
}

// The rows of one matrix, read or written through memory of the caller's.
size_t RoomOf(const ConstAnyMatView& x) {
  return IsPlainF32(x) ? 0 : RoundUp(x.cols());
}

bool StaysInL2(const ConstAnyMatView& x, const AnyMatView& y) {
  static const size_t l2_bytes = DetectCacheSizes().l2_bytes;
  const size_t operands = x.data() == y.data() ? 1 : 2;
  return operands * x.rows() * x.cols() * sizeof(float) <= l2_bytes;
}

template <class Rows>
void ForRows(Context& ctx, const ConstAnyMatView& x, const Rows& rows) {
  const size_t n = x.cols();
  ForRanges(ctx, x.rows(), std::max<size_t>(1, kGrain / n), Pieces(kCutoff, n),
            rows);
}

// kernel(first row, x, x_stride, y, y_stride, rows): all rows of a range at
// once where they lie as kernels take them, else one by one.
template <class Kernel>
void Normalize(Context& ctx, const ConstAnyMatView& x, const AnyMatView& y,
               const Kernel& kernel) {
  const size_t n = x.cols();
  ForRows(ctx, x, [&](size_t begin, size_t end) {
    if (IsPlainF32(x) && IsPlainF32(y)) {
      kernel(begin, ReadRow(x, begin, 0, n, nullptr), x.row_stride(),
             PlaceOfRow(y, begin, 0, nullptr), y.row_stride(), end - begin);
      return;
    }
    float* x_room = Scratch(ctx, RoomOf(x) + RoomOf(y));
    float* y_room = x_room + RoomOf(x);
    for (size_t row = begin; row < end; ++row) {
      float* to = PlaceOfRow(y, row, 0, y_room);
      kernel(row, ReadRow(x, row, 0, n, x_room), 0, to, 0, 1);
      WriteRow(to, y, row, 0, n);
    }
  });
}

// Where a kernel writes numbers of rows from `row` on, which have no gaps
// there.
float* PlaceOfResult(VecView<float> v, size_t row) {
  return v.empty() ? nullptr : v.data() + row;
}

// Sums over rows in parts: row(part's first vector, second vector, row) adds to
// both. dweight and dbias get the sums; empty ones are left out.
template <class Row>
void OverRows(Context& ctx, const ConstAnyMatView& x, VecView<float> dweight,
              VecView<float> dbias, const Row& row) {
  const size_t n = x.cols();
  const size_t rows = x.rows();
  const size_t part_rows =
      std::max(kRowsInF32, (rows + kNormParts - 1) / kNormParts);
  const size_t parts = (rows + part_rows - 1) / part_rows;
  // Two sums in f32 and two in f64 each.
  const size_t narrow = 2 * RoundUp(n);
  auto* wide = static_cast<double*>(
      ctx.Scratch(parts * (narrow * sizeof(double) + narrow * sizeof(float)),
                  ScratchRoom::kOperands));
  auto* sums = reinterpret_cast<float*>(wide + parts * narrow);
  const size_t cutoff = rows * n < kCutoff ? parts + 1 : 0;
  ForRanges(ctx, parts, 1, cutoff, [&](size_t begin, size_t end) {
    for (size_t part = begin; part < end; ++part) {
      double* to = wide + part * narrow;
      float* sum = sums + part * narrow;
      std::fill_n(to, narrow, 0);
      std::fill_n(sum, narrow, 0);
      const size_t last = std::min(rows, (part + 1) * part_rows);
      for (size_t i = part * part_rows; i < last; ++i) {
        row(sum, sum + RoundUp(n), i);
        if ((i + 1 - part * part_rows) % kRowsInF32 == 0 || i + 1 == last) {
          simd::MoveInto(sum, to, narrow);
        }
      }
    }
  });
  const auto finish = [&](VecView<float> v, size_t offset) {
    for (size_t i = 0; i < v.size(); ++i) {
      double sum = 0;
      for (size_t part = 0; part < parts; ++part) {
        sum += wide[part * narrow + offset + i];
      }
      v[i] = static_cast<float>(sum);
    }
  };
  finish(dweight, 0);
  finish(dbias, RoundUp(n));
}

// The rows of x, dy and dx that one thread works on.
class GradientRows {
 public:
  GradientRows(const ConstAnyMatView& x, const ConstAnyMatView& dy,
               const AnyMatView& dx)
      : x_(x), dy_(dy), dx_(dx) {}

  // compute(x, dy, dx)
  template <class Compute>
  void At(Context& ctx, size_t row, const Compute& compute) const {
    const size_t n = x_.cols();
    float* x_room = Scratch(ctx, RoomOf(x_) + RoomOf(dy_) + RoomOf(dx_));
    float* dy_room = x_room + RoomOf(x_);
    float* to = PlaceOfRow(dx_, row, 0, dy_room + RoomOf(dy_));
    compute(ReadRow(x_, row, 0, n, x_room), ReadRow(dy_, row, 0, n, dy_room),
            to);
    WriteRow(to, dx_, row, 0, n);
  }

 private:
  ConstAnyMatView x_, dy_;
  AnyMatView dx_;
};

// Zero rows: their sums are 0.
void Clear(VecView<float> v) {
  for (size_t i = 0; i < v.size(); ++i) v[i] = 0;
}

}  // namespace

void LayerNorm(Context& ctx, const ConstAnyMatView& x,
               VecView<const float> weight, VecView<const float> bias,
               const AnyMatView& y, float epsilon,
               const LayerNormResults& results) {
  if (x.empty()) return;
  const size_t n = x.cols();
  float* room = Scratch(ctx, 2 * RoundUp(n), ScratchRoom::kOperands);
  simd::NormRow by{.epsilon = epsilon, .stream = ShouldStream(y, x)};
  by.by_two = by.stream || StaysInL2(x, y);
  by.weight = Dense(weight, 1, n, room);
  by.bias = Dense(bias, 0, n, room + RoundUp(n));
  const bool gaps = !results.mean.contiguous() || !results.rstd.contiguous();
  Normalize(ctx, x, y,
            [&](size_t row, const float* from, size_t from_stride, float* to,
                size_t to_stride, size_t rows) {
              if (!gaps) {
                simd::LayerNormRows(by, from, from_stride, to, to_stride,
                                    PlaceOfResult(results.mean, row),
                                    PlaceOfResult(results.rstd, row), rows, n);
                return;
              }
              for (size_t i = 0; i < rows; ++i) {
                float mean = 0;
                float rstd = 0;
                simd::LayerNormRows(by, from + i * from_stride, 0,
                                    to + i * to_stride, 0, &mean, &rstd, 1, n);
                if (!results.mean.empty()) results.mean[row + i] = mean;
                if (!results.rstd.empty()) results.rstd[row + i] = rstd;
              }
            });
}

void RmsNorm(Context& ctx, const ConstAnyMatView& x,
             VecView<const float> weight, const AnyMatView& y, float epsilon,
             float weight_offset, VecView<float> rstd) {
  if (x.empty()) return;
  const size_t n = x.cols();
  float* room = Scratch(ctx, RoundUp(n), ScratchRoom::kOperands);
  simd::NormRow by{.weight_offset = weight.empty() ? 0 : weight_offset,
                   .epsilon = epsilon,
                   .stream = ShouldStream(y, x)};
  by.by_two = by.stream || StaysInL2(x, y);
  by.weight = Dense(weight, 1, n, room);
  Normalize(ctx, x, y,
            [&](size_t row, const float* from, size_t from_stride, float* to,
                size_t to_stride, size_t rows) {
              if (rstd.contiguous()) {
                simd::RmsNormRows(by, from, from_stride, to, to_stride,
                                  PlaceOfResult(rstd, row), rows, n);
                return;
              }
              for (size_t i = 0; i < rows; ++i) {
                simd::RmsNormRows(by, from + i * from_stride, 0,
                                  to + i * to_stride, 0, &rstd[row + i], 1, n);
              }
            });
}

void LayerNormGradient(Context& ctx, const ConstAnyMatView& x,
                       VecView<const float> weight, VecView<const float> mean,
                       VecView<const float> rstd, const ConstAnyMatView& dy,
                       const AnyMatView& dx, VecView<float> dweight,
                       VecView<float> dbias) {
  if (x.empty()) {
    Clear(dweight);
    Clear(dbias);
    return;
  }
  const size_t n = x.cols();
  std::vector<float> room(weight.contiguous() && !weight.empty() ? 0 : n);
  const float* w = Dense(weight, 1, n, room.data());
  const GradientRows rows(x, dy, dx);
  OverRows(ctx, x, dweight, dbias, [&](float* dw, float* db, size_t row) {
    rows.At(ctx, row, [&](const float* from, const float* d, float* to) {
      simd::LayerNormBackward(from, w, mean[row], rstd[row], d, to, dw, db, n);
    });
  });
}

void RmsNormGradient(Context& ctx, const ConstAnyMatView& x,
                     VecView<const float> weight, VecView<const float> rstd,
                     const ConstAnyMatView& dy, const AnyMatView& dx,
                     VecView<float> dweight, float weight_offset) {
  if (x.empty()) return Clear(dweight);
  const size_t n = x.cols();
  std::vector<float> room(weight.contiguous() && !weight.empty() ? 0 : n);
  const float* w = Dense(weight, 1, n, room.data());
  if (weight.empty()) weight_offset = 0;
  const GradientRows rows(x, dy, dx);
  OverRows(ctx, x, dweight, {}, [&](float* dw, float*, size_t row) {
    rows.At(ctx, row, [&](const float* from, const float* d, float* to) {
      simd::RmsNormBackward(from, w, weight_offset, rstd[row], d, to, dw, n);
    });
  });
}

}  // namespace ranvier::parallel
