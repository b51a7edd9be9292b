#pragma once

#include <span>
#include <string>

#include "ranvier/report/report.h"

namespace ranvier::report {

// The four charts of a run, as SVG. `by_rate` holds the neurons that fired,
// most active first.

// One row per neuron, most active on top; beyond kMaxRasterMarks spikes or
// kMaxRasterRows neurons neighbours share a cell, darker where there are more.
inline constexpr size_t kMaxRasterMarks = 20000;
inline constexpr size_t kMaxRasterRows = 400;
std::string RasterChart(const RunReport& report,
                        std::span<const NeuronRate> by_rate);

// Spikes per second of the whole population, and its moving average.
std::string PopulationChart(const RunReport& report);

// How many neurons fire at which mean rate.
std::string RateHistogram(std::span<const NeuronRate> by_rate);

// Mean rates of the most active neurons with one standard deviation.
std::string TopNeuronsChart(std::span<const NeuronRate> by_rate, bool has_std);

}  // namespace ranvier::report
