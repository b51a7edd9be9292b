#include "ranvier/tensor/shape.h"

#include <algorithm>
#include <limits>

#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

std::string Text(std::span<const size_t> sizes) {
  std::string text = "[";
  for (const size_t size : sizes) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + "]";
}

}  // namespace

Shape::Shape(std::initializer_list<size_t> sizes)
    : Shape(std::span<const size_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const size_t> sizes) {
  if (sizes.empty() || sizes.size() > kMaxRank) {
    throw ShapeError("a tensor has 1 to " + std::to_string(kMaxRank) +
                     " dimensions, the shape " + Text(sizes) + " has " +
                     std::to_string(sizes.size()));
  }
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  rank_ = sizes.size();
  bool empty = false;
  size_t product = 1;
  for (const size_t size : sizes) {
    empty = empty || size == 0;
    if (size == 0) continue;
    if (size > std::numeric_limits<size_t>::max() / product) {
      throw ShapeError("the shape " + Text(sizes) +
                       " has more elements than can be counted in " +
                       std::to_string(sizeof(size_t) * 8) + " bits");
    }
    product *= size;
  }
  elements_ = empty ? 0 : product;
}

size_t Shape::operator[](size_t dimension) const {
  if (dimension >= rank_) {
    throw ShapeError("the shape " + ToString() + " has no dimension " +
                     std::to_string(dimension) + "; the first one is 0");
  }
  return sizes_[dimension];
}

size_t Shape::rows() const {
  size_t rows = 1;
  for (size_t i = 0; i + 1 < rank_; ++i) rows *= sizes_[i];
  return rows;
}

size_t Shape::Offset(std::span<const size_t> at) const {
  if (at.size() > rank_) {
    throw ShapeError("the indices " + Text(at) + " are more than the shape " +
                     ToString() + " has dimensions");
  }
  size_t offset = 0;
  for (size_t i = 0; i < rank_; ++i) {
    const size_t index = i < at.size() ? at[i] : 0;
    if (i < at.size() && index >= sizes_[i]) {
      throw ShapeError("the indices " + Text(at) +
                       " lie outside of the shape " + ToString() + ": index " +
                       std::to_string(index) + " of dimension " +
                       std::to_string(i));
    }
    offset = offset * sizes_[i] + index;
  }
  return offset;
}

Shape Shape::Behind(size_t count) const {
  if (count >= rank_) {
    throw ShapeError(std::to_string(count) + " indices leave no dimension of " +
                     "the shape " + ToString());
  }
  return Shape(sizes().subspan(count));
}

std::string Shape::ToString() const { return Text(sizes()); }

}  // namespace ranvier
