#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier::io {

// One row of an edge list.
struct EdgeRow {
  uint32_t pre;
  uint32_t post;
  double weight;
};

// Rows in the order of the file. pre and post are numbers in `remap` where
// there is one, neurons otherwise.
struct EdgeChunk {
  std::vector<EdgeRow> rows;
  std::shared_ptr<const std::vector<uint32_t>> remap;
};

enum class PairSign {
  // A pair's weight is the sum of its rows.
  kSum,
  // Its size is the sum of |weight|, its sign that of the larger share; equal
  // shares are positive. A neuron has one transmitter: rows that disagree are
  // errors of the prediction, not synapses that cancel.
  kMajority,
};

struct CsrOptions {
  std::string path;  // for errors
  PairSign sign = PairSign::kSum;
  // What to call neuron i in an error.
  std::function<std::string(uint32_t)> neuron_name;
};

// Sorts the rows by pair and adds those of one pair, in the order of the file:
// the same bits for any thread count. Weights become counts of 16 or 32 bits if
// all are whole numbers, f32 otherwise. Frees the chunks on the way.
//
// Shapes  Every pre and post is below neurons once it went through remap.
// Throws  IoError: a sum that fits neither 32-bit counts nor f32.
void BuildCsr(Context& ctx, size_t neurons, std::vector<EdgeChunk> chunks,
              const CsrOptions& options, ConnectomeParts* parts);

// The narrowest of 16-bit counts, 32-bit counts and f32 that holds all.
using Weights = decltype(ConnectomeParts::weight);
Weights NarrowestWeights(Context& ctx, std::vector<float> weight);

}  // namespace ranvier::io
