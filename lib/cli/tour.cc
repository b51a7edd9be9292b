#include <chrono>
#include <iomanip>
#include <optional>
#include <sstream>
#include <utility>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/progress.h"
#include "ranvier/cli/simulate.h"
#include "ranvier/cli/tour_measure.h"
#include "ranvier/cli/tour_operations.h"
#include "ranvier/cli/tour_products.h"
#include "ranvier/cli/units.h"
#include "ranvier/report/format.h"

namespace ranvier::cli {
namespace {

using report::Number;

// A table line by line as the rows come.
class TimingPrinter {
 public:
  TimingPrinter(std::ostream& out, const TimingTable& table) : out_(out) {
    out_ << table.title
         << ", each compared with double precision and then timed\n\n"
         << Line("", "time", table.unit, "speed-up", "error / bound");
  }

  void Print(const Timing& row) {
    if (row.what != what_) out_ << row.what << "\n";
    what_ = row.what;
    const std::string way =
        "  " + row.way + ", " +
        Plural(static_cast<uint64_t>(row.threads), "thread");
    const std::string error = Number(row.error_share, 2);
    if (row.seconds > 0) {
      out_ << Line(way, report::Duration(row.seconds), Number(row.rate, 3),
                   row.speedup > 0 ? Number(row.speedup, 3) : "", error);
    } else {
      out_ << Line(way, row.right() ? "not timed" : "WRONG", "", "", error);
    }
    out_ << std::flush;
  }

 private:
  static std::string Line(const std::string& way, const std::string& time,
                          const std::string& rate, const std::string& speedup,
                          const std::string& error) {
    std::ostringstream line;
    line << std::left << std::setw(34) << way << std::right << std::setw(10)
         << time << std::setw(10) << rate << std::setw(10) << speedup
         << std::setw(15) << error << "\n";
    return line.str();
  }

  std::ostream& out_;
  std::string what_;
};

struct Part {
  MeasuredTable table;  // without rows
  std::vector<TourSubject> subjects;
};

std::vector<Part> Parts() {
  std::vector<Part> parts;
  Part& products = parts.emplace_back();
  products.table = {
      .timings = {.title = "Matrix products",
                  .unit = "GFLOP/s",
                  .note = "A product of M x N x K takes 2 M N K operations."},
      .keys = {"products", "product", "gflops"},
      .headline = "GFLOP/s, fastest matrix product"};
  for (const ProductShape& shape : TourShapes()) {
    products.subjects.push_back(ProductSubject(shape, ProductWays()));
  }
  Part& operations = parts.emplace_back();
  operations.table = {
      .timings = {.title = "Other operations",
                  .unit = "GB/s",
                  // In the terminal a line of its own each.
                  .note = "GB/s count what must be moved: operands read once, "
                          "results written once.\n"
                          "GELU as a plain loop loses digits below 0 and has a "
                          "bound of its own."},
      .keys = {"operations", "operation", "gbyte_per_s"}};
  for (const Operation& operation : TourOperations()) {
    operations.subjects.push_back(OperationSubject(operation));
  }
  return parts;
}

// False if ctx was cancelled.
bool MeasurePart(Context& ctx, Part& part, ProgressBar& progress,
                 std::ostream* out) {
  TimingTable& table = part.table.timings;
  const auto begin = std::chrono::steady_clock::now();
  std::optional<TimingPrinter> printer;
  progress.Start(table.title);
  const bool complete = Measure(
      ctx, part.subjects,
      [&](const Timing& row) {
        progress.Finish();
        if (out != nullptr && !printer) printer.emplace(*out, table);
        if (printer) printer->Print(row);
        table.rows.push_back(row);
      },
      [&](double done) { progress.Show(done); });
  progress.Finish();
  part.table.wall_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  if (printer) {
    *out << "\n"
         << table.note << "\nIn " << FormatSeconds(part.table.wall_s) << ".\n\n"
         << std::flush;
  }
  return complete;
}

Measurements MeasureAll(Context& ctx, ProgressBar& progress,
                        std::ostream* out) {
  Measurements measured;
  for (Part& part : Parts()) {
    // Where it was cancelled a table is empty, but there.
    measured.complete = MeasurePart(ctx, part, progress, out);
    measured.tables.push_back(std::move(part.table));
  }
  return measured;
}

}  // namespace

void SimulateOptions::AddTourTo(CLI::App& app) {
  app.add_option("--threads", threads);
  app.add_option("--target", target);
  app.add_option("--seed", seed);
  app.add_option("--out", out);
  app.add_option("--json", json);
  app.add_flag("--no-report", no_report);
  app.add_flag("-q,--quiet", quiet);
}

int RunTour(const std::vector<std::string>& args, Streams streams) {
  SimulateOptions options;
  options.command = "tour";
  Arguments arguments("tour");
  options.AddTourTo(arguments.app());
  if (const auto code = arguments.Parse(args, streams)) return *code;
  options.KeepCommandLine(args);
  return RunExperiment(
      options,
      [&](Context& ctx, ProgressBar& progress, std::ostream& words) {
        return MeasureAll(ctx, progress, options.quiet ? nullptr : &words);
      },
      streams);
}

}  // namespace ranvier::cli
