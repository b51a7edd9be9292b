#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ranvier/simd/base/export.h"

namespace ranvier {

struct CudaDevice {
  std::string name;
  size_t memory_bytes = 0;
  int compute_major = 0;  // compute capability, e.g. 9.0
  int compute_minor = 0;
  int multiprocessors = 0;
};

struct CudaStatus {
  bool compiled = false;    // built with the CUDA Toolkit
  int runtime_version = 0;  // 1000 * major + 10 * minor, 0 if not compiled
  int driver_version = 0;   // likewise; 0 without a driver
  std::vector<CudaDevice> devices;
  std::string detail;  // why there is none, or why one was left out; or empty
};

// What there is of CUDA on this machine. Having none is an answer, not an
// error. Costs up to a second where there is a device: the driver starts.
//
// Threads  Any; starts none.
RANVIER_API CudaStatus QueryCuda();

}  // namespace ranvier
