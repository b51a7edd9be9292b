#include "ranvier/cli/tour_operations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/elementwise.h"

#include "tests/reference/elementwise_reference.h"
#include "tests/reference/loss_reference.h"
#include "tests/reference/rows_reference.h"
#include "tests/util/compare.h"
#include "tests/util/target_fixture.h"

namespace ranvier::cli {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Each kind in a small shape that fills no vector evenly.
std::vector<Operation> SmallOperations() {
  std::vector<Operation> operations;
  for (const OperationKind& kind : OperationKinds()) {
    operations.push_back({kind, 5, 331});
  }
  return operations;
}

Operation Small(const std::string& name) {
  for (const Operation& operation : SmallOperations()) {
    if (operation.kind.name == name) return operation;
  }
  ADD_FAILURE() << name;
  return {};
}

// The same formulas in double precision, in another order.
testing::AssertionResult Near(const std::vector<double>& actual,
                              const std::vector<double>& expected) {
  return test::AllNear(std::span(actual), std::span(expected),
                       {.relative = 1e-12, .absolute = 1e-14});
}

bool MeasureAll(Context& ctx, const std::vector<Operation>& operations,
                std::vector<Timing>& rows) {
  std::vector<TourSubject> subjects;
  for (const Operation& operation : operations) {
    subjects.push_back(OperationSubject(operation));
  }
  return Measure(
      ctx, subjects, [&](const Timing& row) { rows.push_back(row); },
      [](double) {});
}

TEST(TourOperations, DataAreThoseOfTheSeed) {
  const Operation adamw = Small("AdamW");
  Context one({.threads = 1}), seven({.threads = 7});
  const OperationData x = MakeData(one, adamw, 4),
                      y = MakeData(seven, adamw, 4);
  EXPECT_TRUE(test::SameBits<float>(x.x.span(), y.x.span()));
  EXPECT_TRUE(test::SameBits<float>(x.weight.span(), y.weight.span()));
  EXPECT_TRUE(test::SameBits<float>(x.y.span(), y.y.span()));
  EXPECT_EQ(x.classes, y.classes);
  const OperationData other = MakeData(one, adamw, 5);
  EXPECT_FALSE(test::SameBits<float>(x.x.span(), other.x.span()));
  EXPECT_FALSE(test::SameBits<float>(x.y.span(), other.y.span()));
  const auto [least, most] =
      std::minmax_element(x.x.span().begin(), x.x.span().end());
  EXPECT_LT(*least, -7);
  EXPECT_GT(*most, 7);
}

// Against the references of the tests, which were written without this one.
TEST(TourOperations, ExpectedIsTheReference) {
  Context ctx({.threads = 1});
  for (const Operation& operation : SmallOperations()) {
    const std::string& name = operation.kind.name;
    if (name == "AdamW") continue;  // below
    SCOPED_TRACE(name);
    const OperationData data = MakeData(ctx, operation, 3);
    const auto rows = static_cast<double>(operation.rows);
    for (size_t row = 0; row < operation.rows; ++row) {
      const auto in_double = [](VecView<const float> from) {
        return test::Row(from.data(), from.data() + from.size());
      };
      const test::Row x = in_double(data.x.Vec(row));
      test::Row y(x);
      double loss = 0;
      if (name == "exp" || name == "GELU") {
        const Elementwise f =
            name == "exp" ? Elementwise::kExp : Elementwise::kGelu;
        for (double& one : y) one = reference::Value(f, one, 1);
      } else if (name == "softmax") {
        y = test::SoftmaxReference(x);
      } else if (name == "layer norm") {
        y = test::LayerNormReference(x, in_double(data.weight.Vec()),
                                     in_double(data.bias.Vec()), double{1e-5f});
      } else {
        ASSERT_EQ(name, "cross-entropy and gradient");
        test::Row q(x.size());
        q[static_cast<size_t>(data.classes[row])] = 1;
        const test::ReferenceRow right = test::ReferenceCrossEntropy(x, q);
        y = right.gradient;
        for (double& one : y) one /= rows;
        loss = right.loss / rows;
      }
      const ExpectedRow expected = operation.kind.expected(data, row);
      EXPECT_TRUE(Near(expected.y, y));
      EXPECT_NEAR(expected.loss, loss, 1e-12 * loss);
    }
  }
}

// By the formulas of Loshchilov and Hutter, as they stand.
TEST(TourOperations, ExpectedAdamWIsTheFormula) {
  Context ctx({.threads = 1});
  const Operation adamw = Small("AdamW");
  const OperationData data = MakeData(ctx, adamw, 3);
  const ExpectedRow expected = adamw.kind.expected(data, 2);
  test::Row y(3 * adamw.cols);
  for (size_t i = 0; i < adamw.cols; ++i) {
    const double g = double{data.x(2, i)}, p = double{data.before(0, 2, i)};
    const double m = 0.9 * double{data.before(1, 2, i)} + 0.1 * g;
    const double v = 0.999 * double{data.before(2, 2, i)} + 0.001 * g * g;
    const double m_hat = m / (1 - std::pow(0.9, 1000));
    const double v_hat = v / (1 - std::pow(0.999, 1000));
    y[i] = p - 1e-3 * (0.01 * p + m_hat / (std::sqrt(v_hat) + 1e-8));
    y[adamw.cols + i] = m;
    y[2 * adamw.cols + i] = v;
  }
  EXPECT_TRUE(Near(expected.y, y));
}

using TourOperationsOnTarget = test::TargetTest;

TEST_P(TourOperationsOnTarget, EveryWayIsRightAndTimed) {
  Context ctx({.threads = 2});
  const std::vector<Operation> operations = SmallOperations();
  std::vector<Timing> rows;
  ASSERT_TRUE(MeasureAll(ctx, operations, rows));
  ASSERT_EQ(rows.size(), 3 * operations.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Timing& row = rows[i];
    const Operation& operation = operations[i / 3];
    SCOPED_TRACE(row.what + ", " + row.way);
    EXPECT_EQ(row.what, operation.Name());
    EXPECT_EQ(row.baseline, i % 3 == 0);
    EXPECT_EQ(row.threads, i % 3 == 2 ? 2 : 1);
    // A bound that is far too wide would leave next to nothing of it.
    EXPECT_GT(row.error_share, 0.02);
    EXPECT_LE(row.error_share, 1);
    EXPECT_GT(row.seconds, 0);
    EXPECT_NEAR(row.rate * row.seconds * 1e9,
                static_cast<double>(operation.kind.bytes * 5 * 331), 1e-6);
    EXPECT_GT(row.speedup, 0);
  }
}

RANVIER_ON_EVERY_TARGET(TourOperationsOnTarget);

TEST(TourOperations, OneThreadHasNoRowTwice) {
  Context ctx({.threads = 1});
  std::vector<Timing> rows;
  ASSERT_TRUE(MeasureAll(ctx, {Small("softmax")}, rows));
  EXPECT_EQ(rows.size(), 2u);
}

TEST(TourOperations, NamesSayTheSizes) {
  EXPECT_EQ(Small("exp").Name(), "exp of 1,655 numbers");
  EXPECT_EQ(Small("softmax").Name(), "softmax of 5 x 331");
}

// Any number of any result, off by more than its bound.
TEST(TourOperations, EveryErrorIsFound) {
  Context ctx({.threads = 2});
  for (const Operation& operation : SmallOperations()) {
    SCOPED_TRACE(operation.kind.name);
    OperationData data = MakeData(ctx, operation, 1);
    const auto share = [&] { return ErrorShare(ctx, operation, data, false); };
    EXPECT_GT(share(), 1) << "nothing was written";
    operation.kind.library(ctx, data);
    EXPECT_LE(share(), 1);
    for (size_t matrix = 0; matrix < data.y.size(0); ++matrix) {
      for (const auto& [row, col] :
           {std::pair<size_t, size_t>{0, 0}, {4, 330}}) {
        float& y = data.y(matrix, row, col);
        const float right = y;
        const double bound =
            operation.kind.expected(data, row).bound[matrix * 331 + col];
        y += static_cast<float>(5 * bound);
        EXPECT_NEAR(share(), 5, 2);
        y = kNan;
        EXPECT_EQ(share(), kInfinity);
        y = static_cast<float>(kInfinity);
        EXPECT_EQ(share(), kInfinity);
        y = right;
      }
    }
    const double right = data.loss;
    data.loss += 1e-4;
    EXPECT_GT(share(), 1);
    data.loss = static_cast<double>(kNan);
    EXPECT_EQ(share(), kInfinity);
    data.loss = right;
    EXPECT_LE(share(), 1);
    Reset(data);
    EXPECT_GT(share(), 1) << "nothing was written again";
  }
}

TEST(TourOperations, WrongIsToldAndNotTimed) {
  Context ctx({.threads = 1});
  static int runs;
  for (Operation operation : SmallOperations()) {
    SCOPED_TRACE(operation.kind.name);
    runs = 0;
    operation.kind.library = [](Context&, OperationData& data) {
      ++runs;
      data.y.Fill(0.3f);
    };
    std::vector<Timing> rows;
    ASSERT_TRUE(MeasureAll(ctx, {operation}, rows));
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_TRUE(rows[0].right());
    EXPECT_GT(rows[0].seconds, 0);
    EXPECT_FALSE(rows[1].right());
    EXPECT_EQ(rows[1].seconds, 0);
    EXPECT_EQ(rows[1].speedup, 0);
    EXPECT_EQ(runs, 1);
  }
}

// What a plain loop may lose is not granted to the library.
TEST(TourOperations, PlainGeluWouldBeWrongAsTheLibrary) {
  Context ctx({.threads = 1});
  const Operation gelu = Small("GELU");
  OperationData data = MakeData(ctx, gelu, 0);
  gelu.kind.plain(data);
  EXPECT_LE(ErrorShare(ctx, gelu, data, true), 1);
  EXPECT_GT(ErrorShare(ctx, gelu, data, false), 1000);
}

TEST(TourOperations, StopsWhenCancelled) {
  Context ctx({.threads = 1});
  static Context* stopped;
  stopped = &ctx;
  Operation last = Small("exp");
  last.kind.library = [](Context& threads, OperationData& data) {
    Small("exp").kind.library(threads, data);
    stopped->Cancel();
  };
  std::vector<Timing> rows;
  EXPECT_FALSE(MeasureAll(ctx, {Small("softmax"), last, Small("AdamW")}, rows));
  EXPECT_EQ(rows.size(), 2u);
  EXPECT_FALSE(MeasureAll(ctx, {Small("softmax")}, rows));
  EXPECT_EQ(rows.size(), 2u);
}

}  // namespace
}  // namespace ranvier::cli
