#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// Losses of a prediction p and a target t, value and gradient in one pass.
//
// Reduction   kSum: sum w_i l_i. kMean: sum w_i l_i / sum w_i, where a sum of
//             weights of 0 (no element, all of them ignored) gives the value 0
//             and gradients of 0. kNone: w_i l_i, written to options.losses;
//             what is returned, and the gradient, are those of kSum.
// Weights     An element (in cross-entropy a row) of weight 0 is left out
//             whatever it holds: NaN in padding does no harm.
// Gradient    with respect to p, of the reduced value times gradient_scale; not
//             computed where the view is empty. It may be the view of the
//             prediction or of the logits itself, and else overlaps nothing.
// Types       predictions, targets and gradients f32, bf16 or f16 in any
//             combination and of any strides; no stride of 0 in what is
//             written. Arithmetic in f32; losses and their sums, which are f64,
//             are not affected by the type of the gradient, which is rounded
//             once more.
// Error       With u = 2^-24, e(l) the bound that stands at the loss: value
//             (e(l) + 2 u) sum |w_i l_i| over the divisor, gradient element by
//             element the bound that stands there and 4 u relative, where
//             nothing overflows, or underflows f32.
// NaN         in a prediction or target that counts gives a value of NaN and a
//             gradient of NaN in its place, as do infinities whose difference
//             is none.
// Threads     Those of ctx, from 65536 elements on. Same bits for any thread
//             count, and for any strides and types that hold the same numbers.
// Throws      ShapeError if shapes differ; std::invalid_argument for element
//             types, strides of 0 in what is written, parameters out of range,
//             kNone without losses. Before any work.

enum class LossReduction : uint8_t { kNone, kSum, kMean };

struct LossOptions {
  LossReduction reduction = LossReduction::kMean;
  // Of the shape of the prediction, or [rows, 1] for a weight a row, or empty:
  // all are 1.
  MatView<const float> weights = {};
  // Multiplies the gradient, not the value: the loss scale of mixed precision.
  float gradient_scale = 1;
  // Of the shape of the prediction: gets w_i l_i, whatever the reduction.
  MatView<float> losses = {};
};

// (p - t)^2. e(l) = 4 u; gradient 2 (p - t): 2 u.
RANVIER_API double MseLoss(Context& ctx, ConstAnyMatView prediction,
                           ConstAnyMatView target,
                           const LossOptions& options = {},
                           AnyMatView gradient = {});

// |p - t|. e(l) = 2 u; gradient sign(p - t), 0 where p = t: exact.
RANVIER_API double MaeLoss(Context& ctx, ConstAnyMatView prediction,
                           ConstAnyMatView target,
                           const LossOptions& options = {},
                           AnyMatView gradient = {});

// (p - t)^2 / 2 where |p - t| <= delta, beyond delta (|p - t| - delta / 2), for
// delta > 0. e(l) = 8 u; gradient p - t, at most delta in magnitude: 2 u.
RANVIER_API double HuberLoss(Context& ctx, ConstAnyMatView prediction,
                             ConstAnyMatView target, float delta,
                             const LossOptions& options = {},
                             AnyMatView gradient = {});

// With e = t - p: q e where e >= 0, (q - 1) e elsewhere, for 0 <= q <= 1.
// e(l) = 4 u; gradient -q, 1 - q, or 0 where p = t: u.
RANVIER_API double QuantileLoss(Context& ctx, ConstAnyMatView prediction,
                                ConstAnyMatView target, float q,
                                const LossOptions& options = {},
                                AnyMatView gradient = {});

// Binary cross-entropy of logits x with targets 0 <= t <= 1, -t log s(x) -
// (1 - t) log(1 - s(x)), s(x) = 1 / (1 + e^-x), computed as |x| v +
// log(1 + e^-|x|), where v is t for negative x and 1 - t for others: of any
// logit the loss is right to the last places, and an infinite one that is right
// costs nothing. e(l) = 8 u. Gradient s(x) - t: 8 u of v + s(-|x|), which is
// small where the logit is right. Both also 2^-125, absolute.
RANVIER_API double BinaryCrossEntropyLoss(Context& ctx, ConstAnyMatView logits,
                                          ConstAnyMatView target,
                                          const LossOptions& options = {},
                                          AnyMatView gradient = {});

// 200 |p - t| / (|p| + |t|), 0 where both are 0: per cent. e(l) = 8 u where
// |p| + |t| >= 2^-124. Its full gradient is 400 sign(p - t) |t| /
// (|p| + |t|)^2 where p and t have one sign, 0 where they have not, and at p =
// 0 half way between: 12 u.
RANVIER_API double SmapeLoss(Context& ctx, ConstAnyMatView prediction,
                             ConstAnyMatView target,
                             const LossOptions& options = {},
                             AnyMatView gradient = {});

// 100 |p - t| / |t|, over the elements with |t| > 1e-8 alone: others are not
// counted by a mean. e(l) = 6 u; gradient 100 sign(p - t) / |t|: 2 u.
RANVIER_API double MapeLoss(Context& ctx, ConstAnyMatView prediction,
                            ConstAnyMatView target,
                            const LossOptions& options = {},
                            AnyMatView gradient = {});

// Cross-entropy of rows of logits.

struct CrossEntropyOptions {
  LossReduction reduction = LossReduction::kMean;
  VecView<const float> weights = {};  // of rows; empty: all are 1
  // Rows of this class are left out, and not counted by a mean.
  int32_t ignore_index = -100;
  // Targets are (1 - s) [c is the class] + s / classes, 0 <= s <= 1. For class
  // indices alone.
  float label_smoothing = 0;
  float gradient_scale = 1;
  VecView<float> losses = {};  // of rows
};

// l = log(sum_c e^x_c) - x_t for the class t of each row; gradient
// e^x_c / sum - [c = t]. Nothing is written but the gradient, which may be in
// place of the logits; where it is larger than the cache, it goes past it.
//
// Shapes   logits, gradient: [rows, classes]; class_indices: [rows].
// Logits   of any size: distances from the greatest are what is computed with.
//          -inf is a class that cannot be, with a gradient of 0, and an
//          infinite loss if it is the target, or shares in it by smoothing. A
//          row with +inf or NaN, or all of whose logits are -inf, has a loss
//          and a gradient of NaN.
// Error    of a loss (5 + log classes) u, with smoothing also u times the mean
//          distance from the greatest logit m. Of a gradient's probability
//          (10 + log classes + m - x_c) u, relative; it is 0 where x_c < m -
//          88; then the target is subtracted, with one rounding.
// Throws   std::invalid_argument also for an index that is neither a class nor
//          ignored; smoothing out of range. ShapeError for rows but no classes.
RANVIER_API double CrossEntropyLoss(Context& ctx, ConstAnyMatView logits,
                                    VecView<const int32_t> class_indices,
                                    const CrossEntropyOptions& options = {},
                                    AnyMatView gradient = {});

// l = sum_c q_c (log(sum e^x) - x_c) for target probabilities q of each row,
// f32, bf16 or f16; gradient (sum q) e^x_c / sum - q_c. Nothing is done to rows
// whose q do not sum to 1. A class with q = 0 may have a logit of -inf.
//
// Error    of a loss (5 + log classes) u sum q + 2 u sum q (m - x).
RANVIER_API double CrossEntropyLoss(Context& ctx, ConstAnyMatView logits,
                                    ConstAnyMatView probabilities,
                                    const CrossEntropyOptions& options = {},
                                    AnyMatView gradient = {});

// The same for a vocabulary whose logits are too many to be kept: they are made
// block by block, a block being all rows of some neighbouring classes, and
// twice, once for the sums and once for the gradient. 40 bytes a row are kept.
//
//   CrossEntropyBlocks loss(class_count, class_indices, options);
//   for (block of classes) {          // logits = hidden weight_block^T
//     Gemm(...); loss.Add(ctx, first_class, logits);
//   }
//   const double value = loss.Value();
//   for (block of classes) {          // the logits again; in place
//     Gemm(...); loss.Gradient(ctx, first_class, logits, logits);
//     Gemm(...);                      // d hidden, d weight_block
//   }
//
// Blocks come in any order, each class once. The bits depend on how the classes
// are cut; those of one block of all classes are CrossEntropyLoss's. The views
// of the constructor must stay what they are.
class RANVIER_API CrossEntropyBlocks {
 public:
  CrossEntropyBlocks(size_t class_count, VecView<const int32_t> class_indices,
                     const CrossEntropyOptions& options = {});
  ~CrossEntropyBlocks();
  CrossEntropyBlocks(CrossEntropyBlocks&&) noexcept;
  CrossEntropyBlocks& operator=(CrossEntropyBlocks&&) noexcept;

  // Logits of the classes from first_class on: [rows, some].
  void Add(Context& ctx, size_t first_class, ConstAnyMatView logits);

  // Both throw std::logic_error until all classes have been added.
  double Value() const;
  void Gradient(Context& ctx, size_t first_class, ConstAnyMatView logits,
                AnyMatView gradient) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ranvier
