#include "ranvier/ops/packed_matrix_file.h"

// Header only and private: no library to link, no symbol of it is seen.
#define XXH_INLINE_ALL
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include <xxhash.h>

#include "ranvier/io/io_fail.h"
#include "ranvier/io/mapped_file.h"
#include "ranvier/io/output_file.h"

namespace ranvier::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "panels are written and read as they lie in memory");

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t type;
  uint64_t rows;
  uint64_t cols;
  uint32_t lanes;
  uint32_t nr;
  uint64_t panel_bytes;
  uint64_t panel_hash;
  uint64_t hash;
  unsigned char zero[64];
};
static_assert(sizeof(Header) == 128 && offsetof(Header, hash) == 56);

constexpr char kMagic[9] = "\x89RVP\r\n\x1a\n";
constexpr uint32_t kVersion = 1;
constexpr const char* kRemedy = "pack and save the matrix again";
constexpr std::array kTypes = {ElementType::kF32, ElementType::kBf16,
                               ElementType::kF16, ElementType::kI8};

// The header of a file whose sizes are what they claim to be.
Header ReadHeader(const MappedFile& file) {
  const std::string& path = file.path();
  const size_t known = std::min(file.size(), sizeof(Header::magic));
  if (known == 0 || std::memcmp(file.data(), kMagic, known) != 0) {
    Fail(path, AtByte(0), "is not a packed matrix", kRemedy);
  }
  Header h;
  if (file.size() < sizeof(h)) {
    Fail(path, AtByte(file.size()), "the file ends inside its header", kRemedy);
  }
  std::memcpy(&h, file.data(), sizeof(h));
  if (h.version != kVersion) {
    Fail(path, AtByte(offsetof(Header, version)),
         "version " + std::to_string(h.version) +
             " of the format; this program reads version " +
             std::to_string(kVersion),
         h.version > kVersion ? "use a newer program" : kRemedy);
  }
  if (XXH3_64bits(file.data(), offsetof(Header, hash)) != h.hash) {
    Fail(path, AtByte(offsetof(Header, hash)),
         "the header does not have its checksum", kRemedy);
  }
  for (const unsigned char zero : h.zero) {
    if (zero != 0) {
      Fail(path, AtByte(offsetof(Header, zero)),
           "the rest of the header is not zero", kRemedy);
    }
  }
  // A checksum proves no good will: everything in the header is checked.
  if (h.type >= kTypes.size()) {
    Fail(path, AtByte(offsetof(Header, type)),
         "element type " + std::to_string(h.type), kRemedy);
  }
  if (!std::has_single_bit(h.lanes) || h.lanes > 1024 || h.nr != 2 * h.lanes) {
    Fail(path, AtByte(offsetof(Header, lanes)),
         "vectors of " + std::to_string(h.lanes) + " lanes and panels of " +
             std::to_string(h.nr) + " columns",
         kRemedy);
  }
  const uint64_t payload = file.size() - sizeof(h);
  // Below the square root of the largest number: their product is one.
  constexpr uint64_t kMost = uint64_t{1} << 31;
  const bool empty = h.rows == 0 || h.cols == 0;
  if (h.rows > kMost || h.cols > kMost ||
      (!empty && h.rows * h.cols > payload) || h.panel_bytes != payload ||
      parallel::PanelBytes(kTypes[h.type], h.rows, h.cols, h.nr, h.lanes) !=
          payload) {
    Fail(path, AtByte(offsetof(Header, rows)),
         "a matrix [" + std::to_string(h.rows) + ", " + std::to_string(h.cols) +
             "] of " + Name(kTypes[h.type]) + " does not have the " +
             std::to_string(payload) +
             " bytes that follow the header (cut short, or with a tail)",
         kRemedy);
  }
  return h;
}

}  // namespace

void WritePackedPanels(const parallel::PackedPanels& panels,
                       const std::string& path) {
  Header h{};
  std::memcpy(h.magic, kMagic, sizeof(h.magic));
  h.version = kVersion;
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == panels.type) h.type = static_cast<uint32_t>(i);
  }
  h.rows = panels.rows;
  h.cols = panels.cols;
  h.lanes = static_cast<uint32_t>(panels.lanes);
  h.nr = static_cast<uint32_t>(panels.nr);
  h.panel_bytes = panels.data.size();
  h.panel_hash = XXH3_64bits(panels.data.data(), panels.data.size());
  h.hash = XXH3_64bits(&h, offsetof(Header, hash));
  OutputFile file(path);
  file.Write(std::as_bytes(std::span(&h, 1)));
  file.Write(std::as_bytes(std::span(panels.data.data(), panels.data.size())));
  file.Commit();
}

parallel::PackedPanels ReadPackedPanels(Context& ctx, const std::string& path) {
  const MappedFile file(path, MappedFile::Pages::kNow);
  const Header h = ReadHeader(file);
  const unsigned char* bytes = file.data() + sizeof(h);
  const auto size = static_cast<size_t>(h.panel_bytes);
  if (XXH3_64bits(bytes, size) != h.panel_hash) {
    Fail(path, AtByte(sizeof(h)), "the panels do not have their checksum",
         kRemedy);
  }
  parallel::PackedPanels panels;
  panels.rows = static_cast<size_t>(h.rows);
  panels.cols = static_cast<size_t>(h.cols);
  panels.type = kTypes[h.type];
  panels.nr = h.nr;
  panels.lanes = h.lanes;
  panels.data = AlignedBuffer<unsigned char>(size);
  if (size != 0) std::memcpy(panels.data.data(), bytes, size);
  if (parallel::FitsCurrentTarget(panels)) {
    if (panels.type == ElementType::kI8) parallel::SumColumns(ctx, &panels);
    return panels;
  }

  AlignedBuffer<unsigned char> plain(panels.rows * panels.cols *
                                     SizeBytes(panels.type));
  const AnyMatView view(plain.data(), panels.type, panels.rows, panels.cols,
                        panels.cols);
  parallel::Unpack(panels, view);
  return parallel::Pack(ctx, view);
}

}  // namespace ranvier::io
