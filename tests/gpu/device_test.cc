#include "ranvier/gpu/device.h"

#include <string>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

// Holds on every machine: with and without nvcc, driver, and device.
TEST(QueryCuda, SaysWhatThereIsOrWhyNot) {
  const CudaStatus status = QueryCuda();
  EXPECT_EQ(status.compiled, RANVIER_TEST_CUDA != 0);
  EXPECT_EQ(status.compiled, status.runtime_version >= 10000);
  if (status.devices.empty()) {
    EXPECT_FALSE(status.detail.empty());
  }
  if (!status.compiled) {
    EXPECT_TRUE(status.devices.empty());
    EXPECT_NE(status.detail.find("without the CUDA"), std::string::npos)
        << status.detail;
  } else if (status.driver_version == 0) {
    EXPECT_TRUE(status.devices.empty());
    EXPECT_NE(status.detail.find("cudaGetDeviceCount"), std::string::npos)
        << status.detail;
  }
}

TEST(QueryCuda, DescribesEveryDevice) {
  const CudaStatus status = QueryCuda();
  if (status.devices.empty()) GTEST_SKIP() << status.detail;
  for (const CudaDevice& device : status.devices) {
    EXPECT_FALSE(device.name.empty());
    EXPECT_GE(device.memory_bytes, size_t{1} << 28);
    EXPECT_GE(device.compute_major, 5);
    EXPECT_GE(device.multiprocessors, 1);
  }
}

TEST(QueryCuda, SaysTheSameTwice) {
  const CudaStatus first = QueryCuda();
  const CudaStatus second = QueryCuda();
  EXPECT_EQ(first.devices.size(), second.devices.size());
  EXPECT_EQ(first.detail, second.detail);
}

}  // namespace
}  // namespace ranvier
