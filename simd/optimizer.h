#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/simd/base/element_type.h"

namespace ranvier::simd {

// n elements without gaps, any alignment: one pass that reads the gradient,
// reads and writes the parameter and its moments, and writes a copy of the
// parameter in another type. Ranges do not overlap. A value does not depend on
// where it stands. lib/ops/optimizer.h has the formulas.
struct UpdateRange {
  float* parameter = nullptr;
  const void* gradient = nullptr;
  ElementType gradient_type = ElementType::kF32;  // or bf16, f16
  float multiplier = 1;  // of the gradient: clipping over loss scale
  float* first = nullptr;
  float* second = nullptr;
  float* third = nullptr;
  void* copy = nullptr;                        // null: not wanted
  ElementType copy_type = ElementType::kBf16;  // or f16
  size_t n = 0;
};

// first: the velocity; null where momentum is 0.
struct SgdStep {
  float learning_rate = 0, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};
void UpdateSgd(const SgdStep& step, const UpdateRange& range) noexcept;

// first, second: the moments.
struct AdamWStep {
  float step_size = 0;     // learning rate / (1 - beta1^t)
  float first_rate = 0;    // 1 - beta1
  float second_rate = 0;   // 1 - beta2
  float second_scale = 1;  // 1 / sqrt(1 - beta2^t)
  float epsilon = 0;
  float decay = 0;  // learning rate * weight decay
};
void UpdateAdamW(const AdamWStep& step, const UpdateRange& range) noexcept;

// first: the mean of squares; second: the velocity, third: the mean of
// gradients; both may be null: without.
struct RmsPropStep {
  float learning_rate = 0;
  float square_rate = 0;  // 1 - alpha
  float epsilon = 0, weight_decay = 0, momentum = 0;
};
void UpdateRmsProp(const RmsPropStep& step, const UpdateRange& range) noexcept;

// sum x[i]^2 in f64, where no f32 overflows: finite if and only if all x are.
// Error  <= (n / 16 + 12) 2^-53, relative.
double SumOfGradientSquares(const void* gradient, ElementType type,
                            size_t n) noexcept;
// How many are infinite or NaN.
size_t CountNonFinite(const void* gradient, ElementType type,
                      size_t n) noexcept;

}  // namespace ranvier::simd
