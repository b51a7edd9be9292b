#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "ranvier/simd/base/aligned_buffer.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"
#include "ranvier/tensor/shape.h"

namespace ranvier {

// Owns the aligned memory of 1 to 5 dimensions, row-major and without gaps.
// Moves; copies only where Clone says so. What was moved from is empty, [0].
//
//   Tensor<float> x({batch, tokens, dim});           // zeros
//   Tensor<float> y = Tensor<float>::Uninitialized({batch, tokens, out});
//   Gemm(ctx, x, weights, y);                        // as [batch * tokens, ..]
//   MatView<float> image = x.Mat(3);                 // [tokens, dim] of one
//
// It passes for a matrix wherever a view is asked for: that of Mat().
//
// Throws  ShapeError: a shape that Shape refuses, more bytes than memory has
//         addresses, an index outside; std::bad_alloc.
// Threads Reading from several at once is safe, as is writing to places that
//         do not overlap.
template <typename T>
requires(Element<T> ||
         (std::is_arithmetic_v<T> &&
          std::same_as<T, std::remove_cv_t<T>>)) class RANVIER_API Tensor {
 public:
  using value_type = T;

  Tensor() = default;  // [0], no memory
  // Filled with zeros.
  explicit Tensor(const Shape& shape) : Tensor(shape, NotFilled()) {
    // All bits 0 is 0 in every type that a tensor has.
    if (elements() != 0) std::memset(data(), 0, elements() * sizeof(T));
  }
  // For what is written before it is read.
  static Tensor Uninitialized(const Shape& shape) {
    return Tensor(shape, NotFilled());
  }
  // A matrix with any strides.
  static Tensor CopyOf(MatView<const T> view) {
    Tensor copy = Uninitialized({view.rows(), view.cols()});
    const MatView<T> to = copy.Mat();
    for (size_t row = 0; row < view.rows(); ++row) {
      for (size_t col = 0; col < view.cols(); ++col) {
        to(row, col) = view(row, col);
      }
    }
    return copy;
  }

  Tensor(Tensor&& other) noexcept
      : buffer_(std::move(other.buffer_)),
        shape_(std::exchange(other.shape_, Shape())) {}
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor taken(std::move(other));  // also where other is *this
    std::swap(buffer_, taken.buffer_);
    std::swap(shape_, taken.shape_);
    return *this;
  }
  Tensor Clone() const {
    Tensor clone = Uninitialized(shape_);
    std::copy_n(data(), elements(), clone.data());
    return clone;
  }

  const Shape& shape() const { return shape_; }
  size_t rank() const { return shape_.rank(); }
  size_t size(size_t dimension) const { return shape_[dimension]; }
  size_t elements() const { return shape_.elements(); }
  size_t size_bytes() const { return elements() * sizeof(T); }
  bool empty() const { return elements() == 0; }

  // kAlignment bytes, as AlignedBuffer; null if there are no elements.
  T* data() { return buffer_.data(); }
  const T* data() const { return buffer_.data(); }
  std::span<T> span() { return {data(), elements()}; }
  std::span<const T> span() const { return {data(), elements()}; }

  // One element, by all its indices; checked in debug builds only.
  template <std::convertible_to<size_t>... Index>
  T& operator()(Index... at) {
    return data()[ElementOffset(at...)];
  }
  template <std::convertible_to<size_t>... Index>
  const T& operator()(Index... at) const {
    return data()[ElementOffset(at...)];
  }

  // The part at some leading indices as one matrix: its rows are the last
  // dimension. Of q: [B, H, N, D], q.Mat() is [B H N, D], q.Mat(b) is [H N, D]
  // and q.Mat(b, h) is [N, D].
  template <std::convertible_to<size_t>... Index>
  MatView<T> Mat(Index... at) {
    const Shape part = shape_.Behind(sizeof...(at));
    return {PartAt(data(), at...), part.rows(), part.cols()};
  }
  template <std::convertible_to<size_t>... Index>
  MatView<const T> Mat(Index... at) const {
    const Shape part = shape_.Behind(sizeof...(at));
    return {PartAt(data(), at...), part.rows(), part.cols()};
  }
  // The same part as one vector: q.Vec() is every element, q.Vec(b, h, n) the
  // [D] of one token.
  template <std::convertible_to<size_t>... Index>
  VecView<T> Vec(Index... at) {
    const Shape part = shape_.Behind(sizeof...(at));
    return {PartAt(data(), at...), part.elements()};
  }
  template <std::convertible_to<size_t>... Index>
  VecView<const T> Vec(Index... at) const {
    const Shape part = shape_.Behind(sizeof...(at));
    return {PartAt(data(), at...), part.elements()};
  }

  operator MatView<T>() { return Mat(); }
  operator MatView<const T>() const { return Mat(); }
  operator AnyMatView() requires Element<T> { return Mat(); }
  operator ConstAnyMatView() const requires Element<T> { return Mat(); }

  void Fill(T value) { std::fill_n(data(), elements(), value); }

  // The same elements in the same order under another shape.
  // Throws  ShapeError: another number of elements.
  void Reshape(const Shape& shape) {
    if (shape.elements() != elements()) {
      throw ShapeError("Reshape: " + shape_.ToString() + " has " +
                       std::to_string(elements()) + " elements, " +
                       shape.ToString() + " has " +
                       std::to_string(shape.elements()));
    }
    shape_ = shape;
  }

 private:
  struct NotFilled {};
  Tensor(const Shape& shape, NotFilled)
      : buffer_(Addressable(shape)), shape_(shape) {}

  static size_t Addressable(const Shape& shape) {
    if (shape.elements() >
        static_cast<size_t>(std::numeric_limits<std::ptrdiff_t>::max()) /
            sizeof(T)) {
      throw ShapeError("a tensor of shape " + shape.ToString() + " with " +
                       std::to_string(sizeof(T)) +
                       " bytes for each element has more bytes than memory "
                       "has addresses");
    }
    return shape.elements();
  }

  template <typename... Index>
  size_t ElementOffset(Index... at) const {
    const std::span<const size_t> sizes = shape_.sizes();
    RANVIER_DCHECK(sizeof...(at) == sizes.size());
    size_t offset = 0, dimension = 0;
    const auto next = [&](size_t index) {
      RANVIER_DCHECK(index < sizes[dimension]);
      offset = offset * sizes[dimension++] + index;
    };
    (next(static_cast<size_t>(at)), ...);
    return offset;
  }

  template <typename P, typename... Index>
  P* PartAt(P* data, Index... at) const {
    // One more, since there is no array of none.
    const size_t indices[] = {static_cast<size_t>(at)..., 0};
    const size_t offset = shape_.Offset({indices, sizeof...(at)});
    return empty() ? data : data + offset;
  }

  AlignedBuffer<T> buffer_;
  Shape shape_;
};

}  // namespace ranvier
