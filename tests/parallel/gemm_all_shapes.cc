// gemm_all_shapes [TARGET...]
//
// Multiplies all 262,144 shapes M, N, K = 1..64 in every way of
// GemmShapes::Ways on each SIMD target, or on those that are named, and
// compares every element with its bound. Exit code 1 if one is not within.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/targets.h"

#include "tests/parallel/gemm_shapes.h"

namespace ranvier {
namespace {

using test::GemmShapes;

struct Tally {
  uint64_t products = 0;
  uint64_t failures = 0;
  double worst = 0;
  std::string first_failure;
};

// All products with N columns, a small one first.
Tally CheckColumns(const GemmShapes& shapes, const GemmShapes::Way& way,
                   size_t N) {
  Context ctx(ContextOptions{.threads = 1});
  Tally tally;
  for (size_t K = 1; K <= GemmShapes::kMost; ++K) {
    PackedMatrix packed;
    if (way.packed) packed = shapes.Pack(ctx, way, N, K);
    for (size_t M = 1; M <= GemmShapes::kMost; ++M) {
      std::string why;
      const double error =
          shapes.Check(ctx, way, M, N, K, way.packed ? &packed : nullptr, &why);
      ++tally.products;
      if (why.empty()) {
        tally.worst = std::max(tally.worst, error);
      } else {
        if (tally.failures++ == 0) tally.first_failure = why;
      }
    }
  }
  return tally;
}

Tally CheckAll(Context& ctx, const GemmShapes& shapes,
               const GemmShapes::Way& way) {
  std::array<Tally, GemmShapes::kMost> columns;
  ctx.ParallelFor(columns.size(), [&](size_t i) {
    columns[i] = CheckColumns(shapes, way, i + 1);
  });
  Tally all;
  for (const Tally& tally : columns) {
    all.products += tally.products;
    all.failures += tally.failures;
    all.worst = std::max(all.worst, tally.worst);
    if (all.first_failure.empty()) all.first_failure = tally.first_failure;
  }
  return all;
}

int Run(const std::vector<std::string>& targets) {
  Context ctx;
  const GemmShapes shapes;
  uint64_t products = 0, failures = 0;
  double worst = 0;
  std::printf("%-10s %-20s %9s %7s %12s %6s\n", "target", "way", "products",
              "wrong", "error/bound", "s");
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [](auto since) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         since)
        .count();
  };
  for (const std::string& target : targets) {
    if (!simd::ForceTarget(target)) {
      std::fprintf(stderr, "no target %s here; there are:", target.c_str());
      for (const std::string& one : simd::SupportedTargets()) {
        std::fprintf(stderr, " %s", one.c_str());
      }
      std::fprintf(stderr, "\n");
      return 2;
    }
    for (const GemmShapes::Way& way : GemmShapes::Ways()) {
      const auto begin = std::chrono::steady_clock::now();
      const Tally tally = CheckAll(ctx, shapes, way);
      std::printf("%-10s %-20s %9llu %7llu %12.3f %6.1f\n",
                  simd::RunningTarget().c_str(), way.name,
                  static_cast<unsigned long long>(tally.products),
                  static_cast<unsigned long long>(tally.failures), tally.worst,
                  seconds(begin));
      if (tally.failures != 0) {
        std::printf("  first: %s\n", tally.first_failure.c_str());
      }
      std::fflush(stdout);
      products += tally.products;
      failures += tally.failures;
      worst = std::max(worst, tally.worst);
    }
  }
  std::printf(
      "%llu products, %llu wrong, largest error %.3f of its bound, "
      "%.0f s on %d threads\n",
      static_cast<unsigned long long>(products),
      static_cast<unsigned long long>(failures), worst, seconds(start),
      ctx.threads());
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ranvier

int main(int argc, char** argv) {
  std::vector<std::string> targets(argv + 1, argv + argc);
  if (targets.empty()) targets = ranvier::simd::SupportedTargets();
  return ranvier::Run(targets);
}
