#include "ranvier/ops/packed_matrix.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "ranvier/ops/packed_matrix_file.h"
#include "ranvier/parallel/packed_panels.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {

PackedMatrix::PackedMatrix()
    : panels_(std::make_shared<const internal::PackedPanels>()) {}

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
  panels_ =
      std::make_shared<const internal::PackedPanels>(internal::Pack(ctx, b));
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
  internal::Unpack(*panels_, b);
}

void PackedMatrix::Save(const std::filesystem::path& path) const {
  io::WritePackedPanels(*panels_, path.string());
}

PackedMatrix PackedMatrix::Load(Context& ctx,
                                const std::filesystem::path& path) {
  PackedMatrix matrix;
  matrix.panels_ = std::make_shared<const internal::PackedPanels>(
      io::ReadPackedPanels(ctx, path.string()));
  return matrix;
}

}  // namespace ranvier
