#include "ranvier/simd/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/reference/quantize_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;
using test::ReferenceQuantization;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
constexpr size_t kSizes[] = {0,  1,  2,  3,  4,  5,  7,  8,  9,   15,
                             16, 17, 31, 32, 33, 63, 64, 65, 129, 1000};

Quantization Parameters(const ReferenceQuantization& by) {
  return {by.scale, by.zero_point};
}

class QuantizeTest : public test::TargetTest {
 protected:
  std::mt19937 random_{9};

  void Fill(GuardedBuffer<float>& x, float scale, bool special) {
    const float specials[] = {kNan, kInfinity, -kInfinity, 0.0f, -0.0f};
    std::uniform_real_distribution<float> real(-1, 1);
    for (float& v : x.span()) {
      v = special && random_() % 5 == 0 ? specials[random_() % 5]
                                        : real(random_) * scale;
    }
  }

  template <class Q>
  void CheckOne(std::span<const float> x, const ReferenceQuantization& by) {
    const size_t n = x.size();
    GuardedBuffer<Q> q(n, 1);
    Quantize(x.data(), Parameters(by), {by.low, by.high}, q.data(), n);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(q[i], test::QuantizeReference(x[i], by)) << i << ": " << x[i];
    }
    EXPECT_TRUE(q.Intact());

    GuardedBuffer<float> back(n, 1);
    Dequantize(q.data(), Parameters(by), back.data(), n);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(back[i], test::DequantizeReference(q[i], by)) << i;
      // Within half a step, and a rounding of either side.
      // The largest numbers may come back infinite.
      if (std::abs(x[i]) < kLargest * 0.99f && by.scale > 1e-30f) {
        ASSERT_LE(std::abs(static_cast<double>(back[i]) - x[i]),
                  by.scale * (0.5 + 256 * 0x1.0p-23))
            << i;
      }
    }
    EXPECT_TRUE(back.Intact());

    // Each by its own, here all the same.
    const std::vector<float> scale(n, by.scale);
    const std::vector<int32_t> zero_point(n, by.zero_point);
    GuardedBuffer<Q> each(n, 3);
    Quantize(x.data(), scale.data(), zero_point.data(), {by.low, by.high},
             each.data(), n);
    EXPECT_TRUE(test::SameBits(std::span<const Q>(each.data(), n),
                               std::span<const Q>(q.data(), n)));
    EXPECT_TRUE(each.Intact());
    GuardedBuffer<float> each_back(n, 3);
    Dequantize(q.data(), scale.data(), zero_point.data(), each_back.data(), n);
    EXPECT_TRUE(test::SameBits(std::span<const float>(each_back.data(), n),
                               std::span<const float>(back.data(), n)));
    EXPECT_TRUE(each_back.Intact());
  }

  void CheckAll(std::span<const float> x) {
    const FiniteRange range = FindRange(x.data(), x.size());
    for (const bool is_unsigned : {false, true}) {
      const ElementType type =
          is_unsigned ? ElementType::kU8 : ElementType::kI8;
      const auto symmetric = test::SymmetricReference(x, is_unsigned);
      const Quantization s = SymmetricQuantization(range, type);
      EXPECT_EQ(s.scale, symmetric.scale);
      EXPECT_EQ(s.zero_point, symmetric.zero_point);
      const auto affine = test::AffineReference(x, is_unsigned);
      const Quantization a = AffineQuantization(range, type);
      EXPECT_EQ(a.scale, affine.scale);
      EXPECT_EQ(a.zero_point, affine.zero_point);
      for (const auto& by : {symmetric, affine}) {
        if (is_unsigned) {
          CheckOne<uint8_t>(x, by);
        } else {
          CheckOne<int8_t>(x, by);
        }
      }
    }
  }
};

TEST_P(QuantizeTest, RandomNumbers) {
  for (const float scale : {1.0f, 3.0e38f, 1.0e-20f, 1.0e-41f}) {
    for (const bool special : {false, true}) {
      for (const size_t n : kSizes) {
        SCOPED_TRACE(testing::Message() << n << " times " << scale);
        GuardedBuffer<float> x(n, 1);
        Fill(x, scale, special);
        CheckAll(x.span());
      }
    }
  }
}

TEST_P(QuantizeTest, OneSided) {
  for (const float shift : {5.0f, -5.0f}) {
    GuardedBuffer<float> x(70, 1);
    Fill(x, 1, false);
    for (float& v : x.span()) v += shift;
    CheckAll(x.span());
  }
}

// Every half: an odd multiple of half a step goes to the even neighbour.
TEST_P(QuantizeTest, TiesGoToEven) {
  std::vector<float> x;
  for (int i = -254; i <= 254; ++i) {
    for (const float step :
         {0.5f, std::nextafter(0.5f, 0.0f), std::nextafter(0.5f, 1.0f)}) {
      x.push_back(static_cast<float>(i) * step);
    }
  }
  CheckOne<int8_t>(x, {1, 0, -127, 127});
  // 0.1 is no f32: a product with 1 / scale would miss these.
  for (float& v : x) v *= 0.1f;
  CheckOne<int8_t>(x, {0.1f, 0, -127, 127});
  CheckOne<uint8_t>(x, {0.1f, 128, 1, 255});
}

TEST_P(QuantizeTest, NoRange) {
  const std::vector<std::vector<float>> rows = {{},
                                                std::vector<float>(40, 0.0f),
                                                {kNan, kInfinity, -kInfinity},
                                                {0, kInfinity}};
  for (const std::vector<float>& x : rows) {
    const FiniteRange range = FindRange(x.data(), x.size());
    EXPECT_EQ(range.low, 0);
    EXPECT_EQ(range.high, 0);
    CheckAll(x);
  }
  EXPECT_EQ(SymmetricQuantization({}, ElementType::kI8).zero_point, 0);
  EXPECT_EQ(SymmetricQuantization({}, ElementType::kU8).zero_point, 128);
  EXPECT_EQ(AffineQuantization({}, ElementType::kU8).zero_point, 0);
}

TEST_P(QuantizeTest, EndsOfF32) {
  const std::vector<float> wide = {kLargest, -kLargest, 1, -1, 0};
  CheckAll(wide);
  const std::vector<float> narrow = {kSmallest, -3 * kSmallest, 0};
  CheckAll(narrow);
  const std::vector<float> few = {200 * kSmallest, -77 * kSmallest};
  CheckAll(few);
  // The steps of a chosen scale that does not reach as far as the numbers.
  const std::vector<float> far = {1e30f, -1e30f, 300, -300, kInfinity, kNan};
  CheckOne<int8_t>({}, {1, 0, -128, 127});
  GuardedBuffer<int8_t> q(far.size());
  Quantize(far.data(), {1.0f, -3}, {-128, 127}, q.data(), far.size());
  const std::vector<int8_t> expected = {127, -128, 127, -128, 127, -3};
  EXPECT_TRUE(test::SameBits(std::span<const int8_t>(q.data(), q.size()),
                             std::span<const int8_t>(expected)));
}

TEST_P(QuantizeTest, RangesByColumn) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<float> low(n, 1);
    GuardedBuffer<float> high(n, 3);
    std::fill_n(low.data(), n, 0.0f);
    std::fill_n(high.data(), n, 0.0f);
    std::vector<FiniteRange> expected(n);
    for (int row = 0; row < 5; ++row) {
      GuardedBuffer<float> x(n, 2);
      Fill(x, 2, true);
      WidenRanges(x.data(), low.data(), high.data(), n);
      for (size_t i = 0; i < n; ++i) {
        if (!std::isfinite(x[i])) continue;
        expected[i].low = std::min(expected[i].low, x[i]);
        expected[i].high = std::max(expected[i].high, x[i]);
      }
    }
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(low[i], expected[i].low) << i;
      ASSERT_EQ(high[i], expected[i].high) << i;
    }
    EXPECT_TRUE(low.Intact());
    EXPECT_TRUE(high.Intact());
  }
}

TEST_P(QuantizeTest, EachByItsOwn) {
  const size_t n = 77;
  GuardedBuffer<float> x(n, 1);
  Fill(x, 1, true);
  std::vector<float> scale(n);
  std::vector<int32_t> zero_point(n);
  for (size_t i = 0; i < n; ++i) {
    scale[i] = i % 9 == 0 ? 0.0f : 0.001f * static_cast<float>(i);
    zero_point[i] = static_cast<int32_t>(random_() % 256);
  }
  GuardedBuffer<uint8_t> q(n, 1);
  Quantize(x.data(), scale.data(), zero_point.data(), {0, 255}, q.data(), n);
  GuardedBuffer<float> back(n, 1);
  Dequantize(q.data(), scale.data(), zero_point.data(), back.data(), n);
  for (size_t i = 0; i < n; ++i) {
    const ReferenceQuantization by = {scale[i], zero_point[i], 0, 255};
    ASSERT_EQ(q[i], test::QuantizeReference(x[i], by)) << i;
    ASSERT_EQ(back[i], test::DequantizeReference(q[i], by)) << i;
  }
}

// All 256 integers come back as they were.
TEST_P(QuantizeTest, RoundTrips) {
  std::vector<int8_t> s8;
  std::vector<uint8_t> u8;
  for (int i = 0; i < 256; ++i) {
    s8.push_back(static_cast<int8_t>(i - 128));
    u8.push_back(static_cast<uint8_t>(i));
  }
  std::vector<float> x(256);
  std::vector<int8_t> s8_again(256);
  std::vector<uint8_t> u8_again(256);
  for (const float scale : {0.37f, 1e-30f, 1e30f}) {
    Dequantize(s8.data(), {scale, 5}, x.data(), 256);
    Quantize(x.data(), {scale, 5}, {-128, 127}, s8_again.data(), 256);
    EXPECT_TRUE(test::SameBits(std::span<const int8_t>(s8_again),
                               std::span<const int8_t>(s8)));
    Dequantize(u8.data(), {scale, 130}, x.data(), 256);
    Quantize(x.data(), {scale, 130}, {0, 255}, u8_again.data(), 256);
    EXPECT_TRUE(test::SameBits(std::span<const uint8_t>(u8_again),
                               std::span<const uint8_t>(u8)));
  }
}

RANVIER_ON_EVERY_TARGET(QuantizeTest);

}  // namespace
}  // namespace ranvier::simd
