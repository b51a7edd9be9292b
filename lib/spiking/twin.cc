#include "ranvier/spiking/twin.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "ranvier/spiking/twin_anatomy.h"
#include "ranvier/spiking/twin_circuits.h"
#include "ranvier/spiking/twin_wiring.h"

namespace ranvier {
namespace {

void CheckOptions(const TwinOptions& options) {
  const size_t n = options.neurons;
  if (n < kMinTwinNeurons || n > kMaxTwinNeurons) {
    throw std::invalid_argument(
        "synthetic twin: " + std::to_string(n) + " neurons asked for; from " +
        std::to_string(kMinTwinNeurons) + " to " +
        std::to_string(kMaxTwinNeurons) + " can be made");
  }
  const size_t least = kMinTwinMeanDegree * n;
  const size_t most = n * (n - 1) / 4;
  if (options.edges < least || options.edges > most) {
    throw std::invalid_argument(
        "synthetic twin: " + std::to_string(options.edges) +
        " connections asked for; with " + std::to_string(n) + " neurons from " +
        std::to_string(least) + " to " + std::to_string(most) + " can be made");
  }
}

}  // namespace

Twin MakeTwin(Context& ctx, const TwinOptions& options) {
  CheckOptions(options);
  const twin::Anatomy anatomy =
      twin::MakeAnatomy(ctx, options.seed, options.neurons);
  twin::Circuits circuits = twin::PlantCircuits(anatomy, options.seed);
  twin::Wiring wiring =
      twin::MakeWiring(ctx, options.seed, anatomy, circuits, options.edges);

  ConnectomeParts parts;
  parts.row_ptr = std::move(wiring.row_ptr);
  parts.col = std::move(wiring.col);
  parts.weight = std::move(wiring.weight);
  parts.delay_ms = 1.8;
  parts.name = "synthetic twin (seed " + std::to_string(options.seed) + ")";
  parts.synthetic = true;
  return {Connectome(std::move(parts)), std::move(circuits.feeding),
          std::move(circuits.ignition)};
}

}  // namespace ranvier
