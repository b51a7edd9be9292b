#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace ranvier::test {

// The bytes of a vector or a number, as they lie in memory.
template <class T>
std::string Bytes(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}
template <class T>
std::string Bytes(T value) {
  return Bytes(std::vector<T>{value});
}

// One gzip member.
inline std::string Gzip(std::string_view text) {
  z_stream stream = {};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("deflateInit2 failed");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64,
                  '\0');
  stream.next_in =
      reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("deflate failed");
  return out;
}

// The two plain binary formats. Sizes are arguments of their own, so that they
// can be wrong.
struct Graph {
  uint32_t neurons = 4;
  uint32_t edges = 4;
  std::vector<uint32_t> row_ptr = {0, 2, 2, 4, 4};
  std::vector<uint32_t> col = {1, 2, 0, 2};
  std::vector<float> weight = {3, -1, 1, -200};
};

inline std::string Conn1(const Graph& graph) {
  return std::string("CONN1\0\0\0", 8) + Bytes(graph.neurons) +
         Bytes(graph.edges) + Bytes(graph.row_ptr) + Bytes(graph.col) +
         Bytes(graph.weight);
}

inline std::string Flyw(const Graph& graph, uint32_t version = 1) {
  return Bytes(uint32_t{0x464C5957}) + Bytes(version) + Bytes(graph.neurons) +
         Bytes(graph.edges) + Bytes(graph.row_ptr) + Bytes(graph.col) +
         Bytes(graph.weight);
}

// Overwrites bytes of a copy.
template <class T>
std::string Patched(std::string bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
  return bytes;
}

}  // namespace ranvier::test
