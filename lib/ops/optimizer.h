#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// Optimiser updates. A step of training is
//
//   const GradientStatistics found = FindGradientStatistics(ctx, gradients);
//   const GradientStep step = PlanGradientStep(found, {.loss_scale = scale,
//                                                      .max_norm = 1});
//   if (!step.skip) ++t;
//   for (each parameter) UpdateAdamW(ctx, ..., t, options, step);
//
// Whether a gradient is infinite or NaN is found in the pass over all gradients
// that finds their norm, before anything is written; a step that is to be
// skipped returns from every update at once, so weights, moments and copies
// keep their bits, of every tensor, not only of the one with the bad gradient.
// The inverse loss scale and the clipping factor are one multiplier within the
// update's only pass over parameter, gradient, moments and copy.

struct GradientStatistics {
  double sum_of_squares = 0;  // infinite or NaN if non_finite != 0
  uint64_t non_finite = 0;    // how many gradients are infinite or NaN
};

// Of all elements of all gradients; f32, bf16 or f16, without gaps.
//
// Error    of the sum <= 1100 * 2^-53, relative; no f32 overflows in it.
// Threads  Those of ctx. Same bits for any thread count.
// Throws   std::invalid_argument for other types or gaps.
RANVIER_API GradientStatistics FindGradientStatistics(
    Context& ctx, std::span<const ConstAnyMatView> gradients);

struct GradientStepOptions {
  double loss_scale = 1;  // what the loss was multiplied by; > 0
  double max_norm = 0;    // of all gradients, unscaled; 0: no clipping
};

struct GradientStep {
  bool skip = false;
  float multiplier = 1;  // min(1, max_norm / (norm + 1e-6)) / loss_scale
  double norm = 0;       // of the unscaled gradients, before clipping
};

// Throws std::invalid_argument if loss_scale is not positive and finite, or
// max_norm is negative or NaN.
RANVIER_API GradientStep
PlanGradientStep(const GradientStatistics& statistics,
                 const GradientStepOptions& options = {});

// What an update reads and writes: all of one shape and without gaps, none
// overlapping another.
struct ParameterViews {
  MatView<float> parameter;  // the master weights, in f32
  ConstAnyMatView gradient;  // f32, bf16 or f16
  AnyMatView copy = {};      // bf16 or f16, rounded to nearest; empty: none
};

// In the formulas g is the gradient times step.multiplier, x' the new x.
//
// Moments  begin as 0. Empty ones are not used.
// Error    of one step, with u = 2^-24 and all that is read taken as exact: of
//          a moment 3 u of the magnitudes of its terms; of what is taken from
//          the parameter 12 u of its terms' magnitudes, and one rounding of p.
// Threads  Those of ctx, from 65536 elements on. A value depends on its inputs
//          alone: same bits for any thread count and place.
// Throws   ShapeError if shapes differ; std::invalid_argument for gaps, types,
//          missing moments, t = 0, and options out of range. Before any work,
//          and also if the step is skipped.

struct SgdOptions {
  double learning_rate = 1e-2;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
};
//   g' = g + weight_decay p
//   velocity' = momentum velocity + g'
//   p' = p - learning_rate d,  d = velocity', or with nesterov
//                              g' + momentum velocity'; g' without momentum
// velocity may be empty if momentum is 0.
RANVIER_API void UpdateSgd(Context& ctx, const ParameterViews& views,
                           MatView<float> velocity, const SgdOptions& options,
                           const GradientStep& step = {});

struct AdamWOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;  // decoupled
};
//   m' = beta1 m + (1 - beta1) g        v' = beta2 v + (1 - beta2) g^2
//   p' = p - learning_rate (weight_decay p +
//            (m' / (1 - beta1^t)) / (sqrt(v' / (1 - beta2^t)) + epsilon))
// t counts the steps that were taken, this one included: from 1 on.
//
// Ref  Loshchilov and Hutter 2019, algorithm 2.
RANVIER_API void UpdateAdamW(Context& ctx, const ParameterViews& views,
                             MatView<float> m, MatView<float> v, uint64_t t,
                             const AdamWOptions& options,
                             const GradientStep& step = {});

struct RmsPropOptions {
  double learning_rate = 1e-2;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
};
//   g' = g + weight_decay p
//   square' = alpha square + (1 - alpha) g'^2
//   mean' = alpha mean + (1 - alpha) g'              if mean is not empty
//   d = g' / (sqrt(square' - mean'^2) + epsilon)     mean' = 0 if it is empty
//   velocity' = momentum velocity + d                if momentum is not 0
//   p' = p - learning_rate velocity', or d without momentum
// velocity may be empty if momentum is 0. square' - mean'^2 is taken for 0
// where it is rounded below, and has an error of 4 u square'.
RANVIER_API void UpdateRmsProp(Context& ctx, const ParameterViews& views,
                               MatView<float> square, MatView<float> velocity,
                               MatView<float> mean,
                               const RmsPropOptions& options,
                               const GradientStep& step = {});

}  // namespace ranvier
