#pragma once

#include <cstddef>

#include "ranvier/simd/base/element_type.h"

namespace ranvier {

// Where a kernel finds the elements of a row: f32, bf16 or f16, `stride` of
// them apart. Owns nothing; how many there are is an argument of its own.
struct ConstElements {
  const void* data = nullptr;
  ElementType type = ElementType::kF32;
  size_t stride = 1;

  constexpr bool direct() const {  // as kernels compute
    return type == ElementType::kF32 && stride == 1;
  }
  ConstElements From(size_t i) const {
    const auto* bytes = static_cast<const unsigned char*>(data);
    return {bytes + i * stride * SizeBytes(type), type, stride};
  }
};

struct Elements {
  void* data = nullptr;
  ElementType type = ElementType::kF32;
  size_t stride = 1;

  constexpr operator ConstElements() const { return {data, type, stride}; }
  constexpr bool direct() const {
    return type == ElementType::kF32 && stride == 1;
  }
  Elements From(size_t i) const {
    auto* bytes = static_cast<unsigned char*>(data);
    return {bytes + i * stride * SizeBytes(type), type, stride};
  }
};

}  // namespace ranvier
