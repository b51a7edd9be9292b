#include "ranvier/parallel/loss.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/partition.h"
#include "ranvier/parallel/ranges.h"
#include "ranvier/parallel/rows.h"

namespace ranvier::parallel {
namespace {

// From this many elements on threads are used.
constexpr size_t kCutoff = 4 * kLossChunk;

// part(begin, end) of every `size` of n, added up in order.
template <class Part>
double SumOfPieces(Context& ctx, size_t n, size_t size, bool threads,
                   const Part& part) {
  std::vector<double> parts(Pieces(n, size));
  ForEach(ctx, threads ? ctx.threads() : 1, parts.size(), [&](size_t i) {
    parts[i] = part(i * size, std::min(n, (i + 1) * size));
  });
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

// block(begin, n) of every block in [begin, end), added up in order.
template <class Block>
double SumOfBlocks(size_t begin, size_t end, const Block& block) {
  double sum = 0;
  for (; begin < end; begin += kLossBlock) {
    sum += block(begin, std::min(kLossBlock, end - begin));
  }
  return sum;
}

double TotalWeight(Context& ctx, const ElementLossTask& task) {
  const size_t n = task.prediction.rows() * task.prediction.cols();
  if (task.weights.empty() && task.loss != simd::ElementLoss::kMape) {
    return static_cast<double>(n);
  }
  return SumOfPieces(
      ctx, n, kLossChunk, n >= kCutoff, [&](size_t chunk, size_t chunk_end) {
        return SumOfBlocks(chunk, chunk_end, [&](size_t begin, size_t count) {
          float target[kLossBlock];
          float weights[kLossBlock];
          return simd::SumLossWeights(
              task.loss,
              task.loss == simd::ElementLoss::kMape
                  ? ReadRun(task.target, begin, count, target)
                  : nullptr,
              task.weights.empty()
                  ? nullptr
                  : ReadRun(task.weights, begin, count, weights),
              count);
        });
      });
}

// Of a row of logits by CrossEntropyTask; 0: the row is left out.
double RowWeight(const CrossEntropyTask& task, size_t row) {
  if (!task.has_probabilities && task.classes[row] == task.ignore_index) {
    return 0;
  }
  return task.weights.empty() ? 1.0 : static_cast<double>(task.weights[row]);
}

// What the sum of losses is divided by.
double Divisor(const CrossEntropyTask& task) {
  if (!task.mean) return 1;
  double total = 0;
  for (size_t row = 0; row < task.rows; ++row) total += RowWeight(task, row);
  return total;
}

// A mean over nothing is 0.
double Over(double sum, double divisor) {
  return divisor == 0 ? 0 : sum / divisor;
}

// Whether the class of a row is one of the n from first_class on.
bool HasTarget(const CrossEntropyTask& task, size_t row, size_t first_class,
               size_t n) {
  if (task.has_probabilities) return false;
  const auto target = static_cast<size_t>(task.classes[row]);
  return target >= first_class && target - first_class < n;
}

// One row of `logits`, which are those of the classes from first_class on.
void AddRow(const CrossEntropyTask& task, size_t row, size_t first_class,
            const ConstAnyMatView& logits, CrossEntropyRow* kept) {
  float x_room[kLossBlock];
  float q_room[kLossBlock];
  const size_t cols = logits.cols();
  for (size_t col = 0; col < cols; col += kLossBlock) {
    const size_t n = std::min(kLossBlock, cols - col);
    const float* q = nullptr;
    if (task.has_probabilities) {
      q = ReadRow(task.probabilities, row, first_class + col, n, q_room);
    }
    simd::AddLogits(ReadRow(logits, row, col, n, x_room), q,
                    task.label_smoothing != 0, n, &kept->sums);
  }
  if (HasTarget(task, row, first_class, cols)) {
    const auto target = static_cast<size_t>(task.classes[row]);
    kept->target_logit = *ReadRow(logits, row, target - first_class, 1, x_room);
  }
}

// log(sum e^x) less the expected logit, as a sum of terms that are not
// negative: in distances from the greatest logit.
double RowLoss(const CrossEntropyTask& task, const CrossEntropyRow& row) {
  const simd::CrossEntropySums& sums = row.sums;
  const double log_sum = std::log(sums.exponentials);
  if (task.has_probabilities) return sums.weight * log_sum - sums.distances;
  const double below = static_cast<double>(sums.reference) - row.target_logit;
  double loss = log_sum + (1 - task.label_smoothing) * below;
  if (task.label_smoothing != 0) {
    loss -= task.label_smoothing / static_cast<double>(task.class_count) *
            sums.distances;
  }
  return loss;
}

void GradientRow(const CrossEntropyTask& task, double factor,
                 const CrossEntropyRow& kept, size_t row, size_t first_class,
                 const ConstAnyMatView& logits, bool streamed,
                 const AnyMatView& gradient) {
  const size_t cols = logits.cols();
  float x_room[kLossBlock];
  float q_room[kLossBlock];
  float* out_room = q_room;  // a probability is read before its place is taken
  const bool left_out = factor == 0;
  const double scaled =
      task.has_probabilities ? factor * kept.sums.weight : factor;
  simd::CrossEntropyGradient of;
  of.reference = kept.sums.reference;
  of.factor = static_cast<float>(scaled / kept.sums.exponentials);
  of.target_factor = static_cast<float>(
      task.has_probabilities ? factor
                             : factor * task.label_smoothing /
                                   static_cast<double>(task.class_count));
  of.streamed = streamed;
  const auto hit = static_cast<float>(factor * (1 - task.label_smoothing));
  // Where nothing has to be converted, the whole row at once.
  const bool whole =
      IsPlainF32(gradient) && IsPlainF32(logits) && !task.has_probabilities;
  const size_t step = whole ? std::max<size_t>(1, cols) : kLossBlock;
  for (size_t col = 0; col < cols; col += step) {
    const size_t n = std::min(step, cols - col);
    float* out = PlaceOfRow(gradient, row, col, out_room);
    if (left_out) {
      std::fill_n(out, n, 0.0f);
    } else {
      const float* q = nullptr;
      if (task.has_probabilities) {
        q = ReadRow(task.probabilities, row, first_class + col, n, q_room);
      }
      simd::WriteGradient(of, ReadRow(logits, row, col, n, x_room), q, n, out);
      if (HasTarget(task, row, first_class + col, n)) {
        const auto target = static_cast<size_t>(task.classes[row]);
        out[target - first_class - col] -= hit;
      }
    }
    WriteRow(out, gradient, row, col, n);
  }
}

// Stores that pass by the cache win where the gradient is larger than it, and
// in place they would push out what has just been read.
bool Streams(const ConstAnyMatView& logits, const AnyMatView& gradient) {
  // Short rows are not worth waiting for at the end of each.
  constexpr size_t kLongRow = 2048;
  return gradient.cols() >= kLongRow && gradient.data() != logits.data() &&
         ExceedsCaches(gradient.rows() * gradient.cols() * sizeof(float));
}

// Rows that a thread takes at a time; the same for any number of threads.
size_t RowGrain(size_t cols) {
  return std::max<size_t>(1, kLossChunk / std::max<size_t>(1, cols));
}

// w l of a row, written where it is wanted.
double WeightedLoss(const CrossEntropyTask& task, const CrossEntropyRow& kept,
                    size_t row, double weight) {
  const double loss = weight == 0 ? 0 : weight * RowLoss(task, kept);
  if (!task.losses.empty()) task.losses[row] = static_cast<float>(loss);
  return loss;
}

}  // namespace

double ElementLosses(Context& ctx, const ElementLossTask& task) {
  const size_t n = task.prediction.rows() * task.prediction.cols();
  const double total = task.mean ? TotalWeight(ctx, task) : 1;
  const double scale = Over(task.gradient_scale, total);
  const double sum = SumOfPieces(
      ctx, n, kLossChunk, n >= kCutoff, [&](size_t chunk, size_t chunk_end) {
        return SumOfBlocks(chunk, chunk_end, [&](size_t begin, size_t count) {
          float prediction[kLossBlock];
          float target[kLossBlock];
          float weights[kLossBlock];
          float gradient_room[kLossBlock];
          float losses_room[kLossBlock];
          float* gradient =
              task.gradient.empty()
                  ? nullptr
                  : PlaceOfRun(task.gradient, begin, count, gradient_room);
          float* losses = task.losses.empty() ? nullptr
                                              : PlaceOfRun(task.losses, begin,
                                                           count, losses_room);
          const double part = simd::SumLosses(
              task.loss, task.parameter,
              {.prediction = ReadRun(task.prediction, begin, count, prediction),
               .target = ReadRun(task.target, begin, count, target),
               .weights = task.weights.empty()
                              ? nullptr
                              : ReadRun(task.weights, begin, count, weights),
               .gradient = gradient,
               .losses = losses,
               .factor = static_cast<float>(scale),
               .n = count});
          if (gradient != nullptr) {
            WriteRun(gradient, task.gradient, begin, count);
          }
          if (losses != nullptr) WriteRun(losses, task.losses, begin, count);
          return part;
        });
      });
  return Over(sum, total);
}

double CrossEntropy(Context& ctx, const CrossEntropyTask& task,
                    const ConstAnyMatView& logits, const AnyMatView& gradient) {
  const double divisor = Divisor(task);
  const double factor = Over(task.gradient_scale, divisor);
  const bool streamed = Streams(logits, gradient);
  const double sum = SumOfPieces(
      ctx, task.rows, RowGrain(logits.cols()),
      task.rows * logits.cols() >= kCutoff, [&](size_t begin, size_t end) {
        double part = 0;
        for (size_t row = begin; row < end; ++row) {
          const double weight = RowWeight(task, row);
          CrossEntropyRow kept;
          if (weight != 0) AddRow(task, row, 0, logits, &kept);
          part += WeightedLoss(task, kept, row, weight);
          if (gradient.empty()) continue;
          GradientRow(task, factor * weight, kept, row, 0, logits, streamed,
                      gradient);
        }
        return part;
      });
  return Over(sum, divisor);
}

void AddLogits(Context& ctx, const CrossEntropyTask& task, size_t first_class,
               const ConstAnyMatView& logits, CrossEntropyRow* rows) {
  const size_t cols = logits.cols();
  const size_t grain = RowGrain(cols);
  ForRanges(ctx, task.rows, grain, std::max<size_t>(1, kCutoff / (cols + 1)),
            [&](size_t begin, size_t end) {
              for (size_t row = begin; row < end; ++row) {
                if (RowWeight(task, row) == 0) continue;
                AddRow(task, row, first_class, logits, &rows[row]);
              }
            });
}

double CrossEntropyValue(const CrossEntropyTask& task,
                         const CrossEntropyRow* rows) {
  // In the pieces of CrossEntropy: the same bits.
  const size_t grain = RowGrain(task.class_count);
  double sum = 0;
  for (size_t begin = 0; begin < task.rows; begin += grain) {
    double part = 0;
    const size_t end = std::min(task.rows, begin + grain);
    for (size_t row = begin; row < end; ++row) {
      part += WeightedLoss(task, rows[row], row, RowWeight(task, row));
    }
    sum += part;
  }
  return Over(sum, Divisor(task));
}

void WriteGradient(Context& ctx, const CrossEntropyTask& task,
                   const CrossEntropyRow* rows, size_t first_class,
                   const ConstAnyMatView& logits, const AnyMatView& gradient) {
  const double factor = Over(task.gradient_scale, Divisor(task));
  const bool streamed = Streams(logits, gradient);
  const size_t cols = logits.cols();
  ForRanges(ctx, task.rows, RowGrain(cols),
            std::max<size_t>(1, kCutoff / (cols + 1)),
            [&](size_t begin, size_t end) {
              for (size_t row = begin; row < end; ++row) {
                GradientRow(task, factor * RowWeight(task, row), rows[row], row,
                            first_class, logits, streamed, gradient);
              }
            });
}

}  // namespace ranvier::parallel
