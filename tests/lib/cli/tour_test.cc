#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/simulate.h"
#include "ranvier/cli/tour_products.h"

#include "tests/lib/cli/small_network.h"
#include "tests/util/compare.h"

namespace ranvier::cli {
namespace {

std::vector<TourSubject> Subjects(const std::vector<ProductShape>& shapes,
                                  const std::vector<ProductWay>& ways) {
  std::vector<TourSubject> subjects;
  for (const ProductShape& shape : shapes) {
    subjects.push_back(ProductSubject(shape, ways));
  }
  return subjects;
}

// The rows of what is measured to its end.
std::vector<Timing> MeasureAll(Context& ctx,
                               const std::vector<ProductShape>& shapes,
                               const std::vector<ProductWay>& ways) {
  std::vector<Timing> rows;
  double progress = -1;
  EXPECT_TRUE(Measure(
      ctx, Subjects(shapes, ways),
      [&](const Timing& row) { rows.push_back(row); },
      [&](double done) {
        EXPECT_GE(done, progress);
        progress = done;
      }));
  EXPECT_EQ(progress, 1);
  return rows;
}

// One that returns what is not the product, and must never be timed.
ProductWay WrongWay(float value, int* runs = nullptr) {
  return {.name = "wrong", .prepare = [=](Context&, const ProductOperands&) {
            return [=](MatView<float> c) {
              if (runs != nullptr) ++*runs;
              for (size_t i = 0; i < c.rows(); ++i) {
                for (size_t j = 0; j < c.cols(); ++j) c(i, j) = value;
              }
            };
          }};
}

TEST(TourProducts, OperandsAreThoseOfTheSeed) {
  const ProductShape shape{3, 5, 7};
  Context one({.threads = 1}), seven({.threads = 7});
  for (const auto storage :
       {ProductStorage::kF32, ProductStorage::kBf16, ProductStorage::kInt8}) {
    const ProductOperands x = MakeOperands(one, shape, storage, 4);
    const ProductOperands y = MakeOperands(seven, shape, storage, 4);
    EXPECT_TRUE(test::SameBits<float>(x.a.span(), y.a.span()));
    EXPECT_TRUE(test::SameBits<float>(x.b.span(), y.b.span()));
    EXPECT_TRUE(test::SameBits<double>(x.c.span(), y.c.span()));
    const ProductOperands other = MakeOperands(one, shape, storage, 5);
    EXPECT_FALSE(test::SameBits<float>(x.a.span(), other.a.span()));
    std::set<float> values(x.a.span().begin(), x.a.span().end());
    values.insert(x.b.span().begin(), x.b.span().end());
    EXPECT_GT(values.size(), 40u);  // of 56
    for (const float value : values) {
      EXPECT_LE(std::fabs(value), 1);
      if (storage == ProductStorage::kBf16) {
        EXPECT_EQ(ToFloat(ToBf16(value)), value);
      }
      if (storage == ProductStorage::kInt8) {
        EXPECT_EQ(std::nearbyint(value * 128), value * 128);
      }
    }
    for (size_t i = 0; i < shape.M; ++i) {
      for (size_t j = 0; j < shape.N; ++j) {
        double c = 0, size = 0;
        for (size_t k = 0; k < shape.K; ++k) {
          const double term =
              static_cast<double>(x.a(i, k)) * static_cast<double>(x.b(k, j));
          c += term;
          size += std::fabs(term);
        }
        // Sums of K products in another order.
        const double terms = 2 * static_cast<double>(shape.K + 2);
        const double rounding = terms * 0x1.0p-53 * size;
        EXPECT_NEAR(x.c(i, j), c, rounding);
        EXPECT_NEAR(x.bound(i, j), terms * 0x1.0p-24 * size,
                    terms * 0x1.0p-24 * rounding);
      }
    }
  }
}

TEST(TourProducts, ErrorIsTheLargestShare) {
  Context ctx({.threads = 1});
  const ProductOperands operands =
      MakeOperands(ctx, {2, 3, 4}, ProductStorage::kF32, 0);
  Tensor<float> c({2, 3});
  for (size_t i = 0; i < 6; ++i) {
    c.data()[i] = static_cast<float>(operands.c.data()[i]);
  }
  EXPECT_LT(ErrorShare(operands, c), 1);
  c(1, 2) += static_cast<float>(3 * operands.bound(1, 2));
  EXPECT_NEAR(ErrorShare(operands, c), 3, 1);
  c(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ErrorShare(operands, c), std::numeric_limits<double>::infinity());
  c(1, 2) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(ErrorShare(operands, c), std::numeric_limits<double>::infinity());
}

TEST(TourProducts, EveryWayIsRightAndTimed) {
  Context ctx({.threads = 2});
  const std::vector<ProductShape> shapes = {{5, 33, 17}, {3, 40, 21, true}};
  const std::vector<Timing> rows = MeasureAll(ctx, shapes, ProductWays());
  ASSERT_EQ(rows.size(), shapes.size() * ProductWays().size());
  for (const Timing& row : rows) {
    EXPECT_TRUE(row.right()) << row.what << ", " << row.way;
    EXPECT_GT(row.seconds, 0);
    EXPECT_NEAR(
        row.rate * row.seconds * 1e9,
        row.what == shapes[0].Name() ? 2 * 5 * 33 * 17 : 2 * 3 * 40 * 21, 1e-6);
    EXPECT_GT(row.speedup, 0);
    if (row.baseline) {
      EXPECT_EQ(row.speedup, 1);
    }
  }
  EXPECT_TRUE(rows[0].baseline);
  EXPECT_EQ(rows[1].threads, 1);
  EXPECT_EQ(rows[2].threads, 2);
  EXPECT_EQ(rows[5].what, "layer 3 x 40 x 21, packed weights");
}

// With one thread to use, the row for all of them is left out.
size_t WaysOnOneThread() { return ProductWays().size() - 1; }

TEST(TourProducts, OneThreadHasNoRowTwice) {
  Context ctx({.threads = 1});
  const std::vector<Timing> rows = MeasureAll(ctx, {{4, 4, 4}}, ProductWays());
  std::set<std::string> ways;
  for (const Timing& row : rows) {
    EXPECT_TRUE(ways.insert(row.way).second) << row.way;
    EXPECT_EQ(row.threads, 1);
  }
  EXPECT_EQ(ways.size(), WaysOnOneThread());
}

TEST(TourProducts, WrongIsToldAndNotTimed) {
  Context ctx({.threads = 1});
  std::vector<ProductWay> ways = ProductWays();
  int runs = 0;
  ways.insert(ways.begin() + 1, WrongWay(1e6, &runs));
  ways.push_back(WrongWay(std::numeric_limits<float>::quiet_NaN()));
  ways.back().name = "not a number";
  const std::vector<Timing> rows = MeasureAll(ctx, {{4, 4, 4}}, ways);
  ASSERT_EQ(rows.size(), WaysOnOneThread() + 2);
  EXPECT_FALSE(rows[1].right());
  EXPECT_GT(rows[1].error_share, 1e6);
  EXPECT_EQ(rows[1].seconds, 0);
  EXPECT_EQ(rows[1].speedup, 0);
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(rows[2].right());
  EXPECT_FALSE(rows.back().right());
}

// A result that was never written is not taken for right.
TEST(TourProducts, UnwrittenIsWrong) {
  Context ctx({.threads = 1});
  ProductWay idle = WrongWay(0);
  idle.prepare = [](Context&, const ProductOperands&) {
    return [](MatView<float>) {};
  };
  const std::vector<Timing> rows = MeasureAll(ctx, {{4, 4, 4}}, {idle});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_FALSE(rows[0].right());
}

TEST(TourProducts, StopsWhenCancelled) {
  Context ctx({.threads = 1});
  const std::vector<ProductShape> shapes = {{4, 4, 4}, {5, 5, 5}};
  const size_t ways = WaysOnOneThread();
  size_t told = 0;
  const auto stop = [&](const Timing&) {
    if (++told == ways) ctx.Cancel();
  };
  const auto unfinished = [](double done) { EXPECT_LT(done, 1); };
  EXPECT_FALSE(Measure(ctx, Subjects(shapes, ProductWays()), stop, unfinished));
  EXPECT_EQ(told, ways);

  // In the middle of a shape: a product that was not timed tells nothing.
  ctx.ResetCancel();
  std::vector<ProductWay> last = ProductWays();
  int runs = 0;
  last.push_back(
      {.name = "stops", .prepare = [&](Context&, const ProductOperands& o) {
         return [&](MatView<float> c) {
           PlainProduct(o.a, o.b, c);
           if (++runs == 3) ctx.Cancel();
         };
       }});
  const auto none = [](const Timing&) { FAIL(); };
  EXPECT_FALSE(Measure(ctx, Subjects(shapes, last), none, unfinished));
  EXPECT_EQ(runs, 3);
}

// What a command makes of what is measured, on a network that takes no time.
class TourOutcome : public testing::Test {
 protected:
  void SetUp() override {
    WriteRing(ring_, 20);
    options_.command = "tour";
    options_.file = ring_;
    options_.excite = {"0@100"};
    options_.duration = "20ms";
    options_.threads = 1;
    options_.out = folder_.File("out");
  }
  int Run(const std::vector<Timing>& products, bool complete = true) {
    Measurements measured;
    measured.complete = complete;
    measured.tables = {
        {.timings = {"Matrix products", "GFLOP/s", "2 M N K.", products},
         .keys = {"products", "product", "gflops"},
         .headline = "fastest product",
         .wall_s = 1.5},
        {.timings = {"Other operations", "GB/s", "Moved.", {other_}},
         .keys = {"operations", "operation", "gbyte_per_s"},
         .wall_s = 2.5},
    };
    return RunExperiment(options_,
                         [&](Context&, ProgressBar&, std::ostream& words) {
                           words << "HERE\n";
                           return measured;
                         },
                         {out_, err_});
  }
  nlohmann::json Figures() {
    return nlohmann::json::parse(test::ReadFile(options_.out + "/run.json"));
  }
  std::string Report() { return test::ReadFile(options_.out + "/report.html"); }

  test::TempDir folder_;
  std::string ring_ = folder_.File("ring.conn1");
  SimulateOptions options_;
  std::ostringstream out_, err_;
  const Timing right_{"8 x 8 x 8", "SIMD", 2, false, 0.5, 0.25, 8, 4};
  const Timing other_{"exp of 8", "SIMD", 1, false, 0.5, 0.125, 3, 2};
  const Timing wrong_{"9 x 9 x 9", "SIMD", 2, false, 3.5};
};

TEST_F(TourOutcome, FilesHoldTheTables) {
  EXPECT_EQ(Run({right_}), kExitOk) << err_.str();
  EXPECT_EQ(err_.str(), "");
  // After the brain's figures, before the list of files.
  const std::string out = out_.str();
  EXPECT_LT(out.find("times real time"), out.find("HERE"));
  EXPECT_LT(out.find("HERE"), out.find("report.html"));
  const auto json = Figures();
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["products_s"], 1.5);
  ASSERT_EQ(json["products"].size(), 1u);
  const auto& row = json["products"][0];
  EXPECT_EQ(row["product"], "8 x 8 x 8");
  EXPECT_EQ(row["right"], true);
  EXPECT_EQ(row["threads"], 2);
  EXPECT_EQ(row["seconds"], 0.25);
  EXPECT_EQ(row["gflops"], 8);
  EXPECT_EQ(row["speedup"], 4);
  EXPECT_EQ(json["operations_s"], 2.5);
  ASSERT_EQ(json["operations"].size(), 1u);
  EXPECT_EQ(json["operations"][0]["operation"], "exp of 8");
  EXPECT_EQ(json["operations"][0]["gbyte_per_s"], 3);
  const std::string report = Report();
  EXPECT_NE(report.find("8 x 8 x 8"), std::string::npos);
  EXPECT_NE(report.find("exp of 8"), std::string::npos);
  EXPECT_NE(report.find("fastest product"), std::string::npos);
}

TEST_F(TourOutcome, FiguresToStandardOutputAreNothingElse) {
  options_.json = "-";
  EXPECT_EQ(Run({right_}), kExitOk);
  EXPECT_EQ(nlohmann::json::parse(out_.str()), Figures());
  EXPECT_NE(err_.str().find("HERE"), std::string::npos);
}

TEST_F(TourOutcome, WrongProductFails) {
  EXPECT_EQ(Run({right_, wrong_}), kExitData);
  EXPECT_NE(err_.str().find("9 x 9 x 9, SIMD, on 2 threads"), std::string::npos)
      << err_.str();
  EXPECT_NE(err_.str().find("3.5 times its bound"), std::string::npos);
  EXPECT_EQ(Figures()["products"][1]["right"], false);
  EXPECT_NE(Report().find("wrong, not timed"), std::string::npos);
  EXPECT_NE(Report().find("is wrong: the error is"), std::string::npos);
}

TEST_F(TourOutcome, StoppedKeepsWhatIsThere) {
  EXPECT_EQ(Run({right_}, false), kExitInterrupted);
  EXPECT_NE(err_.str().find("stopped after 2 measurements;"), std::string::npos)
      << err_.str();
  EXPECT_EQ(Figures()["complete"], false);
  EXPECT_EQ(Figures()["products"].size(), 1u);
  EXPECT_NE(Report().find("Incomplete"), std::string::npos);
}

TEST_F(TourOutcome, SimulateHasNoProducts) {
  options_.command = "simulate";
  EXPECT_EQ(RunExperiment(options_, nullptr, {out_, err_}), kExitOk);
  EXPECT_FALSE(Figures().contains("products"));
  EXPECT_EQ(Report().find("Matrix products"), std::string::npos);
}

TEST(Tour, WhatIsWrongIsToldBeforeTheRun) {
  struct Case {
    std::vector<std::string> args;
    const char* message;
  };
  const test::TempDir folder;
  for (const Case& c : {
           Case{{"--threads", "-1"}, "--threads"},
           Case{{"--target", "Z80"}, "'Z80'"},
           Case{{"--seed", "x"}, "--seed"},
           Case{{"--thread", "1"}, "did you mean --threads?"},
           Case{{"--duration", "1s"}, "there is no option --duration"},
           Case{{"brain.rvc"}, "brain.rvc"},
       }) {
    std::vector<std::string> args = {"tour", "--out", folder.File("out")};
    args.insert(args.end(), c.args.begin(), c.args.end());
    std::ostringstream out, err;
    EXPECT_EQ(RunCommand(args, {out, err}), kExitUsage) << c.args[0];
    EXPECT_NE(err.str().find(c.message), std::string::npos)
        << c.args[0] << ": " << err.str();
    EXPECT_EQ(err.str().rfind("ranvier tour: ", 0), 0u) << err.str();
    EXPECT_FALSE(std::filesystem::exists(folder.File("out")));
  }
}

}  // namespace
}  // namespace ranvier::cli
