#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/activation.h"
#include "ranvier/simd/base/element_type.h"

#include "tests/lib/ops/stored_matrix.h"

namespace ranvier::test {

inline constexpr Activation kActivations[] = {
    Activation::kNone,     Activation::kRelu, Activation::kGelu,
    Activation::kGeluTanh, Activation::kSilu, Activation::kSigmoid,
    Activation::kTanh};

enum class Bias { kNone, kContiguous, kStrided };
enum class Residual { kNone, kOwn, kIsC };

// One product, everything about it.
struct GemmCase {
  size_t M = 1, N = 1, K = 1;
  ElementType a = ElementType::kF32, b = ElementType::kF32,
              c = ElementType::kF32;
  Layout a_layout = Layout::kRows, b_layout = Layout::kRows,
         c_layout = Layout::kRows;
  bool packed = false;
  float alpha = 1, beta = 0;
  Bias bias = Bias::kNone;
  Activation activation = Activation::kNone;
  Residual residual = Residual::kNone;
};
std::ostream& operator<<(std::ostream& out, const GemmCase& g);

// A small product for each way that parallel/gemm.cc takes with f32, in blocks
// of K one and several.
inline constexpr GemmCase kWays[] = {
    // B row by row, nothing packed
    {.M = 7, .N = 37, .K = 40},
    {.M = 7, .N = 37, .K = 300},
    // dot products
    {.M = 5, .N = 21, .K = 53, .b_layout = Layout::kColumns},
    // panels and tiles
    {.M = 27, .N = 35, .K = 41, .b_layout = Layout::kColumns},
    {.M = 27, .N = 35, .K = 771, .b_layout = Layout::kColumns},
    {.M = 9, .N = 35, .K = 385, .packed = true},
    // a column, a row
    {.M = 45, .N = 1, .K = 33},
    {.M = 1, .N = 45, .K = 33, .b_layout = Layout::kScattered},
};

// Its operands: random, misaligned, with NaN in the padding, and in C where C
// is not read.
class GemmOperands {
 public:
  explicit GemmOperands(const GemmCase& g);

  StoredMatrix& a() { return a_; }
  StoredMatrix& b() { return b_; }
  StoredMatrix& c() { return c_; }

  // Multiplies from the same C every time.
  void Run(Context& ctx);
  void Run(Context& ctx, const PackedMatrix& b);
  // Every element of C within its bound, nothing else written.
  testing::AssertionResult Check() const;

 private:
  void FillC(StoredMatrix& c) const;
  GemmOptions Options() const;

  GemmCase case_;
  StoredMatrix a_, b_, c_, c_before_, residual_;
  std::vector<float> bias_;  // of which every third element, if strided
};

// Runs and checks.
testing::AssertionResult CheckGemm(Context& ctx, const GemmCase& g);

}  // namespace ranvier::test
