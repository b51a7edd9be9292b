#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ranvier/cli/tour_measure.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/view.h"
#include "ranvier/tensor/tensor.h"

namespace ranvier::cli {

// C = A B with A: [M, K] and B: [K, N].
struct ProductShape {
  size_t M = 0, N = 0, K = 0;
  // B is the weights of a layer: packed once, before the clock starts.
  bool packed = false;

  std::string Name() const;
};

// How the operands are stored. Each is rounded to it before anything is
// computed, so that the error shown is that of the product.
enum class ProductStorage { kF32, kBf16, kInt8 };

// What a product is computed from, and what must come out.
struct ProductOperands {
  ProductShape shape;
  Tensor<float> a, b;    // rounded to the storage
  Tensor<double> c;      // the product
  Tensor<double> bound;  // of |error|, element by element
};

// A row of the table for each shape. To add one, add an entry to ProductWays.
struct ProductWay {
  using Run = std::function<void(MatView<float> c)>;

  std::string name;
  ProductStorage storage = ProductStorage::kF32;
  bool all_threads = false;  // else one
  bool baseline = false;
  // Whatever need not be timed: converting, packing. ctx and the operands
  // outlive what is returned.
  std::function<Run(Context& ctx, const ProductOperands&)> prepare;
};

std::vector<ProductWay> ProductWays();
std::vector<ProductShape> TourShapes();

// Uniform on [-1, 1), a function of the seed.
ProductOperands MakeOperands(Context& ctx, const ProductShape& shape,
                             ProductStorage storage, uint64_t seed);

// The largest of all elements of c.
double ErrorShare(const ProductOperands& operands, MatView<const float> c);

// `ways` of one product, for Measure.
TourSubject ProductSubject(const ProductShape& shape,
                           const std::vector<ProductWay>& ways);

// C = A B as a plain program has it, one number at a time.
void PlainProduct(MatView<const float> a, MatView<const float> b,
                  MatView<float> c);

}  // namespace ranvier::cli
