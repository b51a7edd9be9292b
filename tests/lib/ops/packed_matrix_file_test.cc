// Packed matrices as files: whole ones on every target, and broken ones, each
// of which gives one IoError.

#include "ranvier/ops/packed_matrix_file.h"

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <random>
#include <string>
#include <vector>

#include <xxhash.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/targets.h"

#include "tests/lib/ops/stored_matrix.h"
#include "tests/util/target_fixture.h"
#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

using test::kFloatTypes;
using test::Layout;
using test::StoredMatrix;

constexpr size_t kHeaderBytes = 128;
constexpr size_t kHashAt = 56;

StoredMatrix Weights(ElementType type, size_t rows, size_t cols) {
  StoredMatrix b(type, Layout::kRows, rows, cols);
  b.FillRandom(7);
  return b;
}

std::vector<unsigned char> Unpacked(const PackedMatrix& packed) {
  StoredMatrix back(packed.type(), Layout::kRows, packed.rows(), packed.cols());
  packed.Unpack(back.view());
  return back.Bits();
}

class PackedMatrixFileTest : public test::TargetTest {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  test::TempDir dir_;
};

// Written on this target, read on each.
TEST_P(PackedMatrixFileTest, RoundTrip) {
  const std::string path = dir_.File("weights.rvp");
  for (const ElementType type : kFloatTypes) {
    for (const size_t rows : {0, 1, 5, 34}) {
      for (const size_t cols : {0, 1, 9, 70}) {
        ASSERT_TRUE(simd::ForceTarget(GetParam()));
        const StoredMatrix b = Weights(type, rows, cols);
        PackedMatrix(ctx_, b.view()).Save(path);
        for (const std::string& target : simd::SupportedTargets()) {
          SCOPED_TRACE(target);
          ASSERT_TRUE(simd::ForceTarget(target));
          const PackedMatrix loaded = PackedMatrix::Load(ctx_, path);
          ASSERT_EQ(loaded.type(), type);
          ASSERT_EQ(loaded.rows(), rows);
          ASSERT_EQ(loaded.cols(), cols);
          ASSERT_EQ(Unpacked(loaded), b.Bits()) << rows << " x " << cols;
          // Packed anew for this target: the same product as of fresh weights.
          StoredMatrix a(type, Layout::kRows, 3, rows);
          a.FillRandom(8);
          StoredMatrix c(ElementType::kF32, Layout::kRows, 3, cols);
          StoredMatrix fresh(ElementType::kF32, Layout::kRows, 3, cols);
          Gemm(ctx_, a.view(), loaded, c.view());
          Gemm(ctx_, a.view(), PackedMatrix(ctx_, b.view()), fresh.view());
          ASSERT_EQ(c.Bits(), fresh.Bits());
        }
      }
    }
  }
  ASSERT_TRUE(simd::ForceTarget(GetParam()));
}

RANVIER_ON_EVERY_TARGET(PackedMatrixFileTest);

class BrokenPackedMatrixFile : public testing::Test {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  test::TempDir dir_;
  std::string good_;

  void SetUp() override {
    const std::string path = dir_.File("good.rvp");
    PackedMatrix(ctx_, Weights(ElementType::kBf16, 5, 19).view()).Save(path);
    good_ = test::ReadFile(path);
    ASSERT_GT(good_.size(), kHeaderBytes);
  }

  // Right checksums, so that what is behind them is looked at.
  static std::string Rehashed(std::string bytes) {
    const uint64_t panels =
        XXH3_64bits(bytes.data() + kHeaderBytes, bytes.size() - kHeaderBytes);
    std::memcpy(bytes.data() + 48, &panels, 8);
    const uint64_t header = XXH3_64bits(bytes.data(), kHashAt);
    std::memcpy(bytes.data() + kHashAt, &header, 8);
    return bytes;
  }

  template <typename T>
  std::string With(size_t at, T value) const {
    std::string bytes = good_;
    std::memcpy(bytes.data() + at, &value, sizeof(T));
    return Rehashed(bytes);
  }

  // An IoError with the path, the place, what was found, and a remedy.
  void ExpectRefused(const std::string& bytes, const std::string& found) {
    const std::string path = dir_.Write("broken.rvp", bytes);
    try {
      PackedMatrix::Load(ctx_, path);
      ADD_FAILURE() << "loaded; expected: " << found;
    } catch (const IoError& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.rfind(path, 0), 0u) << message;
      EXPECT_NE(message.find("byte "), std::string::npos) << message;
      EXPECT_NE(message.find(found), std::string::npos)
          << "'" << found << "' is not in: " << message;
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not an IoError: " << error.what();
    }
  }
};

TEST_F(BrokenPackedMatrixFile, TheWholeFileLoads) {
  EXPECT_EQ(Rehashed(good_), good_);
  const PackedMatrix loaded =
      PackedMatrix::Load(ctx_, dir_.Write("whole.rvp", good_));
  EXPECT_EQ(Unpacked(loaded), Weights(ElementType::kBf16, 5, 19).Bits());
}

TEST_F(BrokenPackedMatrixFile, Kinds) {
  ExpectRefused("", "is not a packed matrix");
  ExpectRefused("RVP", "is not a packed matrix");
  ExpectRefused(std::string("\x89RVC\r\n\x1a\n") + good_.substr(8),
                "is not a packed matrix");
  ExpectRefused(With<uint32_t>(8, 0), "version 0");
  ExpectRefused(With<uint32_t>(8, 2), "version 2");
  ExpectRefused(With<uint32_t>(12, 4), "element type 4");
  ExpectRefused(With<uint32_t>(12, 0), "a matrix [5, 19] of f32");
  ExpectRefused(With<uint32_t>(32, 0), "lanes");
  ExpectRefused(With<uint32_t>(32, 3), "lanes");
  ExpectRefused(With<uint32_t>(32, 0x80000000u), "lanes");
  ExpectRefused(With<uint32_t>(36, 0), "lanes");
  ExpectRefused(With<uint32_t>(36, 0xFFFFFFFFu), "lanes");
  ExpectRefused(With<uint64_t>(40, 0), "bytes that follow");
  ExpectRefused(good_ + "x", "bytes that follow");
  ExpectRefused(Rehashed(good_ + "x"), "bytes that follow");
  std::string panels = good_;
  panels.back() = static_cast<char>(panels.back() ^ 1);
  ExpectRefused(panels, "panels do not have their checksum");
  std::string tail = good_;
  tail[100] = 1;
  ExpectRefused(tail, "header");
}

TEST_F(BrokenPackedMatrixFile, HugeClaims) {
  for (const uint64_t size :
       {uint64_t{7}, uint64_t{1} << 20, uint64_t{1} << 31,
        (uint64_t{1} << 31) + 1, uint64_t{1} << 32, uint64_t{1} << 62,
        uint64_t{1} << 63, ~uint64_t{0}}) {
    const std::string text = std::to_string(size);
    ExpectRefused(With(16, size), text);
    ExpectRefused(With(24, size == 7 ? 60 : size), "a matrix [5, ");
    ExpectRefused(With(40, size), "bytes that follow");
    std::string both = With(16, size);
    std::memcpy(both.data() + 24, &size, 8);
    ExpectRefused(Rehashed(both), text);
    // The product of both may be 0 modulo 2^64.
    std::memcpy(both.data() + 40, "\0\0\0\0\0\0\0\0", 8);
    ExpectRefused(Rehashed(both), text);
    ExpectRefused(Rehashed(both.substr(0, kHeaderBytes)), text);
  }
}

TEST_F(BrokenPackedMatrixFile, CutAnywhere) {
  for (size_t size = 0; size < good_.size(); ++size) {
    ExpectRefused(good_.substr(0, size), "");
  }
}

TEST_F(BrokenPackedMatrixFile, AnyBitFlipped) {
  for (size_t at = 0; at < good_.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = good_;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      ExpectRefused(bytes, "");
    }
  }
}

// With right checksums a header may say anything: it loads or is refused.
TEST_F(BrokenPackedMatrixFile, MutantsWithRightChecksums) {
  std::mt19937_64 random(20261121);
  int refused = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string bytes = good_;
    const size_t changes = 1 + random() % 3;
    for (size_t j = 0; j < changes; ++j) {
      bytes[8 + random() % 40] =
          static_cast<char>(random() % 4 == 0 ? random() : random() % 64);
    }
    if (random() % 4 == 0) bytes.resize(kHeaderBytes + random() % 1024);
    try {
      const PackedMatrix loaded =
          PackedMatrix::Load(ctx_, dir_.Write("mutant.rvp", Rehashed(bytes)));
      Unpacked(loaded);
    } catch (const IoError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 4000);  // changes that say the same
}

TEST_F(BrokenPackedMatrixFile, EmptyMatrix) {
  const std::string path = dir_.File("empty.rvp");
  PackedMatrix().Save(path);
  const PackedMatrix loaded = PackedMatrix::Load(ctx_, path);
  EXPECT_EQ(loaded.rows(), 0u);
  EXPECT_EQ(loaded.cols(), 0u);
}

TEST_F(BrokenPackedMatrixFile, PlacesThatCannotBeReadOrWritten) {
  EXPECT_THROW(PackedMatrix::Load(ctx_, dir_.File("none.rvp")), IoError);
  EXPECT_THROW(PackedMatrix::Load(ctx_, dir_.path()), IoError);
  EXPECT_THROW(PackedMatrix().Save(dir_.File("none/weights.rvp")), IoError);
  // A file that is there already stays what it was.
  const std::string path = dir_.Write("kept.rvp", good_);
  EXPECT_EQ(test::ReadFile(path), good_);
  PackedMatrix(ctx_, Weights(ElementType::kF32, 2, 2).view()).Save(path);
  EXPECT_EQ(PackedMatrix::Load(ctx_, path).rows(), 2u);
  EXPECT_EQ(dir_.Entries(), 2u);  // good.rvp and this one
}

}  // namespace
}  // namespace ranvier
