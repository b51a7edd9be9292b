#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/view.h"
#include "ranvier/simd/loss.h"

namespace ranvier::parallel {

// lib/ops/loss.h without its checks. Sums are made of blocks of this many
// elements, counted row by row whatever the strides, and chunks of blocks; all
// are added up in f64 from first to last: the same bits for any number of
// threads and any storage that holds the same numbers.
inline constexpr size_t kLossBlock = 2048;
inline constexpr size_t kLossChunk = 8 * kLossBlock;

struct ElementLossTask {
  simd::ElementLoss loss = simd::ElementLoss::kMse;
  float parameter = 0;
  ConstAnyMatView prediction, target;  // f32, bf16 or f16, of one shape
  ConstAnyMatView weights = {};        // f32, of that shape; empty: all 1
  bool mean = false;
  float gradient_scale = 1;
  AnyMatView losses = {};    // f32; empty: not wanted
  AnyMatView gradient = {};  // empty: not wanted
};
double ElementLosses(Context& ctx, const ElementLossTask& task);

struct CrossEntropyTask {
  size_t class_count = 0;
  size_t rows = 0;
  bool has_probabilities = false;
  VecView<const int32_t> classes = {};  // unless there are probabilities
  ConstAnyMatView probabilities = {};   // [rows, class_count]
  int32_t ignore_index = 0;
  double label_smoothing = 0;
  VecView<const float> weights = {};  // empty: all 1
  bool mean = false;
  double gradient_scale = 1;
  VecView<float> losses = {};  // empty: not wanted
};

// What is kept of a row between its blocks of classes.
struct CrossEntropyRow {
  simd::CrossEntropySums sums;
  float target_logit = 0;
};

// An empty gradient is not wanted.
double CrossEntropy(Context& ctx, const CrossEntropyTask& task,
                    const ConstAnyMatView& logits, const AnyMatView& gradient);

// The same in three steps, for logits of the classes from first_class on.
void AddLogits(Context& ctx, const CrossEntropyTask& task, size_t first_class,
               const ConstAnyMatView& logits, CrossEntropyRow* rows);
double CrossEntropyValue(const CrossEntropyTask& task,
                         const CrossEntropyRow* rows);
void WriteGradient(Context& ctx, const CrossEntropyTask& task,
                   const CrossEntropyRow* rows, size_t first_class,
                   const ConstAnyMatView& logits, const AnyMatView& gradient);

}  // namespace ranvier::parallel
