#include "ranvier/cli/tour_products.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/gemm_int8.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/base/philox.h"

namespace ranvier::cli {
namespace {

// What one step of an int8 is worth: a power of two, so that its multiples are
// floats.
constexpr float kInt8Step = 0x1.0p-7f;

int8_t AsInt8(float x) {
  return static_cast<int8_t>(
      std::clamp(std::nearbyint(x / kInt8Step), -128.0f, 127.0f));
}

float Rounded(float x, ProductStorage storage) {
  switch (storage) {
    case ProductStorage::kF32:
      return x;
    case ProductStorage::kBf16:
      return ToFloat(ToBf16(x));
    case ProductStorage::kInt8:
      return static_cast<float>(AsInt8(x)) * kInt8Step;
  }
  return x;
}

Tensor<float> Operand(Context& ctx, const Shape& shape, ProductStorage storage,
                      uint64_t seed, uint64_t stream) {
  Tensor<float> t = Uniform(ctx, shape, Philox::StreamKey(seed, stream));
  ctx.ParallelFor(t.size(0), [&](size_t row) {
    for (size_t col = 0; col < t.size(1); ++col) {
      t(row, col) = Rounded(t(row, col), storage);
    }
  });
  return t;
}

template <typename T>
std::shared_ptr<const Tensor<T>> Stored(const Tensor<float>& from,
                                        T (*convert)(float)) {
  auto to = std::make_shared<Tensor<T>>(Tensor<T>::Uninitialized(from.shape()));
  std::transform(from.data(), from.data() + from.elements(), to->data(),
                 convert);
  return to;
}

// A product through the library, with operands that are views of `a` and `b`.
// Both, and the packed b, live as long as what is returned.
template <typename T>
ProductWay::Run Library(Context& ctx, const ProductShape& shape,
                        std::shared_ptr<const Tensor<T>> a,
                        std::shared_ptr<const Tensor<T>> b) {
  if (!shape.packed) {
    return [&ctx, a, b](MatView<float> c) { Gemm(ctx, *a, *b, c); };
  }
  const PackedMatrix packed(ctx, *b);
  return [&ctx, a, packed](MatView<float> c) { Gemm(ctx, *a, packed, c); };
}

ProductWay::Run LibraryF32(Context& ctx, const ProductOperands& operands) {
  // The operands outlive what is returned: nothing to own here.
  const auto borrowed = [](const Tensor<float>& t) {
    return std::shared_ptr<const Tensor<float>>(std::shared_ptr<void>(), &t);
  };
  return Library<float>(ctx, operands.shape, borrowed(operands.a),
                        borrowed(operands.b));
}

ProductWay::Run LibraryBf16(Context& ctx, const ProductOperands& operands) {
  bf16 (*const convert)(float) = ToBf16;
  return Library<bf16>(ctx, operands.shape, Stored(operands.a, convert),
                       Stored(operands.b, convert));
}

ProductWay::Run LibraryInt8(Context& ctx, const ProductOperands& operands) {
  const auto a = Stored(operands.a, AsInt8);
  const auto b = Stored(operands.b, AsInt8);
  GemmInt8Options options;
  options.a_scale = options.b_scale = VecView<const float>(&kInt8Step, 1);
  if (!operands.shape.packed) {
    return [&ctx, a, b, options](MatView<float> c) {
      GemmInt8(ctx, *a, b->Mat(), c, options);
    };
  }
  const PackedMatrix packed(ctx, *b);
  return [&ctx, a, packed, options](MatView<float> c) {
    GemmInt8(ctx, *a, packed, c, options);
  };
}

struct SharedByWays {
  explicit SharedByWays(const ProductShape& of)
      : shape(of), c(Tensor<float>::Uninitialized({of.M, of.N})) {}

  ProductShape shape;
  std::map<ProductStorage, ProductOperands> operands;  // made when asked for
  Tensor<float> c;
};

ReadyWay Ready(Context& ctx, Context& threads,
               const std::shared_ptr<SharedByWays>& shared,
               const ProductWay& way) {
  const auto [at, made] = shared->operands.try_emplace(way.storage);
  const ProductOperands& operands = at->second;
  if (made) {
    at->second = MakeOperands(ctx, shared->shape, way.storage, ctx.seed());
  }
  const ProductWay::Run run = way.prepare(threads, operands);
  const auto compare = [shared, run, &operands] {
    shared->c.Fill(std::numeric_limits<float>::quiet_NaN());
    run(shared->c);
    return ErrorShare(operands, shared->c);
  };
  return {.run = [shared, run] { run(shared->c); }, .compare = compare};
}

}  // namespace

std::string ProductShape::Name() const {
  const std::string sizes =
      std::to_string(M) + " x " + std::to_string(N) + " x " + std::to_string(K);
  return packed ? "layer " + sizes + ", packed weights" : sizes;
}

std::vector<ProductWay> ProductWays() {
  using enum ProductStorage;
  return {
      {.name = "plain loop, f32",
       .baseline = true,
       .prepare =
           [](Context&, const ProductOperands& operands) {
             return [&operands](MatView<float> c) {
               PlainProduct(operands.a, operands.b, c);
             };
           }},
      {.name = "SIMD, f32", .prepare = LibraryF32},
      {.name = "SIMD, f32", .all_threads = true, .prepare = LibraryF32},
      {.name = "SIMD, bf16",
       .storage = kBf16,
       .all_threads = true,
       .prepare = LibraryBf16},
      {.name = "SIMD, s8 x s8",
       .storage = kInt8,
       .all_threads = true,
       .prepare = LibraryInt8},
  };
}

std::vector<ProductShape> TourShapes() {
  return {{512, 512, 512},
          {1024, 1024, 1024},
          {16, 1024, 1024, true},
          {1, 4096, 4096, true}};
}

ProductOperands MakeOperands(Context& ctx, const ProductShape& shape,
                             ProductStorage storage, uint64_t seed) {
  ProductOperands operands;
  operands.shape = shape;
  operands.a = Operand(ctx, {shape.M, shape.K}, storage, seed, 0);
  operands.b = Operand(ctx, {shape.K, shape.N}, storage, seed, 1);
  operands.c = Tensor<double>({shape.M, shape.N});
  operands.bound = Tensor<double>({shape.M, shape.N});
  // That of Gemm, in lib/ops/gemm.h.
  const double factor = 2 * static_cast<double>(shape.K + 2) * 0x1.0p-24;
  ctx.ParallelFor(shape.M, [&](size_t i) {
    double* const c = operands.c.Vec(i).data();
    double* const bound = operands.bound.Vec(i).data();
    for (size_t k = 0; k < shape.K; ++k) {
      const double a = static_cast<double>(operands.a(i, k));
      const double factor_a = factor * std::fabs(a);
      const float* const b = operands.b.Vec(k).data();
      for (size_t j = 0; j < shape.N; ++j) {
        const double b_kj = static_cast<double>(b[j]);
        c[j] += a * b_kj;
        bound[j] += factor_a * std::fabs(b_kj);
      }
    }
  });
  return operands;
}

double ErrorShare(const ProductOperands& operands, MatView<const float> c) {
  double largest = 0;
  for (size_t i = 0; i < c.rows(); ++i) {
    for (size_t j = 0; j < c.cols(); ++j) {
      largest =
          std::max(largest, ErrorShare(static_cast<double>(c(i, j)),
                                       operands.c(i, j), operands.bound(i, j)));
    }
  }
  return largest;
}

TourSubject ProductSubject(const ProductShape& shape,
                           const std::vector<ProductWay>& ways) {
  const auto make = [shape, ways](Context& ctx) {
    const auto shared = std::make_shared<SharedByWays>(shape);
    std::vector<TourWay> made;
    for (const ProductWay& way : ways) {
      made.push_back({way.name, way.all_threads, way.baseline,
                      [&ctx, shared, way](Context& threads) {
                        return Ready(ctx, threads, shared, way);
                      }});
    }
    return made;
  };
  return {shape.Name(),
          2 * static_cast<double>(shape.M) * static_cast<double>(shape.N) *
              static_cast<double>(shape.K),
          make};
}

}  // namespace ranvier::cli
