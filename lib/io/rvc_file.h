#pragma once

#include <string>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier::io {

// Our own binary format, version 1; little endian, every section begins at a
// multiple of 64 bytes, in this order, with zeros between.
//
//   0    8  magic 89 'R' 'V' 'C' 0D 0A 1A 0A (text-mode copies break it)
//   8    4  version (1)
//   12   4  bytes of this header (192)
//   16   8  bytes of the file
//   24   8  neurons N          32  8  edges E
//   40   4  weight type: 0 i16, 1 i32, 2 f32
//   44   4  flags: bit 0 synthetic, bit 1 has ids
//   48   8  delay in ms (f64)
//   56 120  five sections: offset, bytes, XXH3-64 of the bytes (u64 each):
//           row_ptr u64[N + 1], col u32[E], weight[E], id i64[N], name (UTF-8)
//   176  8  zero
//   184  8  XXH3-64 of the 184 bytes before
inline constexpr char kRvcMagic[9] = "\x89RVC\r\n\x1a\n";

// Maps the file, checks every checksum and every promise of a Connectome.
// Throws  IoError: path, byte offset, what was found, what to try.
Connectome ReadRvc(Context& ctx, const std::string& path);

void WriteRvc(const Connectome& connectome, const std::string& path);

}  // namespace ranvier::io
