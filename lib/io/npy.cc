#include "ranvier/io/npy.h"

#include <bit>
#include <cstddef>
#include <string_view>

#include "ranvier/io/output_file.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

static_assert(std::endian::native == std::endian::little,
              "arrays are written as they lie in memory");

std::string ShapeText(const std::vector<size_t>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");  // Python's tuple of one
}

void Write(const std::string& path, std::span<const std::byte> bytes,
           size_t count, std::string_view type,
           const std::vector<size_t>& shape) {
  size_t product = 1;
  bool overflow = false;
  for (const size_t extent : shape) {
    overflow |= __builtin_mul_overflow(product, extent, &product);
  }
  if (overflow || product != count) {
    throw ShapeError("WriteNpy: " + path + ": shape " + ShapeText(shape) +
                     " does not fit " + std::to_string(count) + " values");
  }
  std::string header =
      "{'descr': '" + std::string(type) +
      "', 'fortran_order': False, 'shape': " + ShapeText(shape) + ", }";
  // The data begin at a multiple of 64 bytes and the header ends in a newline.
  const size_t prefix = 10;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  if (header.size() > 0xFFFF) {
    throw ShapeError("WriteNpy: " + path + ": " + std::to_string(shape.size()) +
                     " dimensions do not fit the header of format 1.0");
  }
  OutputFile file(path);
  file.Write(std::string_view("\x93NUMPY\x01\x00", 8));
  const char size[2] = {static_cast<char>(header.size() & 0xFF),
                        static_cast<char>(header.size() >> 8)};
  file.Write(std::string_view(size, 2));
  file.Write(header);
  file.Write(bytes);
  file.Commit();
}

}  // namespace

void WriteNpy(const std::string& path, std::span<const uint32_t> values,
              const std::vector<size_t>& shape) {
  Write(path, std::as_bytes(values), values.size(), "<u4", shape);
}

void WriteNpy(const std::string& path, std::span<const double> values,
              const std::vector<size_t>& shape) {
  Write(path, std::as_bytes(values), values.size(), "<f8", shape);
}

}  // namespace ranvier
