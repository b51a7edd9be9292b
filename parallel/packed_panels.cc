#include "ranvier/parallel/packed_panels.h"

#include <algorithm>
#include <cstring>

#include "ranvier/simd/gemm/gemm.h"

namespace ranvier::internal {

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
  if (b.empty()) return packed;
  ctx.ParallelFor(simd::PanelCount(shape, b.cols()), [&](size_t panel) {
    simd::PackPanels(b, shape, panel, panel + 1, b.type(), packed.data.data());
  });
  return packed;
}

bool FitsCurrentTarget(const PackedPanels& panels) {
  const simd::GemmShape shape = simd::CurrentGemmShape();
  return panels.nr == shape.nr && panels.lanes == shape.lanes;
}

void Unpack(const PackedPanels& panels, const AnyMatView& b) {
  const size_t bytes = SizeBytes(panels.type);
  const size_t depth = simd::PanelDepth(panels.type, panels.rows);
  // Pairs of k where bf16 lies in pairs.
  const size_t group = panels.type == ElementType::kBf16 ? 2 : 1;
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

}  // namespace ranvier::internal
