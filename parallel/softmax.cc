#include "ranvier/parallel/softmax.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "ranvier/parallel/ranges.h"
#include "ranvier/parallel/rows.h"
#include "ranvier/simd/softmax.h"

namespace ranvier::parallel {
namespace {

// From this many elements on, 9 us of one thread, a second one always gains: to
// fork and join takes 1.3 to 3.5 us (Zen 4).
constexpr size_t kCutoff = 32768;
// Elements that a thread takes at a time.
constexpr size_t kGrain = 16384;
constexpr size_t kPiece = simd::kSoftmaxPiece;
// A longer row does not stay in L2 with its result: its exponentials are
// computed twice, which costs less than to write and read them, and its pieces
// are shared between threads.
constexpr size_t kLongRow = 65536;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// rows(begin, end), on the threads of ctx.
template <class Rows>
void ForRows(Context& ctx, size_t rows, size_t cols, const Rows& body) {
  if (rows == 0 || cols == 0) return;
  ForRanges(ctx, rows, std::max<size_t>(1, kGrain / cols),
            Pieces(kCutoff, cols), body);
}

// piece(index, begin, n) of every piece of a row of n elements.
template <class Piece>
void ForRowPieces(Context& ctx, bool shared, size_t n, const Piece& piece) {
  ForEach(ctx, shared ? ctx.threads() : 1, Pieces(n, kPiece), [&](size_t i) {
    piece(i, i * kPiece, std::min(kPiece, n - i * kPiece));
  });
}

// The logits of a matrix, of which `longest` elements are read at once.
class Source {
 public:
  Source(const ConstAnyMatView& x, const ConstAnyMatView& mask, float scale,
         size_t longest)
      : x_(x), mask_(mask), scale_(scale) {
    longest = RoundUp(longest);
    if (!IsPlainF32(x)) x_room_ = longest;
    if (!mask.empty() && !IsPlainF32(mask)) mask_room_ = longest;
  }

  // Elements of scratch that Read wants.
  size_t room() const { return x_room_ + mask_room_; }
  bool plain() const { return room() == 0; }

  simd::Logits Read(size_t row, size_t begin, size_t n, float* room) const {
    simd::Logits v{.scale = scale_};
    v.x = ReadRow(x_, row, begin, n, room);
    if (!mask_.empty()) v.mask = ReadRow(mask_, row, begin, n, room + x_room_);
    return v;
  }

  // A multiple of every vector, so that what follows is aligned.
  static size_t RoundUp(size_t n) { return (n + 31) / 32 * 32; }

 private:
  ConstAnyMatView x_, mask_;
  float scale_;
  size_t x_room_ = 0, mask_room_ = 0;
};

float* Scratch(Context& ctx, size_t elements) {
  if (elements == 0) return nullptr;
  return static_cast<float*>(ctx.Scratch(elements * sizeof(float)));
}

// max v and the sum of e^(v - max) of a row. The maximum is -infinity if there
// is nothing else, and then the sum is 0; infinity or NaN if the row has one,
// and then the sum is NaN.
struct Extent {
  float max;
  double sum;

  float LogSumExp() const {
    if (!std::isfinite(max)) return max;
    return static_cast<float>(max + std::log(sum));
  }
};

Extent FindExtent(Context& ctx, const Source& source, size_t row, size_t n) {
  const bool shared = n > kLongRow;
  const size_t pieces = Pieces(n, kPiece);
  // Of a short row on the stack, of a long one beside the work of all threads.
  float few_max[kLongRow / kPiece];
  double few_sums[kLongRow / kPiece];
  std::vector<float> many_max(shared ? pieces : 0);
  std::vector<double> many_sums(shared ? pieces : 0);
  float* const maxima = shared ? many_max.data() : few_max;
  double* const sums = shared ? many_sums.data() : few_sums;
  const auto each = [&](const auto& of_piece) {
    ForRowPieces(ctx, shared, n, [&](size_t i, size_t begin, size_t count) {
      of_piece(i, source.Read(row, begin, count, Scratch(ctx, source.room())),
               count);
    });
  };
  each([&](size_t i, const simd::Logits& v, size_t count) {
    maxima[i] = simd::MaxLogit(v, count);
  });
  Extent extent{-kInfinity, 0};
  bool nan = false;
  for (size_t i = 0; i < pieces; ++i) {
    nan = nan || std::isnan(maxima[i]);
    extent.max = std::max(extent.max, maxima[i]);
  }
  if (nan || !std::isfinite(extent.max)) {
    // Rare. Whether the kernel has left a NaN out is not known.
    std::fill_n(sums, pieces, 0);
    each([&](size_t i, const simd::Logits& v, size_t count) {
      sums[i] = simd::AnyNan(v, count) ? 1 : 0;
    });
    nan = std::any_of(sums, sums + pieces, [](double s) { return s != 0; });
    if (nan) return {kNan, kNan};
    return {extent.max, extent.max > 0 ? kNan : 0};
  }
  each([&](size_t i, const simd::Logits& v, size_t count) {
    sums[i] = simd::SumExp(v, extent.max, count);
  });
  for (size_t i = 0; i < pieces; ++i) extent.sum += sums[i];
  if (std::isnan(extent.sum)) extent.max = kNan;
  return extent;
}

// y of a row, piece by piece: make(v, n, to).
template <class Make>
void WritePieces(Context& ctx, const Source& source, size_t row,
                 const AnyMatView& y, const Make& make) {
  const size_t n = y.cols();
  ForRowPieces(ctx, n > kLongRow, n, [&](size_t, size_t begin, size_t count) {
    const size_t y_room = IsPlainF32(y) ? 0 : kPiece;
    float* room = Scratch(ctx, source.room() + y_room);
    const simd::Logits v = source.Read(row, begin, count, room);
    float* to = PlaceOfRow(y, row, begin, room + source.room());
    make(v, count, to);
    WriteRow(to, y, row, begin, count);
  });
}

// Rows of which the whole is e^ and then scaled.
void SoftmaxShort(Context& ctx, const ConstAnyMatView& x, const AnyMatView& y,
                  float scale, const ConstAnyMatView& mask, bool stream) {
  const size_t n = x.cols();
  const Source source(x, mask, scale, n);
  const size_t work_room = Source::RoundUp(n);
  ForRows(ctx, x.rows(), n, [&](size_t begin, size_t end) {
    if (source.plain() && IsPlainF32(y)) {
      float* work = stream ? Scratch(ctx, work_room) : nullptr;
      const simd::Logits v = source.Read(begin, 0, n, nullptr);
      float* to = PlaceOfRow(y, begin, 0, nullptr);
      simd::SoftmaxRows(v, x.row_stride(), mask.row_stride(), to,
                        y.row_stride(), work, end - begin, n, stream);
      return;
    }
    float* room = Scratch(ctx, source.room() + work_room);
    for (size_t row = begin; row < end; ++row) {
      const simd::Logits v = source.Read(row, 0, n, room);
      float* to = PlaceOfRow(y, row, 0, room + source.room());
      simd::SoftmaxRows(v, 0, 0, to, 0, nullptr, 1, n, false);
      WriteRow(to, y, row, 0, n);
    }
  });
}

// extent(row), then make(extent, v, n, to) for its pieces.
template <class Make>
void ByExtent(Context& ctx, const ConstAnyMatView& x, const AnyMatView& y,
              float scale, const ConstAnyMatView& mask, const Make& make) {
  const size_t n = x.cols();
  const Source source(x, mask, scale, std::min(n, kPiece));
  const auto rows = [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const Extent extent = FindExtent(ctx, source, row, n);
      WritePieces(ctx, source, row, y,
                  [&](const simd::Logits& v, size_t count, float* to) {
                    make(extent, v, count, to);
                  });
    }
  };
  if (n > kLongRow) return rows(0, x.rows());
  ForRows(ctx, x.rows(), n, rows);
}

// dx of a row: a number from all of y and dy, part(y, dy, n) of every piece
// added up, then make(number, y, dy, n, to).
template <class Part, class Make>
void Gradient(Context& ctx, const ConstAnyMatView& y, const ConstAnyMatView& dy,
              const AnyMatView& dx, const Part& part, const Make& make) {
  const size_t n = y.cols();
  const bool shared = n > kLongRow;
  const size_t room_each = std::min(Source::RoundUp(n), kPiece);
  const size_t y_room = IsPlainF32(y) ? 0 : room_each;
  const size_t dy_room = IsPlainF32(dy) ? 0 : room_each;
  const size_t dx_room = IsPlainF32(dx) ? 0 : room_each;
  const auto rows = [&](size_t first, size_t last) {
    std::vector<double> parts(Pieces(n, kPiece));
    for (size_t row = first; row < last; ++row) {
      ForRowPieces(ctx, shared, n, [&](size_t i, size_t begin, size_t count) {
        float* room = Scratch(ctx, y_room + dy_room);
        parts[i] = part(ReadRow(y, row, begin, count, room),
                        ReadRow(dy, row, begin, count, room + y_room), count);
      });
      double sum = 0;
      for (const double one : parts) sum += one;
      ForRowPieces(ctx, shared, n, [&](size_t, size_t begin, size_t count) {
        float* room = Scratch(ctx, y_room + dy_room + dx_room);
        float* to = PlaceOfRow(dx, row, begin, room + y_room + dy_room);
        make(static_cast<float>(sum), ReadRow(y, row, begin, count, room),
             ReadRow(dy, row, begin, count, room + y_room), count, to);
        WriteRow(to, dx, row, begin, count);
      });
    }
  };
  if (shared) return rows(0, y.rows());
  ForRows(ctx, y.rows(), n, rows);
}

}  // namespace

void Softmax(Context& ctx, const ConstAnyMatView& x, const AnyMatView& y,
             float scale, const ConstAnyMatView& mask) {
  if (x.empty()) return;
  const bool stream = ShouldStream(y, x);
  if (x.cols() <= kLongRow) {
    return SoftmaxShort(ctx, x, y, scale, mask, stream);
  }
  ByExtent(
      ctx, x, y, scale, mask,
      [&](const Extent& extent, const simd::Logits& v, size_t n, float* to) {
        if (!std::isfinite(extent.max)) {
          std::fill_n(to, n, extent.sum == 0 ? 0 : kNan);
        } else {
          simd::ScaledExp(v, extent.max, static_cast<float>(1 / extent.sum), to,
                          n, stream);
        }
      });
}

void LogSoftmax(Context& ctx, const ConstAnyMatView& x, const AnyMatView& y,
                float scale, const ConstAnyMatView& mask) {
  if (x.empty()) return;
  const bool stream = ShouldStream(y, x);
  ByExtent(
      ctx, x, y, scale, mask,
      [&](const Extent& extent, const simd::Logits& v, size_t n, float* to) {
        if (!std::isfinite(extent.max)) {
          std::fill_n(to, n, extent.sum == 0 ? -kInfinity : kNan);
        } else {
          simd::ShiftLogits(v, extent.max,
                            static_cast<float>(std::log(extent.sum)), to, n,
                            stream);
        }
      });
}

void LogSumExp(Context& ctx, const ConstAnyMatView& x, VecView<float> y,
               float scale, const ConstAnyMatView& mask) {
  const size_t n = x.cols();
  const Source source(x, mask, scale, std::min(n, kPiece));
  const auto rows = [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      y[row] = FindExtent(ctx, source, row, n).LogSumExp();
    }
  };
  if (n > kLongRow || n == 0) return rows(0, x.rows());
  ForRows(ctx, x.rows(), n, rows);
}

void SoftmaxGradient(Context& ctx, const ConstAnyMatView& y,
                     const ConstAnyMatView& dy, const AnyMatView& dx,
                     float scale) {
  const bool stream = ShouldStream(dx, y) && ShouldStream(dx, dy);
  Gradient(
      ctx, y, dy, dx, simd::DotInF64,
      [&](float dot, const float* from, const float* d, size_t n, float* to) {
        simd::SoftmaxBackward(from, d, dot, scale, to, n, stream);
      });
}

void LogSoftmaxGradient(Context& ctx, const ConstAnyMatView& y,
                        const ConstAnyMatView& dy, const AnyMatView& dx,
                        float scale) {
  const bool stream = ShouldStream(dx, y) && ShouldStream(dx, dy);
  Gradient(
      ctx, y, dy, dx,
      [](const float*, const float* d, size_t n) {
        return simd::SumInF64(d, n);
      },
      [&](float sum, const float* from, const float* d, size_t n, float* to) {
        simd::LogSoftmaxBackward(from, d, sum, scale, to, n, stream);
      });
}

}  // namespace ranvier::parallel
