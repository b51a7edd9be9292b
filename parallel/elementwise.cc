#include "ranvier/parallel/elementwise.h"

#include <algorithm>
#include <cstddef>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/gaps.h"
#include "ranvier/parallel/partition.h"
#include "ranvier/parallel/ranges.h"

namespace ranvier::parallel {
namespace {

// From `cutoff` elements on, 5 to 15 us of one thread, a second one gains: to
// fork and join takes 1.3 to 3.5 us (Zen 4). `grain` elements at a time.
struct Share {
  size_t grain, cutoff;
};
constexpr Share kStep = {65536, 131072};
constexpr Share kCurve = {16384, 32768};

Share ShareOf(Elementwise f) {
  const bool step = f == Elementwise::kRelu || f == Elementwise::kLeakyRelu;
  return step ? kStep : kCurve;
}

ConstElements At(const ConstAnyMatView& m, size_t row, size_t col) {
  return {Element(m, row, col), m.type(), m.col_stride()};
}
Elements At(const AnyMatView& m, size_t row, size_t col) {
  return {Element(m, row, col), m.type(), m.col_stride()};
}
ConstElements At(const VecView<const float>& v, size_t col) {
  if (v.empty()) return {};
  return {v.data() + col * v.stride(), ElementType::kF32, v.stride()};
}

// The longest runs that the operands have in common. Turning columns into rows
// changes the order of elements.
template <class... Views>
void JoinRows(bool may_turn, Views&... views) {
  if (may_turn && (ColumnsAreDense(views) && ...)) {
    ((views = views.Transposed()), ...);
  }
  if ((IsFlat(views) && ...)) ((views = Flat(views)), ...);
}

// Whether results should go past the caches: they are larger than those, and do
// not stand where an operand is, which has brought their lines there already.
template <class... Operands>
bool Streams(const AnyMatView& result, const Operands&... operands) {
  return ((operands.data() != result.data()) && ...) &&
         ExceedsCaches(result.rows() * result.cols() *
                       SizeBytes(result.type()));
}

// one(row, col, n) for pieces of rows; what went past the caches is there then.
template <class One>
void ForShares(Context& ctx, const ConstAnyMatView& m, const Share& share,
               bool streaming, const One& one) {
  ForPieces(ctx, m.rows(), m.cols(), share.grain, share.cutoff, one, [&] {
    if (streaming) simd::FinishStreaming();
  });
}

}  // namespace

void Map(Context& ctx, const simd::ElementwiseCall& call,
         const ConstAnyMatView& x, const VecView<const float>& bias,
         const AnyMatView& y) {
  if (x.empty()) return;
  const Share share = ShareOf(call.function);
  const size_t elements = x.rows() * x.cols();
  if (elements < share.cutoff && bias.empty() && IsFlat(x) && IsFlat(y)) {
    // A quarter of what a call costs is saved.
    simd::Map(call, At(x, 0, 0), {}, At(y, 0, 0), elements);
    return;
  }
  ConstAnyMatView from = x;
  AnyMatView to = y;
  if (bias.empty()) JoinRows(true, from, to);
  simd::ElementwiseCall each = call;
  each.streaming = Streams(y, x);
  ForShares(
      ctx, from, share, each.streaming, [&](size_t row, size_t col, size_t n) {
        simd::Map(each, At(from, row, col), At(bias, col), At(to, row, col), n);
      });
}

void MapGradient(Context& ctx, const simd::ElementwiseCall& call,
                 const ConstAnyMatView& x, const VecView<const float>& bias,
                 const ConstAnyMatView& dy, const AnyMatView& dx) {
  if (x.empty()) return;
  ConstAnyMatView from = x;
  ConstAnyMatView above = dy;
  AnyMatView to = dx;
  if (bias.empty()) JoinRows(true, from, above, to);
  simd::ElementwiseCall each = call;
  each.streaming = Streams(dx, x, dy);
  const Share share = ShareOf(call.function);
  ForShares(ctx, from, share, each.streaming,
            [&](size_t row, size_t col, size_t n) {
              simd::MapGradient(each, At(from, row, col), At(bias, col),
                                At(above, row, col), At(to, row, col), n);
            });
}

void Gated(Context& ctx, const simd::ElementwiseCall& call,
           const ConstAnyMatView& gate, const ConstAnyMatView& up,
           const AnyMatView& y) {
  if (gate.empty()) return;
  ConstAnyMatView from = gate;
  ConstAnyMatView factor = up;
  AnyMatView to = y;
  JoinRows(true, from, factor, to);
  simd::ElementwiseCall each = call;
  each.streaming = Streams(y, gate, up);
  const Share share = ShareOf(call.function);
  ForShares(ctx, from, share, each.streaming,
            [&](size_t row, size_t col, size_t n) {
              simd::Gated(each, At(from, row, col), At(factor, row, col),
                          At(to, row, col), n);
            });
}

void GatedGradient(Context& ctx, const simd::ElementwiseCall& call,
                   const ConstAnyMatView& gate, const ConstAnyMatView& up,
                   const ConstAnyMatView& dy, const AnyMatView& dgate,
                   const AnyMatView& dup) {
  if (gate.empty()) return;
  ConstAnyMatView from = gate;
  ConstAnyMatView factor = up;
  ConstAnyMatView above = dy;
  AnyMatView to_gate = dgate;
  AnyMatView to_up = dup;
  JoinRows(true, from, factor, above, to_gate, to_up);
  simd::ElementwiseCall each = call;
  each.streaming = Streams(dgate, gate, up, dy) && Streams(dup, gate, up, dy);
  const Share share = ShareOf(call.function);
  ForShares(
      ctx, from, share, each.streaming, [&](size_t row, size_t col, size_t n) {
        simd::GatedGradient(each, At(from, row, col), At(factor, row, col),
                            At(above, row, col), At(to_gate, row, col),
                            At(to_up, row, col), n);
      });
}

void Dropout(Context& ctx, const simd::DropoutCall& call,
             const ConstAnyMatView& x, const AnyMatView& y) {
  if (x.empty()) return;
  const size_t cols = x.cols();
  ConstAnyMatView from = x;
  AnyMatView to = y;
  JoinRows(false, from, to);
  simd::DropoutCall each = call;
  each.streaming = Streams(y, x);
  ForShares(ctx, from, kCurve, each.streaming,
            [&](size_t row, size_t col, size_t n) {
              simd::DropoutCall piece = each;
              piece.first += row * cols + col;
              simd::Dropout(piece, At(from, row, col), At(to, row, col), n);
            });
}

}  // namespace ranvier::parallel
