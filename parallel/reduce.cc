#include "ranvier/parallel/reduce.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "ranvier/parallel/ranges.h"
#include "ranvier/parallel/rows.h"

namespace ranvier::parallel {
namespace {

// From this many elements on threads are used.
constexpr size_t kCutoff = 131072;
// Elements that a thread takes at a time.
constexpr size_t kGrain = 65536;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

size_t CeilDiv(size_t a, size_t b) { return a == 0 ? 0 : (a - 1) / b + 1; }

float* Scratch(Context& ctx, size_t elements) {
  if (elements == 0) return nullptr;
  return static_cast<float*>(ctx.Scratch(elements * sizeof(float)));
}

// What a run of elements is reduced to, and how two are joined: the second's
// elements come after those of the first.

struct SumOf {
  using Result = double;
  static Result None() { return 0; }
  static Result Of(const float* x, size_t n) { return simd::Sum(x, n); }
  static void Join(Result& a, const Result& b) { a += b; }
};

// Chan, Golub and LeVeque 1983, eq. 1.5: the variance of a union.
struct MomentsOf {
  struct Result {
    double count = 0;
    simd::Moments moments;
  };
  static Result None() { return {}; }
  static Result Of(const float* x, size_t n) {
    return {static_cast<double>(n), simd::FindMoments(x, n)};
  }
  static void Join(Result& a, const Result& b) {
    if (b.count == 0) return;
    if (a.count == 0) {
      a = b;
      return;
    }
    const double share = b.count / (a.count + b.count);
    const double apart = b.moments.mean - a.moments.mean;
    a.moments.variance += share * (b.moments.variance - a.moments.variance +
                                   (1 - share) * apart * apart);
    a.moments.mean += share * apart;
    a.count += b.count;
  }
};

struct GreatestOf {
  struct Result {
    size_t size = 0;
    simd::Greatest greatest = {kLowest, 0};
  };
  static Result None() { return {}; }
  static Result Of(const float* x, size_t n) {
    return {n, simd::FindGreatest(x, n)};
  }
  static void Join(Result& a, const Result& b) {
    const simd::Greatest& other = b.greatest;
    const bool first = a.greatest.index == a.size;  // none so far
    const bool nan = std::isnan(other.value) && !std::isnan(a.greatest.value);
    if (b.size != 0 && (first || nan || other.value > a.greatest.value)) {
      a.greatest = {other.value, a.size + other.index};
    } else if (first) {
      a.greatest.index += b.size;
    }
    a.size += b.size;
  }
};

struct MaxOf {
  using Result = float;
  static Result None() { return kLowest; }
  static Result Of(const float* x, size_t n) { return simd::Max(x, n); }
  static void Join(Result& a, const Result& b) {
    if (b > a || std::isnan(b)) a = b;
  }
};

// Elements [begin, begin + n) of a row, n <= kReducePiece.
template <class R>
typename R::Result OfPiece(Context& ctx, const ConstAnyMatView& x, size_t row,
                           size_t begin, size_t n) {
  float* room = IsPlainF32(x) ? nullptr : Scratch(ctx, n);
  return R::Of(ReadRow(x, row, begin, n, room), n);
}

// The results of all pieces of all rows, row by row, on the threads of ctx.
template <class R>
std::vector<typename R::Result> OfPieces(Context& ctx, const ConstAnyMatView& x,
                                         size_t pieces) {
  std::vector<typename R::Result> results(x.rows() * pieces);
  const size_t piece_size = std::min(x.cols(), kReducePiece);
  ForRanges(ctx, results.size(), std::max<size_t>(1, kGrain / piece_size),
            Pieces(kCutoff, piece_size), [&](size_t first, size_t last) {
              for (size_t i = first; i < last; ++i) {
                const size_t begin = i % pieces * kReducePiece;
                results[i] =
                    OfPiece<R>(ctx, x, i / pieces, begin,
                               std::min(kReducePiece, x.cols() - begin));
              }
            });
  return results;
}

// give(row, result) for each row.
template <class R, class Give>
void ForRows(Context& ctx, const ConstAnyMatView& x, const Give& give) {
  const size_t pieces = CeilDiv(x.cols(), kReducePiece);
  if (pieces == 0) {
    for (size_t row = 0; row < x.rows(); ++row) give(row, R::None());
    return;
  }
  if (pieces == 1) {
    ForRanges(ctx, x.rows(), std::max<size_t>(1, kGrain / x.cols()),
              Pieces(kCutoff, x.cols()), [&](size_t first, size_t last) {
                for (size_t row = first; row < last; ++row) {
                  give(row, OfPiece<R>(ctx, x, row, 0, x.cols()));
                }
              });
    return;
  }
  const auto results = OfPieces<R>(ctx, x, pieces);
  for (size_t row = 0; row < x.rows(); ++row) {
    auto whole = R::None();
    for (size_t i = 0; i < pieces; ++i) {
      R::Join(whole, results[row * pieces + i]);
    }
    give(row, whole);
  }
}

template <class R>
typename R::Result OfAll(Context& ctx, ConstAnyMatView x) {
  if (IsFlat(x)) x = Flat(x);
  auto whole = R::None();
  if (x.empty()) return whole;
  for (const auto& one : OfPieces<R>(ctx, x, CeilDiv(x.cols(), kReducePiece))) {
    R::Join(whole, one);
  }
  return whole;
}

// Columns of a matrix whose rows have no gaps, each to one number. It is cut
// into slabs of columns and bands of rows, by its shape alone; each slab of a
// band is one task, and bands are joined from first to last.
class Columns {
 public:
  Columns(Context& ctx, const ConstAnyMatView& x) : ctx_(ctx), x_(x) {
    slab_ = std::min(x.cols(), kSlab);
    band_ = std::max<size_t>(64, kGrain / slab_);
    slabs_ = CeilDiv(x.cols(), slab_);
    bands_ = CeilDiv(x.rows(), band_);
  }

  size_t bands() const { return bands_; }
  size_t rows() const { return x_.rows(); }
  size_t cols() const { return x_.cols(); }
  size_t FirstRow(size_t band) const { return band * band_; }

  // body(x, stride, rows, row within the band, band, col, n) for runs of rows
  // of every slab of a band, from first to last.
  template <class Body>
  void ForBlocks(const Body& body) const {
    const size_t cutoff =
        x_.rows() * x_.cols() < kCutoff ? slabs_ * bands_ + 1 : 0;
    ForRanges(ctx_, slabs_ * bands_, 1, cutoff, [&](size_t first, size_t last) {
      for (size_t i = first; i < last; ++i) {
        const size_t band = i / slabs_;
        const size_t col = i % slabs_ * slab_;
        const size_t n = std::min(slab_, x_.cols() - col);
        const size_t begin = FirstRow(band);
        const size_t end = std::min(x_.rows(), begin + band_);
        if (IsPlainF32(x_)) {
          body(ReadRow(x_, begin, col, n, nullptr), x_.row_stride(),
               end - begin, 0, band, col, n);
          continue;
        }
        float* room = Scratch(ctx_, n);
        for (size_t row = begin; row < end; ++row) {
          body(ReadRow(x_, row, col, n, room), 0, 1, row - begin, band, col, n);
        }
      }
    });
  }

 private:
  static constexpr size_t kSlab = 512;

  Context& ctx_;
  ConstAnyMatView x_;
  size_t slab_, band_, slabs_, bands_;
};

// The sums of all columns.
std::vector<double> SumColumns(const Columns& columns) {
  const size_t cols = columns.cols();
  std::vector<double> parts(columns.bands() * cols);
  columns.ForBlocks([&](const float* x, size_t stride, size_t rows, size_t,
                        size_t band, size_t col, size_t n) {
    simd::AddRows(x, stride, rows, &parts[band * cols + col], n);
  });
  for (size_t i = cols; i < parts.size(); ++i) parts[i % cols] += parts[i];
  parts.resize(cols);
  return parts;
}

// From f64, where nothing cancels that f32 could tell apart.
std::vector<double> ColumnVariances(const Columns& columns) {
  const size_t cols = columns.cols();
  const auto count = static_cast<double>(columns.rows());
  std::vector<double> mean = SumColumns(columns);
  for (double& one : mean) one /= count;
  std::vector<double> sums(columns.bands() * cols);
  std::vector<double> squares(columns.bands() * cols);
  columns.ForBlocks([&](const float* x, size_t stride, size_t rows, size_t,
                        size_t band, size_t col, size_t n) {
    const size_t at = band * cols + col;
    simd::AddSquares(x, stride, rows, &mean[col], &sums[at], &squares[at], n);
  });
  for (size_t i = cols; i < sums.size(); ++i) {
    sums[i % cols] += sums[i];
    squares[i % cols] += squares[i];
  }
  for (size_t i = 0; i < cols; ++i) {
    const double shift = sums[i] / count;
    squares[i] = squares[i] / count - shift * shift;
  }
  squares.resize(cols);
  return squares;
}

std::vector<simd::Greatest> GreatestOfColumns(const Columns& columns) {
  const size_t cols = columns.cols();
  std::vector<float> values(columns.bands() * cols, kLowest);
  std::vector<int32_t> places(columns.bands() * cols);
  columns.ForBlocks([&](const float* x, size_t stride, size_t rows, size_t row,
                        size_t band, size_t col, size_t n) {
    const size_t at = band * cols + col;
    for (size_t i = 0; i < rows; ++i) {
      simd::TakeGreater(x + i * stride, static_cast<int32_t>(row + i),
                        &values[at], &places[at], n);
    }
  });
  std::vector<simd::Greatest> all(cols);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t row =
        columns.FirstRow(i / cols) + static_cast<size_t>(places[i]);
    simd::Greatest& best = all[i % cols];
    const bool nan = std::isnan(values[i]) && !std::isnan(best.value);
    if (i < cols || nan || values[i] > best.value) best = {values[i], row};
  }
  return all;
}

// Rows that lie as columns do.
bool AreColumns(const ConstAnyMatView& x) {
  return ColumnsAreDense(x) && x.rows() > 1 && x.cols() > 0;
}

}  // namespace

void SumRows(Context& ctx, const ConstAnyMatView& x, VecView<float> y,
             double divisor) {
  if (AreColumns(x)) {
    const auto sums = SumColumns(Columns(ctx, x.Transposed()));
    for (size_t i = 0; i < sums.size(); ++i) {
      y[i] = static_cast<float>(sums[i] / divisor);
    }
    return;
  }
  ForRows<SumOf>(ctx, x, [&](size_t row, double sum) {
    y[row] = static_cast<float>(sum / divisor);
  });
}

void VarianceRows(Context& ctx, const ConstAnyMatView& x, VecView<float> y) {
  if (AreColumns(x)) {
    const auto variances = ColumnVariances(Columns(ctx, x.Transposed()));
    for (size_t i = 0; i < variances.size(); ++i) {
      y[i] = static_cast<float>(variances[i]);
    }
    return;
  }
  ForRows<MomentsOf>(ctx, x, [&](size_t row, const MomentsOf::Result& of) {
    y[row] = of.count == 0 ? std::numeric_limits<float>::quiet_NaN()
                           : static_cast<float>(of.moments.variance);
  });
}

void MaxRows(Context& ctx, const ConstAnyMatView& x, VecView<float> y) {
  if (AreColumns(x)) {
    const auto all = GreatestOfColumns(Columns(ctx, x.Transposed()));
    for (size_t i = 0; i < all.size(); ++i) y[i] = all[i].value + 0.0f;
    return;
  }
  ForRows<MaxOf>(ctx, x, [&](size_t row, float max) { y[row] = max; });
}

void ArgMaxRows(Context& ctx, const ConstAnyMatView& x, VecView<int64_t> y) {
  if (AreColumns(x)) {
    const auto all = GreatestOfColumns(Columns(ctx, x.Transposed()));
    for (size_t i = 0; i < all.size(); ++i) {
      y[i] = static_cast<int64_t>(all[i].index);
    }
    return;
  }
  ForRows<GreatestOf>(ctx, x, [&](size_t row, const GreatestOf::Result& of) {
    y[row] = static_cast<int64_t>(of.greatest.index);
  });
}

double Sum(Context& ctx, const ConstAnyMatView& x) {
  return OfAll<SumOf>(ctx, x);
}

simd::Moments FindMoments(Context& ctx, const ConstAnyMatView& x) {
  return OfAll<MomentsOf>(ctx, x).moments;
}

float Max(Context& ctx, const ConstAnyMatView& x) {
  return OfAll<MaxOf>(ctx, x);
}

simd::Greatest FindGreatest(Context& ctx, const ConstAnyMatView& x) {
  return OfAll<GreatestOf>(ctx, x).greatest;
}

}  // namespace ranvier::parallel
