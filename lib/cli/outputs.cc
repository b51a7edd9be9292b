#include "ranvier/cli/outputs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

#include <nlohmann/json.hpp>

#include "ranvier/cli/units.h"
#include "ranvier/report/format.h"
#include "ranvier/simd/targets.h"
#include "ranvier/version/version.h"

namespace ranvier::cli {
namespace {

using report::Compact;
using report::Number;
using report::Thousands;

template <class T>
void Append(std::string& text, T value) {
  char buffer[40];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  text.append(buffer, result.ptr);
}

// Steps have a round time: 0.3, not 0.30000000000000004.
void AppendTimeMs(std::string& text, double step, double dt_ms) {
  char buffer[40];
  const auto result =
      std::to_chars(buffer, buffer + sizeof(buffer), step * dt_ms,
                    std::chars_format::general, 12);
  text.append(buffer, result.ptr);
}

constexpr size_t kBlock = 1 << 18;  // written at once

void Flush(OutputFile& file, std::string& text, size_t above = 0) {
  if (text.size() <= above) return;
  file.Write(text);
  text.clear();
}

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm local = {};
  localtime_r(&now, &local);
  char text[40];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local);
  return text;
}

double EventsPerSecond(const RunResults& results) {
  return results.wall_s() > 0
             ? static_cast<double>(results.synaptic_events()) / results.wall_s()
             : 0;
}

}  // namespace

void WriteSpikesCsv(const std::string& path, const SimulatePlan& plan,
                    const RunResults& results) {
  OutputFile file(path);
  std::string text = "trial,step,time_ms,neuron,id\n";
  const std::span<const uint32_t> rows = results.rows();
  for (size_t i = 0; i < rows.size(); i += 3) {
    Append(text, rows[i]);
    text += ',';
    Append(text, rows[i + 1]);
    text += ',';
    AppendTimeMs(text, rows[i + 1], plan.model.dt_ms);
    text += ',';
    Append(text, rows[i + 2]);
    text += ',';
    Append(text, plan.connectome.IdOf(rows[i + 2]));
    text += '\n';
    Flush(file, text, kBlock);
  }
  Flush(file, text);
  file.Commit();
}

void WriteRatesCsv(const std::string& path,
                   const std::vector<NeuronRate>& rates) {
  OutputFile file(path);
  std::string text = "id,index,mean_rate_hz,std_rate_hz,spikes\n";
  for (const NeuronRate& rate : rates) {
    Append(text, rate.id);
    text += ',';
    Append(text, rate.neuron);
    text += ',';
    Append(text, rate.mean_hz);
    text += ',';
    Append(text, rate.std_hz);
    text += ',';
    Append(text, rate.spikes);
    text += '\n';
  }
  file.Write(text);
  file.Commit();
}

VoltageWriter::VoltageWriter(const std::string& path) : file_(path) {
  file_.Write("trial,step,time_ms,neuron,id,v_mV,g_mV\n");
}

void VoltageWriter::Add(const SimulatePlan& plan, uint32_t trial,
                        const Simulation& simulation) {
  std::string text;
  for (size_t step = 0; step < static_cast<size_t>(simulation.steps());
       ++step) {
    for (const VoltageTrace& trace : simulation.traces()) {
      Append(text, trial);
      text += ',';
      Append(text, step);
      text += ',';
      AppendTimeMs(text, static_cast<double>(step), plan.model.dt_ms);
      text += ',';
      Append(text, trace.neuron);
      text += ',';
      Append(text, plan.connectome.IdOf(trace.neuron));
      text += ',';
      Append(text, trace.v_mV[step]);
      text += ',';
      Append(text, trace.g_mV[step]);
      text += '\n';
    }
    Flush(file_, text, kBlock);
  }
  Flush(file_, text);
}

void VoltageWriter::Commit() { file_.Commit(); }

nlohmann::json RunJson(const Context& ctx, const SimulateOptions& options,
                       const SimulatePlan& plan, RunResults& results,
                       const RunTimes& times, const Measurements& measured) {
  const LifModel& model = plan.model;
  size_t active = 0;
  for (const NeuronRate& rate : results.Rates()) active += rate.spikes > 0;
  nlohmann::json json = {
      {"neurons", plan.neurons},
      {"synapses", plan.edges},
      {"spikes", results.spikes()},
      {"active_neurons", active},
      {"synaptic_events", results.synaptic_events()},
      {"wall_s", results.wall_s()},
      {"biological_s", results.biological_s()},
      {"real_time_factor", results.real_time_factor()},
      {"spikes_sha256", results.spikes_sha256()},
      {"threads", ctx.threads()},
      {"target", simd::CurrentTarget()},
      {"device", "CPU"},

      {"complete", results.complete() && measured.complete},
      {"connectome", plan.source},
      {"synthetic", plan.connectome.synthetic()},
      {"trials", results.trials()},
      {"trial_spikes_sha256", results.trial_sha256()},
      {"seed", ctx.seed()},
      {"steps", plan.steps},
      {"events_per_s", EventsPerSecond(results)},
      {"threads_reason", ctx.thread_count().reason},
      {"load_s", times.load_s},
      {"setup_s", times.setup_s},
      {"output_s", times.output_s},
      {"model",
       {{"dt_ms", model.dt_ms},
        {"v_rest_mV", model.v_rest_mV},
        {"v_reset_mV", model.v_reset_mV},
        {"v_threshold_mV", model.v_threshold_mV},
        {"tau_m_ms", model.tau_m_ms},
        {"tau_s_ms", model.tau_s_ms},
        {"refractory_ms", model.refractory_ms},
        {"driven_refractory_ms", model.driven_refractory_ms},
        {"w_syn_mV", model.w_syn_mV},
        {"kick_mV", model.kick_mV},
        {"delay_ms", plan.connectome.delay_ms()}}},
      {"stimuli", plan.stimuli},
      {"warnings", plan.warnings},
      {"files", OutputPaths(options).All()},
      {"command", options.command_line},
      {"version", Version()},
      {"commit", Commit()},
  };
  for (const MeasuredTable& table : measured.tables) {
    json[table.keys.list + "_s"] = table.wall_s;
    nlohmann::json& list = json[table.keys.list] = nlohmann::json::array();
    for (const Timing& row : table.timings.rows) {
      list.push_back({{table.keys.what, row.what},
                      {"way", row.way},
                      {"threads", row.threads},
                      {"right", row.right()},
                      {"error_share", row.error_share},
                      {"seconds", row.seconds},
                      {table.keys.rate, row.rate},
                      {"speedup", row.speedup}});
    }
  }
  return json;
}

RunReport MakeReport(const Context& ctx, const SimulateOptions& options,
                     const SimulatePlan& plan, const RunResults& results,
                     const std::vector<NeuronRate>& rates,
                     const RunTimes& times, const Measurements& measured) {
  const LifModel& model = plan.model;
  const auto ms = [](double value) { return Number(value) + " ms"; };
  const auto mV = [](double value) { return Number(value) + " mV"; };
  RunReport report;
  report.title = options.uses_twin() ? "Synthetic twin, not real wiring"
                                     : BaseName(options.file);
  report.subtitle =
      std::string("ranvier ") + Version() + " (" + Commit() + "), " + Now();
  report.warnings = plan.warnings;
  if (!results.complete()) {
    report.warnings.push_back(
        "Incomplete: the run was stopped. What follows covers " +
        FormatDurationMs(results.biological_s() * 1000) + " of " +
        FormatDurationMs(static_cast<double>(plan.steps) * plan.trials *
                         model.dt_ms) +
        ".");
  }
  if (!measured.complete) {
    report.warnings.push_back(
        "Incomplete: the tour was stopped before its last measurement.");
  }
  for (const Timing& row : measured.Rows()) {
    if (row.right()) continue;
    report.warnings.push_back(
        row.what + ", " + row.way + " is wrong: the error is " +
        Number(row.error_share, 3) + " times its bound. It was not timed.");
  }
  report.stimuli = plan.stimuli;
  report.figures = {
      {"spikes", Thousands(results.spikes())},
      {"active neurons", Thousands(rates.size())},
      {"biological time", FormatDurationMs(results.biological_s() * 1000)},
      {"wall time", FormatSeconds(results.wall_s())},
      {"times real time", Number(results.real_time_factor(), 3)},
  };
  for (const MeasuredTable& table : measured.tables) {
    report.timings.push_back(table.timings);
    double fastest = 0;
    for (const Timing& row : table.timings.rows) {
      fastest = std::max(fastest, row.rate);
    }
    if (fastest > 0 && !table.headline.empty()) {
      report.figures.emplace_back(table.headline, Number(fastest, 3));
    }
  }
  report.parameters = {
      {"connectome", plan.source},
      {"neurons", Thousands(plan.neurons)},
      {"connections", Thousands(plan.edges)},
      {"duration",
       FormatDurationMs(static_cast<double>(plan.steps) * model.dt_ms) + " (" +
           Plural(static_cast<uint64_t>(plan.steps), "step") + " of " +
           ms(model.dt_ms) + ")"},
      {"trials, seed",
       std::to_string(plan.trials) + ", " + std::to_string(ctx.seed())},
      {"membrane, synapse time constant",
       ms(model.tau_m_ms) + ", " + ms(model.tau_s_ms)},
      {"rest, reset, threshold", mV(model.v_rest_mV) + ", " +
                                     mV(model.v_reset_mV) + ", " +
                                     mV(model.v_threshold_mV)},
      {"refractory, of driven neurons",
       ms(model.refractory_ms) + ", " + ms(model.driven_refractory_ms)},
      {"synaptic delay", ms(plan.connectome.delay_ms())},
      {"jump of g per unit of weight", mV(model.w_syn_mV)},
      {"jump of v per kick", mV(model.kick_mV)},
  };
  report.performance = {
      {"simulation, wall", FormatSeconds(results.wall_s())},
      {"real-time factor", Number(results.real_time_factor(), 4)},
      {"synaptic events", Thousands(results.synaptic_events())},
      {"events per second", Compact(EventsPerSecond(results))},
      {"connectome made or loaded in", FormatSeconds(times.load_s)},
      {"simulation set up in", FormatSeconds(times.setup_s)},
      {"threads",
       std::to_string(ctx.threads()) + " (" + ctx.thread_count().reason + ")"},
      {"SIMD target, device", simd::CurrentTarget() + ", CPU"},
      {"SHA-256 of the first trial's spikes",
       results.trials() > 0 ? results.trial_sha256()[0] : "none"},
      {"command", options.command_line},
  };
  for (const auto& [begin_ms, end_ms] : plan.windows) {
    report.windows.push_back({begin_ms, end_ms, "drive"});
  }
  report.dt_ms = model.dt_ms;
  report.steps = results.longest_steps();
  report.neurons = plan.neurons;
  report.trials = results.trials();
  report.raster = results.first_trial();
  report.bin_ms = PopulationBinMs(report.duration_ms(), model.dt_ms);
  report.population_hz = results.PopulationHz(report.bin_ms);
  report.rates = rates;
  return report;
}

}  // namespace ranvier::cli
