#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/gemm/gemm.h"

#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;

TEST(RowTiles, CoverAllRowsOnce) {
  for (size_t mr = 1; mr <= 16; ++mr) {
    for (size_t rows = 0; rows <= 5 * mr + 1; ++rows) {
      const RowTiles tiles(rows, mr);
      EXPECT_EQ(tiles.count(), (rows + mr - 1) / mr);
      size_t sum = 0;
      for (size_t i = 0; i < tiles.count(); ++i) {
        EXPECT_EQ(tiles.Begin(i), sum);
        EXPECT_GE(tiles.Rows(i), 1u);
        EXPECT_LE(tiles.Rows(i), mr);
        // Two or more: none is too low to hide the latency of its sums.
        if (tiles.count() > 1) {
          EXPECT_GE(tiles.Rows(i), mr / 2);
        }
        sum += tiles.Rows(i);
      }
      EXPECT_EQ(sum, rows);
      EXPECT_EQ(tiles.Begin(tiles.count()), rows);
    }
  }
}

// The number at (i, j) of a matrix: exact in f32, bf16 and f16, and another one
// for each of its neighbours.
float Number(size_t i, size_t j) {
  return static_cast<float>(1 + (i * 37 + j * 11) % 251);
}

// Elements of a matrix that lie anyhow, and NaN elsewhere.
struct Source {
  Source(ElementType type, size_t rows, size_t cols, size_t row_stride,
         size_t col_stride)
      : memory((rows == 0 || cols == 0
                    ? 0
                    : (rows - 1) * row_stride + (cols - 1) * col_stride + 1) *
                   SizeBytes(type),
               SizeBytes(type)),
        view(memory.data(), type, rows, cols, row_stride, col_stride) {
    std::memset(memory.data(), 0xFF, memory.size());  // NaN of every type
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < cols; ++j) {
        const float value = Number(i, j);
        const size_t at = i * row_stride + j * col_stride;
        switch (type) {
          case ElementType::kBf16:
            static_cast<bf16*>(view.data())[at] = ToBf16(value);
            break;
          case ElementType::kF16:
            static_cast<f16*>(view.data())[at] = ToF16(value);
            break;
          default:
            static_cast<float*>(view.data())[at] = value;
        }
      }
    }
  }

  GuardedBuffer<unsigned char> memory;
  AnyMatView view;
};

float Packed(ElementType type, const unsigned char* memory, size_t at) {
  switch (type) {
    case ElementType::kBf16:
      return ToFloat(reinterpret_cast<const bf16*>(memory)[at]);
    case ElementType::kF16:
      return ToFloat(reinterpret_cast<const f16*>(memory)[at]);
    default:
      return reinterpret_cast<const float*>(memory)[at];
  }
}

// Where an element stands in a slab [depth][width], bf16 in pairs of depth.
size_t PlaceInSlab(ElementType type, size_t width, size_t lane, size_t k) {
  return type == ElementType::kBf16 ? (k / 2 * width + lane) * 2 + k % 2
                                    : k * width + lane;
}

struct Pair {
  ElementType from, to;
};
constexpr auto kF32 = ElementType::kF32;
constexpr auto kBf16 = ElementType::kBf16;
constexpr auto kF16 = ElementType::kF16;

constexpr size_t kDepths[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 63, 64, 65, 130};

// Strides: side by side along one axis, the other, or none.
struct Strides {
  size_t row, col;
};
std::vector<Strides> AllStrides(size_t rows, size_t cols) {
  return {{cols, 1}, {cols + 3, 1}, {1, rows + 5}, {2 * cols + 1, 2}};
}

class PackTest : public test::TargetTest {
 protected:
  void SetUp() override {
    TargetTest::SetUp();
    shape_ = CurrentGemmShape();
  }
  GemmShape shape_;
};

TEST_P(PackTest, Panels) {
  const size_t nr = shape_.nr, lanes = shape_.lanes;
  for (const Pair types :
       {Pair{kF32, kF32}, Pair{kBf16, kBf16}, Pair{kF16, kF16},
        Pair{kBf16, kF32}, Pair{kF16, kF32}}) {
    for (const size_t K : kDepths) {
      for (const size_t N : {size_t{1}, lanes - 1, lanes, lanes + 1, nr - 1, nr,
                             nr + 1, 2 * nr + lanes, 3 * nr}) {
        if (N == 0) continue;
        for (const Strides strides : AllStrides(K, N)) {
          const Source b(types.from, K, N, strides.row, strides.col);
          const size_t depth = PanelDepth(types.to, K);
          const size_t panels = PanelCount(shape_, N);
          const size_t last = N - (panels - 1) * nr;
          const size_t elements =
              ((panels - 1) * nr + PanelWidth(shape_, last)) * depth;
          GuardedBuffer<unsigned char> out(elements * SizeBytes(types.to));
          // In two calls, the second part first.
          const size_t half = panels / 2;
          PackPanels(b.view, shape_, half, panels, types.to, out.data());
          PackPanels(b.view, shape_, 0, half, types.to, out.data());
          ASSERT_TRUE(out.Intact());
          for (size_t panel = 0; panel < panels; ++panel) {
            const size_t cols = std::min(nr, N - panel * nr);
            const size_t width = PanelWidth(shape_, cols);
            for (size_t k = 0; k < depth; ++k) {
              for (size_t lane = 0; lane < width; ++lane) {
                const size_t at =
                    panel * nr * depth + PlaceInSlab(types.to, width, lane, k);
                const float expected =
                    lane < cols && k < K ? Number(k, panel * nr + lane) : 0.0f;
                ASSERT_EQ(Packed(types.to, out.data(), at), expected)
                    << Name(types.from) << " as " << Name(types.to) << " [" << K
                    << ", " << N << "], strides " << strides.row << " and "
                    << strides.col << ", at (" << k << ", " << panel * nr + lane
                    << ")";
              }
            }
          }
        }
      }
    }
  }
}

TEST_P(PackTest, Tiles) {
  const size_t mr = shape_.mr;
  for (const Pair types : {Pair{kF32, kF32}, Pair{kBf16, kBf16},
                           Pair{kBf16, kF32}, Pair{kF16, kF32}}) {
    for (const size_t K : kDepths) {
      for (const size_t M : {size_t{1}, size_t{2}, mr - 1, mr, mr + 1,
                             2 * mr + 2, 2 * mr + mr / 2}) {
        // Filled up to pairs where panels are bf16.
        for (const size_t depth : {K, (K + 1) / 2 * 2}) {
          for (const Strides strides : AllStrides(M, K)) {
            const Source a(types.from, M, K, strides.row, strides.col);
            const RowTiles tiles(M, mr);
            const size_t stored = PanelDepth(types.to, depth);
            GuardedBuffer<unsigned char> out(M * stored * SizeBytes(types.to));
            const size_t half = tiles.count() / 2;
            PackTiles(a.view, tiles, half, tiles.count(), types.to, depth,
                      out.data());
            PackTiles(a.view, tiles, 0, half, types.to, depth, out.data());
            ASSERT_TRUE(out.Intact());
            for (size_t tile = 0; tile < tiles.count(); ++tile) {
              const size_t row = tiles.Begin(tile), rows = tiles.Rows(tile);
              for (size_t k = 0; k < stored; ++k) {
                for (size_t i = 0; i < rows; ++i) {
                  const size_t at =
                      row * stored + PlaceInSlab(types.to, rows, i, k);
                  const float expected = k < K ? Number(row + i, k) : 0.0f;
                  ASSERT_EQ(Packed(types.to, out.data(), at), expected)
                      << Name(types.from) << " as " << Name(types.to) << " ["
                      << M << ", " << K << "], depth " << depth << ", strides "
                      << strides.row << " and " << strides.col << ", at ("
                      << row + i << ", " << k << ")";
                }
              }
            }
          }
        }
      }
    }
  }
}

// All 65,536: infinity and subnormals exactly, NaN as a NaN; kept as they are
// where the type is.
TEST_P(PackTest, EveryHalf) {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  for (const ElementType type : {kBf16, kF16}) {
    const auto wide = [type](uint16_t bits) {
      return type == kBf16 ? ToFloat(bf16{bits}) : ToFloat(f16{bits});
    };
    // Rows are side by side, then columns.
    for (const bool by_rows : {true, false}) {
      const ConstAnyMatView m(all.data(), type, 256, 256, by_rows ? 256 : 1,
                              by_rows ? 1 : 256);
      const RowTiles tiles(256, shape_.mr);
      std::vector<float> out(256 * 256);
      PackTiles(m, tiles, 0, tiles.count(), kF32, 256, out.data());
      for (size_t tile = 0; tile < tiles.count(); ++tile) {
        for (size_t i = 0; i < tiles.Rows(tile); ++i) {
          const size_t row = tiles.Begin(tile) + i;
          for (size_t k = 0; k < 256; ++k) {
            const uint16_t bits = all[by_rows ? row * 256 + k : k * 256 + row];
            const float expected = wide(bits);
            const float actual =
                out[tiles.Begin(tile) * 256 + k * tiles.Rows(tile) + i];
            if (expected != expected) {
              ASSERT_NE(actual, actual) << Name(type) << " " << bits;
            } else {
              ASSERT_EQ(std::bit_cast<uint32_t>(actual),
                        std::bit_cast<uint32_t>(expected))
                  << Name(type) << " " << bits;
            }
          }
        }
      }
    }
  }
}

// The sum of one product is the product: what a kernel makes of every half.
TEST_P(PackTest, EveryHalfThroughTheKernels) {
  const size_t nr = shape_.nr;
  std::vector<uint16_t> b(nr);
  const float one = 1;
  for (const ElementType type : {kBf16, kF16}) {
    for (size_t first = 0; first < 65536; first += nr) {
      for (size_t j = 0; j < nr; ++j) b[j] = static_cast<uint16_t>(first + j);
      const ConstAnyMatView row(b.data(), type, 1, nr, nr);
      std::vector<uint16_t> panel(2 * nr);
      PackPanels(row, shape_, 0, 1, type, panel.data());
      std::vector<float> tile(2);
      PackTiles(MatView<const float>(&one, 1, 1), RowTiles(1, shape_.mr), 0, 1,
                kF32, PanelDepth(type, 1), tile.data());
      std::vector<float> packed(nr), dots(nr);
      GemmPanels g;
      g.tiles = RowTiles(1, shape_.mr);
      g.last_tile = 1;
      g.a = tile.data();
      g.b = panel.data();
      g.cols = nr;
      g.depth = PanelDepth(type, 1);
      g.panel_bytes = nr * g.depth * 2;
      g.output.out = packed.data();
      g.output.out_stride = nr;
      type == kBf16 ? GemmBf16(g) : GemmF16(g);
      GemmDotArgs d;
      d.rows = d.depth = 1;
      d.cols = nr;
      d.a = &one;
      d.a_row_stride = 1;
      d.b = b.data();
      d.b_type = type;
      d.b_col_stride = 1;
      d.output.out = dots.data();
      d.output.out_stride = nr;
      GemmDot(d);
      for (size_t j = 0; j < nr; ++j) {
        const float expected =
            type == kBf16 ? ToFloat(bf16{b[j]}) : ToFloat(f16{b[j]});
        for (const float actual : {packed[j], dots[j]}) {
          if (expected != expected) {
            ASSERT_NE(actual, actual) << Name(type) << " " << b[j];
          } else {
            ASSERT_EQ(actual, expected)
                << Name(type) << " " << b[j] << ", packed " << packed[j]
                << ", dot " << dots[j];
          }
        }
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(PackTest);

}  // namespace
}  // namespace ranvier::simd
