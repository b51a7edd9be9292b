#include <chrono>
#include <iomanip>
#include <sstream>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/progress.h"
#include "ranvier/cli/simulate.h"
#include "ranvier/cli/tour_products.h"
#include "ranvier/cli/units.h"
#include "ranvier/report/format.h"

namespace ranvier::cli {
namespace {

using report::Number;

// The table, line by line as the rows come.
class ProductPrinter {
 public:
  explicit ProductPrinter(std::ostream& out) : out_(out) {}

  void Print(const ProductTiming& row) {
    if (product_.empty()) {
      out_ << "matrix products, each compared with double precision and then "
              "timed\n\n"
           << Line("M x N x K", "time", "GFLOP/s", "speed-up", "error / bound");
    }
    if (row.product != product_) out_ << row.product << "\n";
    product_ = row.product;
    const std::string way =
        "  " + row.way + ", " +
        Plural(static_cast<uint64_t>(row.threads), "thread");
    const std::string error = Number(row.error_share, 2);
    if (row.seconds > 0) {
      out_ << Line(way, report::Duration(row.seconds), Number(row.gflops, 3),
                   row.speedup > 0 ? Number(row.speedup, 3) : "", error);
    } else {
      out_ << Line(way, row.right() ? "not timed" : "WRONG", "", "", error);
    }
    out_ << std::flush;
  }

 private:
  static std::string Line(const std::string& way, const std::string& time,
                          const std::string& gflops, const std::string& speedup,
                          const std::string& error) {
    std::ostringstream line;
    line << std::left << std::setw(34) << way << std::right << std::setw(10)
         << time << std::setw(10) << gflops << std::setw(10) << speedup
         << std::setw(15) << error << "\n";
    return line.str();
  }

  std::ostream& out_;
  std::string product_;
};

ProductResults TourProducts(Context& ctx, ProgressBar& progress,
                            std::ostream* out) {
  const std::vector<ProductShape> shapes = TourShapes();
  const std::vector<ProductWay> ways = ProductWays();
  const auto begin = std::chrono::steady_clock::now();
  ProductResults results;
  std::optional<ProductPrinter> printer;
  if (out != nullptr) printer.emplace(*out);
  progress.Start("matrix products");
  results.rows = MeasureProducts(
      ctx, shapes, ways,
      [&](const ProductTiming& row) {
        progress.Finish();
        if (printer) printer->Print(row);
      },
      [&](double done) {
        results.complete = done == 1;
        progress.Show(done);
      });
  progress.Finish();
  results.wall_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  if (out != nullptr) {
    *out << "\nin " << FormatSeconds(results.wall_s) << "\n\n" << std::flush;
  }
  return results;
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
        return TourProducts(ctx, progress, options.quiet ? nullptr : &words);
      },
      streams);
}

}  // namespace ranvier::cli
