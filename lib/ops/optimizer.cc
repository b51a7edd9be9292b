#include "ranvier/ops/optimizer.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/parallel/optimizer.h"
#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

void RequireRun(const char* op, const char* name, const ConstAnyMatView& x) {
  internal::CheckMemory(op, x, name, false);
  if (x.empty() || ((x.cols() == 1 || x.col_stride() == 1) &&
                    (x.rows() == 1 || x.row_stride() == x.cols()))) {
    return;
  }
  throw std::invalid_argument(
      std::string(op) + ": " + name + " " + internal::Shape(x) +
      " has gaps between its elements: strides " +
      std::to_string(x.row_stride()) + " and " +
      std::to_string(x.col_stride()) + "; it must be one run");
}

// A range of 0 to below 1, or with no end where `most` is infinite.
void RequireOption(const char* op, const char* name, double value,
                   double most = HUGE_VAL) {
  if (value >= 0 && value < most) return;
  throw std::invalid_argument(
      std::string(op) + ": " + name + " is " + std::to_string(value) +
      "; it must be " +
      (most == HUGE_VAL ? "finite and not negative"
                        : "from 0 to below " + std::to_string(most)));
}

void RequireMoment(const char* op, const char* name, const MatView<float>& x,
                   const MatView<float>& parameter, bool needed) {
  if (x.data() == nullptr && !needed) return;
  internal::RequireSameShape(op, "parameter", parameter, name, x);
  RequireRun(op, name, x);
}

simd::UpdateRange MakeRange(const char* op, const ParameterViews& views,
                            const GradientStep& step) {
  const auto& [parameter, gradient, copy] = views;
  internal::RequireSameShape(op, "parameter", parameter, "gradient", gradient);
  RequireRun(op, "parameter", parameter);
  internal::RequireFloat(op, "gradient", gradient.type());
  RequireRun(op, "gradient", gradient);
  if (copy.data() != nullptr) {
    internal::RequireSameShape(op, "parameter", parameter, "copy", copy);
    if (copy.type() != ElementType::kBf16 && copy.type() != ElementType::kF16) {
      throw std::invalid_argument(std::string(op) + ": copy is " +
                                  Name(copy.type()) +
                                  "; it must be bf16 or f16");
    }
    RequireRun(op, "copy", copy);
  }
  return {
      .parameter = parameter.data(),
      .gradient = gradient.data(),
      .gradient_type = gradient.type(),
      .multiplier = step.multiplier,
      .copy = copy.data(),
      .copy_type = copy.data() == nullptr ? ElementType::kBf16 : copy.type(),
      .n = parameter.rows() * parameter.cols()};
}

float F32(double x) { return static_cast<float>(x); }

}  // namespace

GradientStatistics FindGradientStatistics(
    Context& ctx, std::span<const ConstAnyMatView> gradients) {
  const char* op = "FindGradientStatistics";
  for (size_t i = 0; i < gradients.size(); ++i) {
    const std::string name = "gradient " + std::to_string(i);
    internal::RequireFloat(op, name.c_str(), gradients[i].type());
    RequireRun(op, name.c_str(), gradients[i]);
  }
  const parallel::GradientSums sums = parallel::SumGradients(ctx, gradients);
  return {sums.sum_of_squares, sums.non_finite};
}

GradientStep PlanGradientStep(const GradientStatistics& statistics,
                              const GradientStepOptions& options) {
  const char* op = "PlanGradientStep";
  if (!(options.loss_scale > 0 && std::isfinite(options.loss_scale))) {
    throw std::invalid_argument(std::string(op) + ": loss_scale is " +
                                std::to_string(options.loss_scale) +
                                "; it must be positive and finite");
  }
  if (!(options.max_norm >= 0)) {
    throw std::invalid_argument(std::string(op) + ": max_norm is " +
                                std::to_string(options.max_norm) +
                                "; it must not be negative");
  }
  GradientStep step;
  step.norm = std::sqrt(statistics.sum_of_squares) / options.loss_scale;
  step.skip = statistics.non_finite != 0;
  double clip = 1;
  if (options.max_norm != 0 && !step.skip) {
    clip = std::min(1.0, options.max_norm / (step.norm + 1e-6));
  }
  step.multiplier = F32(clip / options.loss_scale);
  return step;
}

void UpdateSgd(Context& ctx, const ParameterViews& views,
               MatView<float> velocity, const SgdOptions& options,
               const GradientStep& step) {
  const char* op = "UpdateSgd";
  simd::UpdateRange range = MakeRange(op, views, step);
  RequireMoment(op, "velocity", velocity, views.parameter,
                options.momentum != 0);
  RequireOption(op, "learning_rate", options.learning_rate);
  RequireOption(op, "momentum", options.momentum, 1);
  RequireOption(op, "weight_decay", options.weight_decay);
  if (options.nesterov && options.momentum == 0) {
    throw std::invalid_argument(
        "UpdateSgd: nesterov is asked for with a momentum of 0; it needs one");
  }
  if (step.skip || range.n == 0) return;
  if (options.momentum != 0) range.first = velocity.data();
  parallel::UpdateSgd(ctx,
                      {.learning_rate = F32(options.learning_rate),
                       .momentum = F32(options.momentum),
                       .weight_decay = F32(options.weight_decay),
                       .nesterov = options.nesterov},
                      range);
}

void UpdateAdamW(Context& ctx, const ParameterViews& views, MatView<float> m,
                 MatView<float> v, uint64_t t, const AdamWOptions& options,
                 const GradientStep& step) {
  const char* op = "UpdateAdamW";
  simd::UpdateRange range = MakeRange(op, views, step);
  RequireMoment(op, "m", m, views.parameter, true);
  RequireMoment(op, "v", v, views.parameter, true);
  RequireOption(op, "learning_rate", options.learning_rate);
  RequireOption(op, "beta1", options.beta1, 1);
  RequireOption(op, "beta2", options.beta2, 1);
  RequireOption(op, "epsilon", options.epsilon);
  RequireOption(op, "weight_decay", options.weight_decay);
  // A step that is skipped need not have been counted.
  if (step.skip) return;
  if (t == 0) {
    throw std::invalid_argument(
        "UpdateAdamW: t is 0; it counts the steps, this one included");
  }
  if (range.n == 0) return;
  range.first = m.data();
  range.second = v.data();
  const auto steps = static_cast<double>(t);
  const double first_left = 1 - std::pow(options.beta1, steps);
  const double second_left = 1 - std::pow(options.beta2, steps);
  parallel::UpdateAdamW(
      ctx,
      {.step_size = F32(options.learning_rate / first_left),
       .first_rate = F32(1 - options.beta1),
       .second_rate = F32(1 - options.beta2),
       .second_scale = F32(1 / std::sqrt(second_left)),
       .epsilon = F32(options.epsilon),
       .decay = F32(options.learning_rate * options.weight_decay)},
      range);
}

void UpdateRmsProp(Context& ctx, const ParameterViews& views,
                   MatView<float> square, MatView<float> velocity,
                   MatView<float> mean, const RmsPropOptions& options,
                   const GradientStep& step) {
  const char* op = "UpdateRmsProp";
  simd::UpdateRange range = MakeRange(op, views, step);
  RequireMoment(op, "square", square, views.parameter, true);
  RequireMoment(op, "velocity", velocity, views.parameter,
                options.momentum != 0);
  RequireMoment(op, "mean", mean, views.parameter, false);
  RequireOption(op, "learning_rate", options.learning_rate);
  RequireOption(op, "alpha", options.alpha, 1);
  RequireOption(op, "epsilon", options.epsilon);
  RequireOption(op, "weight_decay", options.weight_decay);
  RequireOption(op, "momentum", options.momentum, 1);
  if (step.skip || range.n == 0) return;
  range.first = square.data();
  if (options.momentum != 0) range.second = velocity.data();
  range.third = mean.data();
  parallel::UpdateRmsProp(ctx,
                          {.learning_rate = F32(options.learning_rate),
                           .square_rate = F32(1 - options.alpha),
                           .epsilon = F32(options.epsilon),
                           .weight_decay = F32(options.weight_decay),
                           .momentum = F32(options.momentum)},
                          range);
}

}  // namespace ranvier
