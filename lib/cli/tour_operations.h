#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ranvier/cli/tour_measure.h"
#include "ranvier/parallel/context.h"
#include "ranvier/tensor/tensor.h"

namespace ranvier::cli {

// What an operation reads and writes, in f32.
struct OperationData {
  Tensor<float> x;               // [rows, cols], on [-8, 8)
  Tensor<float> weight, bias;    // [cols]
  std::vector<int32_t> classes;  // [rows]
  // What it writes, [matrices, rows, cols]; and that before the run, where it
  // is updated in place, else nothing.
  Tensor<float> y, before;
  double loss = 0;  // what it returns
};

// What must come out, of one row.
struct ExpectedRow {
  std::vector<double> y;      // [matrices, cols]
  std::vector<double> bound;  // of |error|: what the public header promises
  std::vector<double> plain_bound;  // of the plain loop; empty: the same
  double loss = 0, loss_bound = 0;  // the row's share of it
};

// To add one, add an entry to OperationKinds.
struct OperationKind {
  std::string name;     // "softmax"
  const char* counted;  // "numbers"; null: it goes by rows and columns
  size_t bytes;         // read once and written once, for an element of x
  size_t updated;       // matrices updated in place; 0: it writes a new one
  std::vector<std::array<size_t, 2>> shapes;  // that the tour has
  ExpectedRow (*expected)(const OperationData&, size_t row);
  void (*plain)(OperationData&);
  void (*library)(Context&, OperationData&);
};

struct Operation {
  OperationKind kind;
  size_t rows = 0, cols = 0;

  std::string Name() const;
};

std::vector<OperationKind> OperationKinds();
std::vector<Operation> TourOperations();

// A function of the seed.
OperationData MakeData(Context& ctx, const Operation& operation, uint64_t seed);

// As before a run: no number, or what is to be updated.
void Reset(OperationData& data);

// The largest of all that was written.
double ErrorShare(Context& ctx, const Operation& operation,
                  const OperationData& data, bool plain);

// The plain loop and the library, on one thread and on all, for Measure.
TourSubject OperationSubject(const Operation& operation);

}  // namespace ranvier::cli
