#include "ranvier/parallel/packed_panels.h"

#include <algorithm>
#include <cstring>

#include "ranvier/simd/gemm/gemm.h"
#include "ranvier/simd/gemm/gemm_int8.h"

namespace ranvier::parallel {

size_t PanelBytes(ElementType type, size_t rows, size_t cols, size_t nr,
                  size_t lanes) {
  const size_t full = cols / nr;
  const size_t rest = (cols - full * nr + lanes - 1) / lanes * lanes;
  return (full * nr + rest) * simd::PanelDepth(type, rows) * SizeBytes(type);
}

PackedPanels Pack(Context& ctx, const ConstAnyMatView& b) {
  const simd::GemmShape shape = simd::CurrentGemmShape();
  PackedPanels packed;
  packed.rows = b.rows();
  packed.cols = b.cols();
  packed.type = b.type();
  packed.nr = shape.nr;
  packed.lanes = shape.lanes;
  packed.data = AlignedBuffer<unsigned char>(
      PanelBytes(b.type(), b.rows(), b.cols(), shape.nr, shape.lanes));
  const bool is_int8 = b.type() == ElementType::kI8;
  if (!b.empty()) {
    ctx.ParallelFor(simd::PanelCount(shape, b.cols()), [&](size_t panel) {
      unsigned char* out = packed.data.data();
      if (is_int8) {
        simd::PackInt8Panels(b, shape, panel, panel + 1, out);
      } else {
        simd::PackPanels(b, shape, panel, panel + 1, b.type(), out);
      }
    });
  }
  if (is_int8) SumColumns(ctx, &packed);
  return packed;
}

void SumColumns(Context& ctx, PackedPanels* panels) {
  if (panels->data.size() == 0) return;
  const simd::GemmShape shape = simd::CurrentGemmShape();
  panels->column_sums = AlignedBuffer<int32_t>(panels->cols);
  panels->column_pairs = AlignedBuffer<int32_t>(panels->cols);
  const size_t depth = simd::PanelDepth(panels->type, panels->rows);
  ctx.ParallelFor(simd::PanelCount(shape, panels->cols), [&](size_t panel) {
    const size_t col = panel * shape.nr;
    simd::SumInt8Panel(panels->data.data() + col * depth, shape, panels->rows,
                       std::min(shape.nr, panels->cols - col),
                       panels->column_sums.data() + col,
                       panels->column_pairs.data() + col);
  });
}

bool FitsCurrentTarget(const PackedPanels& panels) {
  const simd::GemmShape shape = simd::CurrentGemmShape();
  return panels.nr == shape.nr && panels.lanes == shape.lanes;
}

void Unpack(const PackedPanels& panels, const AnyMatView& b) {
  if (panels.rows == 0) return;
  const size_t bytes = SizeBytes(panels.type);
  const size_t depth = simd::PanelDepth(panels.type, panels.rows);
  const size_t group = simd::DepthGroup(panels.type);
  for (size_t col = 0; col < panels.cols; ++col) {
    const size_t panel = col / panels.nr;
    const size_t cols = std::min(panels.nr, panels.cols - panel * panels.nr);
    const size_t width =
        (cols + panels.lanes - 1) / panels.lanes * panels.lanes;
    const size_t start = panel * panels.nr * depth;
    for (size_t k = 0; k < panels.rows; ++k) {
      const size_t at = start +
                        (k / group * width + col - panel * panels.nr) * group +
                        k % group;
      std::memcpy(static_cast<unsigned char*>(b.data()) +
                      (k * b.row_stride() + col * b.col_stride()) * bytes,
                  panels.data.data() + at * bytes, bytes);
    }
  }
}

}  // namespace ranvier::parallel
