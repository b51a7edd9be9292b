#pragma once

#include <cstddef>

#include "ranvier/simd/base/elements.h"
#include "ranvier/simd/base/elementwise.h"

namespace ranvier::simd {

// A function, its parameter, and how results are stored.
struct ElementwiseCall {
  Elementwise function = Elementwise::kRelu;
  float alpha = 1;
  // Results go past the caches, where they stand without gaps: for those that
  // are larger than the caches and do not stand where an operand is.
  // FinishStreaming must follow before another thread reads them.
  bool streaming = false;
};

// After the last of the calls with streaming: it waits for their stores.
void FinishStreaming() noexcept;

// Element by element, over n elements of each operand; f is call.function.
// Values are computed in f32 and rounded once more where they are stored.
//
// Aliasing  what is written may be any operand, in the same type and with the
//           same stride; else it overlaps nothing.
// Error     f as simd/activations-inl.h and simd/math-inl.h say, f' as
//           simd/derivatives-inl.h; 0.5 ULP for each product with it.
// Bits      A value does not depend on its position or its neighbours.

// y = f(x + bias). bias may have no data: then nothing is added.
void Map(const ElementwiseCall& call, ConstElements x, ConstElements bias,
         Elements y, size_t n) noexcept;

// dx = dy f'(x + bias)
void MapGradient(const ElementwiseCall& call, ConstElements x,
                 ConstElements bias, ConstElements dy, Elements dx,
                 size_t n) noexcept;

// y = f(gate) up
void Gated(const ElementwiseCall& call, ConstElements gate, ConstElements up,
           Elements y, size_t n) noexcept;

// dgate = dy up f'(gate), dup = dy f(gate)
void GatedGradient(const ElementwiseCall& call, ConstElements gate,
                   ConstElements up, ConstElements dy, Elements dgate,
                   Elements dup, size_t n) noexcept;

}  // namespace ranvier::simd
