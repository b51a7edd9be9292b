#include "ranvier/spiking/protocol.h"

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

namespace ranvier {
namespace {

template <typename... Parts>
[[noreturn]] void Refuse(const Parts&... parts) {
  std::ostringstream message;
  message << "protocol: ";
  (message << ... << parts);
  throw std::invalid_argument(message.str());
}

void CheckNeuron(const char* list, size_t entry, uint32_t neuron,
                 size_t neurons) {
  if (neuron < neurons) return;
  Refuse(list, "[", entry, "] names neuron ", neuron, ", but there are ",
         neurons, " neurons, counted from 0");
}

}  // namespace

void CheckProtocol(const Protocol& protocol, size_t neurons, double dt_ms) {
  const double max_rate_hz = 1000.0 / dt_ms;
  for (size_t i = 0; i < protocol.drives.size(); ++i) {
    const PoissonDrive& drive = protocol.drives[i];
    CheckNeuron("drives", i, drive.neuron, neurons);
    if (!(drive.rate_hz >= 0) || drive.rate_hz > max_rate_hz) {
      Refuse("drives[", i, "] (neuron ", drive.neuron, ") has a rate of ",
             drive.rate_hz, " Hz; it must be from 0 to ", max_rate_hz,
             " Hz, one kick in each step of ", dt_ms, " ms");
    }
    if (!(drive.begin_ms >= 0) || !(drive.end_ms >= drive.begin_ms)) {
      Refuse("drives[", i, "] (neuron ", drive.neuron, ") lasts from ",
             drive.begin_ms, " ms to ", drive.end_ms,
             " ms; it must begin at 0 or later and not end before it begins");
    }
  }
  for (size_t i = 0; i < protocol.kicks.size(); ++i) {
    CheckNeuron("kicks", i, protocol.kicks[i].neuron, neurons);
  }
  for (size_t i = 0; i < protocol.silences.size(); ++i) {
    CheckNeuron("silences", i, protocol.silences[i].neuron, neurons);
  }
  for (size_t i = 0; i < protocol.record_voltage.size(); ++i) {
    CheckNeuron("record_voltage", i, protocol.record_voltage[i], neurons);
  }
  for (size_t i = 0; i < protocol.refractory_ms.size(); ++i) {
    const auto& [neuron, value] = protocol.refractory_ms[i];
    CheckNeuron("refractory_ms", i, neuron, neurons);
    if (!(value >= 0) || !(value / dt_ms <= 1e6)) {
      Refuse("refractory_ms[", i, "] (neuron ", neuron, ") is ", value,
             " ms; it must be from 0 to a million steps of ", dt_ms, " ms");
    }
  }
  for (const auto& [name, list] :
       {std::pair{"v_init_mV", &protocol.v_init_mV},
        std::pair{"g_init_mV", &protocol.g_init_mV}}) {
    for (size_t i = 0; i < list->size(); ++i) {
      CheckNeuron(name, i, (*list)[i].first, neurons);
      if (!std::isfinite((*list)[i].second)) {
        Refuse(name, "[", i, "] (neuron ", (*list)[i].first,
               ") is not a finite number");
      }
    }
  }
}

}  // namespace ranvier
