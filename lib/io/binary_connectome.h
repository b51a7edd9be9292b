#pragma once

#include <string>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier::io {

// CONN1, plain or gzip: "CONN1\0\0\0", u32 N, u32 E, u32 row_ptr[N + 1],
// u32 target[E] ascending without repeats, f32 weight[E]; little endian.
//
// FLYW version 1, plain or gzip: u32 0x464C5957, u32 1, u32 N, u32 S,
// u32 offset[N + 1], u32 target[S], f32 weight[S]. Targets in any order; the
// weights of repeated pairs are added.
//
// Throws  IoError: path, byte offset (unpacked), what was found, what to try.
ConnectomeParts ReadConn1(Context& ctx, const std::string& path);
ConnectomeParts ReadFlyw(Context& ctx, const std::string& path);

}  // namespace ranvier::io
