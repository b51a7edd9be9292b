#pragma once

#include <string>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier {

enum class ConnectomeFormat {
  kAuto,      // by content, then by name
  kRanvier,   // our own binary (.rvc): versioned, checksummed, mapped
  kConn1,     // CONN1, plain or gzip
  kFlyw,      // FLYW version 1
  kCodexCsv,  // FlyWire Codex: pre and post root id, neuropil, syn_count, nt_type
  kShiuCsv,   // Connectivity CSV; needs the Completeness CSV
  kEdgeCsv,   // any edge list with named columns
};

struct ImportOptions {
  ConnectomeFormat format = ConnectomeFormat::kAuto;
  // Neuron list that fixes order and ids (first column): Completeness CSV for
  // kShiuCsv, optional for the other CSV formats. Ids not in it are an error.
  std::string neurons_path;
  // Column names of kEdgeCsv; empty: found among the usual names.
  std::string pre_column, post_column, weight_column;
  // Rows of this transmitter column value are negative (GABA and GLUT).
  std::string transmitter_column;
  // Edge CSV ids are indices 0..N-1 and no id table is made.
  bool ids_are_indices = false;
  // Pairs with a smaller |weight| after summing are left out.
  double min_weight = 0;
  double delay_ms = 1.8;
};

// Reads a connectome in any of the formats above. Repeated pairs are summed.
// The file is untrusted: every size and offset is checked before memory is
// taken, and memory stays within a small multiple of the file's size.
//
// Threads  Those of ctx.
// Throws   IoError: path, place (byte offset or line), what was found, what to
//          try.
RANVIER_API Connectome LoadConnectome(Context& ctx, const std::string& path,
                                      const ImportOptions& options = {});

// Writes our own binary format (docs/architecture.md describes it).
// Throws  IoError.
RANVIER_API void SaveConnectome(const Connectome& connectome,
                                const std::string& path);

}  // namespace ranvier
