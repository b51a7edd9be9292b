#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"

namespace ranvier {

namespace parallel {
struct PackedPanels;
}

// The right operand of a product, [K, N], laid out once in the order in which
// kernels read it: weights that are used many times. It keeps the storage type
// of what it was made from and never changes; copies share their memory.
//
// A packed matrix belongs to the SIMD target that it was made on; a product on
// another one (ForceTarget) packs it anew each time.
//
// Threads  Those of ctx. One packed matrix may be used by any number of
//          products at a time.
class RANVIER_API PackedMatrix {
 public:
  PackedMatrix();  // empty: [0, 0]
  // Weights of a linear layer, kept as [out, in], are packed from
  // w.Transposed(). Types: f32, bf16, f16; s8 for GemmInt8.
  // Throws  ShapeError where the panels would be larger than any memory;
  //         std::invalid_argument for another type.
  PackedMatrix(Context& ctx, ConstAnyMatView b);

  size_t rows() const;  // K
  size_t cols() const;  // N
  ElementType type() const;
  size_t size_bytes() const;

  // The matrix that was packed, bit for bit.
  // Throws  ShapeError; std::invalid_argument if b has another type.
  void Unpack(AnyMatView b) const;

  // Versioned, checksummed, written beside and renamed. A file that was written
  // on another target is packed anew when it is loaded.
  // Throws  IoError.
  void Save(const std::filesystem::path& path) const;
  static PackedMatrix Load(Context& ctx, const std::filesystem::path& path);

  const parallel::PackedPanels& panels() const { return *panels_; }

 private:
  std::shared_ptr<const parallel::PackedPanels> panels_;
};

}  // namespace ranvier
