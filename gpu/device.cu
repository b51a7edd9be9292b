#include <cuda_runtime_api.h>

#include "ranvier/gpu/device.h"

namespace ranvier {
namespace {

std::string Describe(const char* call, cudaError_t error) {
  return std::string(call) + ": " + cudaGetErrorString(error) + " (" +
         cudaGetErrorName(error) + ")";
}

}  // namespace

CudaStatus QueryCuda() {
  CudaStatus status;
  status.compiled = true;
  // Each call leaves its output alone when it fails, hence the zeros.
  if (cudaRuntimeGetVersion(&status.runtime_version) != cudaSuccess) {
    status.runtime_version = 0;
  }
  if (cudaDriverGetVersion(&status.driver_version) != cudaSuccess) {
    status.driver_version = 0;
  }
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    (void)cudaGetLastError();  // not for the next caller to find
    status.detail = Describe("cudaGetDeviceCount", error);
    if (status.driver_version == 0) {
      status.detail += "; no NVIDIA driver is installed or visible here";
    }
    return status;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties;
    const cudaError_t failed = cudaGetDeviceProperties(&properties, i);
    if (failed != cudaSuccess) {
      (void)cudaGetLastError();
      status.detail = "device " + std::to_string(i) + ": " +
                      Describe("cudaGetDeviceProperties", failed);
      continue;
    }
    CudaDevice device;
    device.name = properties.name;
    device.memory_bytes = properties.totalGlobalMem;
    device.compute_major = properties.major;
    device.compute_minor = properties.minor;
    device.multiprocessors = properties.multiProcessorCount;
    status.devices.push_back(device);
  }
  if (status.devices.empty() && status.detail.empty()) {
    status.detail = "the driver reports no CUDA device";
  }
  return status;
}

}  // namespace ranvier
