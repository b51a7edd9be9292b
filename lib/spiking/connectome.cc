#include "ranvier/spiking/connectome.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

std::string Str(uint64_t value) { return std::to_string(value); }

WeightSpan SpanOf(const decltype(ConnectomeParts::weight)& weight) {
  return std::visit(
      [](const auto& values) -> WeightSpan { return std::span(values); },
      weight);
}

size_t SizeOf(const WeightSpan& weight) {
  return std::visit([](auto values) { return values.size(); }, weight);
}

void CheckSizes(const Connectome::Arrays& arrays) {
  const size_t edges = arrays.col.size();
  if (arrays.row_ptr.empty()) {
    if (edges != 0 || SizeOf(arrays.weight) != 0 || !arrays.id.empty()) {
      throw ShapeError("connectome: row_ptr is empty, but there are " +
                       Str(edges) + " columns, " + Str(SizeOf(arrays.weight)) +
                       " weights and " + Str(arrays.id.size()) +
                       " ids; row_ptr needs neurons + 1 entries");
    }
    return;
  }
  const size_t neurons = arrays.row_ptr.size() - 1;
  if (SizeOf(arrays.weight) != edges) {
    throw ShapeError("connectome: " + Str(edges) + " columns but " +
                     Str(SizeOf(arrays.weight)) +
                     " weights; there must be one weight per edge");
  }
  if (!arrays.id.empty() && arrays.id.size() != neurons) {
    throw ShapeError("connectome: " + Str(arrays.id.size()) + " ids for " +
                     Str(neurons) + " neurons; give one id per neuron or none");
  }
  if (arrays.row_ptr.front() != 0 || arrays.row_ptr.back() != edges) {
    throw ShapeError(
        "connectome: row_ptr runs from " + Str(arrays.row_ptr.front()) +
        " to " + Str(arrays.row_ptr.back()) +
        "; it must run from 0 to the number of edges, " + Str(edges));
  }
}

void CheckRows(const Connectome::Arrays& arrays) {
  const size_t neurons = arrays.row_ptr.empty() ? 0 : arrays.row_ptr.size() - 1;
  for (size_t i = 0; i < neurons; ++i) {
    const uint64_t begin = arrays.row_ptr[i];
    const uint64_t end = arrays.row_ptr[i + 1];
    if (end < begin || end > arrays.col.size()) {
      throw std::invalid_argument(
          "connectome: row_ptr[" + Str(i + 1) + "] = " + Str(end) +
          " after row_ptr[" + Str(i) + "] = " + Str(begin) + " with " +
          Str(arrays.col.size()) + " edges; row_ptr must never decrease");
    }
  }
  for (size_t i = 0; i < neurons; ++i) {
    const uint64_t begin = arrays.row_ptr[i];
    const uint64_t end = arrays.row_ptr[i + 1];
    for (uint64_t e = begin; e < end; ++e) {
      if (arrays.col[e] >= neurons) {
        throw std::invalid_argument("connectome: edge " + Str(e) +
                                    " of neuron " + Str(i) + " goes to " +
                                    Str(arrays.col[e]) + "; there are " +
                                    Str(neurons) + " neurons");
      }
      if (e > begin && arrays.col[e] <= arrays.col[e - 1]) {
        throw std::invalid_argument(
            "connectome: columns of neuron " + Str(i) + " are not ascending: " +
            Str(arrays.col[e - 1]) + " then " + Str(arrays.col[e]) +
            " at edge " + Str(e) + "; sort each row and sum repeated pairs");
      }
    }
  }
  if (const auto* real = std::get_if<2>(&arrays.weight)) {
    for (size_t e = 0; e < real->size(); ++e) {
      if (!std::isfinite((*real)[e])) {
        throw std::invalid_argument("connectome: weight of edge " + Str(e) +
                                    " is not finite");
      }
    }
  }
}

void CheckDelay(double delay_ms) {
  if (!std::isfinite(delay_ms) || delay_ms < 0) {
    throw std::invalid_argument("connectome: delay_ms is " +
                                std::to_string(delay_ms) +
                                "; it must be finite and not negative");
  }
}

DegreeStats StatsOf(std::vector<uint64_t> degrees) {
  DegreeStats stats;
  if (degrees.empty()) return stats;
  std::sort(degrees.begin(), degrees.end());
  const size_t n = degrees.size();
  uint64_t sum = 0;
  for (const uint64_t degree : degrees) sum += degree;
  stats.mean = static_cast<double>(sum) / static_cast<double>(n);
  stats.p50 = degrees[n * 50 / 100];
  stats.p90 = degrees[n * 90 / 100];
  stats.p99 = degrees[n * 99 / 100];
  stats.max = degrees.back();
  stats.zero = static_cast<uint64_t>(
      std::upper_bound(degrees.begin(), degrees.end(), 0u) - degrees.begin());
  return stats;
}

}  // namespace

// Ids in ascending order with their neurons, built when first asked for. Ids
// that are ascending already need no copy.
struct Connectome::IdIndex {
  std::once_flag once;
  bool ascending = false;
  std::vector<std::pair<int64_t, uint32_t>> sorted;

  void Build(std::span<const int64_t> ids) {
    std::call_once(once, [&] {
      ascending = std::is_sorted(ids.begin(), ids.end());
      if (ascending) return;
      sorted.reserve(ids.size());
      for (size_t i = 0; i < ids.size(); ++i) {
        sorted.emplace_back(ids[i], static_cast<uint32_t>(i));
      }
      std::sort(sorted.begin(), sorted.end());
    });
  }
};

Connectome::Connectome() = default;

Connectome::Connectome(ConnectomeParts parts)
    : id_index_(std::make_shared<IdIndex>()) {
  auto owned = std::make_shared<ConnectomeParts>(std::move(parts));
  arrays_.row_ptr = owned->row_ptr;
  arrays_.col = owned->col;
  arrays_.weight = SpanOf(owned->weight);
  arrays_.id = owned->id;
  arrays_.delay_ms = owned->delay_ms;
  arrays_.name = std::move(owned->name);
  arrays_.synthetic = owned->synthetic;
  owner_ = std::move(owned);

  CheckSizes(arrays_);
  CheckRows(arrays_);
  CheckDelay(arrays_.delay_ms);
  if (!has_ids()) return;
  id_index_->Build(arrays_.id);
  const auto refuse = [](int64_t id, size_t first, size_t second) {
    throw std::invalid_argument("connectome: id " + std::to_string(id) +
                                " is given to neuron " + Str(first) +
                                " and to neuron " + Str(second) +
                                "; every neuron needs its own id");
  };
  const auto& sorted = id_index_->sorted;
  for (size_t i = 1; i < arrays_.id.size(); ++i) {
    if (id_index_->ascending) {
      if (arrays_.id[i] == arrays_.id[i - 1]) refuse(arrays_.id[i], i - 1, i);
    } else if (sorted[i].first == sorted[i - 1].first) {
      refuse(sorted[i].first, sorted[i - 1].second, sorted[i].second);
    }
  }
}

Connectome::Connectome(Arrays arrays, std::shared_ptr<const void> owner)
    : arrays_(std::move(arrays)),
      owner_(std::move(owner)),
      id_index_(std::make_shared<IdIndex>()) {}

int64_t Connectome::IdOf(size_t neuron) const {
  return has_ids() ? arrays_.id[neuron] : static_cast<int64_t>(neuron);
}

int64_t Connectome::FindId(int64_t id) const {
  if (!has_ids()) {
    return id >= 0 && static_cast<uint64_t>(id) < neurons() ? id : -1;
  }
  id_index_->Build(arrays_.id);
  if (id_index_->ascending) {
    const auto it = std::lower_bound(arrays_.id.begin(), arrays_.id.end(), id);
    return it != arrays_.id.end() && *it == id ? it - arrays_.id.begin() : -1;
  }
  const auto& sorted = id_index_->sorted;
  const auto it =
      std::lower_bound(sorted.begin(), sorted.end(), std::pair(id, 0u));
  return it != sorted.end() && it->first == id ? int64_t{it->second} : -1;
}

double Connectome::WeightOf(size_t edge) const {
  return std::visit(
      [edge](auto values) { return static_cast<double>(values[edge]); },
      arrays_.weight);
}

ConnectomeStats ComputeStats(const Connectome& connectome) {
  ConnectomeStats stats;
  stats.neurons = connectome.neurons();
  stats.edges = connectome.edges();
  std::vector<uint64_t> out(stats.neurons), in(stats.neurons);
  const auto row_ptr = connectome.row_ptr();
  const auto col = connectome.col();
  for (size_t i = 0; i < stats.neurons; ++i) {
    out[i] = row_ptr[i + 1] - row_ptr[i];
    for (uint64_t e = row_ptr[i]; e < row_ptr[i + 1]; ++e) {
      ++in[col[e]];
      if (col[e] == i) ++stats.self_edges;
    }
  }
  size_t ones = 0;
  std::visit(
      [&](auto weights) {
        for (const auto value : weights) {
          const double magnitude = std::fabs(static_cast<double>(value));
          stats.sum_abs_weight += magnitude;
          stats.max_abs_weight = std::max(stats.max_abs_weight, magnitude);
          if (value < 0) ++stats.negative_edges;
          if (magnitude == 1) ++ones;
        }
      },
      connectome.weight());
  if (stats.edges != 0) {
    const double edges = static_cast<double>(stats.edges);
    stats.mean_abs_weight = stats.sum_abs_weight / edges;
    stats.share_of_weight_one = static_cast<double>(ones) / edges;
  }
  stats.out = StatsOf(std::move(out));
  stats.in = StatsOf(std::move(in));
  return stats;
}

}  // namespace ranvier
