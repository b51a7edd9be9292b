#include "ranvier/spiking/with_delay.h"

#include <cmath>
#include <memory>
#include <stdexcept>

namespace ranvier {

Connectome WithDelay(const Connectome& connectome, double delay_ms) {
  if (!(delay_ms >= 0) || !std::isfinite(delay_ms)) {
    throw std::invalid_argument("delay_ms is " + std::to_string(delay_ms) +
                                ", it must be finite and 0 or more");
  }
  // A copy shares the arrays and keeps them alive.
  auto owner = std::make_shared<const Connectome>(connectome);
  Connectome::Arrays arrays{owner->row_ptr(),  owner->col(), owner->weight(),
                            owner->ids(),      delay_ms,     owner->name(),
                            owner->synthetic()};
  return Connectome(std::move(arrays), std::move(owner));
}

}  // namespace ranvier
