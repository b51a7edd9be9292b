#pragma once

#include <string>

#include "ranvier/io/connectome_file.h"
#include "ranvier/parallel/context.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier::io {

// kCodexCsv, kShiuCsv or kEdgeCsv by the names of the columns.
ConnectomeFormat DetectCsvFormat(const std::string& path);

// Reads one of these three formats.
// Throws  IoError: path, line, what was found, what to try.
ConnectomeParts ReadCsvConnectome(Context& ctx, const std::string& path,
                                  ConnectomeFormat format,
                                  const ImportOptions& options);

}  // namespace ranvier::io
