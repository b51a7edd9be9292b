#include "ranvier/cli/tour_operations.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "ranvier/report/format.h"
#include "ranvier/simd/base/philox.h"

namespace ranvier::cli {

std::string Operation::Name() const {
  return kind.name + " of " +
         (kind.counted != nullptr
              ? report::Thousands(rows * cols) + " " + kind.counted
              : std::to_string(rows) + " x " + std::to_string(cols));
}

std::vector<Operation> TourOperations() {
  std::vector<Operation> operations;
  for (const OperationKind& kind : OperationKinds()) {
    for (const auto& [rows, cols] : kind.shapes) {
      operations.push_back({kind, rows, cols});
    }
  }
  return operations;
}

OperationData MakeData(Context& ctx, const Operation& operation,
                       uint64_t seed) {
  const size_t rows = operation.rows;
  const size_t cols = operation.cols;
  const size_t updated = operation.kind.updated;
  const auto uniform = [&](const Shape& shape, uint64_t stream) {
    return Uniform(ctx, shape, Philox::StreamKey(seed, stream));
  };
  OperationData data;
  data.x = uniform({rows, cols}, 0);
  for (float& x : data.x.span()) x *= 8;
  data.weight = uniform({cols}, 1);
  data.bias = uniform({cols}, 2);
  for (size_t row = 0; row < rows; ++row) {
    data.classes.push_back(
        static_cast<int32_t>(Philox::At(seed, 3, row, 0)[0] % cols));
  }
  if (updated != 0) {
    data.before = uniform({updated, rows, cols}, 4);
    // Positive, as a mean of squares is; and parameters so small that an error
    // of their change is seen beside their own rounding.
    for (float& x : data.before.span()) x = 1 + x / 2;
    for (float& x : data.before.span().first(rows * cols)) x /= 64;
  }
  data.y =
      Tensor<float>::Uninitialized({std::max<size_t>(updated, 1), rows, cols});
  Reset(data);
  return data;
}

void Reset(OperationData& data) {
  data.loss = 0;
  if (data.before.empty()) {
    data.y.Fill(std::numeric_limits<float>::quiet_NaN());
  } else {
    std::copy_n(data.before.data(), data.before.elements(), data.y.data());
  }
}

double ErrorShare(Context& ctx, const Operation& operation,
                  const OperationData& data, bool plain) {
  struct Row {
    double share = 0, loss = 0, loss_bound = 0;
  };
  std::vector<Row> rows(operation.rows);
  ctx.ParallelFor(rows.size(), [&](size_t row) {
    const ExpectedRow expected = operation.kind.expected(data, row);
    const std::vector<double>& bound = plain && !expected.plain_bound.empty()
                                           ? expected.plain_bound
                                           : expected.bound;
    double largest = 0;
    for (size_t matrix = 0; matrix < data.y.size(0); ++matrix) {
      for (size_t col = 0; col < operation.cols; ++col) {
        const size_t at = matrix * operation.cols + col;
        const auto y = static_cast<double>(data.y(matrix, row, col));
        largest = std::max(largest, ErrorShare(y, expected.y[at], bound[at]));
      }
    }
    rows[row] = {largest, expected.loss, expected.loss_bound};
  });
  Row all;
  for (const Row& row : rows) {
    all.share = std::max(all.share, row.share);
    all.loss += row.loss;
    all.loss_bound += row.loss_bound;
  }
  return std::max(all.share, ErrorShare(data.loss, all.loss, all.loss_bound));
}

TourSubject OperationSubject(const Operation& operation) {
  const auto make = [operation](Context& ctx) {
    const auto data =
        std::make_shared<OperationData>(MakeData(ctx, operation, ctx.seed()));
    const auto way = [&](const char* name, bool all_threads, bool plain) {
      const auto prepare = [&ctx, operation, data, plain](Context& threads) {
        const auto run = [operation, data, plain, &threads] {
          if (plain) {
            operation.kind.plain(*data);
          } else {
            operation.kind.library(threads, *data);
          }
        };
        const auto compare = [&ctx, operation, data, plain, run] {
          Reset(*data);
          run();
          return ErrorShare(ctx, operation, *data, plain);
        };
        return ReadyWay{run, compare};
      };
      return TourWay{name, all_threads, plain, prepare};
    };
    return std::vector<TourWay>{way("plain loop, f32", false, true),
                                way("SIMD, f32", false, false),
                                way("SIMD, f32", true, false)};
  };
  return {operation.Name(),
          static_cast<double>(operation.kind.bytes) *
              static_cast<double>(operation.rows * operation.cols),
          make};
}

}  // namespace ranvier::cli
