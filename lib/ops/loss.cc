#include "ranvier/ops/loss.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/loss.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

using simd::ElementLoss;

// What is written, if it is wanted.
void RequireWritable(const char* op, const char* name, const AnyMatView& y,
                     const char* like_name, const ConstAnyMatView& like) {
  if (y.data() == nullptr) return;
  internal::RequireSameShape(op, like_name, like, name, y);
  internal::CheckWritten(op, name, y);
}

[[noreturn]] void ThrowNoLosses(const char* op) {
  throw std::invalid_argument(
      std::string(op) +
      ": the reduction is kNone, but options.losses, where each loss is to be "
      "written, is empty");
}

double Run(const char* op, Context& ctx, ElementLoss loss, float parameter,
           const ConstAnyMatView& prediction, const ConstAnyMatView& target,
           const LossOptions& options, const AnyMatView& gradient,
           const char* prediction_name = "prediction") {
  internal::RequireSameShape(op, prediction_name, prediction, "target", target);
  internal::CheckRead(op, prediction_name, prediction);
  internal::CheckRead(op, "target", target);
  RequireWritable(op, "gradient", gradient, prediction_name, prediction);
  RequireWritable(op, "losses", options.losses, prediction_name, prediction);
  if (options.reduction == LossReduction::kNone &&
      options.losses.data() == nullptr && !prediction.empty()) {
    ThrowNoLosses(op);
  }
  MatView<const float> weights = options.weights;
  if (weights.data() != nullptr) {
    if (weights.cols() == 1 && weights.rows() == prediction.rows() &&
        prediction.cols() != 1) {
      weights =
          MatView<const float>(weights.data(), prediction.rows(),
                               prediction.cols(), weights.row_stride(), 0);
    }
    internal::RequireSameShape(op, prediction_name, prediction, "weights",
                               weights);
    internal::CheckMemory(op, weights, "weights", false);
  }
  if (prediction.empty()) return 0;
  return parallel::ElementLosses(
      ctx, {.loss = loss,
            .parameter = parameter,
            .prediction = prediction,
            .target = target,
            .weights = weights,
            .mean = options.reduction == LossReduction::kMean,
            .gradient_scale = options.gradient_scale,
            .losses = options.losses,
            .gradient = gradient});
}

void CheckClassIndices(const char* op, const VecView<const int32_t>& indices,
                       size_t class_count, int32_t ignore_index) {
  for (size_t row = 0; row < indices.size(); ++row) {
    const int32_t index = indices[row];
    if (index == ignore_index) continue;
    if (index >= 0 && static_cast<size_t>(index) < class_count) continue;
    throw std::invalid_argument(
        std::string(op) + ": class index " + std::to_string(index) +
        " of row " + std::to_string(row) + " is not one of the " +
        std::to_string(class_count) +
        " classes; rows to be left out have ignore_index, which is " +
        std::to_string(ignore_index));
  }
}

void RequireOfRows(const char* op, const char* name, size_t size, size_t rows) {
  if (size == rows) return;
  throw ShapeError(std::string(op) + ": " + name + " has " +
                   std::to_string(size) + " elements, but there are " +
                   std::to_string(rows) + " rows");
}

// Of what concerns rows, checked.
parallel::CrossEntropyTask MakeTask(const char* op, size_t rows,
                                    size_t class_count,
                                    const CrossEntropyOptions& options) {
  if (rows != 0 && class_count == 0) {
    throw ShapeError(std::string(op) + ": there are " + std::to_string(rows) +
                     " rows but no classes");
  }
  if (options.weights.data() != nullptr) {
    RequireOfRows(op, "weights", options.weights.size(), rows);
  }
  if (options.losses.data() != nullptr) {
    RequireOfRows(op, "losses", options.losses.size(), rows);
    internal::RequireOwnPlaces(op, "losses", options.losses);
  } else if (options.reduction == LossReduction::kNone && rows != 0) {
    ThrowNoLosses(op);
  }
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1)) {
    throw std::invalid_argument(std::string(op) + ": label_smoothing is " +
                                std::to_string(options.label_smoothing) +
                                "; it must be from 0 to 1");
  }
  parallel::CrossEntropyTask task;
  task.class_count = class_count;
  task.rows = rows;
  task.ignore_index = options.ignore_index;
  task.label_smoothing = options.label_smoothing;
  task.weights = options.weights;
  task.mean = options.reduction == LossReduction::kMean;
  task.gradient_scale = options.gradient_scale;
  task.losses = options.losses;
  return task;
}

}  // namespace

double MseLoss(Context& ctx, ConstAnyMatView prediction, ConstAnyMatView target,
               const LossOptions& options, AnyMatView gradient) {
  return Run("MseLoss", ctx, ElementLoss::kMse, 0, prediction, target, options,
             gradient);
}

double MaeLoss(Context& ctx, ConstAnyMatView prediction, ConstAnyMatView target,
               const LossOptions& options, AnyMatView gradient) {
  return Run("MaeLoss", ctx, ElementLoss::kMae, 0, prediction, target, options,
             gradient);
}

double HuberLoss(Context& ctx, ConstAnyMatView prediction,
                 ConstAnyMatView target, float delta,
                 const LossOptions& options, AnyMatView gradient) {
  if (!(delta > 0)) {
    throw std::invalid_argument("HuberLoss: delta is " + std::to_string(delta) +
                                "; it must be greater than 0");
  }
  return Run("HuberLoss", ctx, ElementLoss::kHuber, delta, prediction, target,
             options, gradient);
}

double QuantileLoss(Context& ctx, ConstAnyMatView prediction,
                    ConstAnyMatView target, float q, const LossOptions& options,
                    AnyMatView gradient) {
  if (!(q >= 0 && q <= 1)) {
    throw std::invalid_argument("QuantileLoss: q is " + std::to_string(q) +
                                "; it must be from 0 to 1");
  }
  return Run("QuantileLoss", ctx, ElementLoss::kQuantile, q, prediction, target,
             options, gradient);
}

double BinaryCrossEntropyLoss(Context& ctx, ConstAnyMatView logits,
                              ConstAnyMatView target,
                              const LossOptions& options, AnyMatView gradient) {
  return Run("BinaryCrossEntropyLoss", ctx, ElementLoss::kBinaryCrossEntropy, 0,
             logits, target, options, gradient, "logits");
}

double SmapeLoss(Context& ctx, ConstAnyMatView prediction,
                 ConstAnyMatView target, const LossOptions& options,
                 AnyMatView gradient) {
  return Run("SmapeLoss", ctx, ElementLoss::kSmape, 0, prediction, target,
             options, gradient);
}

double MapeLoss(Context& ctx, ConstAnyMatView prediction,
                ConstAnyMatView target, const LossOptions& options,
                AnyMatView gradient) {
  return Run("MapeLoss", ctx, ElementLoss::kMape, 0, prediction, target,
             options, gradient);
}

double CrossEntropyLoss(Context& ctx, ConstAnyMatView logits,
                        VecView<const int32_t> class_indices,
                        const CrossEntropyOptions& options,
                        AnyMatView gradient) {
  const char* op = "CrossEntropyLoss";
  RequireOfRows(op, "class_indices", class_indices.size(), logits.rows());
  parallel::CrossEntropyTask task =
      MakeTask(op, logits.rows(), logits.cols(), options);
  internal::CheckRead(op, "logits", logits);
  RequireWritable(op, "gradient", gradient, "logits", logits);
  CheckClassIndices(op, class_indices, logits.cols(), options.ignore_index);
  task.classes = class_indices;
  if (logits.empty()) return 0;
  return parallel::CrossEntropy(ctx, task, logits, gradient);
}

double CrossEntropyLoss(Context& ctx, ConstAnyMatView logits,
                        ConstAnyMatView probabilities,
                        const CrossEntropyOptions& options,
                        AnyMatView gradient) {
  const char* op = "CrossEntropyLoss";
  internal::RequireSameShape(op, "logits", logits, "probabilities",
                             probabilities);
  parallel::CrossEntropyTask task =
      MakeTask(op, logits.rows(), logits.cols(), options);
  if (options.label_smoothing != 0) {
    throw std::invalid_argument(
        "CrossEntropyLoss: label_smoothing is " +
        std::to_string(options.label_smoothing) +
        ", but the targets are probabilities; smooth them, or give class "
        "indices");
  }
  internal::CheckRead(op, "logits", logits);
  internal::CheckRead(op, "probabilities", probabilities);
  RequireWritable(op, "gradient", gradient, "logits", logits);
  task.has_probabilities = true;
  task.probabilities = probabilities;
  if (logits.empty()) return 0;
  return parallel::CrossEntropy(ctx, task, logits, gradient);
}

struct CrossEntropyBlocks::Impl {
  parallel::CrossEntropyTask task;
  std::vector<parallel::CrossEntropyRow> rows;
  size_t added = 0;

  void CheckBlock(const char* op, size_t first_class,
                  const ConstAnyMatView& logits) const {
    RequireOfRows(op, "class_indices", task.rows, logits.rows());
    if (first_class > task.class_count ||
        logits.cols() > task.class_count - first_class) {
      throw ShapeError(std::string(op) + ": classes " +
                       std::to_string(first_class) + " to " +
                       std::to_string(first_class + logits.cols()) +
                       " are not within the " +
                       std::to_string(task.class_count) + " classes");
    }
    internal::CheckRead(op, "logits", logits);
  }
  void RequireAll(const char* op) const {
    if (added == task.class_count) return;
    throw std::logic_error(std::string(op) + ": " + std::to_string(added) +
                           " of " + std::to_string(task.class_count) +
                           " classes have been added; call Add for the others "
                           "first");
  }
};

CrossEntropyBlocks::CrossEntropyBlocks(size_t class_count,
                                       VecView<const int32_t> class_indices,
                                       const CrossEntropyOptions& options)
    : impl_(std::make_unique<Impl>()) {
  const char* op = "CrossEntropyBlocks";
  impl_->task = MakeTask(op, class_indices.size(), class_count, options);
  CheckClassIndices(op, class_indices, class_count, options.ignore_index);
  impl_->task.classes = class_indices;
  impl_->rows.resize(class_indices.size());
}

CrossEntropyBlocks::~CrossEntropyBlocks() = default;
CrossEntropyBlocks::CrossEntropyBlocks(CrossEntropyBlocks&&) noexcept = default;
CrossEntropyBlocks& CrossEntropyBlocks::operator=(
    CrossEntropyBlocks&&) noexcept = default;

void CrossEntropyBlocks::Add(Context& ctx, size_t first_class,
                             ConstAnyMatView logits) {
  const char* op = "CrossEntropyBlocks::Add";
  impl_->CheckBlock(op, first_class, logits);
  if (logits.cols() > impl_->task.class_count - impl_->added) {
    throw std::logic_error(
        std::string(op) + ": " + std::to_string(impl_->added) + " of " +
        std::to_string(impl_->task.class_count) +
        " classes have been added already and " +
        std::to_string(logits.cols()) + " more are given; each is added once");
  }
  impl_->added += logits.cols();
  if (logits.empty()) return;
  parallel::AddLogits(ctx, impl_->task, first_class, logits,
                      impl_->rows.data());
}

double CrossEntropyBlocks::Value() const {
  impl_->RequireAll("CrossEntropyBlocks::Value");
  return parallel::CrossEntropyValue(impl_->task, impl_->rows.data());
}

void CrossEntropyBlocks::Gradient(Context& ctx, size_t first_class,
                                  ConstAnyMatView logits,
                                  AnyMatView gradient) const {
  const char* op = "CrossEntropyBlocks::Gradient";
  impl_->CheckBlock(op, first_class, logits);
  if (!logits.empty() && gradient.data() == nullptr) {
    throw std::invalid_argument(std::string(op) + ": there is no gradient");
  }
  RequireWritable(op, "gradient", gradient, "logits", logits);
  impl_->RequireAll(op);
  if (logits.empty()) return;
  parallel::WriteGradient(ctx, impl_->task, impl_->rows.data(), first_class,
                          logits, gradient);
}

}  // namespace ranvier
