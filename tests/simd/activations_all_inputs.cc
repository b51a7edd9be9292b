// Holds exp and every activation to the reference for all 2^32 inputs, on every
// target of this machine, and prints the largest error and where it is.
//
//   simd_activations_all_inputs [--stride N] [--target NAME] [--function NAME]
//
// --stride N looks at every N-th bit pattern. Not part of the tests: built when
// asked for, minutes per function and target.

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ranvier/simd/activations.h"
#include "ranvier/simd/targets.h"

#include "tests/reference/activation_reference.h"

namespace {

using ranvier::Activation;

struct Function {
  const char* name;
  void (*kernel)(const float* x, float* y, size_t n);
  double (*reference)(double x);
  double bound;  // ULP
};

template <Activation kActivation>
constexpr Function Of(const char* name, double bound) {
  return {name,
          [](const float* x, float* y, size_t n) {
            ranvier::simd::ApplyActivation(kActivation, x, y, n);
          },
          [](double x) {
            return ranvier::reference::ApplyActivation(kActivation, x);
          },
          bound};
}

const Function kFunctions[] = {
    {"exp",
     [](const float* x, float* y, size_t n) { ranvier::simd::Exp(x, y, n); },
     [](double x) { return std::exp(x); }, 2},
    Of<Activation::kRelu>("relu", 0),
    Of<Activation::kSigmoid>("sigmoid", 2),
    Of<Activation::kTanh>("tanh", 2),
    Of<Activation::kSilu>("silu", 2),
    Of<Activation::kGelu>("gelu", 4),
    Of<Activation::kGeluTanh>("gelu_tanh", 4),
};

struct Worst {
  double ulp = 0;
  float x = 0;
  float y = 0;
};

// Every stride-th input of `part` of `parts` equal ranges of bit patterns.
Worst Scan(const Function& function, uint64_t stride, uint64_t part,
           uint64_t parts) {
  constexpr uint64_t kBlock = 1 << 14;
  const uint64_t end = (uint64_t{1} << 32) * (part + 1) / parts;
  uint64_t bits = (uint64_t{1} << 32) * part / parts;
  std::vector<float> x(kBlock), y(kBlock);
  Worst worst;
  while (bits < end) {
    size_t n = 0;
    for (; n < kBlock && bits < end; ++n, bits += stride) {
      x[n] = std::bit_cast<float>(static_cast<uint32_t>(bits));
    }
    function.kernel(x.data(), y.data(), n);
    for (size_t i = 0; i < n; ++i) {
      const double ulp = ranvier::reference::UlpError(
          y[i], function.reference(static_cast<double>(x[i])));
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
  std::printf("%-10s %-10s %8s  %-15s %-15s %s\n", "target", "function", "ULP",
              "x", "", "result");
  for (const std::string& target : ranvier::simd::SupportedTargets()) {
    if (!only_target.empty() && target != only_target) continue;
    if (!ranvier::simd::ForceTarget(target)) return 2;
    for (const Function& function : kFunctions) {
      if (!only_function.empty() && function.name != only_function) continue;
      std::array<Worst, 2> found;
      {
        std::jthread half([&] { found[0] = Scan(function, stride, 0, 2); });
        found[1] = Scan(function, stride, 1, 2);
      }
      const Worst& worst = found[0].ulp > found[1].ulp ? found[0] : found[1];
      std::printf("%-10s %-10s %8.4f  %-15.9g %-15a %.9g\n", target.c_str(),
                  function.name, worst.ulp, static_cast<double>(worst.x),
                  static_cast<double>(worst.x), static_cast<double>(worst.y));
      std::fflush(stdout);
      good = good && worst.ulp <= function.bound;
    }
  }
  return good ? 0 : 1;
}
