#include "ranvier/ops/packed_matrix.h"

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "ranvier/ops/packed_matrix_file.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/packed_panels.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {

PackedMatrix::PackedMatrix()
    : panels_(std::make_shared<const parallel::PackedPanels>()) {}

PackedMatrix::PackedMatrix(Context& ctx, ConstAnyMatView b) {
  switch (b.type()) {
    case ElementType::kF32:
    case ElementType::kBf16:
    case ElementType::kF16:
    case ElementType::kI8:
      break;
    default:
      throw std::invalid_argument(
          std::string("PackedMatrix: elements of type ") + Name(b.type()) +
          "; f32, bf16, f16 and s8 are possible");
  }
  if (!b.empty() && b.data() == nullptr) {
    throw std::invalid_argument(
        "PackedMatrix: the matrix has no memory: its "
        "pointer is null");
  }
  // Strides of 0 make a matrix of any size from one element, so the size of the
  // panels is checked too, the spare columns of the widest vector included.
  const size_t most =
      std::numeric_limits<size_t>::max() / 4 / SizeBytes(b.type());
  const auto beyond = [most](size_t n, size_t stride) {
    return n > 1 && stride > most / (n - 1);
  };
  constexpr size_t kSpare = 2048;
  if (!b.empty() &&
      (beyond(b.rows(), b.row_stride()) || beyond(b.cols(), b.col_stride()) ||
       b.rows() > most / kSpare || b.cols() > most / kSpare ||
       beyond(b.rows() + 2, b.cols() + kSpare))) {
    throw ShapeError("PackedMatrix: a matrix [" + std::to_string(b.rows()) +
                     ", " + std::to_string(b.cols()) + "] with strides " +
                     std::to_string(b.row_stride()) + " and " +
                     std::to_string(b.col_stride()) +
                     " is larger than any memory; look at its strides");
  }
  panels_ =
      std::make_shared<const parallel::PackedPanels>(parallel::Pack(ctx, b));
}

size_t PackedMatrix::rows() const { return panels_->rows; }
size_t PackedMatrix::cols() const { return panels_->cols; }
ElementType PackedMatrix::type() const { return panels_->type; }
size_t PackedMatrix::size_bytes() const { return panels_->data.size(); }

void PackedMatrix::Unpack(AnyMatView b) const {
  if (b.type() != type()) {
    throw std::invalid_argument(std::string("PackedMatrix: holds ") +
                                Name(type()) + ", cannot be unpacked to " +
                                Name(b.type()));
  }
  if (b.rows() != rows() || b.cols() != cols()) {
    throw ShapeError("PackedMatrix: holds [" + std::to_string(rows()) + ", " +
                     std::to_string(cols()) + "], cannot be unpacked to [" +
                     std::to_string(b.rows()) + ", " +
                     std::to_string(b.cols()) + "]");
  }
  internal::CheckMemory("PackedMatrix::Unpack", b, "b", true);
  parallel::Unpack(*panels_, b);
}

void PackedMatrix::Save(const std::filesystem::path& path) const {
  io::WritePackedPanels(*panels_, path.string());
}

PackedMatrix PackedMatrix::Load(Context& ctx,
                                const std::filesystem::path& path) {
  PackedMatrix matrix;
  matrix.panels_ = std::make_shared<const parallel::PackedPanels>(
      io::ReadPackedPanels(ctx, path.string()));
  return matrix;
}

}  // namespace ranvier
