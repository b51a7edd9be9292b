#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier {

enum class ConnectomeFormat {
  kAuto,      // by content, then by name
  kRanvier,   // our own binary (.rvc): versioned, checksummed, mapped
  kConn1,     // CONN1, plain or gzip
  kFlyw,      // FLYW version 1
  kCodexCsv,  // FlyWire Codex: pre and post root id, neuropil, syn_count,
              // nt_type
  kShiuCsv,   // Connectivity CSV; needs the Completeness CSV
  kEdgeCsv,   // any edge list with named columns
};

// Names for commands and reports: auto, rvc, conn1, flyw, codex, shiu, csv.
// Throws  std::invalid_argument that lists them.
RANVIER_API ConnectomeFormat ParseConnectomeFormat(std::string_view name);
RANVIER_API std::string_view FormatName(ConnectomeFormat format);

struct ImportOptions {
  ConnectomeFormat format = ConnectomeFormat::kAuto;
  // Neuron list that fixes order and ids (first column): Completeness CSV for
  // kShiuCsv, optional for the other CSV formats. Ids not in it are an error.
  std::string neurons_path;
  // Column names of kEdgeCsv; empty: found among the usual names (pre, pre_id,
  // pre_root_id, presynaptic_id, source, from, ...; weight, count, syn_count,
  // n_all, ...).
  std::string pre_column, post_column, weight_column;
  // Rows whose value here is GABA or GLUT are negative, all others positive. A
  // pair's weight is the sum of its rows' |weight|; where its rows disagree,
  // its sign is that of the larger share (equal shares: positive). kCodexCsv:
  // nt_type.
  std::string transmitter_column;
  // CSV: only rows whose filter_column holds filter_value; empty: all rows.
  std::string filter_column, filter_value;
  // Edge CSV ids are indices 0..N-1 and no id table is made. Columns named
  // pre_index and post_index are always read so.
  bool ids_are_indices = false;
  // How many neurons there are where ids are indices; 0: largest index + 1.
  size_t neuron_count = 0;
  // Pairs with a smaller |weight| after summing are left out.
  double min_weight = 0;
  double delay_ms = 1.8;  // of all formats but kRanvier, which holds its own
};

// Reads a connectome in any of the formats above. Repeated pairs are summed
// (CONN1 and our own must not hold any). Whole-numbered weights become counts.
// Neurons of a CSV are in ascending order of id, or in that of neurons_path.
// The file is untrusted: every size and offset is checked before memory is
// taken, and memory stays within a small multiple of the file's size.
//
// Threads  Those of ctx. Same bits for any thread count.
// Throws   IoError: path, place (byte offset or line), what was found, what to
//          try; std::invalid_argument (min_weight, delay_ms);
//          CancelledError.
RANVIER_API Connectome LoadConnectome(Context& ctx, const std::string& path,
                                      const ImportOptions& options = {});

// The format of a file, by content and, for CSV, by the names of its columns.
// Throws  IoError: unreadable, or of no format that is read here.
RANVIER_API ConnectomeFormat DetectConnectomeFormat(const std::string& path);

// About how many bytes LoadConnectome needs at its peak: exact in the large for
// the binary formats, from the first lines for CSV. Never loads the file.
// Throws  IoError.
RANVIER_API size_t EstimateLoadBytes(const std::string& path,
                                     const ImportOptions& options = {});

// Writes our own binary format (docs/architecture.md describes it).
// Throws  IoError; a path that ends in .gz is refused, it could not be mapped.
RANVIER_API void SaveConnectome(const Connectome& connectome,
                                const std::string& path);

}  // namespace ranvier
