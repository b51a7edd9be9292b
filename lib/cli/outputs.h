#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "ranvier/cli/results.h"
#include "ranvier/cli/simulate.h"
#include "ranvier/io/output_file.h"
#include "ranvier/parallel/context.h"

namespace ranvier::cli {

// trial,step,time_ms,neuron,id; sorted by trial, step, neuron.
void WriteSpikesCsv(const std::string& path, const SimulatePlan& plan,
                    const RunResults& results);

// id,index,mean_rate_hz,std_rate_hz,spikes of the neurons that fired.
void WriteRatesCsv(const std::string& path,
                   const std::vector<NeuronRate>& rates);

// trial,step,time_ms,neuron,id,v_mV,g_mV, trial by trial.
class VoltageWriter {
 public:
  explicit VoltageWriter(const std::string& path);
  void Add(const SimulatePlan& plan, uint32_t trial,
           const Simulation& simulation);
  void Commit();

 private:
  OutputFile file_;
};

// Seconds that the parts around the simulation took.
struct RunTimes {
  double load_s = 0, setup_s = 0, output_s = 0;
};

// The run's figures for --json and run.json.
nlohmann::json RunJson(const Context& ctx, const SimulateOptions& options,
                       const SimulatePlan& plan, RunResults& results,
                       const RunTimes& times, const Measurements& measured);

RunReport MakeReport(const Context& ctx, const SimulateOptions& options,
                     const SimulatePlan& plan, const RunResults& results,
                     const std::vector<NeuronRate>& rates,
                     const RunTimes& times, const Measurements& measured);

}  // namespace ranvier::cli
