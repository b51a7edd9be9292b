#pragma once

#include <cstddef>

#include "ranvier/simd/base/activation.h"

namespace ranvier::simd {

// y[i] = activation(x[i])
//
// Aliasing  y may be x; else they do not overlap.
// Error     as simd/activations-inl.h says.
// Bits      A value does not depend on its position or its neighbours.
void ApplyActivation(Activation activation, const float* x, float* y,
                     size_t n) noexcept;

// y[i] = e^x[i]; the rest as above, the error as simd/math-inl.h says.
void Exp(const float* x, float* y, size_t n) noexcept;

}  // namespace ranvier::simd
