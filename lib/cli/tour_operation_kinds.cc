// Each operation of the tour three times: what must come out, in double
// precision with the bounds of the public headers; the loop that a plain
// program has, compiled as any other; and the call of the library.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ranvier/cli/tour_operations.h"
#include "ranvier/ops/elementwise.h"
#include "ranvier/ops/loss.h"
#include "ranvier/ops/norm.h"
#include "ranvier/ops/optimizer.h"
#include "ranvier/ops/softmax.h"
#include "ranvier/simd/targets.h"

namespace ranvier::cli {
namespace {

constexpr double kU = 0x1.0p-24;
constexpr uint64_t kStep = 1000;  // of AdamW

std::span<const float> Row(const Tensor<float>& t, size_t row) {
  return t.span().subspan(row * t.size(1), t.size(1));
}

// The unit in the last place of f32 at x.
double Ulp(double x) {
  return std::ldexp(1.0, std::max(std::ilogb(x), -126) - 23);
}
// The bounds of elementwise.h are wider without it.
bool HasFusedMultiplyAdd() {
  return simd::CurrentTarget().find("SSE") == std::string::npos;
}

ExpectedRow ExpectedExp(const OperationData& data, size_t row) {
  const double ulps = HasFusedMultiplyAdd() ? 1 : 1.3;
  ExpectedRow expected;
  for (const float x : Row(data.x, row)) {
    const double y = std::exp(static_cast<double>(x));
    expected.y.push_back(y);
    expected.bound.push_back(ulps * Ulp(y));
  }
  return expected;
}
void PlainExp(OperationData& data) {
  const float* const x = data.x.data();
  float* const y = data.y.data();
  for (size_t i = 0; i < data.x.elements(); ++i) y[i] = std::exp(x[i]);
}
void LibraryExp(Context& ctx, OperationData& data) {
  Map(ctx, Elementwise::kExp, data.x, data.y);
}

ExpectedRow ExpectedGelu(const OperationData& data, size_t row) {
  const double ulps = HasFusedMultiplyAdd() ? 3.2 : 4;
  ExpectedRow expected;
  for (const float value : Row(data.x, row)) {
    const auto x = static_cast<double>(value);
    const double y = x * std::erfc(x * -std::sqrt(0.5)) / 2;
    expected.y.push_back(y);
    expected.bound.push_back(ulps * Ulp(y));
    // Below 0 the terms of 1 + erf cancel: what is left of the roundings of
    // the argument, of erf, of the sum and of the product.
    expected.plain_bound.push_back(4 * kU * std::fabs(x));
  }
  return expected;
}
void PlainGelu(OperationData& data) {
  const float* const x = data.x.data();
  float* const y = data.y.data();
  for (size_t i = 0; i < data.x.elements(); ++i) {
    y[i] = 0.5f * x[i] * (1 + std::erf(x[i] * 0.70710678f));
  }
}
void LibraryGelu(Context& ctx, OperationData& data) {
  Map(ctx, Elementwise::kGelu, data.x, data.y);
}

struct Logits {
  explicit Logits(std::span<const float> row)
      : max(static_cast<double>(*std::max_element(row.begin(), row.end()))),
        log_n(std::log(static_cast<double>(row.size()))) {
    for (const float x : row) sum += std::exp(static_cast<double>(x) - max);
  }
  double max, log_n;
  double sum = 0;  // of e^(x - max)
};

ExpectedRow ExpectedSoftmax(const OperationData& data, size_t row) {
  const Logits logits(Row(data.x, row));
  ExpectedRow expected;
  for (const float x : Row(data.x, row)) {
    const double below = logits.max - static_cast<double>(x);
    const double y = std::exp(-below) / logits.sum;
    expected.y.push_back(y);
    expected.bound.push_back((1.1 * (below + logits.log_n) + 10) * kU * y +
                             0x1.0p-126);
  }
  return expected;
}
void PlainSoftmax(OperationData& data) {
  const size_t n = data.x.size(1);
  for (size_t row = 0; row < data.x.size(0); ++row) {
    const float* const x = data.x.data() + row * n;
    float* const y = data.y.data() + row * n;
    const float max = *std::max_element(x, x + n);
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += y[i] = std::exp(x[i] - max);
    const auto factor = static_cast<float>(1 / sum);
    for (size_t i = 0; i < n; ++i) y[i] *= factor;
  }
}
void LibrarySoftmax(Context& ctx, OperationData& data) {
  Softmax(ctx, data.x, data.y);
}

constexpr float kEpsilon = LayerNormOptions().epsilon;

ExpectedRow ExpectedLayerNorm(const OperationData& data, size_t row) {
  const std::span<const float> x = Row(data.x, row);
  const auto n = static_cast<double>(x.size());
  double mean = 0, variance = 0;
  for (const float value : x) mean += static_cast<double>(value) / n;
  for (const float value : x) {
    const double distance = static_cast<double>(value) - mean;
    variance += distance * distance / n;
  }
  const double rstd = 1 / std::sqrt(variance + static_cast<double>(kEpsilon));
  ExpectedRow expected;
  for (size_t i = 0; i < x.size(); ++i) {
    const double z = (static_cast<double>(x[i]) - mean) * rstd;
    const auto weight = static_cast<double>(data.weight(i));
    const double y = z * weight + static_cast<double>(data.bias(i));
    expected.y.push_back(y);
    expected.bound.push_back((16 * std::fabs(z) + 8) * kU * std::fabs(weight) +
                             kU * std::fabs(y));
  }
  return expected;
}
void PlainLayerNorm(OperationData& data) {
  const size_t n = data.x.size(1);
  const float* const weight = data.weight.data();
  const float* const bias = data.bias.data();
  for (size_t row = 0; row < data.x.size(0); ++row) {
    const float* const x = data.x.data() + row * n;
    float* const y = data.y.data() + row * n;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; ++i) sum += x[i];
    const auto mean = static_cast<float>(sum / static_cast<double>(n));
    for (size_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const auto variance = static_cast<float>(squares / static_cast<double>(n));
    const float rstd = 1 / std::sqrt(variance + kEpsilon);
    for (size_t i = 0; i < n; ++i) {
      y[i] = (x[i] - mean) * rstd * weight[i] + bias[i];
    }
  }
}
void LibraryLayerNorm(Context& ctx, OperationData& data) {
  LayerNorm(ctx, data.x, data.weight.Vec(), data.bias.Vec(), data.y);
}

ExpectedRow ExpectedCrossEntropy(const OperationData& data, size_t row) {
  const Logits logits(Row(data.x, row));
  const auto target = static_cast<size_t>(data.classes[row]);
  const double share = 1 / static_cast<double>(data.x.size(0));  // of the mean
  ExpectedRow expected;
  for (size_t c = 0; c < data.x.size(1); ++c) {
    const double below = logits.max - static_cast<double>(data.x(row, c));
    const double p = std::exp(-below) / logits.sum;
    const double gradient = p - (c == target ? 1 : 0);
    expected.y.push_back(share * gradient);
    expected.bound.push_back(share * kU *
                             ((10 + logits.log_n + below) * p +
                              (c == target ? 5 : 4) * std::fabs(gradient)));
  }
  const double loss = std::log(logits.sum) + logits.max -
                      static_cast<double>(data.x(row, target));
  expected.loss = share * loss;
  expected.loss_bound = share * kU * (5 + logits.log_n + 2 * loss);
  return expected;
}
void PlainCrossEntropy(OperationData& data) {
  const size_t n = data.x.size(1);
  const float share = 1 / static_cast<float>(data.x.size(0));
  double loss = 0;
  for (size_t row = 0; row < data.x.size(0); ++row) {
    const float* const x = data.x.data() + row * n;
    float* const gradient = data.y.data() + row * n;
    const auto target = static_cast<size_t>(data.classes[row]);
    const float max = *std::max_element(x, x + n);
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += gradient[i] = std::exp(x[i] - max);
    const float factor = share / static_cast<float>(sum);
    for (size_t i = 0; i < n; ++i) gradient[i] *= factor;
    gradient[target] -= share;
    loss += std::log(sum) + max - x[target];
  }
  data.loss = loss / static_cast<double>(data.x.size(0));
}
void LibraryCrossEntropy(Context& ctx, OperationData& data) {
  data.loss = CrossEntropyLoss(
      ctx, data.x, VecView<const int32_t>(std::span(data.classes)), {}, data.y);
}

// The factors of AdamW's formulas, the same for all parameters of a step.
struct AdamWFactors {
  AdamWOptions o;
  double left1 = 1 - o.beta1, left2 = 1 - o.beta2;
  double size =
      o.learning_rate / (1 - std::pow(o.beta1, static_cast<double>(kStep)));
  double root =
      1 / std::sqrt(1 - std::pow(o.beta2, static_cast<double>(kStep)));
  double decay = o.learning_rate * o.weight_decay;
};

ExpectedRow ExpectedAdamW(const OperationData& data, size_t row) {
  const AdamWFactors f;
  const size_t n = data.x.size(1);
  ExpectedRow expected;
  expected.y.resize(3 * n);
  expected.bound.resize(3 * n);
  for (size_t i = 0; i < n; ++i) {
    const auto g = static_cast<double>(data.x(row, i));
    const auto p = static_cast<double>(data.before(0, row, i));
    const auto m = static_cast<double>(data.before(1, row, i));
    const auto v = static_cast<double>(data.before(2, row, i));
    const double m_new = f.o.beta1 * m + f.left1 * g;
    const double v_new = f.o.beta2 * v + f.left2 * g * g;
    const double m_terms = f.o.beta1 * std::fabs(m) + f.left1 * std::fabs(g);
    const double scale = f.size / (std::sqrt(v_new) * f.root + f.o.epsilon);
    const double p_new = p - (f.decay * p + scale * m_new);
    expected.y[i] = p_new;
    expected.y[n + i] = m_new;
    expected.y[2 * n + i] = v_new;
    expected.bound[i] = 12 * kU * (f.decay * std::fabs(p) + scale * m_terms) +
                        kU * std::fabs(p_new);
    expected.bound[n + i] = 3 * kU * m_terms;
    expected.bound[2 * n + i] = 3 * kU * v_new;
  }
  return expected;
}
void PlainAdamW(OperationData& data) {
  const AdamWFactors f;
  const auto beta1 = static_cast<float>(f.o.beta1);
  const auto beta2 = static_cast<float>(f.o.beta2);
  const auto left1 = static_cast<float>(f.left1);
  const auto left2 = static_cast<float>(f.left2);
  const auto size = static_cast<float>(f.size);
  const auto root = static_cast<float>(f.root);
  const auto decay = static_cast<float>(f.decay);
  const auto epsilon = static_cast<float>(f.o.epsilon);
  const size_t n = data.x.elements();
  const float* const g = data.x.data();
  float* const p = data.y.data();
  float* const m = p + n;
  float* const v = m + n;
  for (size_t i = 0; i < n; ++i) {
    m[i] = beta1 * m[i] + left1 * g[i];
    v[i] = beta2 * v[i] + left2 * g[i] * g[i];
    p[i] -= decay * p[i] + size * m[i] / (std::sqrt(v[i]) * root + epsilon);
  }
}
void LibraryAdamW(Context& ctx, OperationData& data) {
  UpdateAdamW(ctx, {.parameter = data.y.Mat(0), .gradient = data.x},
              data.y.Mat(1), data.y.Mat(2), kStep, {});
}

}  // namespace

std::vector<OperationKind> OperationKinds() {
  // Functions of one number both in a cache and through memory.
  return {
      {"exp",
       "numbers",
       8,
       0,
       {{64, 1024}, {4096, 1024}},
       ExpectedExp,
       PlainExp,
       LibraryExp},
      {"GELU",
       "numbers",
       8,
       0,
       {{64, 1024}, {4096, 1024}},
       ExpectedGelu,
       PlainGelu,
       LibraryGelu},
      {"softmax",
       nullptr,
       8,
       0,
       {{1024, 1024}},
       ExpectedSoftmax,
       PlainSoftmax,
       LibrarySoftmax},
      {"layer norm",
       nullptr,
       8,
       0,
       {{4096, 768}},
       ExpectedLayerNorm,
       PlainLayerNorm,
       LibraryLayerNorm},
      {"cross-entropy and gradient",
       nullptr,
       8,
       0,
       {{256, 32000}},
       ExpectedCrossEntropy,
       PlainCrossEntropy,
       LibraryCrossEntropy},
      // p, m and v are read and written, and the gradient is read.
      {"AdamW",
       "parameters",
       28,
       3,
       {{4096, 1024}},
       ExpectedAdamW,
       PlainAdamW,
       LibraryAdamW},
  };
}

}  // namespace ranvier::cli
