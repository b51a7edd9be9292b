#include "ranvier/cli/tour_measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "ranvier/simd/base/error.h"

namespace ranvier::cli {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One way that was compared and, if it is right, waits for the clock.
struct Candidate {
  Timing timing;
  ReadyWay way;
  std::vector<double> seconds;  // of each run
  double spent_s = 0;
};

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Times all of them in turn, so that what else the machine does meets each of
// them alike. False if ctx was cancelled.
bool TimeInTurn(const Context& ctx, std::span<Candidate> candidates) {
  constexpr int kRounds = 6;
  constexpr double kSlice_s = 0.05;  // of each in each round
  constexpr double kEnough_s = 0.6;  // for the few slow ones
  constexpr size_t kMostRuns = 200;  // in a slice
  for (int round = 0; round < kRounds; ++round) {
    for (Candidate& candidate : candidates) {
      if (!candidate.timing.right() || candidate.spent_s > kEnough_s) continue;
      const double end_s = candidate.spent_s + kSlice_s;
      for (size_t i = 0; i < kMostRuns && candidate.spent_s < end_s; ++i) {
        if (ctx.cancelled()) return false;
        const auto begin = Clock::now();
        candidate.way.run();
        candidate.seconds.push_back(SecondsSince(begin));
        candidate.spent_s += candidate.seconds.back();
      }
    }
  }
  return true;
}

// The ways of one subject, compared and timed; nothing if ctx was cancelled.
// Calls `compared` with the share of them that is.
std::vector<Timing> MeasureSubject(
    Context& ctx, Context& one, const TourSubject& subject,
    const std::function<void(double)>& compared) {
  const std::vector<TourWay> ways = subject.ways(ctx);
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < ways.size(); ++i) {
    const TourWay& way = ways[i];
    Context& threads = way.all_threads ? ctx : one;
    // With one thread to use, one row says it all.
    const bool told = std::any_of(
        candidates.begin(), candidates.end(), [&](const Candidate& other) {
          return other.timing.way == way.name &&
                 other.timing.threads == threads.threads();
        });
    if (!told) {
      if (ctx.cancelled()) return {};
      Candidate candidate;
      candidate.timing.what = subject.name;
      candidate.timing.way = way.name;
      candidate.timing.threads = threads.threads();
      candidate.timing.baseline = way.baseline;
      candidate.way = way.prepare(threads);
      candidate.timing.error_share = candidate.way.compare();
      candidates.push_back(std::move(candidate));
    }
    compared(static_cast<double>(i + 1) / static_cast<double>(ways.size()));
  }
  if (!TimeInTurn(ctx, candidates)) return {};

  std::vector<Timing> rows;
  double baseline_s = 0;
  for (Candidate& candidate : candidates) {
    Timing& timing = candidate.timing;
    if (timing.right()) {
      timing.seconds = Median(std::move(candidate.seconds));
      timing.rate = subject.work / timing.seconds / 1e9;
      if (timing.baseline) baseline_s = timing.seconds;
      timing.speedup = baseline_s / timing.seconds;
    }
    rows.push_back(timing);
  }
  return rows;
}

}  // namespace

bool Measure(Context& ctx, std::span<const TourSubject> subjects,
             const std::function<void(const Timing&)>& row,
             const std::function<void(double)>& progress) {
  Context one({.threads = 1, .seed = ctx.seed()});
  for (size_t i = 0; i < subjects.size(); ++i) {
    if (ctx.cancelled()) return false;
    // Of a subject, the timing takes about as long as the rest.
    const auto show = [&](double compared) {
      progress((static_cast<double>(i) + compared / 2) /
               static_cast<double>(subjects.size()));
    };
    show(0);
    std::vector<Timing> rows;
    try {
      rows = MeasureSubject(ctx, one, subjects[i], show);
    } catch (const CancelledError&) {
      return false;
    }
    if (rows.empty()) return false;
    for (const Timing& timing : rows) row(timing);
  }
  progress(1);
  return true;
}

double ErrorShare(double result, double expected, double bound) {
  const double error = std::fabs(result - expected);
  if (error == 0) return 0;
  const double share = error / bound;
  return std::isnan(share) ? std::numeric_limits<double>::infinity() : share;
}

Tensor<float> Uniform(Context& ctx, const Shape& shape, Philox::Key key) {
  Tensor<float> t = Tensor<float>::Uninitialized(shape);
  const MatView<float> rows = t.Mat();
  ctx.ParallelFor(rows.rows(), [&](size_t row) {
    for (size_t col = 0; col < rows.cols(); col += 4) {
      const Philox::Counter words = Philox::Block(Philox::Split(col, row), key);
      const size_t n = std::min<size_t>(4, rows.cols() - col);
      for (size_t i = 0; i < n; ++i) {
        // 24 bits: every value is a float.
        rows(row, col + i) = static_cast<float>(words[i] >> 8) * 0x1.0p-23f - 1;
      }
    }
  });
  return t;
}

}  // namespace ranvier::cli
