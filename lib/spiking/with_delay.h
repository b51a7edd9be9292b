#pragma once

#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier {

// The same neurons and synapses with another delay; shares the arrays.
// Throws  std::invalid_argument (delay negative or not finite).
RANVIER_API Connectome WithDelay(const Connectome& connectome, double delay_ms);

}  // namespace ranvier
