#include "ranvier/simd/dropout.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/float16.h"

#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;

// Word `element % 4` of the block that the header names.
bool Dropped(const DropoutCall& call, uint64_t element) {
  const auto words = Philox::Block(Philox::Split(element / 4, 0), call.key);
  return words[element % 4] < call.threshold;
}

using DropoutTest = test::TargetTest;

TEST_P(DropoutTest, DrawsTheWordsOfTheHeader) {
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  for (const uint64_t threshold :
       {uint64_t{0}, uint64_t{1} << 30, uint64_t{0xCCCCCCCD},
        uint64_t{0xFFFFFFFF}, uint64_t{1} << 32}) {
    for (const uint64_t first :
         {uint64_t{0}, uint64_t{1}, uint64_t{4'294'967'293}, most / 2}) {
      for (const size_t n : {0, 1, 3, 4, 5, 15, 17, 511, 512, 513, 1500}) {
        SCOPED_TRACE(testing::Message()
                     << threshold << " " << first << " " << n);
        const DropoutCall call{Philox::StreamKey(5, 6), first, threshold, 0.7f};
        GuardedBuffer<float> x(n, 1);
        GuardedBuffer<float> y(n, 3);
        std::vector<float> expected(n);
        for (size_t i = 0; i < n; ++i) {
          x[i] = static_cast<float>(i) - 7.25f;
          if (i % 50 == 3) x[i] = std::numeric_limits<float>::infinity();
          expected[i] = Dropped(call, first + i) ? 0 : x[i] / 0.7f;
        }
        Dropout(call, {x.data()}, {y.data()}, n);
        EXPECT_TRUE(test::SameBits(std::as_const(y).span(),
                                   std::span<const float>(expected)));
        DropoutCall streaming = call;
        streaming.streaming = true;
        Dropout(streaming, {x.data()}, {y.data()}, n);
        EXPECT_TRUE(test::SameBits(std::as_const(y).span(),
                                   std::span<const float>(expected)));
        Dropout(call, {x.data()}, {x.data()}, n);
        EXPECT_TRUE(test::SameBits(std::as_const(x).span(),
                                   std::span<const float>(expected)));
        EXPECT_TRUE(x.Intact());
        EXPECT_TRUE(y.Intact());
      }
    }
  }
}

TEST_P(DropoutTest, SixteenBitStorage) {
  const DropoutCall call{Philox::StreamKey(1, 2), 3, uint64_t{1} << 31, 0.5f};
  std::vector<bf16> x(2 * 700);
  std::vector<f16> y(3 * 700);
  for (size_t i = 0; i < 700; ++i) {
    x[2 * i] = ToBf16(static_cast<float>(i) / 16);
  }
  Dropout(call, {x.data(), ElementType::kBf16, 2},
          {y.data(), ElementType::kF16, 3}, 700);
  for (size_t i = 0; i < 700; ++i) {
    const float expected = Dropped(call, 3 + i) ? 0 : ToFloat(x[2 * i]) / 0.5f;
    EXPECT_EQ(y[3 * i].bits, ToF16(expected).bits) << i;
  }
}

RANVIER_ON_EVERY_TARGET(DropoutTest);

}  // namespace
}  // namespace ranvier::simd
