#include "ranvier/io/connectome_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ranvier/io/binary_connectome.h"
#include "ranvier/io/byte_source.h"
#include "ranvier/io/csv_connectome.h"
#include "ranvier/io/io_fail.h"
#include "ranvier/io/rvc_file.h"

namespace ranvier {
namespace {

struct NamedFormat {
  ConnectomeFormat format;
  std::string_view name;
};
constexpr std::array<NamedFormat, 7> kFormats = {{
    {ConnectomeFormat::kAuto, "auto"},
    {ConnectomeFormat::kRanvier, "rvc"},
    {ConnectomeFormat::kConn1, "conn1"},
    {ConnectomeFormat::kFlyw, "flyw"},
    {ConnectomeFormat::kCodexCsv, "codex"},
    {ConnectomeFormat::kShiuCsv, "shiu"},
    {ConnectomeFormat::kEdgeCsv, "csv"},
}};

constexpr size_t kSampleBytes = size_t{1} << 20;

// The first bytes of a file, unpacked.
std::string Sample(io::ByteSource& source, size_t bytes) {
  std::string sample(bytes, '\0');
  sample.resize(source.Read(sample.data(), bytes));
  return sample;
}

// Files that people try, and what they should do with them.
void RefuseForeign(const std::string& path, std::string_view head) {
  struct Foreign {
    std::string_view magic, what, remedy;
  };
  static constexpr std::array<Foreign, 8> kForeign = {{
      {"PAR1", "a Parquet file", "convert it with examples/parquet_to_csv.py"},
      {"\x28\xB5\x2F\xFD", "compressed with zstd", "unpack it with zstd -d"},
      {"\xFD"
       "7zXZ",
       "compressed with xz", "unpack it with xz -d"},
      {"BZh", "compressed with bzip2", "unpack it with bzip2 -d"},
      {"PK\x03\x04", "a zip archive", "unpack it with unzip"},
      {"\x89HDF", "an HDF5 file", "export its edges as CSV"},
      {"\xFF\xFE", "UTF-16 text", "save it as UTF-8"},
      {"\xFE\xFF", "UTF-16 text", "save it as UTF-8"},
  }};
  for (const Foreign& foreign : kForeign) {
    if (head.substr(0, foreign.magic.size()) == foreign.magic) {
      io::Fail(path, io::AtByte(0), "is " + std::string(foreign.what),
               std::string(foreign.remedy));
    }
  }
}

// Leaves out the edges below a weight.
Connectome Filtered(const Connectome& all, double min_weight) {
  ConnectomeParts parts;
  parts.row_ptr.assign(1, 0);
  parts.row_ptr.reserve(all.neurons() + 1);
  parts.id.assign(all.ids().begin(), all.ids().end());
  parts.delay_ms = all.delay_ms();
  parts.name = all.name();
  parts.synthetic = all.synthetic();
  std::visit(
      [&](auto weights) {
        using T = std::remove_const_t<typename decltype(weights)::element_type>;
        std::vector<T> kept;
        for (size_t i = 0; i < all.neurons(); ++i) {
          for (uint64_t e = all.row_ptr()[i]; e < all.row_ptr()[i + 1]; ++e) {
            if (std::fabs(static_cast<double>(weights[e])) < min_weight) {
              continue;
            }
            parts.col.push_back(all.col()[e]);
            kept.push_back(weights[e]);
          }
          parts.row_ptr.push_back(parts.col.size());
        }
        parts.weight = std::move(kept);
      },
      all.weight());
  return Connectome(std::move(parts));
}

void CheckOptions(const ImportOptions& options) {
  if (!std::isfinite(options.min_weight) || options.min_weight < 0) {
    throw std::invalid_argument("LoadConnectome: min_weight is " +
                                std::to_string(options.min_weight) +
                                "; it must be finite and not negative");
  }
  if (!std::isfinite(options.delay_ms) || options.delay_ms < 0) {
    throw std::invalid_argument("LoadConnectome: delay_ms is " +
                                std::to_string(options.delay_ms) +
                                "; it must be finite and not negative");
  }
}

}  // namespace

ConnectomeFormat ParseConnectomeFormat(std::string_view name) {
  std::string list;
  for (const NamedFormat& known : kFormats) {
    if (known.name == name) return known.format;
    list += (list.empty() ? "" : ", ") + std::string(known.name);
  }
  throw std::invalid_argument("unknown connectome format " + io::Quoted(name) +
                              "; the formats are " + list);
}

std::string_view FormatName(ConnectomeFormat format) {
  for (const NamedFormat& known : kFormats) {
    if (known.format == format) return known.name;
  }
  return "unknown";
}

ConnectomeFormat DetectConnectomeFormat(const std::string& path) {
  bool gzip = false;
  std::string head;
  {
    io::ByteSource source(path);
    gzip = source.gzip();
    head = Sample(source, 8);
  }
  if (head == std::string_view(io::kRvcMagic, 8)) {
    if (gzip) {
      io::Fail(path, io::AtByte(0), "is a compressed Ranvier connectome",
               "unpack it with gunzip, so that it can be mapped");
    }
    return ConnectomeFormat::kRanvier;
  }
  if (head == std::string_view("CONN1\0\0\0", 8)) {
    return ConnectomeFormat::kConn1;
  }
  if (head.substr(0, 4) == "WYLF") return ConnectomeFormat::kFlyw;
  RefuseForeign(path, head);
  return io::DetectCsvFormat(path);
}

Connectome LoadConnectome(Context& ctx, const std::string& path,
                          const ImportOptions& options) {
  CheckOptions(options);
  const ConnectomeFormat format = options.format == ConnectomeFormat::kAuto
                                      ? DetectConnectomeFormat(path)
                                      : options.format;
  Connectome connectome;
  if (format == ConnectomeFormat::kRanvier) {
    connectome = io::ReadRvc(ctx, path);
  } else {
    ConnectomeParts parts;
    switch (format) {
      case ConnectomeFormat::kConn1:
        parts = io::ReadConn1(ctx, path);
        break;
      case ConnectomeFormat::kFlyw:
        parts = io::ReadFlyw(ctx, path);
        break;
      default:
        parts = io::ReadCsvConnectome(ctx, path, format, options);
    }
    parts.delay_ms = options.delay_ms;
    parts.name = std::filesystem::path(path).filename().string();
    connectome = Connectome(std::move(parts));
  }
  if (options.min_weight > 0) {
    connectome = Filtered(connectome, options.min_weight);
  }
  ctx.ReportProgress(1.0);
  return connectome;
}

size_t EstimateLoadBytes(const std::string& path,
                         const ImportOptions& options) {
  const ConnectomeFormat format = options.format == ConnectomeFormat::kAuto
                                      ? DetectConnectomeFormat(path)
                                      : options.format;
  io::ByteSource source(path);
  if (format == ConnectomeFormat::kRanvier) return source.packed_size();

  const std::string sample = Sample(source, kSampleBytes);
  if (format == ConnectomeFormat::kConn1 || format == ConnectomeFormat::kFlyw) {
    if (sample.size() < 16) return sample.size();
    uint32_t sizes[2];
    std::memcpy(sizes, sample.data() + 8, sizeof(sizes));
    // u32 and u64 offsets; targets, f32 weights and counts; of FLYW, also the
    // rows and the sorted entries of 16 bytes each.
    const uint64_t per_edge = format == ConnectomeFormat::kConn1 ? 12 : 44;
    const uint64_t needed = 12 * uint64_t{sizes[0]} + per_edge * sizes[1];
    // A claim that the file cannot hold is refused before it costs memory.
    return static_cast<size_t>(
        std::min(needed, (per_edge / 4) * source.max_size()));
  }
  // Rows of 16 bytes, entries of 16, result of 8; ids and their tables are few.
  const double ratio =
      source.consumed_share() > 0 ? 1.0 / source.consumed_share() : 1.0;
  const auto lines =
      static_cast<double>(std::count(sample.begin(), sample.end(), '\n') + 1);
  constexpr double kBuffers = 32.0 * (1 << 20);
  return static_cast<size_t>(lines * ratio * 40.0 + kBuffers);
}

void SaveConnectome(const Connectome& connectome, const std::string& path) {
  io::WriteRvc(connectome, path);
}

}  // namespace ranvier
