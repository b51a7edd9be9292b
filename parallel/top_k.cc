#include "ranvier/parallel/top_k.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ranvier/parallel/ranges.h"
#include "ranvier/parallel/rows.h"
#include "ranvier/simd/top_k.h"

namespace ranvier::parallel {
namespace {

// From this many elements on threads are used.
constexpr size_t kCutoff = 65536;
// Elements that a thread takes at a time.
constexpr size_t kGrain = 32768;

size_t RoundUp(size_t n) { return (n + 31) / 32 * 32; }

// The greatest of 8 k groups: the k-th greatest of them is a number that at
// least k elements reach and few more do.
constexpr size_t kGroupsEach = 8;

// What a row of n elements needs besides itself.
struct Room {
  explicit Room(const ConstAnyMatView& x, size_t k)
      : n(x.cols()), wanted(kGroupsEach * k) {
    // Short rows, or nearly all of a row, are chosen from at once.
    filtered = n / 4 >= wanted + simd::kGroupsMore;
    groups = filtered ? RoundUp(wanted + simd::kGroupsMore) : 0;
    row = IsPlainF32(x) ? 0 : RoundUp(n);
    chosen = RoundUp(k);
  }
  size_t bytes() const {
    return RoundUp(n) * sizeof(uint64_t) +
           (2 * groups + row + chosen) * sizeof(float);
  }

  size_t n, wanted, groups, row, chosen;
  bool filtered;
};

}  // namespace

void TopK(Context& ctx, const ConstAnyMatView& x, size_t k,
          const AnyMatView& values, MatView<int64_t> indices) {
  const size_t n = x.cols();
  if (x.rows() == 0 || k == 0) return;
  const Room room(x, k);
  ForRanges(ctx, x.rows(), std::max<size_t>(1, kGrain / n), Pieces(kCutoff, n),
            [&](size_t begin, size_t end) {
              auto* ranks = static_cast<uint64_t*>(ctx.Scratch(room.bytes()));
              auto* maxima = reinterpret_cast<float*>(ranks + RoundUp(n));
              auto* keys = reinterpret_cast<uint32_t*>(maxima + room.groups);
              float* row_room = maxima + 2 * room.groups;
              float* chosen = row_room + room.row;
              for (size_t row = begin; row < end; ++row) {
                const float* from = ReadRow(x, row, 0, n, row_room);
                size_t count = 0;
                if (room.filtered) {
                  const size_t groups =
                      simd::GroupMaxima(from, n, room.wanted, maxima);
                  const float least =
                      simd::SelectGreatest(maxima, groups, k, keys);
                  count = simd::RanksAtLeast(from, n, least, ranks);
                } else {
                  for (size_t i = 0; i < n; ++i) {
                    ranks[i] = simd::RankOf(from[i], static_cast<uint32_t>(i));
                  }
                  count = n;
                }
                simd::SelectLeast(ranks, count, k);
                float* to = PlaceOfRow(values, row, 0, chosen);
                for (size_t i = 0; i < k; ++i) {
                  const uint32_t at = simd::IndexOf(ranks[i]);
                  to[i] = from[at];
                  indices(row, i) = at;
                }
                WriteRow(to, values, row, 0, k);
              }
            });
}

}  // namespace ranvier::parallel
