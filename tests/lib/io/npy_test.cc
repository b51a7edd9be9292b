#include "ranvier/io/npy.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

// Splits a version 1.0 file into header text and data, checking the frame.
void Parse(const std::string& bytes, std::string* header, std::string* data) {
  ASSERT_GE(bytes.size(), 10u);
  ASSERT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const size_t size = static_cast<unsigned char>(bytes[8]) +
                      256u * static_cast<unsigned char>(bytes[9]);
  ASSERT_EQ((10 + size) % 64, 0u);
  ASSERT_GE(bytes.size(), 10 + size);
  *header = bytes.substr(10, size);
  ASSERT_EQ(header->back(), '\n');
  *data = bytes.substr(10 + size);
}

TEST(Npy, WritesTwoDimensions) {
  test::TempDir dir;
  const std::vector<uint32_t> values = {1, 2, 3, 4, 5, 0xFFFFFFFFu};
  WriteNpy(dir.File("a.npy"), values, {3, 2});
  std::string header, data;
  Parse(test::ReadFile(dir.File("a.npy")), &header, &data);
  EXPECT_EQ(header.find("{'descr': '<u4', 'fortran_order': False, "
                        "'shape': (3, 2), }"),
            0u);
  ASSERT_EQ(data.size(), sizeof(uint32_t) * values.size());
  EXPECT_EQ(std::memcmp(data.data(), values.data(), data.size()), 0);
}

TEST(Npy, WritesOneDimensionAsTupleOfOne) {
  test::TempDir dir;
  const std::vector<double> values = {-52.0, 1e-300};
  WriteNpy(dir.File("b.npy"), values, {2});
  std::string header, data;
  Parse(test::ReadFile(dir.File("b.npy")), &header, &data);
  EXPECT_NE(header.find("'descr': '<f8'"), std::string::npos);
  EXPECT_NE(header.find("'shape': (2,)"), std::string::npos);
  EXPECT_EQ(std::memcmp(data.data(), values.data(), data.size()), 0);
}

TEST(Npy, WritesNoValues) {
  test::TempDir dir;
  WriteNpy(dir.File("c.npy"), std::span<const uint32_t>(), {0, 2});
  std::string header, data;
  Parse(test::ReadFile(dir.File("c.npy")), &header, &data);
  EXPECT_NE(header.find("'shape': (0, 2)"), std::string::npos);
  EXPECT_TRUE(data.empty());
}

TEST(Npy, RefusesShapeThatDoesNotFit) {
  test::TempDir dir;
  const std::vector<uint32_t> values = {1, 2, 3};
  EXPECT_THROW(WriteNpy(dir.File("d.npy"), values, {2, 2}), ShapeError);
  const size_t half = size_t{1} << 32;  // half * half wraps to 0
  EXPECT_THROW(
      WriteNpy(dir.File("d.npy"), std::span<const uint32_t>(), {half, half}),
      ShapeError);
  EXPECT_EQ(dir.Entries(), 0u);
}

}  // namespace
}  // namespace ranvier
