#include "ranvier/cli/tour_products.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/gemm_int8.h"
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

// One way of one product that is right and waits for the clock.
struct Candidate {
  ProductTiming timing;
  ProductWay::Run run;
  std::vector<double> seconds;  // of each run
  double spent_s = 0;
};

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Times all of them in turn, so that what else the machine does meets each of
// them alike. False if ctx was cancelled.
bool TimeInTurn(const Context& ctx, std::span<Candidate> candidates,
                MatView<float> c) {
  constexpr int kRounds = 6;
  constexpr double kSlice_s = 0.05;  // of each in each round
  constexpr double kEnough_s = 0.6;  // for the few slow ones
  constexpr size_t kMostRuns = 200;  // in a slice
  for (int round = 0; round < kRounds; ++round) {
    for (Candidate& candidate : candidates) {
      if (!candidate.timing.right() || candidate.spent_s > kEnough_s) continue;
      const double end_s = candidate.spent_s + kSlice_s;
      for (size_t i = 0; i < kMostRuns && candidate.spent_s < end_s; ++i) {
        if (ctx.cancelled()) return false;
        const auto begin = Clock::now();
        candidate.run(c);
        candidate.seconds.push_back(SecondsSince(begin));
        candidate.spent_s += candidate.seconds.back();
      }
    }
  }
  return true;
}

// The ways of one shape, compared and timed; nothing if ctx was cancelled.
std::vector<ProductTiming> MeasureShape(Context& ctx, Context& one,
                                        const ProductShape& shape,
                                        std::span<const ProductWay> ways,
                                        const std::function<void()>& compared) {
  std::vector<std::pair<ProductStorage, ProductOperands>> made;
  made.reserve(ways.size());  // references into it stay
  const auto operands_of =
      [&](ProductStorage storage) -> const ProductOperands& {
    for (const auto& [stored, operands] : made) {
      if (stored == storage) return operands;
    }
    return made
        .emplace_back(storage, MakeOperands(ctx, shape, storage, ctx.seed()))
        .second;
  };
  Tensor<float> c = Tensor<float>::Uninitialized({shape.M, shape.N});
  std::vector<Candidate> candidates;
  for (const ProductWay& way : ways) {
    Context& threads = way.all_threads ? ctx : one;
    // With one thread to use, one row says it all.
    const bool told = std::any_of(
        candidates.begin(), candidates.end(), [&](const Candidate& other) {
          return other.timing.way == way.name &&
                 other.timing.threads == threads.threads();
        });
    if (!told) {
      if (ctx.cancelled()) return {};
      Candidate candidate;
      candidate.timing.product = shape.Name();
      candidate.timing.way = way.name;
      candidate.timing.threads = threads.threads();
      candidate.timing.baseline = way.baseline;
      const ProductOperands& operands = operands_of(way.storage);
      candidate.run = way.prepare(threads, operands);
      c.Fill(std::numeric_limits<float>::quiet_NaN());
      candidate.run(c);
      candidate.timing.error_share = ErrorShare(operands, c);
      candidates.push_back(std::move(candidate));
    }
    compared();
  }
  if (!TimeInTurn(ctx, candidates, c)) return {};

  std::vector<ProductTiming> rows;
  double baseline_s = 0;
  for (Candidate& candidate : candidates) {
    ProductTiming& timing = candidate.timing;
    if (timing.right()) {
      timing.seconds = Median(std::move(candidate.seconds));
      timing.gflops = 2 * static_cast<double>(shape.M) *
                      static_cast<double>(shape.N) *
                      static_cast<double>(shape.K) / timing.seconds / 1e9;
      if (timing.baseline) baseline_s = timing.seconds;
      timing.speedup = baseline_s / timing.seconds;
    }
    rows.push_back(timing);
  }
  return rows;
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
  // Of a shape, the timing takes about as long as the rest.
  const double steps = 2 * static_cast<double>(shapes.size() * ways.size());
  double done = 0;
  for (const ProductShape& shape : shapes) {
    progress(done / steps);
    std::vector<ProductTiming> measured;
    try {
      measured = MeasureShape(ctx, one, shape, ways,
                              [&] { progress(++done / steps); });
    } catch (const CancelledError&) {
      return rows;
    }
    if (measured.empty()) return rows;
    done += static_cast<double>(ways.size());
    for (const ProductTiming& timing : measured) row(timing);
    rows.insert(rows.end(), measured.begin(), measured.end());
  }
  progress(1);
  return rows;
}

}  // namespace ranvier::cli
