#include "ranvier/gpu/device.h"

namespace ranvier {

CudaStatus QueryCuda() {
  CudaStatus status;
  status.detail =
      "built without the CUDA Toolkit (no nvcc was found, or RANVIER_CUDA=OFF)";
  return status;
}

}  // namespace ranvier
