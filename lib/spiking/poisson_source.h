#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ranvier/spiking/protocol.h"

namespace ranvier {

// The kicks of one trial, in order: those of the exact list and those drawn for
// the Poisson drives.
//
// A drive is a Bernoulli trial in each step with p = rate dt. The steps between
// successes are geometric, so they are drawn instead: floor(ln U / ln(1 - p))
// failures, with U the n-th number of stream (trial, ordinal of the drive among
// those of its neuron) and element neuron. A drive that is on for 1 ms in an
// hour costs nothing in the rest of it.
class KickSource {
 public:
  KickSource(const Protocol& protocol, double dt_ms, uint64_t seed,
             uint32_t trial);

  // All kicks of steps [begin, end), sorted; begin is the end of the call
  // before. Valid until the next call.
  std::span<const Kick> Next(int64_t begin, int64_t end);

 private:
  struct Drive {
    uint32_t neuron = 0;
    uint64_t stream = 0;
    double inverse_log_miss = 0;  // 1 / ln(1 - p)
    int64_t next = 0;             // step of the next kick
    int64_t end = 0;
    uint64_t draws = 0;
  };

  void Fill(int64_t begin, int64_t end);
  void Advance(Drive& drive, int64_t from) const;

  uint64_t seed_ = 0;
  std::vector<Drive> drives_;
  std::vector<Kick> listed_;  // sorted
  size_t next_listed_ = 0;
  std::vector<Kick> ahead_;  // sorted kicks of steps before filled_until_
  size_t next_ahead_ = 0;
  int64_t filled_until_ = 0;
};

}  // namespace ranvier
