#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/simd/base/float16.h"

namespace ranvier {

// Storage types, for what is known only at run time: a file, a packed matrix,
// an argument that may be any of them.
enum class ElementType : uint8_t { kF32, kBf16, kF16, kI8, kU8, kI32 };

constexpr size_t SizeBytes(ElementType type) {
  switch (type) {
    case ElementType::kF32:
    case ElementType::kI32:
      return 4;
    case ElementType::kBf16:
    case ElementType::kF16:
      return 2;
    case ElementType::kI8:
    case ElementType::kU8:
      return 1;
  }
  return 0;
}

constexpr const char* Name(ElementType type) {
  switch (type) {
    case ElementType::kF32:
      return "f32";
    case ElementType::kBf16:
      return "bf16";
    case ElementType::kF16:
      return "f16";
    case ElementType::kI8:
      return "s8";
    case ElementType::kU8:
      return "u8";
    case ElementType::kI32:
      return "s32";
  }
  return "unknown";
}

namespace internal {
template <typename T>
struct ElementTypeOf;
template <>
struct ElementTypeOf<float> {
  static constexpr ElementType value = ElementType::kF32;
};
template <>
struct ElementTypeOf<bf16> {
  static constexpr ElementType value = ElementType::kBf16;
};
template <>
struct ElementTypeOf<f16> {
  static constexpr ElementType value = ElementType::kF16;
};
template <>
struct ElementTypeOf<int8_t> {
  static constexpr ElementType value = ElementType::kI8;
};
template <>
struct ElementTypeOf<uint8_t> {
  static constexpr ElementType value = ElementType::kU8;
};
template <>
struct ElementTypeOf<int32_t> {
  static constexpr ElementType value = ElementType::kI32;
};
}  // namespace internal

// A C++ type that stands for an ElementType.
template <typename T>
concept Element = requires {
  internal::ElementTypeOf<T>::value;
};

template <Element T>
inline constexpr ElementType kElementType = internal::ElementTypeOf<T>::value;

}  // namespace ranvier
