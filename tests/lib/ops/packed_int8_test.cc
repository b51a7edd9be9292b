#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/gemm_int8.h"
#include "ranvier/simd/base/error.h"

#include "tests/util/target_fixture.h"
#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

constexpr size_t kRows = 23, kCols = 41;

class PackedInt8Test : public test::TargetTest {
 protected:
  PackedInt8Test() : values_(kRows * kCols) {
    std::mt19937 random(3);
    for (int8_t& x : values_) x = static_cast<int8_t>(random());
  }
  MatView<int8_t> view() { return {values_.data(), kRows, kCols}; }

  // A row of ones times b: sums of columns.
  static std::vector<int32_t> Ones(Context& ctx, const PackedMatrix& b) {
    const std::vector<int8_t> ones(b.rows(), 1);
    std::vector<int32_t> c(b.cols());
    GemmInt8(ctx, MatView<const int8_t>(ones.data(), 1, b.rows()), b,
             MatView<int32_t>(c.data(), 1, b.cols()));
    return c;
  }

  Context ctx_{ContextOptions{.threads = 1}};
  test::TempDir dir_;
  std::vector<int8_t> values_;
};

TEST_P(PackedInt8Test, GivesBackWhatWasPacked) {
  for (const MatView<int8_t>& m : {view(), view().Transposed()}) {
    const PackedMatrix packed(ctx_, m);
    EXPECT_EQ(packed.type(), ElementType::kI8);
    std::vector<int8_t> out(kRows * kCols);
    const MatView<int8_t> again(out.data(), m.rows(), m.cols());
    packed.Unpack(again);
    for (size_t i = 0; i < m.rows(); ++i) {
      for (size_t j = 0; j < m.cols(); ++j) ASSERT_EQ(again(i, j), m(i, j));
    }
  }
}

TEST_P(PackedInt8Test, SavedOnAnyTargetLoadsHere) {
  const std::vector<int32_t> expected = Ones(ctx_, PackedMatrix(ctx_, view()));
  for (const std::string& other : simd::SupportedTargets()) {
    ASSERT_TRUE(simd::ForceTarget(other));
    PackedMatrix(ctx_, view()).Save(dir_.File("w"));
    ASSERT_TRUE(simd::ForceTarget(GetParam()));
    const PackedMatrix loaded = PackedMatrix::Load(ctx_, dir_.File("w"));
    EXPECT_EQ(Ones(ctx_, loaded), expected) << other;
  }
}

TEST_P(PackedInt8Test, ChangedFilesAreRefused) {
  PackedMatrix(ctx_, view()).Save(dir_.File("w"));
  const std::string good = test::ReadFile(dir_.File("w"));
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string bad = good;
    if (i % 3 == 0) {
      bad.resize(random() % good.size());
    } else {
      // Half of them in the header; its last 64 bytes mean nothing.
      const size_t at =
          i % 2 == 0 ? random() % 64 : 128 + random() % (good.size() - 128);
      bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
    }
    EXPECT_THROW(PackedMatrix::Load(ctx_, dir_.Write("bad", bad)), IoError)
        << i;
  }
}

TEST_P(PackedInt8Test, NoRowsTakeNoMemory) {
  const PackedMatrix none(ctx_,
                          MatView<const int8_t>(nullptr, 0, size_t{1} << 31));
  EXPECT_EQ(none.size_bytes(), 0u);
  none.Save(dir_.File("w"));
  EXPECT_EQ(PackedMatrix::Load(ctx_, dir_.File("w")).cols(), size_t{1} << 31);
}

TEST_P(PackedInt8Test, FloatsAreNotMultipliedByIt) {
  const PackedMatrix packed(ctx_, view());
  std::vector<float> a(kRows), c(kCols);
  EXPECT_THROW(Gemm(ctx_, MatView<const float>(a.data(), 1, kRows), packed,
                    MatView<float>(c.data(), 1, kCols)),
               std::invalid_argument);
}

RANVIER_ON_EVERY_TARGET(PackedInt8Test);

}  // namespace
}  // namespace ranvier
