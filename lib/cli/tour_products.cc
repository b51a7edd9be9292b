#include "ranvier/cli/tour_products.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/base/philox.h"

namespace ranvier::cli {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

float Rounded(float x, ProductStorage storage) {
  return storage == ProductStorage::kBf16 ? ToFloat(ToBf16(x)) : x;
}

Tensor<float> Uniform(Context& ctx, const Shape& shape, ProductStorage storage,
                      Philox::Key key) {
  Tensor<float> t = Tensor<float>::Uninitialized(shape);
  const MatView<float> rows = t.Mat();
  ctx.ParallelFor(rows.rows(), [&](size_t row) {
    for (size_t col = 0; col < rows.cols(); col += 4) {
      const Philox::Counter words = Philox::Block(Philox::Split(col, row), key);
      const size_t n = std::min<size_t>(4, rows.cols() - col);
      for (size_t i = 0; i < n; ++i) {
        // 24 bits: every value is a float.
        const float unit = static_cast<float>(words[i] >> 8) * 0x1.0p-23f;
        rows(row, col + i) = Rounded(unit - 1, storage);
      }
    }
  });
  return t;
}

Tensor<bf16> AsBf16(const Tensor<float>& from) {
  Tensor<bf16> to = Tensor<bf16>::Uninitialized(from.shape());
  for (size_t i = 0; i < from.elements(); ++i) {
    to.data()[i] = ToBf16(from.data()[i]);
  }
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
  return Library<bf16>(
      ctx, operands.shape,
      std::make_shared<const Tensor<bf16>>(AsBf16(operands.a)),
      std::make_shared<const Tensor<bf16>>(AsBf16(operands.b)));
}

// The median of several runs: as many as 0.3 s hold, but three at least unless
// one alone takes longer.
std::optional<double> MedianSeconds(const Context& ctx,
                                    const ProductWay::Run& run,
                                    MatView<float> c) {
  constexpr double kBudget_s = 0.3;
  constexpr size_t kMostRuns = 200;
  std::vector<double> seconds;
  const auto begin = Clock::now();
  do {
    if (ctx.cancelled()) return std::nullopt;
    const auto before = Clock::now();
    run(c);
    seconds.push_back(SecondsSince(before));
    if (seconds[0] > kBudget_s) break;
  } while (seconds.size() < 3 ||
           (SecondsSince(begin) < kBudget_s && seconds.size() < kMostRuns));
  const auto middle =
      seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
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
  operands.a =
      Uniform(ctx, {shape.M, shape.K}, storage, Philox::StreamKey(seed, 0));
  operands.b =
      Uniform(ctx, {shape.K, shape.N}, storage, Philox::StreamKey(seed, 1));
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
      const double error =
          std::fabs(static_cast<double>(c(i, j)) - operands.c(i, j));
      if (error == 0) continue;
      const double share = error / operands.bound(i, j);
      if (std::isnan(share)) return std::numeric_limits<double>::infinity();
      largest = std::max(largest, share);
    }
  }
  return largest;
}

std::vector<ProductTiming> MeasureProducts(
    Context& ctx, std::span<const ProductShape> shapes,
    std::span<const ProductWay> ways,
    const std::function<void(const ProductTiming&)>& row,
    const std::function<void(double)>& progress) {
  std::vector<ProductTiming> rows;
  Context one({.threads = 1, .seed = ctx.seed()});
  double done = 0;
  for (const ProductShape& shape : shapes) {
    std::vector<std::pair<ProductStorage, ProductOperands>> made;
    const auto operands_of =
        [&](ProductStorage storage) -> const ProductOperands& {
      for (const auto& [stored, operands] : made) {
        if (stored == storage) return operands;
      }
      return made
          .emplace_back(storage, MakeOperands(ctx, shape, storage, ctx.seed()))
          .second;
    };
    made.reserve(ways.size());  // references into it stay
    double baseline_s = 0;
    for (const ProductWay& way : ways) {
      progress(done / static_cast<double>(shapes.size() * ways.size()));
      done += 1;
      Context& threads = way.all_threads ? ctx : one;
      ProductTiming timing;
      timing.product = shape.Name();
      timing.way = way.name;
      timing.threads = threads.threads();
      timing.baseline = way.baseline;
      // With one thread to use, one row says it all.
      if (std::any_of(rows.begin(), rows.end(), [&](const ProductTiming& r) {
            return r.product == timing.product && r.way == timing.way &&
                   r.threads == timing.threads;
          })) {
        continue;
      }
      if (ctx.cancelled()) return rows;
      try {
        const ProductOperands& operands = operands_of(way.storage);
        Tensor<float> c = Tensor<float>::Uninitialized({shape.M, shape.N});
        c.Fill(std::numeric_limits<float>::quiet_NaN());
        const ProductWay::Run run = way.prepare(threads, operands);
        run(c);
        timing.error_share = ErrorShare(operands, c);
        if (timing.right()) {
          const std::optional<double> median = MedianSeconds(ctx, run, c);
          if (!median) return rows;
          timing.seconds = *median;
        }
      } catch (const CancelledError&) {
        return rows;
      }
      if (timing.seconds > 0) {
        timing.gflops = 2 * static_cast<double>(shape.M) *
                        static_cast<double>(shape.N) *
                        static_cast<double>(shape.K) / timing.seconds / 1e9;
        if (way.baseline) baseline_s = timing.seconds;
        if (baseline_s > 0) timing.speedup = baseline_s / timing.seconds;
      }
      rows.push_back(timing);
      row(timing);
    }
  }
  progress(1);
  return rows;
}

}  // namespace ranvier::cli
