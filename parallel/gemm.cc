#include "ranvier/parallel/gemm.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/gemm_packed.h"
#include "ranvier/parallel/gemm_sums.h"
#include "ranvier/parallel/partition.h"
#include "ranvier/parallel/ranges.h"

namespace ranvier::parallel {
namespace {

// Without packing: of K at a time, as deep as GemmDirect allows.
constexpr size_t kDirectDepth = 256;
// Multiply-adds, and elements of A and of B, up to which packing costs more
// than it gains.
constexpr double kDirectWork = 320.0 * 320 * 320;
constexpr size_t kDirectElements = 320 * 320;
// The same where rows of A collide.
constexpr double kCollidingWork = 128.0 * 128 * 128;
// As kTilePlaces, for a tile of dot products, whose columns need room too.
constexpr size_t kDotPlaces = 2;
// Below this a second thread costs more than it does.
constexpr double kThreadWork = 56.0 * 56 * 56;
// Rows of A, or columns of B, up to which dot products with weights as they lie
// win over packing them.
constexpr size_t kDotRows = 64;
constexpr size_t kDotCols = 12;
// Elements of A from which it is copied if its rows collide.
constexpr size_t kDotCopied = 32 * 1024;
// Of K at a time, if several dot products share what is in cache.
constexpr size_t kDotDepth = 1024;
// Rows of A below which B is read once only, so that packing it is a loss.
constexpr size_t kStreamRows = 16;

double Work(size_t m, size_t n, size_t k) {
  return static_cast<double>(m) * static_cast<double>(n) *
         static_cast<double>(k);
}

// Whether packing costs more than it gains.
bool IsSmall(const GemmProblem& p) {
  const size_t M = p.a.rows(), N = p.b.cols(), K = p.a.cols();
  const double work = Work(M, N, K);
  return work <= kDirectWork && M * K <= kDirectElements &&
         K * N <= kDirectElements &&
         (work <= kCollidingWork ||
          !RowsCollide(p.a.row_stride() * sizeof(float), kTilePlaces));
}

// A product without terms.
void MultiplyNothing(simd::GemmEpilogue e) {
  e.alpha = 0;
  constexpr size_t kCols = 256;
  for (size_t row = 0; row < e.c.rows(); ++row) {
    for (size_t col = 0; col < e.c.cols(); col += kCols) {
      float zeros[kCols] = {};
      simd::FinishTile(e, zeros, kCols, row, col, 1,
                       std::min(kCols, e.c.cols() - col));
    }
  }
}

// ---- Nothing packed, B row by row ----

// One block of C. All of its columns before the next part of K: rows of B are
// read from end to end.
void DirectBlock(const GemmProblem& p, const Sums& sums, size_t row,
                 size_t rows, size_t col, size_t cols, size_t depth_at_once) {
  const size_t K = p.a.cols();
  simd::GemmDirectArgs g;
  g.rows = rows;
  g.cols = cols;
  g.a_row_stride = p.a.row_stride();
  g.a_col_stride = p.a.col_stride();
  g.b_row_stride = p.b.row_stride();
  for (size_t k = 0; k < K; k += depth_at_once) {
    g.depth = std::min(depth_at_once, K - k);
    g.a = static_cast<const float*>(Element(p.a, row, k));
    g.b = static_cast<const float*>(Element(p.b, k, col));
    g.output = sums.At(row, col, k == 0, k + g.depth == K);
    simd::GemmDirect(g);
  }
}

void MultiplyDirect(Context& ctx, const GemmProblem& p, int threads) {
  const size_t M = p.a.rows(), N = p.b.cols(), K = p.a.cols();
  const bool plain = IsPlain(p.epilogue);
  const bool stream = !IsSmall(p);
  if (!stream && threads == 1 && (plain || K <= kDirectDepth)) {
    DirectBlock(p, {&p.epilogue, plain}, 0, M, 0, N,
                EvenPiece(K, kDirectDepth));
    return;
  }
  // Streaming, few rows of B are open at a time: as many as there are pages
  // whose addresses the processor remembers, or streams that it follows.
  const size_t depth_at_once = !stream  ? EvenPiece(K, kDirectDepth)
                               : M <= 3 ? 8
                                        : 32;
  const size_t nr = simd::CurrentGemmShape().nr;
  size_t row_parts = 1, col_parts = 1;
  if (stream) {
    // Sums of one piece stay in L1.
    const size_t cols = std::max(nr, 4096 / std::max<size_t>(M, 1) / nr * nr);
    col_parts = (N + cols - 1) / cols;
    const auto parts = static_cast<size_t>(threads);
    col_parts = (col_parts + parts - 1) / parts * parts;
  } else if (threads > 1) {
    const auto parts = static_cast<size_t>(threads);
    // Whichever side can be cut evenly, or rows.
    if (N % (nr * parts) == 0 || M < 8 * parts) {
      col_parts = parts;
    } else {
      row_parts = parts;
    }
  }
  const size_t panels = (N + nr - 1) / nr;
  col_parts = std::min(col_parts, panels);
  const auto body = [&](size_t i) {
    const size_t row = Cut(M, row_parts, i / col_parts);
    const size_t rows = Cut(M, row_parts, i / col_parts + 1) - row;
    const size_t col = Cut(panels, col_parts, i % col_parts) * nr;
    const size_t end =
        std::min(N, Cut(panels, col_parts, i % col_parts + 1) * nr);
    Sums sums{&p.epilogue, plain};
    if (!plain && K > depth_at_once) {
      sums.waiting =
          static_cast<float*>(ctx.Scratch(rows * (end - col) * sizeof(float)));
      sums.waiting_stride = end - col;
      sums.row0 = row;
      sums.col0 = col;
    }
    DirectBlock(p, sums, row, rows, col, end - col, depth_at_once);
  };
  ForEach(ctx, threads, row_parts * col_parts, body);
}

// ---- Nothing packed, B column by column ----

void MultiplyDots(Context& ctx, const GemmProblem& p, int threads) {
  const size_t M = p.a.rows(), N = p.b.cols(), K = p.a.cols();
  ConstAnyMatView a = p.a;
  const bool plain = IsPlain(p.epilogue);
  const size_t depth = M > 4 ? kDotDepth : K;
  const bool bf16_dot = simd::CurrentGemmShape().bf16_dot &&
                        a.type() == ElementType::kBf16 &&
                        p.b.type() == ElementType::kBf16;
  const ElementType a_type = bf16_dot ? ElementType::kBf16 : ElementType::kF32;
  const size_t a_bytes = SizeBytes(a_type);
  const bool copies = a.type() != a_type || (a.col_stride() != 1 && K > 1) ||
                      (N > kDotCols && M * K >= kDotCopied &&
                       RowsCollide(a.row_stride() * a_bytes, kDotPlaces));
  const size_t stride =
      K % 2 + (RowsCollide(K * a_bytes, kDotPlaces) ? K + 32 : K);
  const size_t copy_bytes = copies ? Aligned(M * stride * a_bytes) : 0;
  // Tiles of 4 x 4 are too small for an epilogue: it takes all of a task's
  // sums.
  const bool waits = !plain;
  auto* room = static_cast<unsigned char*>(
      ctx.Scratch(copy_bytes + (waits ? M * N * sizeof(float) : 0),
                  ScratchRoom::kOperands));
  Sums sums{&p.epilogue, plain};
  if (waits) {
    sums.waiting = reinterpret_cast<float*>(room + copy_bytes);
    sums.waiting_stride = N;
  }
  if (copies) {
    if (a.type() == a_type && a.col_stride() == 1) {
      for (size_t row = 0; row < M; ++row) {
        std::memcpy(room + row * stride * a_bytes, Element(a, row, 0),
                    K * a_bytes);
      }
    } else {
      simd::PackTiles(a, simd::RowTiles(M, 1), 0, M, a_type, stride, room);
    }
    a = ConstAnyMatView(room, a_type, M, K, stride);
  }
  // Along the larger side, in groups of 8: as many columns as a dot product
  // takes at once.
  const bool by_rows = M > N;
  const size_t groups = ((by_rows ? M : N) + 7) / 8;
  const size_t tasks =
      std::min(groups, threads == 1 ? 1 : 2 * static_cast<size_t>(threads));
  ForEach(ctx, threads, tasks, [&](size_t i) {
    const size_t begin = Cut(groups, tasks, i) * 8;
    const size_t end = std::min(by_rows ? M : N, Cut(groups, tasks, i + 1) * 8);
    const size_t row = by_rows ? begin : 0;
    const size_t col = by_rows ? 0 : begin;
    simd::GemmDotArgs g;
    g.rows = by_rows ? end - begin : M;
    g.cols = by_rows ? N : end - begin;
    g.a_type = a_type;
    g.a_row_stride = a.row_stride();
    g.b_type = p.b.type();
    g.b_col_stride = p.b.col_stride();
    for (size_t k = 0; k < K; k += depth) {
      g.depth = std::min(depth, K - k);
      g.a = Element(a, row, k);
      g.b = Element(p.b, k, col);
      g.output = sums.At(row, col, k == 0, false);
      simd::GemmDot(g);
    }
    if (waits) {
      simd::FinishTile(p.epilogue, g.output.out, g.output.out_stride, row, col,
                       g.rows, g.cols);
    }
  });
}

// C^T = B^T A^T.
GemmProblem Swapped(const GemmProblem& p) {
  GemmProblem s = p;
  s.a = p.b.Transposed();
  s.b = p.a.Transposed();
  s.epilogue.c = p.epilogue.c.Transposed();
  s.epilogue.residual = p.epilogue.residual.Transposed();
  s.epilogue.bias_per_row = !p.epilogue.bias_per_row;
  return s;
}

}  // namespace

void Gemm(Context& ctx, const GemmProblem& p, int max_threads) {
  const AnyMatView& c = p.epilogue.c;
  const size_t M = c.rows(), N = c.cols(), K = p.a.cols();
  if (M == 0 || N == 0) return;
  if (K == 0) return MultiplyNothing(p.epilogue);
  const double work = Work(M, N, K);
  const int threads =
      work < kThreadWork ? 1 : std::min(max_threads, ctx.threads());
  if (p.packed != nullptr) {
    MultiplyPacked(ctx, p, threads);
    return;
  }
  // C column by column, or a product with a vector: the transposed product has
  // rows, or weights that are read as they lie.
  if ((c.col_stride() != 1 && c.row_stride() == 1 && M > 1) ||
      (N == 1 && M > 1)) {
    return Gemm(ctx, Swapped(p), max_threads);
  }
  const bool f32 =
      p.a.type() == ElementType::kF32 && p.b.type() == ElementType::kF32;
  if (f32 && p.b.col_stride() == 1 && (IsSmall(p) || M <= kStreamRows)) {
    return MultiplyDirect(ctx, p, threads);
  }
  if ((p.b.row_stride() == 1 || K == 1) && (M <= kDotRows || N <= kDotCols)) {
    return MultiplyDots(ctx, p, threads);
  }
  MultiplyPacked(ctx, p, threads);
}

void GemmBatch(Context& ctx, size_t count,
               const std::function<GemmProblem(size_t)>& make) {
  const auto threads = static_cast<size_t>(ctx.threads());
  if (count < 2 * threads || threads == 1) {
    for (size_t i = 0; i < count; ++i) Gemm(ctx, make(i), ctx.threads());
    return;
  }
  const size_t parts = std::min(count, 8 * threads);
  ctx.ParallelFor(parts, [&](size_t part) {
    for (size_t i = Cut(count, parts, part); i < Cut(count, parts, part + 1);
         ++i) {
      Gemm(ctx, make(i), 1);
    }
  });
}

}  // namespace ranvier::parallel
