#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "ranvier/report/charts.h"
#include "ranvier/report/svg.h"

namespace ranvier::report {
namespace {

constexpr double kWidth = 1000, kHeight = 430;
constexpr uint32_t kNoRow = UINT32_MAX;

// Row of each neuron that fired, most active first.
std::unordered_map<uint32_t, uint32_t> RowsOf(
    std::span<const NeuronRate> by_rate) {
  std::unordered_map<uint32_t, uint32_t> rows;
  rows.reserve(by_rate.size());
  for (size_t i = 0; i < by_rate.size(); ++i) {
    rows.emplace(by_rate[i].neuron, static_cast<uint32_t>(i));
  }
  return rows;
}

uint32_t RowOf(const std::unordered_map<uint32_t, uint32_t>& rows,
               uint32_t neuron) {
  const auto found = rows.find(neuron);
  return found == rows.end() ? kNoRow : found->second;
}

void DrawMarks(const RunReport& report, std::span<const NeuronRate> by_rate,
               Chart& chart) {
  const auto rows = RowsOf(by_rate);
  const double row_height =
      (chart.bottom() - chart.top()) / static_cast<double>(by_rate.size());
  const double height = std::clamp(row_height * 0.9, 1.7, 12.0);
  // Two paths instead of 20,000 elements: a tenth of the size.
  std::string plain, driven;
  for (const Spike& spike : report.raster) {
    const uint32_t row = RowOf(rows, spike.neuron);
    if (row == kNoRow) continue;
    std::string& path = by_rate[row].driven ? driven : plain;
    path += 'M';
    AppendCoordinate(path, chart.x()(spike.step * report.dt_ms));
    path += ' ';
    AppendCoordinate(path, chart.top() + (row + 0.5) * row_height - height / 2);
    path += 'v';
    AppendCoordinate(path, height);
  }
  chart.Path(plain, "spike");
  chart.Path(driven, "spike driven");
}

void DrawDensity(const RunReport& report, std::span<const NeuronRate> by_rate,
                 Chart& chart) {
  const size_t columns =
      static_cast<size_t>(std::clamp<int64_t>(report.steps, 1, 310));
  const size_t cell_rows = std::min<size_t>(by_rate.size(), 130);
  const auto rows = RowsOf(by_rate);
  std::vector<uint32_t> count(columns * cell_rows, 0);
  for (const Spike& spike : report.raster) {
    const uint32_t row = RowOf(rows, spike.neuron);
    if (row == kNoRow || spike.step >= report.steps) continue;
    const size_t column =
        spike.step * columns / static_cast<uint64_t>(report.steps);
    ++count[row * cell_rows / by_rate.size() * columns + column];
  }
  // The darkest level is the 99.5th percentile of the cells that hold spikes,
  // so that a few hubs do not bleach all others.
  std::vector<uint32_t> filled;
  std::copy_if(count.begin(), count.end(), std::back_inserter(filled),
               [](uint32_t n) { return n > 0; });
  if (filled.empty()) return;
  const auto top =
      filled.begin() + static_cast<ptrdiff_t>((filled.size() - 1) * 995 / 1000);
  std::nth_element(filled.begin(), top, filled.end());
  const double full = *top;

  constexpr int kLevels = 6;
  std::array<std::string, kLevels> path;
  const double cell_width =
      (chart.right() - chart.left()) / static_cast<double>(columns);
  const double cell_height =
      (chart.bottom() - chart.top()) / static_cast<double>(cell_rows);
  const auto level_of = [&](size_t row, size_t column) {
    const uint32_t n = count[row * columns + column];
    if (n == 0) return -1;
    const double share = std::sqrt(std::min(1.0, n / full));
    return std::min(kLevels - 1, static_cast<int>(share * kLevels));
  };
  for (size_t row = 0; row < cell_rows; ++row) {
    for (size_t column = 0; column < columns;) {
      const int level = level_of(row, column);
      size_t end = column + 1;  // a run of one level is one stroke
      while (end < columns && level_of(row, end) == level) ++end;
      if (level >= 0) {
        std::string& out = path[level];
        out += 'M';
        AppendCoordinate(
            out, chart.left() + static_cast<double>(column) * cell_width);
        out += ' ';
        AppendCoordinate(
            out, chart.top() + (static_cast<double>(row) + 0.5) * cell_height);
        out += 'h';
        AppendCoordinate(out, static_cast<double>(end - column) * cell_width);
      }
      column = end;
    }
  }
  for (int level = 0; level < kLevels; ++level) {
    chart.Path(path[level], "cell d" + std::to_string(level),
               cell_height + 0.1);
  }
}

}  // namespace

std::string RasterChart(const RunReport& report,
                        std::span<const NeuronRate> by_rate) {
  Chart chart(kWidth, kHeight, "Raster: spikes of the first trial over time");
  chart.SetX(0, report.duration_ms(), "time (ms)");
  chart.SetY(static_cast<double>(by_rate.size()), 0,
             "neurons, most active first", /*grid=*/false);
  for (const ReportWindow& window : report.windows) {
    const double from = chart.x()(std::max(0.0, window.begin_ms));
    const double to = chart.x()(std::min(window.end_ms, report.duration_ms()));
    if (to > from) {
      chart.Rect(from, chart.top(), to - from, chart.bottom() - chart.top(),
                 "window", window.label);
    }
  }
  const bool dense =
      report.raster.size() > kMaxRasterMarks || by_rate.size() > kMaxRasterRows;
  if (dense) {
    DrawDensity(report, by_rate, chart);
  } else {
    DrawMarks(report, by_rate, chart);
  }
  return std::move(chart).Finish();
}

}  // namespace ranvier::report
