#include "tests/util/guarded_buffer.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace ranvier::test {
namespace {

TEST(GuardedBuffer, BeginsWhereItIsTold) {
  for (const size_t offset : {0, 1, 3, 31}) {
    GuardedBuffer<float> buffer(5, offset);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % kAlignment,
              offset * sizeof(float) % kAlignment);
    EXPECT_EQ(buffer.span().size(), 5u);
  }
}

TEST(GuardedBuffer, WritingInsideIsFine) {
  for (const size_t n : {0, 1, 7, 64}) {
    GuardedBuffer<double> buffer(n, 1);
    for (size_t i = 0; i < n; ++i) buffer[i] = 0;
    EXPECT_TRUE(buffer.Intact());
  }
}

TEST(GuardedBuffer, WritingOutsideIsFound) {
  for (const size_t n : {0, 1, 7, 64}) {
    GuardedBuffer<uint16_t> past(n);
    past.data()[n] = 0;
    EXPECT_FALSE(past.Intact());
    EXPECT_NE(std::string(past.Intact().message()).find("1 bytes past the end"),
              std::string::npos);

    GuardedBuffer<uint16_t> before(n, 3);
    before.data()[-1] = 0;
    EXPECT_FALSE(before.Intact());
    EXPECT_NE(std::string(before.Intact().message()).find("2 bytes before"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace ranvier::test
