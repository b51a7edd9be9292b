#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier::simd {

// What the kernels below need to know of the moment they look at. A neuron's
// state is a pair {A, B}; membrane above rest and synaptic drive are
//   u = A * x + B * y,  g = B * z     (mV; z > 0).
struct LifMoment {
  double x = 0, y = 0, z = 0;
  double theta = 0;  // threshold above rest, mV
  // Lines under which u cannot cross theta by itself, as parallel/lif_frame.h
  // derives them.
  double silent_below = 0;  // theta less a margin for rounding; -inf: never
  double g_cap = 0;
  double line_u = 0, line_g = 0;
};

// Looks at the awake neurons once.
//   u > theta                                   -> written to `spiking`
//   u <= silent_below and (g <= silent_below, or u >= g,
//     or g <= g_cap and line_u u + line_g g <= 1)
//                                               -> written to `silent`
//   otherwise it stays in `awake`, whose order is kept.
//
// Shapes   awake, spiking, silent: [n + kLifPadding]; state: pairs.
// Returns  how many stay awake; *spikes, *silents: how many were written.
// Bits     the same on every target.
inline constexpr size_t kLifPadding = 64;
size_t StepAwake(const LifMoment& moment, const double* state, uint64_t* awake,
                 size_t n, uint64_t* spiking, size_t* spikes, uint64_t* silent,
                 size_t* silents) noexcept;

// Moves the frame of n neurons: A' = A * aa + B * ab, B' = B * bb, where values
// under 1e-200 become 0 so that no sleeping neuron turns denormal. {-inf, -inf}
// stays; ab must not be negative.
void RebaseState(double aa, double ab, double bb, double* state,
                 size_t n) noexcept;

}  // namespace ranvier::simd
