#include "ranvier/report/charts.h"

#include <algorithm>
#include <cmath>

#include "ranvier/report/format.h"
#include "ranvier/report/svg.h"

namespace ranvier::report {

std::string PopulationChart(const RunReport& report) {
  Chart chart(1000, 230, "Population rate over time");
  const std::vector<double>& bins = report.population_hz;
  const double duration_ms = report.duration_ms();
  double high = 0;
  for (const double rate : bins) high = std::max(high, rate);
  chart.SetX(0, duration_ms, "time (ms)");
  chart.SetY(0, high > 0 ? high * 1.05 : 1, "spikes / s");
  for (const ReportWindow& window : report.windows) {
    const double from = chart.x()(std::max(0.0, window.begin_ms));
    const double to = chart.x()(std::min(window.end_ms, duration_ms));
    if (to > from) {
      chart.Rect(from, chart.top(), to - from, chart.bottom() - chart.top(),
                 "window", window.label);
    }
  }
  std::string area = "M", smooth;
  AppendCoordinate(area, chart.left());
  area += ' ';
  AppendCoordinate(area, chart.bottom());
  constexpr size_t kReach = 5;  // moving average over 11 bins
  for (size_t i = 0; i < bins.size(); ++i) {
    const double begin = static_cast<double>(i) * report.bin_ms;
    const double end = std::min(begin + report.bin_ms, duration_ms);
    area += 'V';
    AppendCoordinate(area, chart.y()(bins[i]));
    area += 'H';
    AppendCoordinate(area, chart.x()(end));
    const size_t first = i < kReach ? 0 : i - kReach;
    const size_t last = std::min(bins.size(), i + kReach + 1);
    double sum = 0;
    for (size_t j = first; j < last; ++j) sum += bins[j];
    smooth += smooth.empty() ? 'M' : 'L';
    AppendCoordinate(smooth, chart.x()((begin + end) / 2));
    smooth += ' ';
    AppendCoordinate(smooth,
                     chart.y()(sum / static_cast<double>(last - first)));
  }
  area += 'V';
  AppendCoordinate(area, chart.bottom());
  area += 'Z';
  chart.Path(area, "area");
  if (bins.size() > 4 * kReach) chart.Path(smooth, "line");
  return std::move(chart).Finish();
}

std::string RateHistogram(std::span<const NeuronRate> by_rate) {
  Chart chart(490, 300, "Histogram of mean firing rates");
  double high = 0;
  for (const NeuronRate& neuron : by_rate)
    high = std::max(high, neuron.mean_hz);
  if (!(high > 0)) high = 1;
  const std::vector<double> ticks = Ticks(0, high, 30);
  const double width = ticks.size() > 1 ? ticks[1] - ticks[0] : high;
  const size_t bars = static_cast<size_t>(std::floor(high / width)) + 1;
  std::vector<double> all(bars, 0), driven(bars, 0);
  for (const NeuronRate& neuron : by_rate) {
    const size_t bar =
        std::min(bars - 1, static_cast<size_t>(neuron.mean_hz / width));
    all[bar] += 1;
    driven[bar] += neuron.driven;
  }
  chart.SetX(0, static_cast<double>(bars) * width, "mean rate (Hz)");
  chart.SetY(0, *std::max_element(all.begin(), all.end()) * 1.05, "neurons");
  for (size_t i = 0; i < bars; ++i) {
    if (all[i] == 0) continue;
    const double from = chart.x()(static_cast<double>(i) * width);
    const double to = chart.x()(static_cast<double>(i + 1) * width);
    const std::string range = Number(static_cast<double>(i) * width) + " to " +
                              Number(static_cast<double>(i + 1) * width) +
                              " Hz: " + Number(all[i]) + " neurons";
    const double top = chart.y()(all[i]);
    chart.Rect(from + 0.5, top, to - from - 1, chart.bottom() - top, "bar",
               range);
    if (driven[i] > 0) {
      const double share = chart.y()(driven[i]);
      chart.Rect(from + 0.5, share, to - from - 1, chart.bottom() - share,
                 "bar driven", range + ", " + Number(driven[i]) + " driven");
    }
  }
  return std::move(chart).Finish();
}

std::string TopNeuronsChart(std::span<const NeuronRate> by_rate, bool has_std) {
  Chart chart(490, 300, "Mean rates of the most active neurons");
  const std::span<const NeuronRate> top =
      by_rate.first(std::min<size_t>(by_rate.size(), 40));
  double high = 0;
  for (const NeuronRate& neuron : top) {
    high = std::max(high, neuron.mean_hz + (has_std ? neuron.std_hz : 0));
  }
  chart.SetX(0, std::max<double>(1, static_cast<double>(top.size())),
             "rank by mean rate");
  chart.SetY(0, high > 0 ? high * 1.05 : 1, "mean rate (Hz)");
  std::string whiskers;
  for (size_t i = 0; i < top.size(); ++i) {
    const double from = chart.x()(static_cast<double>(i));
    const double to = chart.x()(static_cast<double>(i + 1));
    const double y = chart.y()(top[i].mean_hz);
    chart.Rect(
        from + 1, y, to - from - 2, chart.bottom() - y,
        top[i].driven ? "bar driven" : "bar",
        std::to_string(top[i].id) + ": " + Number(top[i].mean_hz, 4) + " Hz");
    if (has_std) {
      whiskers += 'M';
      AppendCoordinate(whiskers, (from + to) / 2);
      whiskers += ' ';
      AppendCoordinate(
          whiskers, chart.y()(std::max(0.0, top[i].mean_hz - top[i].std_hz)));
      whiskers += 'V';
      AppendCoordinate(whiskers, chart.y()(top[i].mean_hz + top[i].std_hz));
    }
  }
  chart.Path(whiskers, "whisker");
  return std::move(chart).Finish();
}

}  // namespace ranvier::report
