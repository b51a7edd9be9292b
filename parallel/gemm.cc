#include "ranvier/parallel/gemm.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/partition.h"

namespace ranvier::parallel {
namespace {

// Of K at a time: a panel of it and a tile of A stay in L1, and what a sum
// loses by going to memory and back is one part in kDepth. The same on every
// machine, so that a target gives the same bits everywhere. Even, for bf16.
constexpr size_t kDepth = 512;
// Of K that is packed at a time.
constexpr size_t kPackedDepth = 16 * kDepth;
// Without packing: of K at a time, as deep as GemmDirect allows.
constexpr size_t kDirectDepth = 256;
// Bytes of the operand that is packed for all.
constexpr size_t kPackedBytes = size_t{32} << 20;

// Multiply-adds, and elements of A and of B, up to which packing costs more
// than it gains.
constexpr double kDirectWork = 320.0 * 320 * 320;
constexpr size_t kDirectElements = 320 * 320;
// The same where rows of A collide.
constexpr double kCollidingWork = 128.0 * 128 * 128;
// Rows of A that begin in so few places of a way of L1 are slow: those of a
// register tile, and those of a tile of dot products, whose columns need room
// too.
constexpr size_t kTilePlaces = 1;
constexpr size_t kDotPlaces = 2;
// Panels of B up to which packing A does.
constexpr size_t kDirectPanels = 8;
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

const void* At(const ConstAnyMatView& m, size_t row, size_t col) {
  return static_cast<const unsigned char*>(m.data()) +
         (row * m.row_stride() + col * m.col_stride()) * SizeBytes(m.type());
}
size_t Aligned(size_t bytes) { return (bytes + 127) / 128 * 128; }

// Whether packing costs more than it gains.
bool IsSmall(const GemmProblem& p) {
  const size_t M = p.a.rows(), N = p.b.cols(), K = p.a.cols();
  const double work = Work(M, N, K);
  return work <= kDirectWork && M * K <= kDirectElements &&
         K * N <= kDirectElements &&
         (work <= kCollidingWork ||
          !RowsCollide(p.a.row_stride() * sizeof(float), kTilePlaces));
}
// Sums need nothing but to be stored in, or added to, C.
bool IsPlain(const simd::GemmEpilogue& e) {
  return e.c.type() == ElementType::kF32 && e.c.col_stride() == 1 &&
         e.alpha == 1.0f && (e.beta == 0.0f || e.beta == 1.0f) &&
         e.bias == nullptr && e.activation == Activation::kNone &&
         e.residual.empty();
}

// Where the sums of rows [row, ...) and columns [col, ...) of C go, given the
// part of K that they are of. Sums wait for the next part in C itself if they
// are plain, else in `waiting`, whose first element is C's (row0, col0).
struct Sums {
  const simd::GemmEpilogue* epilogue;
  bool plain;
  float* waiting = nullptr;
  size_t waiting_stride = 0;
  size_t row0 = 0, col0 = 0;

  simd::GemmOutput At(size_t row, size_t col, bool first, bool last) const {
    simd::GemmOutput o;
    o.row = row;
    o.col = col;
    if (plain) {
      const AnyMatView& c = epilogue->c;
      o.out = static_cast<float*>(c.data()) + row * c.row_stride() + col;
      o.out_stride = c.row_stride();
      if (!first || epilogue->beta != 0.0f) o.partial = o.out;
    } else {
      if (waiting != nullptr) {
        o.out = waiting + (row - row0) * waiting_stride + (col - col0);
        o.out_stride = waiting_stride;
        if (!first) o.partial = o.out;
      }
      if (last) o.epilogue = epilogue;
    }
    o.partial_stride = o.out_stride;
    return o;
  }
};

void ForEach(Context& ctx, int threads, size_t n,
             const std::function<void(size_t)>& body) {
  if (threads == 1) {
    for (size_t i = 0; i < n; ++i) body(i);
  } else {
    ctx.ParallelFor(n, body);
  }
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
    g.a = static_cast<const float*>(At(p.a, row, k));
    g.b = static_cast<const float*>(At(p.b, k, col));
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
  const size_t parts = row_parts * col_parts;
  if (parts == 1) {
    body(0);
  } else {
    ForEach(ctx, threads, parts, body);
  }
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
        std::memcpy(room + row * stride * a_bytes, At(a, row, 0), K * a_bytes);
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
      g.a = At(a, row, k);
      g.b = At(p.b, k, col);
      g.output = sums.At(row, col, k == 0, false);
      simd::GemmDot(g);
    }
    if (waits) {
      simd::FinishTile(p.epilogue, g.output.out, g.output.out_stride, row, col,
                       g.rows, g.cols);
    }
  });
}

// ---- Packed ----

// The larger operand is packed by those who use it, a piece at a time that
// never leaves their cache; the smaller one, or A where B was packed before, is
// packed once for all.
class PanelProduct {
 public:
  PanelProduct(Context& ctx, const GemmProblem& p, int threads)
      : ctx_(ctx),
        p_(p),
        threads_(static_cast<size_t>(threads)),
        shape_(simd::CurrentGemmShape()),
        M_(p.a.rows()),
        N_(p.epilogue.c.cols()),
        K_(p.a.cols()),
        packed_(p.packed != nullptr) {
    const ElementType b_type = packed_ ? p.packed->type : p.b.type();
    const bool dot = shape_.bf16_dot && b_type == ElementType::kBf16 &&
                     p.a.type() == ElementType::kBf16;
    a_type_ = dot ? ElementType::kBf16 : ElementType::kF32;
    // What is packed for this product alone is widened while it is packed.
    b_type_ = packed_ ? b_type : a_type_;
    kernel_ = dot                             ? simd::GemmBf16Dot
              : b_type_ == ElementType::kBf16 ? simd::GemmBf16
              : b_type_ == ElementType::kF16  ? simd::GemmF16
                                              : simd::GemmF32;
    direct_ = b_type_ == ElementType::kF32 && p.a.type() == ElementType::kF32 &&
              p.a.col_stride() == 1 &&
              !RowsCollide(p.a.row_stride() * sizeof(float), kTilePlaces) &&
              M_ >= shape_.mr && N_ <= kDirectPanels * shape_.nr;
    by_rows_ = packed_ ? direct_ || M_ >= kRowsAtOnce / 2 * threads_
                       : direct_ || M_ >= N_;
  }

  void Run() {
    // Parts of the product for which the shared operand is packed at a time,
    // and sums wait.
    const size_t depth = std::min(K_, kPackedDepth);
    const bool waits = !IsPlain(p_.epilogue) && K_ > kDepth;
    const size_t rows =
        EvenPiece(M_, kPackedBytes / (depth * sizeof(float)), kRowsAtOnce);
    const size_t cols =
        EvenPiece(N_, kPackedBytes / (depth * sizeof(float)), kColsAtOnce);

    const size_t shared_bytes = Aligned(
        by_rows_
            ? (packed_
                   ? 0
                   : PanelBytes(b_type_, depth, cols, shape_.nr, shape_.lanes))
            : rows * simd::PanelDepth(b_type_, depth) * SizeBytes(a_type_));
    const size_t sums_bytes = waits ? rows * cols * sizeof(float) : 0;
    shared_ = static_cast<unsigned char*>(
        ctx_.Scratch(shared_bytes + sums_bytes, ScratchRoom::kOperands));
    sums_ = Sums{&p_.epilogue, IsPlain(p_.epilogue)};
    if (waits) {
      sums_.waiting = reinterpret_cast<float*>(shared_ + shared_bytes);
      sums_.waiting_stride = cols;
    }

    for (size_t col = 0; col < N_; col += cols) {
      for (size_t row = 0; row < M_; row += rows) {
        for (size_t k = 0; k < K_; k += depth) {
          part_ = {row, std::min(rows, M_ - row), col, std::min(cols, N_ - col),
                   k,   std::min(depth, K_ - k)};
          sums_.row0 = row;
          sums_.col0 = col;
          const bool there =
              K_ <= depth && (by_rows_ ? row != 0 : M_ <= rows && col != 0);
          if (!there) PackShared();
          Multiply();
        }
      }
    }
  }

 private:
  struct Part {
    size_t row = 0, rows = 0, col = 0, cols = 0, k = 0, depth = 0;
  };

  // Of what a task packs for itself: with kDepth of K half of L2 of 512 KiB.
  static constexpr size_t kRowsAtOnce = 192;
  static constexpr size_t kColsAtOnce = 128;
  // Elements of A that stay in cache beside a stream of panels.
  static constexpr size_t kPanelByPanel = 64 * 1024;

  void ForAll(size_t n, const std::function<void(size_t)>& body) {
    if (n == 1 || threads_ == 1) {
      for (size_t i = 0; i < n; ++i) body(i);
    } else {
      ctx_.ParallelFor(n, body);
    }
  }

  size_t DepthAt(size_t k) const { return std::min(kDepth, part_.depth - k); }

  // Rows of A, from k on, as tiles.
  void PackRows(size_t row, const simd::RowTiles& tiles, size_t first,
                size_t last, size_t rows, size_t k, unsigned char* to) const {
    const size_t depth = DepthAt(k);
    simd::PackTiles(Block(p_.a, part_.row + row, part_.k + k, rows, depth),
                    tiles, first, last, a_type_,
                    simd::PanelDepth(b_type_, depth), to);
  }

  void PackShared() {
    // About 64 KiB of packed elements a piece of work.
    constexpr size_t kPiece = 16384;
    if (by_rows_) {
      if (packed_) return;
      const auto b = Block(p_.b, part_.k, part_.col, part_.depth, part_.cols);
      const size_t panels = simd::PanelCount(shape_, part_.cols);
      const size_t at_once =
          std::max<size_t>(1, kPiece / (shape_.nr * part_.depth));
      ForAll((panels + at_once - 1) / at_once, [&](size_t i) {
        simd::PackPanels(b, shape_, i * at_once,
                         std::min(panels, (i + 1) * at_once), b_type_, shared_);
      });
      return;
    }
    const simd::RowTiles tiles(part_.rows, shape_.mr);
    const size_t blocks = (part_.depth + kDepth - 1) / kDepth;
    const size_t at_once =
        std::max<size_t>(1, kPiece / (shape_.mr * DepthAt(0)));
    const size_t groups = (tiles.count() + at_once - 1) / at_once;
    ForAll(groups * blocks, [&](size_t i) {
      const size_t first = i % groups * at_once;
      const size_t k = i / groups * kDepth;
      PackRows(0, tiles, first, std::min(tiles.count(), first + at_once),
               part_.rows, k, TilesAt(k));
    });
  }

  // Shared A: its tiles for [k, k + kDepth) behind those before.
  unsigned char* TilesAt(size_t k) const {
    return shared_ + part_.rows * k * SizeBytes(a_type_);
  }

  void Multiply() {
    if (by_rows_) {
      const size_t tasks = Tasks(part_.rows, kRowsAtOnce, shape_.mr);
      ForAll(tasks, [&](size_t i) {
        const size_t row = Cut(part_.rows, tasks, i);
        MultiplyRows(row, Cut(part_.rows, tasks, i + 1) - row);
      });
      return;
    }
    const size_t panels = simd::PanelCount(shape_, part_.cols);
    const size_t tasks =
        Tasks(panels, std::max<size_t>(1, kColsAtOnce / shape_.nr), 1);
    ForAll(tasks, [&](size_t i) {
      MultiplyColumns(Cut(panels, tasks, i), Cut(panels, tasks, i + 1));
    });
  }

  // Pieces of n: a multiple of the threads, of about `size` each, and more
  // where that lets a thread that is late leave work to the others.
  size_t Tasks(size_t n, size_t size, size_t least) const {
    size_t tasks = (n + size - 1) / size;
    if (threads_ > 1) {
      tasks = (tasks + threads_ - 1) / threads_ * threads_;
      if (tasks < 4 * threads_) tasks = 2 * tasks;
    }
    return std::max<size_t>(1, std::min(tasks, n / std::max<size_t>(1, least)));
  }

  // Rows [row, row + rows) of A, packed here, times all of B.
  void MultiplyRows(size_t row, size_t rows) {
    const simd::RowTiles tiles(rows, shape_.mr);
    const size_t panels = simd::PanelCount(shape_, part_.cols);
    if (direct_) return MultiplyRowsDirect(row, rows);
    auto* a = static_cast<unsigned char*>(
        ctx_.Scratch(rows * kDepth * SizeBytes(a_type_)));
    for (size_t k = 0; k < part_.depth; k += kDepth) {
      PackRows(row, tiles, 0, tiles.count(), rows, k, a);
      MultiplyPanels(a, tiles, 0, tiles.count(), row, 0, panels, k);
    }
  }

  // The same with A as it lies.
  void MultiplyRowsDirect(size_t row, size_t rows) {
    simd::GemmDirectArgs g;
    g.rows = rows;
    g.a_row_stride = p_.a.row_stride();
    g.a_col_stride = 1;
    g.b_filled_up = true;
    for (size_t k = 0; k < part_.depth; k += kDepth) {
      g.depth = DepthAt(k);
      g.a = static_cast<const float*>(At(p_.a, part_.row + row, part_.k + k));
      for (size_t col = 0; col < part_.cols; col += shape_.nr) {
        const Panels panels = PanelsAt(col / shape_.nr, k);
        g.cols = std::min(shape_.nr, part_.cols - col);
        g.b_row_stride = g.cols > shape_.lanes ? shape_.nr : shape_.lanes;
        g.b = reinterpret_cast<const float*>(panels.at) +
              panels.first_k * g.b_row_stride;
        g.output = sums_.At(part_.row + row, part_.col + col, part_.k + k == 0,
                            part_.k + k + g.depth == K_);
        simd::GemmDirect(g);
      }
    }
  }

  // All of A times panels [first, last) of B, packed here.
  void MultiplyColumns(size_t first, size_t last) {
    const simd::RowTiles tiles(part_.rows, shape_.mr);
    // Few rows: A stays in cache whole, and a panel is read from end to end.
    const bool panel_by_panel =
        packed_ && part_.rows * part_.depth <= kPanelByPanel;
    const size_t at_once =
        panel_by_panel ? 4 : std::max<size_t>(1, kColsAtOnce / shape_.nr);
    const size_t tiles_at_once = kRowsAtOnce / shape_.mr;
    for (size_t panel = first; panel < last; panel += at_once) {
      const size_t end = std::min(last, panel + at_once);
      for (size_t k = 0; k < part_.depth; k += kDepth) {
        const unsigned char* own = nullptr;
        if (!packed_) own = PackOwnPanels(panel, end, k, at_once);
        for (size_t tile = 0; tile < tiles.count(); tile += tiles_at_once) {
          MultiplyPanels(TilesAt(k), tiles, tile,
                         std::min(tiles.count(), tile + tiles_at_once), 0,
                         panel, end, k, own);
        }
      }
    }
  }

  const unsigned char* PackOwnPanels(size_t first, size_t last, size_t k,
                                     size_t at_once) {
    auto* to = static_cast<unsigned char*>(
        ctx_.Scratch(shape_.nr * at_once * simd::PanelDepth(b_type_, kDepth) *
                     SizeBytes(b_type_)));
    const size_t col = first * shape_.nr;
    const size_t cols = std::min(part_.cols, last * shape_.nr) - col;
    simd::PackPanels(
        Block(p_.b, part_.k + k, part_.col + col, DepthAt(k), cols), shape_, 0,
        last - first, b_type_, to);
    return to;
  }

  // From `at` panels of so many bytes, in which part_.k + k stands at first_k.
  struct Panels {
    const unsigned char* at;
    size_t bytes, first_k;
  };
  size_t PanelBytesOf(size_t depth) const {
    return shape_.nr * simd::PanelDepth(b_type_, depth) * SizeBytes(b_type_);
  }
  // Of the part's columns from `panel` on, among those of all of B.
  Panels PanelsAt(size_t panel, size_t k) const {
    if (packed_) {
      const size_t bytes = PanelBytesOf(K_);
      return {p_.packed->data.data() + (part_.col / shape_.nr + panel) * bytes,
              bytes, part_.k + k};
    }
    const size_t bytes = PanelBytesOf(part_.depth);
    return {shared_ + panel * bytes, bytes, k};
  }

  // Tiles [first_tile, last_tile) of rows [row, ...) times panels [panel,
  // last_panel) for [k, k + kDepth). The panels stand in `own`, or among those
  // of all of B.
  void MultiplyPanels(const unsigned char* a, const simd::RowTiles& tiles,
                      size_t first_tile, size_t last_tile, size_t row,
                      size_t panel, size_t last_panel, size_t k,
                      const unsigned char* own = nullptr) {
    simd::GemmPanels g;
    g.tiles = tiles;
    g.first_tile = first_tile;
    g.last_tile = last_tile;
    g.depth = simd::PanelDepth(b_type_, DepthAt(k));
    g.a = a;
    const size_t col = panel * shape_.nr;
    g.cols = std::min(part_.cols, last_panel * shape_.nr) - col;
    const Panels panels = own != nullptr
                              ? Panels{own, PanelBytesOf(DepthAt(k)), 0}
                              : PanelsAt(panel, k);
    g.b = panels.at;
    g.panel_bytes = panels.bytes;
    g.first_k = panels.first_k;
    g.output =
        sums_.At(part_.row + row + tiles.Begin(first_tile), part_.col + col,
                 part_.k + k == 0, part_.k + k + DepthAt(k) == K_);
    kernel_(g);
  }

  Context& ctx_;
  const GemmProblem& p_;
  size_t threads_;
  simd::GemmShape shape_;
  size_t M_, N_, K_;
  bool packed_;
  bool direct_ = false;  // A as it lies
  bool by_rows_ = false;
  ElementType a_type_, b_type_;
  void (*kernel_)(const simd::GemmPanels&) noexcept;
  unsigned char* shared_ = nullptr;
  Sums sums_{};
  Part part_;
};

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
    PanelProduct(ctx, p, threads).Run();
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
  PanelProduct(ctx, p, threads).Run();
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
