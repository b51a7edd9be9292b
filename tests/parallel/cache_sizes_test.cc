#include "ranvier/parallel/cache_sizes.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

class CacheSizesTest : public testing::Test {
 protected:
  void AddCache(int index, const std::string& level, const std::string& type,
                const std::string& size) {
    const std::string folder =
        "sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::filesystem::create_directories(root_.path() / folder);
    root_.Write(folder + "level", level + "\n");
    root_.Write(folder + "type", type + "\n");
    root_.Write(folder + "size", size + "\n");
  }
  CacheSizes Detect() const { return DetectCacheSizes(root_.path()); }

  test::TempDir root_;
};

TEST_F(CacheSizesTest, ReadsDataAndUnifiedCaches) {
  AddCache(0, "1", "Data", "48K");
  AddCache(1, "1", "Instruction", "64K");
  AddCache(2, "2", "Unified", "1280K");
  AddCache(3, "3", "Unified", "32M");
  const CacheSizes sizes = Detect();
  EXPECT_EQ(sizes.l1d_bytes, 48u << 10);
  EXPECT_EQ(sizes.l2_bytes, 1280u << 10);
  EXPECT_EQ(sizes.l3_bytes, 32u << 20);
}

TEST_F(CacheSizesTest, NoL3) {
  AddCache(0, "1", "Data", "32768");
  AddCache(1, "2", "Unified", "1M");
  const CacheSizes sizes = Detect();
  EXPECT_EQ(sizes.l1d_bytes, 32768u);
  EXPECT_EQ(sizes.l2_bytes, 1u << 20);
  EXPECT_EQ(sizes.l3_bytes, 0u);
}

TEST_F(CacheSizesTest, WhatCannotBeReadKeepsItsDefault) {
  EXPECT_EQ(Detect().l1d_bytes, CacheSizes().l1d_bytes);
  AddCache(0, "1", "Data", "K");
  AddCache(1, "2", "Unified", "99999999999999999999K");
  AddCache(2, "3", "Unified", "8X");
  AddCache(3, "2", "Unified", "0K");
  AddCache(4, "1", "", "64K");
  const CacheSizes sizes = Detect();
  EXPECT_EQ(sizes.l1d_bytes, CacheSizes().l1d_bytes);
  EXPECT_EQ(sizes.l2_bytes, CacheSizes().l2_bytes);
  EXPECT_EQ(sizes.l3_bytes, 0u);
}

TEST(CacheSizes, OfThisMachineMakeSense) {
  const CacheSizes sizes = DetectCacheSizes();
  EXPECT_GE(sizes.l1d_bytes, 8u << 10);
  EXPECT_LE(sizes.l1d_bytes, 1u << 20);
  EXPECT_GE(sizes.l2_bytes, sizes.l1d_bytes);
  if (sizes.l3_bytes != 0) {
    EXPECT_GE(sizes.l3_bytes, sizes.l2_bytes);
  }
}

}  // namespace
}  // namespace ranvier
