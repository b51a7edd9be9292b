#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// Signed synapse counts (16 or 32 bits wide) or real weights, one per edge.
using WeightSpan =
    std::variant<std::span<const int16_t>, std::span<const int32_t>,
                 std::span<const float>>;

// What a Connectome is made from; vectors are moved in.
struct ConnectomeParts {
  std::vector<uint64_t> row_ptr;  // [neurons + 1], row_ptr[0] == 0
  std::vector<uint32_t> col;      // [edges], ascending within a row
  std::variant<std::vector<int16_t>, std::vector<int32_t>, std::vector<float>>
      weight;               // [edges]
  std::vector<int64_t> id;  // [neurons] or empty: id of neuron i is i
  double delay_ms = 1.8;    // one delay for all edges
  std::string name;         // where it came from, for reports
  bool synthetic = false;   // true for the generated twin
};

// Neurons and synapses in compressed sparse rows by presynaptic neuron. Plain
// immutable data: either owns its arrays or views a mapped file. Copies share
// the arrays.
//
// Shapes   row_ptr [neurons + 1]; col, weight [edges]; id [neurons].
// Weights  signed; a spike of i adds weight * w_syn_mV to g of each col. One
//          row holds a column once, ascending.
// Threads  const access from any number of threads.
class RANVIER_API Connectome {
 public:
  Connectome();  // no neurons
  // Takes the parts after checking every promise above.
  // Throws  ShapeError (sizes that do not fit), std::invalid_argument
  //         (unsorted or repeated columns, column >= neurons, weight not
  //         finite, repeated id, delay not finite or negative).
  explicit Connectome(ConnectomeParts parts);

  // A view of arrays that `owner` keeps alive (a mapped file), already checked.
  struct Arrays {
    std::span<const uint64_t> row_ptr;
    std::span<const uint32_t> col;
    WeightSpan weight;
    std::span<const int64_t> id;
    double delay_ms = 1.8;
    std::string name;
    bool synthetic = false;
  };
  Connectome(Arrays arrays, std::shared_ptr<const void> owner);

  size_t neurons() const {
    return arrays_.row_ptr.empty() ? 0 : arrays_.row_ptr.size() - 1;
  }
  size_t edges() const { return arrays_.col.size(); }
  std::span<const uint64_t> row_ptr() const { return arrays_.row_ptr; }
  std::span<const uint32_t> col() const { return arrays_.col; }
  const WeightSpan& weight() const { return arrays_.weight; }
  bool has_counts() const { return arrays_.weight.index() != 2; }
  double delay_ms() const { return arrays_.delay_ms; }
  const std::string& name() const { return arrays_.name; }
  bool synthetic() const { return arrays_.synthetic; }

  // The published 64-bit id of neuron i; i itself where the source has none.
  bool has_ids() const { return !arrays_.id.empty(); }
  std::span<const int64_t> ids() const { return arrays_.id; }
  int64_t IdOf(size_t neuron) const;
  // The neuron with this id, or -1. O(log neurons) after the first call.
  int64_t FindId(int64_t id) const;

  double WeightOf(size_t edge) const;

 private:
  struct IdIndex;
  Arrays arrays_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<IdIndex> id_index_;
};

struct DegreeStats {
  double mean = 0;
  uint64_t p50 = 0, p90 = 0, p99 = 0, max = 0, zero = 0;
};

struct ConnectomeStats {
  size_t neurons = 0, edges = 0;
  size_t negative_edges = 0, self_edges = 0;
  double sum_abs_weight = 0;
  double mean_abs_weight = 0;
  double max_abs_weight = 0;
  double share_of_weight_one = 0;  // edges with |weight| == 1
  DegreeStats out, in;
};

// Threads  The calling one. Percentiles are those of the sorted degrees at
//          index floor(p * neurons).
RANVIER_API ConnectomeStats ComputeStats(const Connectome& connectome);

}  // namespace ranvier
