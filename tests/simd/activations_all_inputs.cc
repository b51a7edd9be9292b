// Holds every elementwise function and its derivative to the reference for all
// 2^32 inputs, on every target of this machine, and prints the largest error
// and where it is.
//
//   simd_activations_all_inputs [--stride N] [--target NAME] [--function NAME]
//
// A derivative is named as "gelu'". --stride N looks at every N-th bit pattern.
// Not part of the tests: built when asked for, minutes per function.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ranvier/simd/elementwise.h"
#include "ranvier/simd/targets.h"

#include "tests/reference/elementwise_reference.h"

namespace {

using ranvier::reference::ElementwiseBound;

constexpr size_t kChunk = size_t{1} << 20;

struct Worst {
  double ulp = 0;
  float x = 0;
  float y = 0;

  void Take(const Worst& other) {
    if (other.ulp > ulp) *this = other;
  }
};

void Run(const ElementwiseBound& bound, float alpha, const float* x,
         const float* one, float* y, size_t n) {
  const ranvier::simd::ElementwiseCall call{bound.f, alpha};
  if (bound.derivative) {
    ranvier::simd::MapGradient(call, {x}, {}, {one}, {y}, n);
  } else {
    ranvier::simd::Map(call, {x}, {}, {y}, n);
  }
}

// part(begin, end) of [0, n), on all processors.
template <class Part>
void OnThreads(size_t n, const Part& part) {
  const size_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::jthread> running;
  for (size_t t = 0; t < threads; ++t) {
    running.emplace_back(
        [=, &part] { part(n * t / threads, n * (t + 1) / threads); });
  }
}

// What each target makes of every stride-th input. The reference, which takes
// most of the time, is computed once for all of them.
std::vector<Worst> Scan(const ElementwiseBound& bound, uint64_t stride,
                        const std::vector<std::string>& targets) {
  const float alpha = ranvier::DefaultAlpha(bound.f);
  std::vector<float> x(kChunk), y(kChunk), first(kChunk);
  std::vector<double> expected(kChunk);
  const std::vector<float> one(kChunk, 1.0f);
  std::vector<Worst> worst(targets.size());
  const uint64_t inputs = ((uint64_t{1} << 32) + stride - 1) / stride;
  for (uint64_t done = 0; done < inputs; done += kChunk) {
    const size_t n = std::min<uint64_t>(kChunk, inputs - done);
    OnThreads(n, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        x[i] = std::bit_cast<float>(static_cast<uint32_t>((done + i) * stride));
        expected[i] = bound.Expected(static_cast<double>(x[i]),
                                     static_cast<double>(alpha));
      }
    });
    Worst of_first;
    for (size_t t = 0; t < targets.size(); ++t) {
      ranvier::simd::ForceTarget(targets[t]);
      OnThreads(n, [&](size_t begin, size_t end) {
        Run(bound, alpha, &x[begin], &one[begin], &y[begin], end - begin);
      });
      // Most targets give the bits of the first one.
      if (t != 0 && std::memcmp(&y[0], &first[0], n * sizeof(float)) == 0) {
        worst[t].Take(of_first);
        continue;
      }
      std::mutex mutex;
      Worst found;
      OnThreads(n, [&](size_t begin, size_t end) {
        Worst own;
        for (size_t i = begin; i < end; ++i) {
          const double ulp =
              bound.Error(static_cast<double>(x[i]), y[i], expected[i]);
          if (ulp > own.ulp) own = {ulp, x[i], y[i]};
        }
        const std::scoped_lock lock(mutex);
        found.Take(own);
      });
      worst[t].Take(found);
      if (t == 0) {
        of_first = found;
        first.swap(y);
      }
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
  std::vector<std::string> targets;
  for (const std::string& target : ranvier::simd::SupportedTargets()) {
    if (only_target.empty() || target == only_target) targets.push_back(target);
  }
  if (targets.empty()) {
    std::fprintf(stderr, "this machine has no target of that name\n");
    return 2;
  }
  bool good = true;
  std::printf("%-11s %-10s %8s  %-15s %-15s %s\n", "function", "target", "ULP",
              "x", "", "result");
  for (const ElementwiseBound& bound : ranvier::reference::kElementwiseBounds) {
    if (!only_function.empty() && bound.name() != only_function) continue;
    const std::vector<Worst> found = Scan(bound, stride, targets);
    for (size_t t = 0; t < targets.size(); ++t) {
      const Worst& worst = found[t];
      std::printf("%-11s %-10s %8.4f  %-15.9g %-15a %.9g\n",
                  bound.name().c_str(), targets[t].c_str(), worst.ulp,
                  static_cast<double>(worst.x), static_cast<double>(worst.x),
                  static_cast<double>(worst.y));
      const bool fused = targets[t].find("SSE") == std::string::npos;
      good = good && worst.ulp <= (fused ? bound.ulp : bound.ulp_sse);
    }
    std::fflush(stdout);
  }
  return good ? 0 : 1;
}
