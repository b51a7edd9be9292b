#include "ranvier/io/csv_connectome.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ranvier/io/csr_builder.h"
#include "ranvier/io/csv_file.h"
#include "ranvier/io/id_table.h"
#include "ranvier/io/io_fail.h"

namespace ranvier::io {
namespace {

constexpr std::string_view kShiuPre = "Presynaptic_ID";
constexpr std::string_view kShiuPost = "Postsynaptic_ID";
constexpr std::string_view kShiuPreIndex = "Presynaptic_Index";
constexpr std::string_view kShiuPostIndex = "Postsynaptic_Index";
constexpr std::string_view kShiuWeight = "Excitatory x Connectivity";

// The usual names of an edge list's columns, the most telling first.
struct NamePair {
  std::string_view pre, post;
};
constexpr std::array<NamePair, 15> kUsualPairs = {{
    {"pre_root_id", "post_root_id"},
    {"pre_pt_root_id", "post_pt_root_id"},
    {"bodyId_pre", "bodyId_post"},
    {"presynaptic_id", "postsynaptic_id"},
    {"pre_id", "post_id"},
    {"pre_index", "post_index"},
    {"pre", "post"},
    {"source_id", "target_id"},
    {"source", "target"},
    {"src", "dst"},
    {"src", "tgt"},
    {"from", "to"},
    {"from_id", "to_id"},
    {"sender", "receiver"},
    {"i", "j"},
}};
constexpr std::array<std::string_view, 12> kUsualWeights = {
    "weight", "syn_count", "synapse_count", "count",
    "n_syn",  "n_all",     "synapses",      "n_synapses",
    "w",      "size",      "value",         "number_of_synapses"};

bool IsIndexName(std::string_view name) {
  constexpr std::string_view kEnd = "_index";
  return name.size() >= kEnd.size() &&
         name.substr(name.size() - kEnd.size()) == kEnd;
}

struct Column {
  size_t index = 0;
  std::string name;
};

// Which columns hold what, and how they are read.
struct Layout {
  Column pre, post, weight;
  std::optional<Column> pre_index, post_index;  // kShiuCsv: checked
  std::optional<Column> transmitter;
  std::optional<Column> filter;
  std::string filter_value;
  bool indices = false;  // ids are neuron indices
  bool whole = false;    // weights must be whole numbers
};

Column Named(const CsvFile& file, std::string_view name) {
  const size_t index = file.Require(name);
  return {index, file.columns()[index]};
}

Column FirstOf(const CsvFile& file, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (file.Find(name) >= 0) return Named(file, name);
  }
  return Named(file, *names.begin());  // throws
}

// A column given by name or else the first usual one that is there.
template <class Names, class Get>
Column Usual(const CsvFile& file, const std::string& given, const Names& names,
             Get get, const std::string& role) {
  if (!given.empty()) return Named(file, given);
  for (const auto& name : names) {
    if (file.Find(get(name)) >= 0) return Named(file, get(name));
  }
  file.MissingColumn("none of the usual names of the " + role + " column",
                     "name it (" + role + "_column, --" + role + "-column)");
}

Layout EdgeLayout(const CsvFile& file, const ImportOptions& options) {
  Layout layout;
  std::string pre = options.pre_column;
  std::string post = options.post_column;
  if (pre.empty() && post.empty()) {  // both of one pair
    for (const NamePair& names : kUsualPairs) {
      if (file.Find(names.pre) < 0 || file.Find(names.post) < 0) continue;
      pre = names.pre;
      post = names.post;
      break;
    }
  }
  layout.pre = Usual(
      file, pre, kUsualPairs, [](const NamePair& n) { return n.pre; }, "pre");
  layout.post = Usual(
      file, post, kUsualPairs, [](const NamePair& n) { return n.post; },
      "post");
  layout.weight = Usual(
      file, options.weight_column, kUsualWeights,
      [](std::string_view n) { return n; }, "weight");
  layout.indices = options.ids_are_indices || (IsIndexName(layout.pre.name) &&
                                               IsIndexName(layout.post.name));
  if (!options.transmitter_column.empty()) {
    layout.transmitter = Named(file, options.transmitter_column);
  }
  return layout;
}

Layout MakeLayout(const CsvFile& file, ConnectomeFormat format,
                  const ImportOptions& options) {
  Layout layout;
  switch (format) {
    case ConnectomeFormat::kCodexCsv:
      layout.pre = FirstOf(file, {"pre_root_id", "pre_pt_root_id"});
      layout.post = FirstOf(file, {"post_root_id", "post_pt_root_id"});
      layout.weight = Named(file, "syn_count");
      layout.transmitter = Named(file, options.transmitter_column.empty()
                                           ? "nt_type"
                                           : options.transmitter_column);
      layout.whole = true;
      break;
    case ConnectomeFormat::kShiuCsv:
      layout.pre = Named(file, kShiuPre);
      layout.post = Named(file, kShiuPost);
      layout.pre_index = Named(file, kShiuPreIndex);
      layout.post_index = Named(file, kShiuPostIndex);
      layout.weight = Named(file, kShiuWeight);
      layout.whole = true;
      break;
    default:
      layout = EdgeLayout(file, options);
  }
  if (!options.filter_column.empty()) {
    layout.filter = Named(file, options.filter_column);
    layout.filter_value = options.filter_value;
  }
  return layout;
}

bool IsInhibitory(std::string_view transmitter) {
  const auto is = [&](std::string_view name) {
    return transmitter.size() == name.size() &&
           std::equal(name.begin(), name.end(), transmitter.begin(),
                      [](char a, char b) {
                        return a == std::toupper(static_cast<unsigned char>(b));
                      });
  };
  return is("GABA") || is("GLUT");
}

// The neurons of a list in its order: its first column.
IdTable ReadNeurons(Context& ctx, const std::string& path) {
  CsvFile file(path);
  const std::string name = "1 " + Quoted(file.columns()[0]);
  std::vector<std::vector<int64_t>> pieces;
  file.ForEachPiece(
      ctx, [&](size_t n) { pieces.resize(pieces.size() + n); },
      [&](CsvPiece& piece, size_t, size_t sequence) {
        while (piece.Next()) {
          pieces[sequence].push_back(piece.Integer(0, name));
        }
      });
  IdTable ids;
  for (const auto& piece : pieces) {
    for (const int64_t id : piece) {
      const size_t before = ids.ids().size();
      const uint32_t number = ids.Insert(id);
      if (ids.ids().size() == before) {
        Fail(path, "neuron " + std::to_string(before),
             "id " + std::to_string(id) + " was already given to neuron " +
                 std::to_string(number),
             "remove the repeated row: one row per neuron");
      }
    }
  }
  if (ids.ids().empty()) {
    Fail(path, AtLine(2), "no neurons, only a header",
         "check that writing it has finished");
  }
  return ids;
}

// Reads rows into chunks. Ids become numbers: those of the neuron list, the
// indices themselves, or those of one table per slot, joined at the end.
class RowReader {
 public:
  RowReader(const Layout& layout, const IdTable* neurons, size_t index_limit,
            size_t slots)
      : layout_(layout),
        neurons_(neurons),
        index_limit_(index_limit),
        tables_(slots) {}

  void BeginBlock(size_t pieces) {
    chunks_.resize(chunks_.size() + pieces);
    slots_.resize(chunks_.size());
  }

  void Parse(CsvPiece& piece, size_t slot, size_t sequence) {
    std::vector<EdgeRow> rows;
    IdTable& table = tables_[slot];
    while (piece.Next()) {
      if (layout_.filter.has_value() &&
          piece[layout_.filter->index] != layout_.filter_value) {
        continue;
      }
      EdgeRow row;
      row.pre = Number(piece, layout_.pre, table);
      row.post = Number(piece, layout_.post, table);
      row.weight = Weight(piece);
      if (layout_.pre_index.has_value()) {
        CheckIndex(piece, layout_.pre, *layout_.pre_index, row.pre);
        CheckIndex(piece, layout_.post, *layout_.post_index, row.post);
      }
      rows.push_back(row);
    }
    rows.shrink_to_fit();
    chunks_[sequence].rows = std::move(rows);
    slots_[sequence] = slot;
  }

  std::vector<EdgeChunk> TakeChunks() { return std::move(chunks_); }
  size_t Rows() const {
    size_t rows = 0;
    for (const EdgeChunk& chunk : chunks_) rows += chunk.rows.size();
    return rows;
  }
  uint32_t LargestNumber() const {
    uint32_t largest = 0;
    for (const EdgeChunk& chunk : chunks_) {
      for (const EdgeRow& row : chunk.rows) {
        largest = std::max({largest, row.pre, row.post});
      }
    }
    return largest;
  }

  // All ids in ascending order; the chunks get the way to them.
  std::vector<int64_t> JoinTables() {
    std::vector<int64_t> ids;
    for (const IdTable& table : tables_) {
      ids.insert(ids.end(), table.ids().begin(), table.ids().end());
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::vector<std::shared_ptr<const std::vector<uint32_t>>> remaps;
    for (const IdTable& table : tables_) {
      auto remap = std::make_shared<std::vector<uint32_t>>();
      remap->reserve(table.ids().size());
      for (const int64_t id : table.ids()) {
        const auto it = std::lower_bound(ids.begin(), ids.end(), id);
        remap->push_back(static_cast<uint32_t>(it - ids.begin()));
      }
      remaps.push_back(std::move(remap));
    }
    for (size_t i = 0; i < chunks_.size(); ++i) {
      chunks_[i].remap = remaps[slots_[i]];
    }
    return ids;
  }

 private:
  uint32_t Number(const CsvPiece& piece, const Column& column,
                  IdTable& table) const {
    const int64_t id = piece.Integer(column.index, column.name);
    if (neurons_ != nullptr && !layout_.indices) {
      const uint32_t number = neurons_->Find(id);
      if (number == IdTable::kNone) {
        piece.Fail("column " + column.name + " holds id " + std::to_string(id) +
                       ", which is not in the list of neurons",
                   "use the neuron list of the same release, whose first "
                   "column is the id");
      }
      return number;
    }
    if (!layout_.indices) return table.Insert(id);
    if (id < 0 || static_cast<uint64_t>(id) >= index_limit_) {
      piece.Fail("column " + column.name + " holds index " +
                     std::to_string(id) + ", outside 0 to " +
                     std::to_string(index_limit_ - 1),
                 "give the number of neurons, or read the column as ids");
    }
    return static_cast<uint32_t>(id);
  }

  double Weight(const CsvPiece& piece) const {
    const Column& column = layout_.weight;
    const double weight =
        layout_.whole
            ? static_cast<double>(piece.Integer(column.index, column.name))
            : piece.Real(column.index, column.name);
    if (!layout_.transmitter.has_value()) return weight;
    if (weight < 0) {
      piece.Fail(
          "column " + column.name + " is negative (" + std::to_string(weight) +
              ") while signs come from column " + layout_.transmitter->name,
          "use one of the two: signed weights or transmitters");
    }
    return IsInhibitory(piece[layout_.transmitter->index]) ? -weight : weight;
  }

  void CheckIndex(const CsvPiece& piece, const Column& id, const Column& index,
                  uint32_t number) const {
    const int64_t found = piece.Integer(index.index, index.name);
    if (found == static_cast<int64_t>(number)) return;
    piece.Fail(
        "column " + index.name + " says " + std::to_string(found) +
            ", but id " + std::to_string(piece.Integer(id.index, id.name)) +
            " is neuron " + std::to_string(number) + " of the list of neurons",
        "use the Completeness file of the same release");
  }

  const Layout& layout_;
  const IdTable* neurons_;
  size_t index_limit_;
  std::vector<IdTable> tables_;
  std::vector<EdgeChunk> chunks_;
  std::vector<size_t> slots_;
};

// The largest index + 1, refused where a tiny file would take much memory.
size_t CountIndices(const CsvFile& file, const RowReader& reader) {
  const size_t neurons = size_t{reader.LargestNumber()} + 1;
  const size_t plausible =
      std::max<size_t>(size_t{1} << 20, 16 * reader.Rows());
  if (neurons > plausible) {
    Fail(file.path(), std::to_string(reader.Rows()) + " rows",
         "the largest index is " + std::to_string(neurons - 1) +
             ", so nearly all neurons would have no edge",
         "read the columns as ids (any names but pre_index and post_index), or "
         "give the number of neurons");
  }
  return neurons;
}

}  // namespace

ConnectomeFormat DetectCsvFormat(const std::string& path) {
  const CsvFile file(path);
  const auto has = [&](std::string_view name) { return file.Find(name) >= 0; };
  if (has(kShiuPre) && has(kShiuWeight)) return ConnectomeFormat::kShiuCsv;
  if ((has("pre_root_id") || has("pre_pt_root_id")) && has("syn_count") &&
      has("nt_type")) {
    return ConnectomeFormat::kCodexCsv;
  }
  return ConnectomeFormat::kEdgeCsv;
}

ConnectomeParts ReadCsvConnectome(Context& ctx, const std::string& path,
                                  ConnectomeFormat format,
                                  const ImportOptions& options) {
  CsvFile file(path);
  const Layout layout = MakeLayout(file, format, options);
  if (format == ConnectomeFormat::kShiuCsv && options.neurons_path.empty()) {
    Fail(path, AtLine(1),
         "a Connectivity file without its Completeness file, which fixes the "
         "order of the neurons",
         "name it too (neurons_path, --neurons)");
  }
  std::optional<IdTable> neurons;
  size_t neuron_count = options.neuron_count;
  if (!options.neurons_path.empty()) {
    neurons = ReadNeurons(ctx, options.neurons_path);
    neuron_count = neurons->ids().size();
  }
  constexpr size_t kMaxNeurons = std::numeric_limits<uint32_t>::max();
  RowReader reader(
      layout, neurons.has_value() ? &*neurons : nullptr,
      neuron_count != 0 ? std::min(neuron_count, kMaxNeurons) : kMaxNeurons,
      CsvFile::Slots(ctx));
  file.ForEachPiece(
      ctx, [&](size_t pieces) { reader.BeginBlock(pieces); },
      [&](CsvPiece& piece, size_t slot, size_t sequence) {
        reader.Parse(piece, slot, sequence);
      });
  if (reader.Rows() == 0) {
    Fail(path, AtLine(2),
         layout.filter.has_value()
             ? "no row has " + Quoted(options.filter_value) + " in column " +
                   layout.filter->name
             : "no edges, only a header",
         layout.filter.has_value() ? "check the filter"
                                   : "check that writing it has finished");
  }

  ConnectomeParts parts;
  size_t count = 0;
  if (neurons.has_value()) {
    parts.id = neurons->ids();
    count = parts.id.size();
  } else if (layout.indices) {
    count = neuron_count != 0 ? neuron_count : CountIndices(file, reader);
  } else {
    parts.id = reader.JoinTables();
    count = parts.id.size();
  }
  CsrOptions csr;
  csr.path = path;
  csr.sign =
      layout.transmitter.has_value() ? PairSign::kMajority : PairSign::kSum;
  csr.neuron_name = [&](uint32_t i) {
    return std::to_string(parts.id.empty() ? int64_t{i} : parts.id[i]);
  };
  BuildCsr(ctx, count, reader.TakeChunks(), csr, &parts);
  return parts;
}

}  // namespace ranvier::io
