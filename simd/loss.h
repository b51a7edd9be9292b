#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace ranvier::simd {

// Losses of a prediction p and a target t, element by element. lib/ops/loss.h
// has the formulas.
enum class ElementLoss : uint8_t {
  kMse,
  kMae,
  kHuber,     // parameter: delta
  kQuantile,  // parameter: q
  kBinaryCrossEntropy,
  kSmape,
  kMape,
};

// n elements without gaps, any alignment. A null pointer: all weights are 1,
// no gradient, no losses.
struct LossBlock {
  const float* prediction = nullptr;
  const float* target = nullptr;
  const float* weights = nullptr;
  float* gradient = nullptr;  // w l'(p) factor; may be prediction
  float* losses = nullptr;    // w l
  float factor = 1;
  size_t n = 0;
};

// sum w l, added up in f64 over the lanes of a vector. What has the weight 0 is
// left out whatever it holds, here and below.
double SumLosses(ElementLoss loss, float parameter,
                 const LossBlock& block) noexcept;

// sum w of the elements that count for a mean: for kMape those whose target is
// not under its threshold, for the others all; these need no target.
double SumLossWeights(ElementLoss loss, const float* target,
                      const float* weights, size_t n) noexcept;

// What is kept of a row of logits x while it goes by in blocks.
struct CrossEntropySums {
  // The greatest logit so far; at least the lowest number, so that differences
  // from it are none of infinities that are equal.
  float reference = std::numeric_limits<float>::lowest();
  double exponentials = 0;  // sum e^(x - reference)
  // Where they are asked for: sum q (x - reference) and sum q.
  double distances = 0;
  double weight = 0;
};

// Adds n logits to *sums; for all n >= 0. `probabilities` are the q; null: 1
// for each if `uniform`, else neither is needed. A q of 0 counts for nothing
// even where the logit is infinite.
//
// Error  of exponentials <= 4 * 2^-24 for each call, relative, where no logit
//        is more than 64 below the greatest; below that they vanish beside it.
void AddLogits(const float* logits, const float* probabilities, bool uniform,
               size_t n, CrossEntropySums* sums) noexcept;

// gradient = e^(x - reference) factor - q target_factor, where q is 1 if
// `probabilities` is null. e^(x - reference) is 0 below 2^-126. gradient may be
// logits. `streamed` stores pass by the cache; they are seen by other threads
// after hwy::FlushStream, which is called here.
struct CrossEntropyGradient {
  float reference = 0;
  float factor = 0;
  float target_factor = 0;
  bool streamed = false;
};
void WriteGradient(const CrossEntropyGradient& of, const float* logits,
                   const float* probabilities, size_t n,
                   float* gradient) noexcept;

}  // namespace ranvier::simd
