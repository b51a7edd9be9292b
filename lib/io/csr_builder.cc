#include "ranvier/io/csr_builder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>

#include "ranvier/io/io_fail.h"

namespace ranvier::io {
namespace {

constexpr double kMaxInt16 = std::numeric_limits<int16_t>::max();
constexpr double kMaxInt32 = std::numeric_limits<int32_t>::max();
constexpr double kMaxFloat = std::numeric_limits<float>::max();

// A row of the file once it stands with the others of its neuron.
struct Entry {
  uint64_t key;  // post << 32 | place among the rows of its neuron
  double weight;
  uint32_t post() const { return static_cast<uint32_t>(key >> 32); }
};

// What the weights of some edges allow.
struct Range {
  bool whole = true;
  double max_abs = 0;
  void Add(double value) {
    whole = whole && value == std::trunc(value);
    max_abs = std::max(max_abs, std::fabs(value));
  }
  void Add(const Range& other) {
    whole = whole && other.whole;
    max_abs = std::max(max_abs, other.max_abs);
  }
};

// Parts of [0, rows) with about equally many entries each.
std::vector<size_t> CutRows(const std::vector<uint64_t>& row_ptr,
                            size_t parts) {
  const size_t rows = row_ptr.size() - 1;
  std::vector<size_t> cuts = {0};
  for (size_t i = 1; i < parts; ++i) {
    const uint64_t target = row_ptr.back() / parts * i;
    const auto it = std::lower_bound(row_ptr.begin(), row_ptr.end(), target);
    cuts.push_back(std::clamp(static_cast<size_t>(it - row_ptr.begin()),
                              cuts.back(), rows));
  }
  cuts.push_back(rows);
  return cuts;
}

// Sorts and adds the rows of one neuron in place; returns how many are left.
size_t MergeRow(Entry* begin, Entry* end, PairSign sign) {
  std::sort(begin, end,
            [](const Entry& a, const Entry& b) { return a.key < b.key; });
  Entry* out = begin;
  for (Entry* p = begin; p != end;) {
    const uint32_t post = p->post();
    double sum = 0;
    double size = 0;
    uint64_t key = p->key;
    for (; p != end && p->post() == post; ++p) {
      sum += p->weight;
      size += std::fabs(p->weight);
    }
    const double weight =
        sign == PairSign::kMajority ? (sum < 0 ? -size : size) : sum;
    *out++ = {key, weight};
  }
  return static_cast<size_t>(out - begin);
}

Weights MakeWeights(const Range& range, size_t edges) {
  if (!range.whole) return std::vector<float>(edges);
  if (range.max_abs <= kMaxInt16) return std::vector<int16_t>(edges);
  return std::vector<int32_t>(edges);
}

}  // namespace

void BuildCsr(Context& ctx, size_t neurons, std::vector<EdgeChunk> chunks,
              const CsrOptions& options, ConnectomeParts* parts) {
  // Counting sort by presynaptic neuron, stable.
  std::vector<uint64_t> place(neurons + 1, 0);
  for (EdgeChunk& chunk : chunks) {
    for (EdgeRow& row : chunk.rows) {
      if (chunk.remap != nullptr) {
        row.pre = (*chunk.remap)[row.pre];
        row.post = (*chunk.remap)[row.post];
      }
      ++place[row.pre + size_t{1}];
    }
    chunk.remap.reset();
  }
  for (size_t i = 0; i < neurons; ++i) place[i + 1] += place[i];
  const std::vector<uint64_t> raw_ptr = place;
  std::vector<Entry> entries(raw_ptr.back());
  for (EdgeChunk& chunk : chunks) {
    for (const EdgeRow& row : chunk.rows) {
      const uint64_t at = place[row.pre]++;
      entries[at] = {uint64_t{row.post} << 32 | (at - raw_ptr[row.pre]),
                     row.weight};
    }
    chunk.rows = {};
  }
  chunks = {};
  place = {};

  // Each row by itself: sort, add.
  const std::vector<size_t> cuts =
      CutRows(raw_ptr, static_cast<size_t>(ctx.threads()) * 8);
  std::vector<uint64_t> row_ptr(neurons + 1, 0);
  std::vector<Range> ranges(cuts.size() - 1);
  ctx.ParallelFor(cuts.size() - 1, [&](size_t part) {
    for (size_t i = cuts[part]; i < cuts[part + 1]; ++i) {
      Entry* const begin = entries.data() + raw_ptr[i];
      const size_t kept =
          MergeRow(begin, entries.data() + raw_ptr[i + 1], options.sign);
      row_ptr[i + 1] = kept;
      for (size_t k = 0; k < kept; ++k) ranges[part].Add(begin[k].weight);
    }
  });
  Range range;
  for (const Range& part : ranges) range.Add(part);
  const double limit = range.whole ? kMaxInt32 : kMaxFloat;
  if (!(range.max_abs <= limit)) {
    for (uint32_t i = 0; i < neurons; ++i) {
      for (uint64_t k = raw_ptr[i]; k < raw_ptr[i] + row_ptr[i + 1]; ++k) {
        if (std::fabs(entries[k].weight) <= limit) continue;
        Fail(options.path,
             "pair " + options.neuron_name(i) + " -> " +
                 options.neuron_name(entries[k].post()),
             "its rows add up to " + std::to_string(entries[k].weight) +
                 ", which overflows " +
                 (range.whole ? "a 32-bit count" : "a 32-bit real"),
             "correct these rows or check the weight column");
      }
    }
  }
  for (size_t i = 0; i < neurons; ++i) row_ptr[i + 1] += row_ptr[i];

  parts->col.resize(row_ptr.back());
  parts->weight = MakeWeights(range, row_ptr.back());
  std::visit(
      [&](auto& weight) {
        using T = typename std::decay_t<decltype(weight)>::value_type;
        ctx.ParallelFor(cuts.size() - 1, [&](size_t part) {
          for (size_t i = cuts[part]; i < cuts[part + 1]; ++i) {
            const Entry* entry = entries.data() + raw_ptr[i];
            for (uint64_t e = row_ptr[i]; e < row_ptr[i + 1]; ++e, ++entry) {
              parts->col[e] = entry->post();
              weight[e] = static_cast<T>(entry->weight);
            }
          }
        });
      },
      parts->weight);
  parts->row_ptr = std::move(row_ptr);
}

Weights NarrowestWeights(Context& ctx, std::vector<float> weight) {
  constexpr size_t kPart = size_t{1} << 18;
  const size_t parts = weight.size() / kPart + 1;
  const auto span = [&](size_t part) {
    return std::pair(std::min(part * kPart, weight.size()),
                     std::min((part + 1) * kPart, weight.size()));
  };
  std::vector<Range> ranges(parts);
  ctx.ParallelFor(parts, [&](size_t part) {
    const auto [begin, end] = span(part);
    for (size_t e = begin; e < end; ++e) {
      ranges[part].Add(static_cast<double>(weight[e]));
    }
  });
  Range range;
  for (const Range& part : ranges) range.Add(part);
  if (!range.whole || range.max_abs > kMaxInt32) return weight;
  Weights result = MakeWeights(range, weight.size());
  std::visit(
      [&](auto& narrow) {
        using T = typename std::decay_t<decltype(narrow)>::value_type;
        ctx.ParallelFor(parts, [&](size_t part) {
          const auto [begin, end] = span(part);
          for (size_t e = begin; e < end; ++e) {
            narrow[e] = static_cast<T>(weight[e]);
          }
        });
      },
      result);
  return result;
}

}  // namespace ranvier::io
