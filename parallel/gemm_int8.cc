#include "ranvier/parallel/gemm_int8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/partition.h"
#include "ranvier/parallel/ranges.h"

namespace ranvier::parallel {
namespace {

// Bytes of a panel, as the micro-kernel reads it, for a piece of K. Longer than
// L1 is no loss: a panel comes from L2 faster than it is used up.
constexpr size_t kPanelPiece = size_t{48} << 10;
// Bytes of packed A and B at a time.
constexpr size_t kPackedABytes = size_t{16} << 20;
constexpr size_t kPackedBBytes = size_t{32} << 20;
// Bytes of A that may stay in cache beside a stream of panels; K is not cut.
constexpr size_t kStreamBytes = 128 * 1024;
// Bytes of panels that are packed and used by one thread at a time.
constexpr size_t kPackAtOnce = 256 * 1024;
// Multiply-adds below which a second thread costs more than it does.
constexpr double kThreadWork = 64.0 * 64 * 64;
// Register tiles, and panels, of a block of C.
constexpr size_t kBlock = 16;
// Rows of A up to which dot products with weights as they lie win over packing
// them, and columns of sums at a time.
constexpr size_t kDotRows = 16;
constexpr size_t kDotCols = 64;

class Int8Product {
 public:
  Int8Product(Context& ctx, const Int8Problem& p, int threads)
      : ctx_(ctx),
        p_(p),
        e_(p.epilogue),
        threads_(static_cast<size_t>(threads)),
        shape_(simd::CurrentInt8Shape()),
        panel_shape_{shape_.mr, shape_.lanes, shape_.nr, false},
        M_(p.a.rows()),
        N_(p.packed != nullptr ? p.packed->cols : p.b.cols()),
        K_(p.a.cols()),
        depth_(simd::PanelDepth(ElementType::kI8, K_)) {}

  void Run() {
    if (p_.packed == nullptr && M_ <= kDotRows &&
        (p_.b.row_stride() == 1 || K_ == 1)) {
      RunDots();
      return;
    }
    const size_t rows =
        EvenPiece(M_, kPackedABytes / (depth_ * shape_.a_bytes), shape_.mr);
    // B is packed where it is used, unless many rows use it.
    packs_apart_ = p_.packed == nullptr && M_ > kBlock * shape_.mr;
    const size_t cols =
        packs_apart_ ? EvenPiece(N_, kPackedBBytes / depth_, shape_.nr * 4)
                     : N_;

    // One allocation for what all threads share.
    const size_t a_bytes = Aligned(rows * depth_ * shape_.a_bytes);
    const size_t b_bytes = packs_apart_
                               ? Aligned(PanelBytes(ElementType::kI8, K_, cols,
                                                    shape_.nr, shape_.lanes))
                               : 0;
    const size_t row_bytes = Aligned(M_ * sizeof(int32_t));
    const size_t col_bytes = Aligned(N_ * sizeof(int32_t));
    auto* room = static_cast<unsigned char*>(
        ctx_.Scratch(a_bytes + b_bytes + 3 * row_bytes + 3 * col_bytes,
                     ScratchRoom::kOperands));
    const auto take = [&room](size_t bytes) {
      unsigned char* at = room;
      room += bytes;
      return at;
    };
    a_ = take(a_bytes);
    b_ = take(b_bytes);
    const auto take_ints = [&](size_t bytes) {
      return reinterpret_cast<int32_t*>(take(bytes));
    };
    row_sums_ = take_ints(row_bytes);
    row_terms_ = take_ints(row_bytes);
    SetZeroPoints(take_ints(row_bytes));
    column_sums_ = take_ints(col_bytes);
    column_pairs_ = take_ints(col_bytes);
    column_terms_ = take_ints(col_bytes);
    if (p_.packed != nullptr) {
      e_.column_sums = p_.packed->column_sums.data();
      if (has_column_terms_) {
        MakeColumnTerms(p_.packed->column_sums.data(),
                        p_.packed->column_pairs.data(), 0, N_);
      }
    } else {
      e_.column_sums = column_sums_;
    }
    e_.row_sums = row_sums_;

    for (size_t col = 0; col < N_; col += cols) {
      cols_ = {col, std::min(cols, N_ - col)};
      for (size_t row = 0; row < M_; row += rows) {
        rows_ = {row, std::min(rows, M_ - row)};
        const bool same_a = rows == M_ && col != 0;
        PackPart(!same_a, packs_apart_ && row == 0);
        MultiplyPart();
      }
    }
  }

 private:
  struct Range {
    size_t begin = 0, size = 0;
  };

  void ForAll(size_t n, const std::function<void(size_t)>& body) {
    ForEach(ctx_, static_cast<int>(threads_), n, body);
  }

  // Nothing packed but the few rows of A. A row of ones gives the columns'
  // sums.
  void RunDots() {
    shape_.pair_products = false;
    const bool ones =
        p_.a_zeros != nullptr || p_.a_zero + shape_.Shift(p_.a.type()) != 0;
    const size_t rows = M_ + (ones ? 1 : 0);
    dot_stride_ = RowsCollide(K_ * shape_.a_bytes, 2) ? K_ + 64 : K_;
    const size_t a_bytes = Aligned(rows * dot_stride_ * shape_.a_bytes);
    const size_t row_bytes = Aligned(M_ * sizeof(int32_t));
    const size_t col_bytes = ones ? Aligned(N_ * sizeof(int32_t)) : 0;
    auto* room = static_cast<unsigned char*>(ctx_.Scratch(
        a_bytes + 3 * row_bytes + 2 * col_bytes, ScratchRoom::kOperands));
    a_ = room;
    room += a_bytes;
    row_sums_ = reinterpret_cast<int32_t*>(room);
    row_terms_ = reinterpret_cast<int32_t*>(room + row_bytes);
    SetZeroPoints(reinterpret_cast<int32_t*>(room + 2 * row_bytes));
    column_sums_ = reinterpret_cast<int32_t*>(room + 3 * row_bytes);
    column_terms_ =
        reinterpret_cast<int32_t*>(room + 3 * row_bytes + col_bytes);
    e_.row_sums = row_sums_;
    e_.column_sums = column_sums_;
    simd::PackInt8DotRows(p_.a, dot_stride_, ones, a_);
    MakeRowTerms(0, M_);

    const size_t pieces = Pieces(N_, kDotCols);
    const size_t tasks = threads_ == 1 ? 1 : std::min(pieces, 2 * threads_);
    ForAll(tasks, [&](size_t task) {
      auto* sums = static_cast<int32_t*>(
          ctx_.Scratch(rows * kDotCols * sizeof(int32_t)));
      for (size_t i = Cut(pieces, tasks, task);
           i < Cut(pieces, tasks, task + 1); ++i) {
        const size_t begin = i * kDotCols;
        DotColumns(rows, begin, std::min(N_, begin + kDotCols), sums);
      }
    });
  }

  void DotColumns(size_t rows, size_t begin, size_t end, int32_t* sums) {
    simd::Int8DotArgs g;
    g.rows = rows;
    g.cols = end - begin;
    g.depth = K_;
    g.a = a_;
    g.a_row_stride = dot_stride_;
    g.b = static_cast<const int8_t*>(p_.b.data()) + begin * p_.b.col_stride();
    g.b_col_stride = p_.b.col_stride();
    g.out = sums;
    g.out_stride = kDotCols;
    simd::GemmInt8Dot(g);
    if (rows > M_) {
      std::memcpy(column_sums_ + begin, sums + M_ * kDotCols,
                  g.cols * sizeof(int32_t));
      MakeColumnTerms(column_sums_, nullptr, begin, end);
    }
    for (size_t row = 0; row < M_; ++row) {
      const auto row_term =
          has_row_terms_ ? static_cast<uint32_t>(row_terms_[row]) : 0;
      for (size_t j = 0; j < g.cols; ++j) {
        int32_t& sum = sums[row * kDotCols + j];
        const auto column_term =
            has_column_terms_ ? static_cast<uint32_t>(column_terms_[begin + j])
                              : 0;
        sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + row_term +
                                   column_term);
      }
    }
    simd::FinishInt8Tile(e_, sums, kDotCols, 0, begin, M_, g.cols);
  }

  // A zero point that is one for all is a term of each column or row:
  //   sum - a_zero column_sum - b_zero row_sum
  void SetZeroPoints(int32_t* room) {
    const int32_t shift = shape_.Shift(p_.a.type());
    a_zero_ = p_.a_zeros == nullptr ? p_.a_zero + shift : 0;
    b_zero_ = p_.b_zeros == nullptr ? p_.b_zero : 0;
    e_.a_zeros = p_.a_zeros;
    e_.b_zeros = p_.b_zeros;
    if (p_.a_zeros != nullptr && shift != 0) {
      for (size_t i = 0; i < M_; ++i) room[i] = p_.a_zeros[i] + shift;
      e_.a_zeros = room;
    }
    has_column_terms_ = shape_.pair_products || a_zero_ != 0;
    has_row_terms_ = shape_.pair_products || b_zero_ != 0;
  }

  // Of columns [begin, end) of B. Modulo 2^32, as sums are.
  void MakeColumnTerms(const int32_t* sums, const int32_t* pairs, size_t begin,
                       size_t end) {
    const auto zero = static_cast<uint32_t>(a_zero_);
    for (size_t j = begin; j < end; ++j) {
      uint32_t term = zero * static_cast<uint32_t>(sums[j]);
      if (shape_.pair_products) term += static_cast<uint32_t>(pairs[j]);
      column_terms_[j] = static_cast<int32_t>(0 - term);
    }
  }

  // Of rows [begin, end) of A.
  void MakeRowTerms(size_t begin, size_t end) {
    const bool sums = b_zero_ != 0 || p_.b_zeros != nullptr;
    const bool pairs = shape_.pair_products;
    if (!sums && !pairs) return;
    simd::SumInt8Rows(p_.a, begin, end, sums ? row_sums_ : nullptr,
                      pairs ? row_terms_ : nullptr);
    for (size_t i = begin; i < end; ++i) {
      uint32_t term = pairs ? static_cast<uint32_t>(row_terms_[i]) : 0;
      if (sums) {
        const auto zero = static_cast<uint32_t>(
            p_.a_zeros != nullptr ? p_.a_zeros[i] : p_.a_zero);
        const uint32_t sum = static_cast<uint32_t>(row_sums_[i]) -
                             zero * static_cast<uint32_t>(K_);
        row_sums_[i] = static_cast<int32_t>(sum);
        term += static_cast<uint32_t>(b_zero_) * sum;
      }
      row_terms_[i] = static_cast<int32_t>(0 - term);
    }
  }

  // Panels of columns [begin, end) of B.
  void PackPanels(size_t begin, size_t end, unsigned char* out) {
    const size_t panels = Pieces(end - begin, shape_.nr);
    simd::PackInt8Panels(Block(p_.b, 0, begin, K_, end - begin), panel_shape_,
                         0, panels, out);
    if (!has_column_terms_ && p_.a_zeros == nullptr) return;
    for (size_t col = begin; col < end; col += shape_.nr) {
      simd::SumInt8Panel(out + (col - begin) * depth_, panel_shape_, K_,
                         std::min(shape_.nr, end - col), column_sums_ + col,
                         column_pairs_ + col);
    }
    MakeColumnTerms(column_sums_, column_pairs_, begin, end);
  }

  void PackPart(bool pack_a, bool pack_b) {
    const simd::RowTiles tiles(rows_.size, shape_.mr);
    // About 64 KiB of elements a piece of work.
    constexpr size_t kPiece = size_t{64} << 10;
    const size_t tiles_at_once =
        std::max<size_t>(1, kPiece / (shape_.mr * depth_));
    const size_t a_groups = pack_a ? Pieces(tiles.count(), tiles_at_once) : 0;
    const size_t panels =
        pack_b ? simd::PanelCount(panel_shape_, cols_.size) : 0;
    const size_t panels_at_once =
        std::max<size_t>(1, kPiece / (shape_.nr * depth_));
    const size_t b_groups = Pieces(panels, panels_at_once);
    ForAll(a_groups + b_groups, [&](size_t i) {
      if (i < b_groups) {
        const size_t begin = i * panels_at_once * shape_.nr;
        const size_t end =
            std::min(cols_.size, begin + panels_at_once * shape_.nr);
        PackPanels(cols_.begin + begin, cols_.begin + end, b_ + begin * depth_);
        return;
      }
      const size_t first = (i - b_groups) * tiles_at_once;
      const size_t last = std::min(tiles.count(), first + tiles_at_once);
      PackRows(tiles, first, last);
    });
  }

  // The pieces of K stand behind each other, each with all tiles.
  void PackRows(const simd::RowTiles& tiles, size_t first, size_t last) {
    for (size_t k = 0; k < K_; k += PieceDepth()) {
      const size_t depth = std::min(PieceDepth(), K_ - k);
      simd::PackInt8Tiles(Block(p_.a, rows_.begin, k, rows_.size, depth), tiles,
                          first, last, TilesAt(k));
    }
    MakeRowTerms(rows_.begin + tiles.Begin(first),
                 rows_.begin + tiles.Begin(last));
  }
  unsigned char* TilesAt(size_t k) const {
    return a_ + rows_.size * k * shape_.a_bytes;
  }

  // Few rows stay in cache whole while a panel is read from end to end;
  // otherwise a piece of a panel stays while the tiles of a block pass.
  bool Streams() const { return M_ * depth_ * shape_.a_bytes <= kStreamBytes; }
  bool Widens() const { return shape_.widened_bytes != 0 && !Streams(); }
  size_t PieceDepth() const {
    if (Streams()) return depth_;
    const size_t bytes = shape_.nr * (Widens() ? shape_.widened_bytes : 1);
    const size_t pieces = Pieces(depth_, kPanelPiece / bytes);
    return simd::PanelDepth(ElementType::kI8, Pieces(depth_, pieces));
  }

  void MultiplyPart() {
    const simd::RowTiles tiles(rows_.size, shape_.mr);
    const size_t panels = simd::PanelCount(panel_shape_, cols_.size);
    size_t row_parts = packs_apart_ || p_.packed != nullptr
                           ? Pieces(tiles.count(), kBlock)
                           : 1;
    size_t col_parts = Pieces(panels, kBlock);
    if (threads_ > 1) {
      col_parts = Pieces(col_parts, threads_) * threads_;
      while (col_parts * row_parts < 4 * threads_ && col_parts * 2 <= panels) {
        col_parts *= 2;
      }
      if (col_parts > panels) {
        col_parts = panels;
        if (packs_apart_ || p_.packed != nullptr) {
          row_parts =
              std::min(tiles.count(),
                       std::max(row_parts, Pieces(2 * threads_, col_parts)));
        }
      }
    }
    ForAll(row_parts * col_parts, [&](size_t i) {
      const size_t row_part = i % row_parts;
      const size_t col_part = i / row_parts;
      MultiplyBlock(tiles, Cut(tiles.count(), row_parts, row_part),
                    Cut(tiles.count(), row_parts, row_part + 1),
                    Cut(panels, col_parts, col_part),
                    Cut(panels, col_parts, col_part + 1));
    });
  }

  void MultiplyBlock(const simd::RowTiles& tiles, size_t first_tile,
                     size_t last_tile, size_t first_panel, size_t last_panel) {
    const size_t rows = tiles.Begin(last_tile) - tiles.Begin(first_tile);
    const bool packs_here = !packs_apart_ && p_.packed == nullptr;
    const size_t panel_bytes = shape_.nr * depth_;
    // Four at least, as many as one row takes at once.
    const size_t at_once = packs_here
                               ? std::max<size_t>(4, kPackAtOnce / panel_bytes)
                               : last_panel - first_panel;
    const bool waits = PieceDepth() < depth_;
    const size_t waiting_cols =
        std::min(at_once, last_panel - first_panel) * shape_.nr;
    const size_t packed_bytes = packs_here ? Aligned(at_once * panel_bytes) : 0;
    const size_t widened_bytes =
        Widens() ? Aligned(shape_.nr * PieceDepth() * shape_.widened_bytes) : 0;
    const size_t waiting_bytes =
        waits ? rows * waiting_cols * sizeof(int32_t) : 0;
    unsigned char* room = nullptr;
    if (packed_bytes + widened_bytes + waiting_bytes != 0) {
      room = static_cast<unsigned char*>(
          ctx_.Scratch(packed_bytes + widened_bytes + waiting_bytes));
    }

    simd::Int8Panels g;
    g.tiles = tiles;
    g.first_tile = first_tile;
    g.last_tile = last_tile;
    g.panel_bytes = panel_bytes;
    g.widened = widened_bytes != 0 ? room + packed_bytes : nullptr;
    auto* waiting =
        reinterpret_cast<int32_t*>(room + packed_bytes + widened_bytes);
    for (size_t panel = first_panel; panel < last_panel; panel += at_once) {
      const size_t end = std::min(last_panel, panel + at_once);
      const size_t col = panel * shape_.nr;
      g.cols = std::min(cols_.size, end * shape_.nr) - col;
      if (packs_here) {
        PackPanels(cols_.begin + col, cols_.begin + col + g.cols, room);
        g.b = room;
      } else if (packs_apart_) {
        g.b = b_ + panel * panel_bytes;
      } else {
        g.b = p_.packed->data.data() + panel * panel_bytes;
      }
      for (size_t k = 0; k < depth_; k += PieceDepth()) {
        g.first_k = k;
        g.depth = std::min(PieceDepth(), depth_ - k);
        g.a = TilesAt(k);
        g.output = Output(tiles.Begin(first_tile), col, waiting, waiting_cols,
                          k == 0, k + g.depth == depth_);
        simd::GemmInt8(g);
      }
    }
  }

  // Sums of a piece of K wait for the next one in the thread's own room.
  simd::Int8Output Output(size_t row, size_t col, int32_t* waiting,
                          size_t stride, bool first, bool last) const {
    simd::Int8Output o;
    o.row = rows_.begin + row;
    o.col = cols_.begin + col;
    if (first) {
      if (has_column_terms_) o.partial = column_terms_ + o.col;
      if (has_row_terms_) o.row_terms = row_terms_ + o.row;
    } else {
      o.partial = waiting;
      o.partial_stride = stride;
    }
    const AnyMatView& c = e_.c;
    if (!last) {
      o.out = waiting;
      o.out_stride = stride;
    } else if (c.type() == ElementType::kI32 && c.col_stride() == 1 &&
               e_.a_zeros == nullptr && e_.b_zeros == nullptr) {
      o.out = static_cast<int32_t*>(c.data()) + o.row * c.row_stride() + o.col;
      o.out_stride = c.row_stride();
    } else {
      o.epilogue = &e_;
    }
    return o;
  }

  Context& ctx_;
  const Int8Problem& p_;
  simd::Int8Epilogue e_;
  size_t threads_;
  simd::Int8Shape shape_;
  simd::GemmShape panel_shape_;
  size_t M_, N_, K_, depth_;
  int32_t a_zero_ = 0, b_zero_ = 0;  // one for all; of A as packed
  bool has_column_terms_ = false, has_row_terms_ = false;
  bool packs_apart_ = false;
  size_t dot_stride_ = 0;  // elements from row to row of A
  Range rows_, cols_;      // of C, whose operands are packed at a time
  unsigned char* a_ = nullptr;
  unsigned char* b_ = nullptr;
  int32_t* row_sums_ = nullptr;
  int32_t* row_terms_ = nullptr;
  int32_t* column_sums_ = nullptr;
  int32_t* column_pairs_ = nullptr;
  int32_t* column_terms_ = nullptr;
};

// A product without terms: every sum is 0, every zero point's share too.
void MultiplyNothing(const simd::Int8Epilogue& e) {
  constexpr size_t kCols = 256;
  for (size_t row = 0; row < e.c.rows(); ++row) {
    for (size_t col = 0; col < e.c.cols(); col += kCols) {
      int32_t zeros[kCols] = {};
      simd::FinishInt8Tile(e, zeros, kCols, row, col, 1,
                           std::min(kCols, e.c.cols() - col));
    }
  }
}

}  // namespace

void GemmInt8(Context& ctx, const Int8Problem& p, int max_threads) {
  const AnyMatView& c = p.epilogue.c;
  if (c.empty()) return;
  if (p.a.cols() == 0) return MultiplyNothing(p.epilogue);
  const double work = static_cast<double>(c.rows()) *
                      static_cast<double>(c.cols()) *
                      static_cast<double>(p.a.cols());
  const int threads =
      work < kThreadWork ? 1 : std::min(max_threads, ctx.threads());
  Int8Product(ctx, p, threads).Run();
}

}  // namespace ranvier::parallel
