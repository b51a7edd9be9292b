#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/connectome.h"
#include "ranvier/spiking/simulation.h"

namespace ranvier {

// Calls row(line, text) for every line of a text file, plain or gzip, without
// its line end; blank lines are left out. The file is untrusted: a line is at
// most 64 KiB and the text at most 100 times the file and 64 MiB.
// Throws  IoError: path, line, what was found.
void ForEachLine(const std::string& path,
                 const std::function<void(size_t line, std::string_view)>& row);

// Reads events (step, neuron) from CSV, plain or gzip, in file order. The
// header names the columns: `step` and either `neuron` (an index) or `id` (an
// id of `connectome`; wins where both are there). Other columns are ignored, so
// the spikes.csv.gz of a run can be the input of another. Without a header the
// columns are step, neuron index. Neurons must be below `neurons`.
//
// Throws  IoError: path, line, what was found, what to try.
RANVIER_API std::vector<Spike> ReadStepList(
    const std::string& path, size_t neurons,
    const Connectome* connectome = nullptr);

}  // namespace ranvier
