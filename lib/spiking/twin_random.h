#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/simd/base/philox.h"

namespace ranvier::twin {

// What a stream of random numbers is for. The values are part of the twin's
// definition; the high half ("twin") keeps them apart from other users of a
// seed.
enum class Purpose : uint64_t {
  kNeuron = 0x7477696E00000001,
  kRow,
  kFeeding,
  kIgnition,
};

// Random numbers that are a function of (seed, purpose, index, position): the
// same for any number of threads and any order of work.
class Stream {
 public:
  Stream(uint64_t seed, Purpose purpose, uint64_t index)
      : key_(Philox::StreamKey(seed, static_cast<uint64_t>(purpose))),
        index_(index) {}

  uint32_t Next() {
    if (used_ == words_.size()) {
      words_ = Philox::Block(Philox::Split(index_, block_++), key_);
      used_ = 0;
    }
    return words_[used_++];
  }

  // In [0, n), n > 0. The bias, below n / 2^32, is part of the definition.
  uint32_t Below(uint32_t n) {
    return static_cast<uint32_t>((uint64_t{Next()} * n) >> 32);
  }

 private:
  Philox::Key key_;
  uint64_t index_;
  uint64_t block_ = 0;
  Philox::Counter words_{};
  size_t used_ = words_.size();
};

}  // namespace ranvier::twin
