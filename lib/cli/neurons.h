#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ranvier/cli/problems.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier::cli {

// How neurons are called on the command line.
struct NeuronNames {
  size_t neurons = 0;
  // Where numbers are looked up as ids; null: numbers are indices.
  const Connectome* ids = nullptr;
  // Named sets beside "all", e.g. "feeding" of the twin.
  std::map<std::string, std::vector<uint32_t>, std::less<>> sets;
};

// The neurons that `text` names, ascending, each once. `text` is a list with
// commas of ids (or indices), file:PATH and names of sets. What is unknown goes
// to `problems` under `option`: which, how many, and what to try.
std::vector<uint32_t> SelectNeurons(const NeuronNames& names,
                                    std::string_view text,
                                    const std::string& option,
                                    Problems& problems);

}  // namespace ranvier::cli
