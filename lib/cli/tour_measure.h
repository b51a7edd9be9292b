#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/report/report.h"
#include "ranvier/simd/base/philox.h"
#include "ranvier/tensor/tensor.h"

namespace ranvier::cli {

// A way to compute something, ready for the clock.
struct ReadyWay {
  std::function<void()> run;
  // Runs once over a result that was no number before; the largest ErrorShare
  // of what comes out.
  std::function<double()> compare;
};

struct TourWay {
  std::string name;
  bool all_threads = false;  // else one
  bool baseline = false;
  // Whatever need not be timed: converting, packing. `threads` outlives what
  // is returned.
  std::function<ReadyWay(Context& threads)> prepare;
};

// What is computed in several ways.
struct TourSubject {
  std::string name;
  double work = 0;  // of one run: operations or bytes, what rates count
  // Its ways own the operands, which go when they do.
  std::function<std::vector<TourWay>(Context&)> ways;
};

// Every way of every subject: compared first, timed if it is right, the ways of
// one subject in turn. Calls `row` for each when a subject is done, and
// `progress` with the share that is. Stops between two runs when ctx is
// cancelled, and returns false; the subject it was at has no rows then.
bool Measure(Context& ctx, std::span<const TourSubject> subjects,
             const std::function<void(const Timing&)>& row,
             const std::function<void(double)>& progress);

// |result - expected| / bound; infinite where that is no number.
double ErrorShare(double result, double expected, double bound);

// Uniform on [-1, 1), of 24 bits: a function of the key.
Tensor<float> Uniform(Context& ctx, const Shape& shape, Philox::Key key);

}  // namespace ranvier::cli
