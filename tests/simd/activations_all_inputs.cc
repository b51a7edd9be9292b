// Holds every elementwise function and its derivative to the reference for all
// 2^32 inputs, on every target of this machine, and prints the largest error
// and where it is.
//
//   simd_activations_all_inputs [--stride N] [--target NAME] [--function NAME]
//
// A derivative is named as "gelu'". --stride N looks at every N-th bit pattern.
// Not part of the tests: built when asked for, minutes per function and target.

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ranvier/simd/elementwise.h"
#include "ranvier/simd/targets.h"

#include "tests/reference/elementwise_reference.h"

namespace {

using ranvier::reference::ElementwiseBound;

struct Worst {
  double ulp = 0;
  float x = 0;
  float y = 0;
};

void Run(const ElementwiseBound& bound, float alpha,
         const std::vector<float>& x, const std::vector<float>& one,
         std::vector<float>& y, size_t n) {
  const ranvier::simd::ElementwiseCall call{bound.f, alpha};
  if (bound.derivative) {
    ranvier::simd::MapGradient(call, {x.data()}, {}, {one.data()}, {y.data()},
                               n);
  } else {
    ranvier::simd::Map(call, {x.data()}, {}, {y.data()}, n);
  }
}

// Every stride-th input of `part` of `parts` equal ranges of bit patterns.
Worst Scan(const ElementwiseBound& bound, uint64_t stride, uint64_t part,
           uint64_t parts) {
  constexpr uint64_t kBlock = 1 << 14;
  const float alpha = ranvier::DefaultAlpha(bound.f);
  const uint64_t end = (uint64_t{1} << 32) * (part + 1) / parts;
  uint64_t bits = (uint64_t{1} << 32) * part / parts;
  std::vector<float> x(kBlock), y(kBlock);
  const std::vector<float> one(kBlock, 1.0f);
  Worst worst;
  while (bits < end) {
    size_t n = 0;
    for (; n < kBlock && bits < end; ++n, bits += stride) {
      x[n] = std::bit_cast<float>(static_cast<uint32_t>(bits));
    }
    Run(bound, alpha, x, one, y, n);
    for (size_t i = 0; i < n; ++i) {
      const auto exact = static_cast<double>(x[i]);
      const double ulp = bound.Error(
          exact, y[i], bound.Expected(exact, static_cast<double>(alpha)));
      if (ulp > worst.ulp) worst = {ulp, x[i], y[i]};
    }
  }
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t stride = 1;
  std::string_view only_target, only_function;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--stride") {
      stride = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (option == "--target") {
      only_target = argv[i + 1];
    } else if (option == "--function") {
      only_function = argv[i + 1];
    } else {
      stride = 0;
    }
  }
  if (stride == 0 || argc % 2 == 0) {
    std::fprintf(stderr,
                 "usage: %s [--stride N] [--target NAME] [--function NAME]\n",
                 argv[0]);
    return 2;
  }
  bool good = true;
  std::printf("%-10s %-11s %8s  %-15s %-15s %s\n", "target", "function", "ULP",
              "x", "", "result");
  for (const std::string& target : ranvier::simd::SupportedTargets()) {
    if (!only_target.empty() && target != only_target) continue;
    if (!ranvier::simd::ForceTarget(target)) return 2;
    const bool fused = target.find("SSE") == std::string::npos;
    for (const ElementwiseBound& bound :
         ranvier::reference::kElementwiseBounds) {
      if (!only_function.empty() && bound.name() != only_function) continue;
      std::array<Worst, 2> found;
      {
        std::jthread half([&] { found[0] = Scan(bound, stride, 0, 2); });
        found[1] = Scan(bound, stride, 1, 2);
      }
      const Worst& worst = found[0].ulp > found[1].ulp ? found[0] : found[1];
      std::printf("%-10s %-11s %8.4f  %-15.9g %-15a %.9g\n", target.c_str(),
                  bound.name().c_str(), worst.ulp, static_cast<double>(worst.x),
                  static_cast<double>(worst.x), static_cast<double>(worst.y));
      std::fflush(stdout);
      good = good && worst.ulp <= (fused ? bound.ulp : bound.ulp_sse);
    }
  }
  return good ? 0 : 1;
}
