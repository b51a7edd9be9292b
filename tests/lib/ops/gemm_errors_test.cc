#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

constexpr size_t kHuge = std::numeric_limits<size_t>::max();

// The message of the exception of type Error and no other.
template <class Error>
std::string MessageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    // ShapeError is an invalid_argument too: who wants that wants no more.
    if (typeid(error) == typeid(Error)) return error.what();
    ADD_FAILURE() << "another error: " << error.what();
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another error: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

void ExpectParts(const std::string& message,
                 const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos)
        << "'" << part << "' is not in: " << message;
  }
}

class GemmErrorsTest : public testing::Test {
 protected:
  Context ctx_{ContextOptions{.threads = 1}};
  std::vector<float> a_ = std::vector<float>(64, 1.0f);
  std::vector<float> b_ = std::vector<float>(64, 1.0f);
  std::vector<float> c_ = std::vector<float>(64, 7.0f);
  std::vector<int8_t> bytes_ = std::vector<int8_t>(64);

  MatView<const float> A(size_t rows, size_t cols) const {
    return {a_.data(), rows, cols};
  }
  MatView<const float> B(size_t rows, size_t cols) const {
    return {b_.data(), rows, cols};
  }
  MatView<float> C(size_t rows, size_t cols) { return {c_.data(), rows, cols}; }

  // The error of a plain product, and of the one with B packed if it can be.
  template <class Error>
  void Expect(const ConstAnyMatView& a, const ConstAnyMatView& b,
              const AnyMatView& c, const GemmOptions& options,
              const std::vector<std::string>& parts, bool packed = true) {
    ExpectParts(MessageOf<Error>([&] { Gemm(ctx_, a, b, c, options); }), parts);
    if (packed) {
      const PackedMatrix weights(ctx_, b);
      ExpectParts(MessageOf<Error>([&] { Gemm(ctx_, a, weights, c, options); }),
                  parts);
    }
    // Before any work.
    EXPECT_EQ(c_, std::vector<float>(64, 7.0f));
  }
};

TEST_F(GemmErrorsTest, ShapesThatDoNotFit) {
  Expect<ShapeError>(A(2, 3), B(4, 5), C(2, 5), {}, {"[2, 3]", "[4, 5]"});
  Expect<ShapeError>(A(2, 3), B(3, 5), C(5, 2), {}, {"[5, 2]", "[2, 5]"});
  Expect<ShapeError>(A(2, 3), B(3, 5), C(2, 4), {}, {"[2, 4]", "[2, 5]"});
  Expect<ShapeError>(A(2, 0), B(1, 5), C(2, 5), {}, {"[2, 0]", "[1, 5]"});
  Expect<ShapeError>(A(0, 3), B(3, 5), C(1, 5), {}, {"[1, 5]", "[0, 5]"});
}

TEST_F(GemmErrorsTest, BiasAndResidualThatDoNotFit) {
  GemmOptions options;
  options.bias = VecView<const float>(a_.data(), 4);
  Expect<ShapeError>(A(2, 3), B(3, 5), C(2, 5), options, {"4", "[2, 5]"});
  options = {};
  options.residual = A(5, 2);
  Expect<ShapeError>(A(2, 3), B(3, 5), C(2, 5), options, {"[5, 2]", "[2, 5]"});
  options.residual = ConstAnyMatView(nullptr, ElementType::kF32, 2, 5, 5);
  Expect<std::invalid_argument>(A(2, 3), B(3, 5), C(2, 5), options,
                                {"residual", "null"});
  options.residual = ConstAnyMatView(bytes_.data(), ElementType::kI8, 2, 5, 5);
  Expect<std::invalid_argument>(A(2, 3), B(3, 5), C(2, 5), options,
                                {"residual", "s8"});
}

TEST_F(GemmErrorsTest, IntegerTypes) {
  for (const ElementType type :
       {ElementType::kI8, ElementType::kU8, ElementType::kI32}) {
    const std::string name = Name(type);
    const AnyMatView integers(bytes_.data(), type, 2, 2, 2);
    Expect<std::invalid_argument>(integers, B(2, 2), C(2, 2), {},
                                  {"a has", name});
    Expect<std::invalid_argument>(A(2, 2), integers, C(2, 2), {},
                                  {"b has", name}, false);
    Expect<std::invalid_argument>(A(2, 2), B(2, 2), integers, {},
                                  {"c has", name});
    ExpectParts(MessageOf<std::invalid_argument>([&] {
                  const PackedMatrix packed(ctx_, integers);  // s8 can be
                  Gemm(ctx_, A(2, 2), packed, C(2, 2));
                }),
                {name});
  }
}

TEST_F(GemmErrorsTest, NullPointers) {
  const AnyMatView null(nullptr, ElementType::kF32, 2, 2, 2);
  Expect<std::invalid_argument>(null, B(2, 2), C(2, 2), {},
                                {"a [2, 2]", "null"});
  Expect<std::invalid_argument>(A(2, 2), null, C(2, 2), {},
                                {"b [2, 2]", "null"}, false);
  Expect<std::invalid_argument>(A(2, 2), B(2, 2), null, {},
                                {"c [2, 2]", "null"});
  ExpectParts(
      MessageOf<std::invalid_argument>([&] { PackedMatrix(ctx_, null); }),
      {"null"});
}

TEST_F(GemmErrorsTest, ResultOverItsOperand) {
  Expect<std::invalid_argument>(MatView<const float>(C(2, 2)), B(2, 2), C(2, 2),
                                {}, {"c and a"});
  Expect<std::invalid_argument>(A(2, 2), MatView<const float>(C(2, 2)), C(2, 2),
                                {}, {"c and b"}, false);
}

TEST_F(GemmErrorsTest, ResultWhoseElementsAreOneAnother) {
  Expect<ShapeError>(A(2, 3), B(3, 5), MatView<float>(c_.data(), 2, 5, 0, 1),
                     {}, {"c [2, 5]", "stride of 0"});
  Expect<ShapeError>(A(2, 3), B(3, 5), MatView<float>(c_.data(), 2, 5, 5, 0),
                     {}, {"c [2, 5]", "stride of 0"});
  // One row has no stride.
  Gemm(ctx_, A(1, 3), B(3, 5), MatView<float>(c_.data(), 1, 5, 0, 1));
  EXPECT_EQ(c_[4], 3.0f);
}

TEST_F(GemmErrorsTest, StridesLargerThanAnyMemory) {
  for (const size_t stride : {kHuge, kHuge / 2, kHuge / 4, kHuge / 16 + 1}) {
    const std::string text = std::to_string(stride);
    Expect<ShapeError>(MatView<const float>(a_.data(), 3, 3, stride, 1),
                       B(3, 3), C(3, 3), {}, {"a [3, 3]", text});
    Expect<ShapeError>(A(3, 3),
                       MatView<const float>(b_.data(), 3, 3, 1, stride),
                       C(3, 3), {}, {"b [3, 3]", text}, false);
    Expect<ShapeError>(A(3, 3), B(3, 3),
                       MatView<float>(c_.data(), 3, 3, stride, 1), {},
                       {"c [3, 3]", text});
    ExpectParts(MessageOf<ShapeError>([&] {
                  PackedMatrix(
                      ctx_, MatView<const float>(b_.data(), 3, 3, 1, stride));
                }),
                {"[3, 3]", text});
  }
}

// One element, repeated: a view of any size needs no more.
TEST_F(GemmErrorsTest, PackedMatrixLargerThanAnyMemory) {
  for (const size_t size : {size_t{1} << 31, size_t{1} << 32, size_t{1} << 33,
                            size_t{1} << 62, kHuge}) {
    const MatView<const float> b(b_.data(), size, size, 0, 0);
    ExpectParts(MessageOf<ShapeError>([&] { PackedMatrix(ctx_, b); }),
                {std::to_string(size)});
  }
}

TEST_F(GemmErrorsTest, Gemv) {
  const VecView<const float> x(b_.data(), 3);
  const auto gemv = [&](size_t rows, size_t cols, size_t y) {
    return MessageOf<ShapeError>([&] {
      Gemv(ctx_, 1, A(rows, cols), x, 0, VecView<float>(c_.data(), y));
    });
  };
  ExpectParts(gemv(2, 4, 2), {"[2, 4]", "3"});
  ExpectParts(gemv(2, 3, 3), {"[2, 3]", "y 3"});
  ExpectParts(MessageOf<ShapeError>([&] {
                Gemv(ctx_, 1, A(2, 3), x, 0, VecView<float>(c_.data(), 2, 0));
              }),
              {"stride of 0"});
}

TEST_F(GemmErrorsTest, Batches) {
  const std::vector<ConstAnyMatView> a = {A(2, 3), A(2, 3)};
  const std::vector<ConstAnyMatView> b = {B(3, 4), B(4, 4)};
  const std::vector<AnyMatView> c = {C(2, 4), C(2, 4)};
  ExpectParts(MessageOf<ShapeError>([&] { GemmBatched(ctx_, a, b, c); }),
              {"[2, 3]", "[4, 4]"});
  ExpectParts(MessageOf<ShapeError>(
                  [&] { GemmBatched(ctx_, a, std::span(b).first(1), c); }),
              {"2 matrices a", "1 b", "2 c"});
  GemmOptions options;
  options.residual = A(2, 4);
  ExpectParts(MessageOf<std::invalid_argument>(
                  [&] { GemmBatched(ctx_, a, std::span(a), c, options); }),
              {"residual"});
  ExpectParts(MessageOf<std::invalid_argument>([&] {
                GemmStridedBatched(ctx_, 2, A(2, 3), 6, B(3, 4), 12, C(2, 4), 8,
                                   options);
              }),
              {"residual"});
  ExpectParts(MessageOf<ShapeError>([&] {
                GemmStridedBatched(ctx_, 2, A(2, 3), 6, B(3, 4), 12, C(2, 4),
                                   0);
              }),
              {"distance"});
  ExpectParts(MessageOf<ShapeError>([&] {
                GemmStridedBatched(ctx_, 2, A(2, 3), 6, B(4, 4), 12, C(2, 4),
                                   8);
              }),
              {"[2, 3]", "[4, 4]"});
  for (const size_t far : {kHuge, kHuge / 2, kHuge / 8}) {
    ExpectParts(MessageOf<ShapeError>([&] {
                  GemmStridedBatched(ctx_, 3, A(2, 3), far, B(3, 4), 0, C(2, 4),
                                     8);
                }),
                {std::to_string(far)});
  }
  EXPECT_EQ(c_, std::vector<float>(64, 7.0f));
}

}  // namespace
}  // namespace ranvier
