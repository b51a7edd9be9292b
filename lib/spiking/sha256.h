#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "ranvier/spiking/simulation.h"

namespace ranvier {

// SHA-256 of a stream of bytes, in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::span<const std::byte> bytes);
  // Spikes in the order given, as little-endian u32 step, u32 neuron.
  void Update(std::span<const Spike> spikes);
  std::string HexDigest();  // lower case; nothing may follow

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Of a whole file. Throws IoError.
std::string FileSha256(const std::string& path);

}  // namespace ranvier
