#pragma once

#include <cstddef>

namespace ranvier::simd {

// A function of t >= 0 as 32 polynomials, four to an octave, for processors
// that look up 32 floats in registers by one instruction (PiecewiseValue in
// math-inl.h): no division, and a term costs two instructions.
//
// Piece i holds for the numbers t whose bits above the 21st, modulo 32, are i;
// the first one for all below kFirst too. There f(t) is p[0] + p[1] s +
// ... + p[5] s^5, s = t - center; the first center is 0, so that small
// arguments keep all of their digits. Centers are chosen so that f there is
// nearly a float: p[0] is then right to 2^-29, and as the other terms are small
// beside it, the last addition is all that rounds at full size.
struct PiecewisePolynomial {
  static constexpr int kPieces = 32;
  static constexpr int kDegree = 5;
  static constexpr float kFirst = 0.125f;
  static constexpr int kShift = 21;

  alignas(64) float center[kPieces];
  alignas(64) float p[kDegree + 1][kPieces];
};

// For t < 32.
extern const PiecewisePolynomial kTanhPieces;
extern const PiecewisePolynomial kErfPieces;

}  // namespace ranvier::simd
