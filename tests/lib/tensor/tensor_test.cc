#include "ranvier/tensor/tensor.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

static_assert(!std::is_copy_constructible_v<Tensor<float>>);
static_assert(!std::is_copy_assignable_v<Tensor<float>>);
static_assert(std::is_nothrow_move_constructible_v<Tensor<float>>);
static_assert(std::is_nothrow_move_assignable_v<Tensor<float>>);
// A view that writes comes only from a tensor that may be written.
static_assert(std::is_convertible_v<Tensor<float>&, AnyMatView>);
static_assert(!std::is_convertible_v<const Tensor<float>&, AnyMatView>);
static_assert(std::is_convertible_v<const Tensor<bf16>&, ConstAnyMatView>);
static_assert(!std::is_convertible_v<const Tensor<double>&, ConstAnyMatView>);
static_assert(
    std::is_convertible_v<const Tensor<double>&, MatView<const double>>);
static_assert(!std::is_convertible_v<const Tensor<float>&, MatView<float>>);

constexpr size_t kMax = std::numeric_limits<size_t>::max();

template <typename F>
std::string ShapeErrorOf(F f) {
  try {
    f();
  } catch (const ShapeError& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(Shape, CountsElementsRowsAndCols) {
  const Shape shape({2, 3, 4});
  EXPECT_EQ(shape.rank(), 3u);
  EXPECT_EQ(shape.elements(), 24u);
  EXPECT_EQ(shape.rows(), 6u);
  EXPECT_EQ(shape.cols(), 4u);
  EXPECT_EQ(shape[2], 4u);
  EXPECT_EQ(shape.ToString(), "[2, 3, 4]");
  EXPECT_EQ(shape.Behind(1), Shape({3, 4}));
  EXPECT_EQ(Shape({7}).rows(), 1u);
  EXPECT_EQ(Shape({7}).cols(), 7u);
  EXPECT_EQ(Shape({1, 2, 3, 4, 5}).elements(), 120u);
  EXPECT_EQ(Shape(), Shape({0}));
  EXPECT_NE(Shape({2, 3}), Shape({2, 3, 1}));
  EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
}

TEST(Shape, ZeroSizes) {
  const Shape shape({2, 0, 4});
  EXPECT_EQ(shape.elements(), 0u);
  EXPECT_EQ(shape.rows(), 0u);
  EXPECT_EQ(shape.cols(), 4u);
  EXPECT_EQ(Shape({3, 0}).rows(), 3u);
}

TEST(Shape, RefusesWhatCannotBeCounted) {
  EXPECT_NE(ShapeErrorOf([] {
              Shape({kMax, 2});
            }).find("[18446744073709551615, 2] has more elements"),
            std::string::npos);
  // Modulo 2^64 this is 0, or 1.
  EXPECT_THROW(Shape({size_t{1} << 32, size_t{1} << 32}), ShapeError);
  EXPECT_THROW(Shape({kMax, kMax}), ShapeError);
  // No elements, but rows() would not be a number.
  EXPECT_THROW(Shape({kMax, 2, 0}), ShapeError);
  EXPECT_EQ(Shape({kMax, 1, 0}).rows(), kMax);
  EXPECT_EQ(Shape({kMax}).elements(), kMax);
  EXPECT_THROW(Shape(std::span<const size_t>()), ShapeError);
  EXPECT_NE(ShapeErrorOf([] {
              Shape({1, 2, 3, 4, 5, 6});
            }).find("1 to 5 dimensions, the shape [1, 2, 3, 4, 5, 6] has 6"),
            std::string::npos);
}

TEST(Shape, RefusesIndicesOutside) {
  const Shape shape({2, 3});
  EXPECT_THROW(shape[2], ShapeError);
  EXPECT_THROW(shape.Behind(2), ShapeError);
  const std::vector<size_t> inside = {1, 2}, outside = {1, 3}, many = {0, 0, 0};
  EXPECT_EQ(shape.Offset(inside), 5u);
  EXPECT_EQ(shape.Offset(std::span(inside).first(1)), 3u);
  EXPECT_EQ(ShapeErrorOf([&] { shape.Offset(outside); }),
            "the indices [1, 3] lie outside of the shape [2, 3]: index 3 of "
            "dimension 1");
  EXPECT_THROW(shape.Offset(many), ShapeError);
}

TEST(Tensor, ZerosAlignedRowMajor) {
  Tensor<float> t({2, 3, 5});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(t.data()) % kAlignment, 0u);
  EXPECT_EQ(t.elements(), 30u);
  EXPECT_EQ(t.size_bytes(), 120u);
  EXPECT_EQ(t.size(1), 3u);
  EXPECT_TRUE(std::all_of(t.span().begin(), t.span().end(),
                          [](float x) { return x == 0; }));
  for (size_t i = 0; i < 30; ++i) t.data()[i] = static_cast<float>(i);
  EXPECT_EQ(t(1, 2, 4), 29);
  EXPECT_EQ(std::as_const(t)(1, 0, 2), 17);
  t(0, 1, 0) = -1;
  EXPECT_EQ(t.data()[5], -1);
}

TEST(Tensor, PartsAreViewsOfTheSameMemory) {
  Tensor<double> t({2, 3, 4, 5});
  for (size_t i = 0; i < t.elements(); ++i)
    t.data()[i] = static_cast<double>(i);
  EXPECT_EQ(t.Mat().rows(), 24u);
  EXPECT_EQ(t.Mat().cols(), 5u);
  EXPECT_EQ(t.Mat(1).rows(), 12u);
  EXPECT_EQ(t.Mat(1, 2).rows(), 4u);
  EXPECT_EQ(t.Mat(1, 2)(3, 4), t(1, 2, 3, 4));
  EXPECT_EQ(t.Mat(1, 2, 3).rows(), 1u);
  EXPECT_EQ(t.Vec().size(), 120u);
  EXPECT_EQ(t.Vec(0, 1).size(), 20u);
  EXPECT_EQ(t.Vec(0, 1, 2)[3], t(0, 1, 2, 3));
  t.Mat(1)(0, 0) = -1;
  EXPECT_EQ(t(1, 0, 0, 0), -1);
  const Tensor<double>& read = t;
  static_assert(std::is_same_v<decltype(read.Mat(1)), MatView<const double>>);
  static_assert(std::is_same_v<decltype(read.Vec(1)), VecView<const double>>);
  EXPECT_EQ(read.Mat(1).data(), t.Mat(1).data());
  EXPECT_THROW(t.Mat(2), ShapeError);
  EXPECT_THROW(t.Vec(-1), ShapeError);
  EXPECT_THROW(t.Mat(0, 0, 0, 0), ShapeError);
}

TEST(Tensor, PassesForAMatrix) {
  Tensor<bf16> t({2, 3, 4});
  const AnyMatView any = t;
  EXPECT_EQ(any.type(), ElementType::kBf16);
  EXPECT_EQ(any.rows(), 6u);
  EXPECT_EQ(any.data(), t.data());
  const ConstAnyMatView read = t;  // also from one that may be written
  EXPECT_EQ(read.data(), t.data());
  const MatView<bf16> view = t;
  EXPECT_EQ(view.cols(), 4u);
}

TEST(Tensor, Empty) {
  Tensor<float> none;
  Tensor<float> zero({3, 0, 4});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.shape(), Shape({0}));
  EXPECT_EQ(zero.data(), nullptr);
  EXPECT_EQ(zero.Mat().cols(), 4u);
  EXPECT_EQ(zero.Mat(2).rows(), 0u);
  EXPECT_EQ(zero.Clone().shape(), zero.shape());
  EXPECT_TRUE(none.span().empty());
  zero.Fill(1);
  zero.Reshape({0, 7});
  EXPECT_EQ(zero.shape(), Shape({0, 7}));
}

TEST(Tensor, MovesAndClones) {
  Tensor<int32_t> a({2, 2});
  a.Fill(7);
  int32_t* data = a.data();
  Tensor<int32_t> copy = a.Clone();
  EXPECT_NE(copy.data(), data);
  EXPECT_TRUE(
      std::equal(copy.span().begin(), copy.span().end(), a.span().begin()));
  Tensor<int32_t> b(std::move(a));
  EXPECT_EQ(b.data(), data);
  EXPECT_TRUE(a.empty());         // NOLINT: promised
  EXPECT_EQ(a.shape(), Shape());  // NOLINT
  EXPECT_EQ(a.data(), nullptr);   // NOLINT
  copy = std::move(b);
  EXPECT_EQ(copy.data(), data);
  EXPECT_TRUE(b.empty());  // NOLINT: promised
  Tensor<int32_t>& self = copy;
  copy = std::move(self);
  EXPECT_EQ(copy.data(), data);
  EXPECT_EQ(copy.shape(), Shape({2, 2}));
}

TEST(Tensor, CopiesAnyStrides) {
  const std::vector<float> from = {0, 1, 2, 3, 4, 5, 6, 7};
  const MatView<const float> view(from.data(), 2, 3, 4);
  const Tensor<float> copy = Tensor<float>::CopyOf(view);
  EXPECT_EQ(copy.shape(), Shape({2, 3}));
  EXPECT_EQ(copy(1, 2), 6);
  const auto turned = Tensor<float>::CopyOf(view.Transposed());
  EXPECT_EQ(turned.shape(), Shape({3, 2}));
  EXPECT_EQ(turned(2, 1), 6);
  EXPECT_EQ(turned(0, 1), 4);
}

TEST(Tensor, ReshapeKeepsTheElements) {
  Tensor<uint8_t> t({2, 6});
  t(1, 0) = 9;
  t.Reshape({3, 2, 2});
  EXPECT_EQ(t(1, 1, 0), 9);
  EXPECT_EQ(ShapeErrorOf([&] { t.Reshape({5}); }),
            "Reshape: [3, 2, 2] has 12 elements, [5] has 5");
  EXPECT_EQ(t.shape(), Shape({3, 2, 2}));
}

TEST(Tensor, RefusesWhatMemoryHasNoAddressesFor) {
  EXPECT_NE(ShapeErrorOf([] {
              Tensor<double>({kMax / 4});
            }).find("has more bytes than memory has addresses"),
            std::string::npos);
  EXPECT_THROW(Tensor<float>::Uninitialized({kMax / 8 + 2}), ShapeError);
}

}  // namespace
}  // namespace ranvier
