#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier::simd {

// What one arrival of weight 1 does to a neuron's state {A, B}, and which
// states may cross the threshold (parallel/lif_frame.h says why these lines):
//   B > cap  or  line_a A + line_b B > 1.
struct RowUpdate {
  double a = 0, b = 0;
  double cap = 0;
  double line_a = 0, line_b = 0;
};

// One row of synapses, the states {A, B} interleaved: for each i in [0, n)
//   state[2 col[i]] += weight[i] * a,  state[2 col[i] + 1] += weight[i] * b.
// Writes to `touched` the col[i] that may cross afterwards, in order, and
// returns how many there are. {-inf, -inf} stays as it is and never may.
//
// Shapes  col, weight: [n], col without repeats; touched: room for n; state
//         aligned to 16 bytes.
// Bits    product and sum are rounded separately: the same on every target.
size_t DeliverRow(const RowUpdate& update, const uint32_t* col,
                  const int16_t* weight, size_t n, double* state,
                  uint32_t* touched) noexcept;
size_t DeliverRow(const RowUpdate& update, const uint32_t* col,
                  const int32_t* weight, size_t n, double* state,
                  uint32_t* touched) noexcept;
size_t DeliverRow(const RowUpdate& update, const uint32_t* col,
                  const float* weight, size_t n, double* state,
                  uint32_t* touched) noexcept;

}  // namespace ranvier::simd
