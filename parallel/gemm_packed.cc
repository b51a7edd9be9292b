#include "ranvier/parallel/gemm_packed.h"

#include <algorithm>
#include <cstddef>
#include <functional>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/gemm_sums.h"
#include "ranvier/parallel/partition.h"
#include "ranvier/parallel/ranges.h"

namespace ranvier::parallel {
namespace {

// Of K at a time: a panel of it and a tile of A stay in L1, and what a sum
// loses by going to memory and back is one part in kDepth. The same on every
// machine, so that a target gives the same bits everywhere. Even, for bf16.
constexpr size_t kDepth = 512;
// Of K that is packed at a time.
constexpr size_t kPackedDepth = 16 * kDepth;
// Bytes of the operand that is packed for all.
constexpr size_t kPackedBytes = size_t{32} << 20;
// Panels of B up to which packing A does.
constexpr size_t kDirectPanels = 8;

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
    ForEach(ctx_, static_cast<int>(threads_), n, body);
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
      g.a = static_cast<const float*>(
          Element(p_.a, part_.row + row, part_.k + k));
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

}  // namespace

void MultiplyPacked(Context& ctx, const GemmProblem& problem, int threads) {
  PanelProduct(ctx, problem, threads).Run();
}

}  // namespace ranvier::parallel
