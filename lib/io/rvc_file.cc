#include "ranvier/io/rvc_file.h"

// Header only and private: no library to link, no symbol of it is seen.
#define XXH_INLINE_ALL
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <xxhash.h>

#include "ranvier/io/id_table.h"
#include "ranvier/io/io_fail.h"
#include "ranvier/io/mapped_file.h"
#include "ranvier/io/output_file.h"

namespace ranvier::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "arrays are written and mapped as they lie in memory");

enum : size_t { kRowPtr, kCol, kWeight, kId, kName, kSections };
constexpr std::array<const char*, kSections> kSectionNames = {
    "row_ptr", "col", "weight", "id", "name"};

struct Section {
  uint64_t offset;
  uint64_t bytes;
  uint64_t hash;
};

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t file_bytes;
  uint64_t neurons;
  uint64_t edges;
  uint32_t weight_type;
  uint32_t flags;
  double delay_ms;
  Section sections[kSections];
  uint64_t reserved;
  uint64_t hash;
};
static_assert(sizeof(Header) == 192 && offsetof(Header, hash) == 184);

constexpr uint32_t kVersion = 1;
constexpr uint32_t kSynthetic = 1;
constexpr uint32_t kHasIds = 2;
constexpr uint64_t kAlign = 64;
constexpr uint64_t kMaxNameBytes = 4096;
constexpr std::array<uint64_t, 3> kWeightBytes = {2, 4, 4};
constexpr const char* kRemedy = "import the connectome again";

uint64_t Aligned(uint64_t offset) {
  return (offset + kAlign - 1) / kAlign * kAlign;
}

// Where the sections of a file of this shape lie; returns its size. Sizes are
// below 2^32 neurons and 2^40 edges, so that nothing here can overflow.
uint64_t Place(uint64_t name_bytes, Header* header) {
  const uint64_t n = header->neurons;
  const uint64_t e = header->edges;
  const std::array<uint64_t, kSections> bytes = {
      8 * (n + 1), 4 * e, kWeightBytes[header->weight_type] * e,
      (header->flags & kHasIds) != 0 ? 8 * n : 0, name_bytes};
  uint64_t end = sizeof(Header);
  for (size_t s = 0; s < kSections; ++s) {
    header->sections[s].offset = Aligned(end);
    header->sections[s].bytes = bytes[s];
    end = header->sections[s].offset + bytes[s];
  }
  return end;
}

// One mapped file while it is checked.
class Reader {
 public:
  Reader(Context& ctx, const std::string& path)
      : ctx_(ctx),
        file_(std::make_shared<MappedFile>(path, MappedFile::Pages::kNow)) {}

  Connectome Read() {
    CheckHeader();
    CheckLayout();
    CheckSmallSections();
    CheckRowPtr();
    CheckEdges();
    CheckIds();
    Connectome::Arrays arrays;
    arrays.row_ptr = Array<uint64_t>(kRowPtr);
    arrays.col = Array<uint32_t>(kCol);
    switch (header_.weight_type) {
      case 0:
        arrays.weight = Array<int16_t>(kWeight);
        break;
      case 1:
        arrays.weight = Array<int32_t>(kWeight);
        break;
      default:
        arrays.weight = Array<float>(kWeight);
    }
    arrays.id = Array<int64_t>(kId);
    arrays.delay_ms = header_.delay_ms;
    const auto name = Array<char>(kName);
    arrays.name.assign(name.begin(), name.end());
    arrays.synthetic = (header_.flags & kSynthetic) != 0;
    return Connectome(std::move(arrays), file_);
  }

 private:
  const std::string& path() const { return file_->path(); }
  const Section& section(size_t s) const { return header_.sections[s]; }

  template <class T>
  std::span<const T> Array(size_t s) const {
    return {reinterpret_cast<const T*>(file_->data() + section(s).offset),
            static_cast<size_t>(section(s).bytes / sizeof(T))};
  }

  void CheckHeader() {
    if (file_->size() == 0) {
      Fail(path(), AtByte(0), "the file is empty", kRemedy);
    }
    const size_t known = std::min(file_->size(), sizeof(header_.magic));
    if (std::memcmp(file_->data(), kRvcMagic, known) != 0) {
      Fail(path(), AtByte(0), "is not a Ranvier connectome",
           "choose another format, or auto");
    }
    if (file_->size() < sizeof(Header)) {
      Fail(path(), AtByte(file_->size()), "the file ends inside its header",
           kRemedy);
    }
    std::memcpy(&header_, file_->data(), sizeof(Header));
    if (header_.version != kVersion) {
      Fail(path(), AtByte(offsetof(Header, version)),
           "version " + std::to_string(header_.version) +
               " of the format; this program reads version " +
               std::to_string(kVersion),
           header_.version > kVersion ? "use a newer program" : kRemedy);
    }
    if (XXH3_64bits(file_->data(), offsetof(Header, hash)) != header_.hash) {
      Fail(path(), AtByte(offsetof(Header, hash)),
           "the header does not have its checksum", kRemedy);
    }
  }

  // A checksum proves no good will: everything in the header is checked.
  void CheckLayout() {
    const auto refuse = [&](size_t at, const std::string& found) {
      Fail(path(), AtByte(at), found, kRemedy);
    };
    if (header_.header_bytes != sizeof(Header)) {
      refuse(offsetof(Header, header_bytes),
             "a header of " + std::to_string(header_.header_bytes) + " bytes");
    }
    if (header_.file_bytes != file_->size()) {
      refuse(offsetof(Header, file_bytes),
             "the file has " + std::to_string(file_->size()) +
                 " bytes where its header says " +
                 std::to_string(header_.file_bytes) +
                 (header_.file_bytes > file_->size() ? " (cut short)"
                                                     : " (a tail follows)"));
    }
    if (header_.neurons > std::numeric_limits<uint32_t>::max() ||
        header_.neurons > file_->size() / 8) {
      refuse(offsetof(Header, neurons),
             std::to_string(header_.neurons) + " neurons do not fit the file");
    }
    if (header_.edges > file_->size() / 4) {
      refuse(offsetof(Header, edges),
             std::to_string(header_.edges) + " edges do not fit the file");
    }
    if (header_.weight_type >= kWeightBytes.size()) {
      refuse(offsetof(Header, weight_type),
             "weight type " + std::to_string(header_.weight_type));
    }
    if ((header_.flags & ~(kSynthetic | kHasIds)) != 0 ||
        header_.reserved != 0) {
      refuse(offsetof(Header, flags), "flags that version 1 does not have");
    }
    if (!std::isfinite(header_.delay_ms) || header_.delay_ms < 0) {
      refuse(offsetof(Header, delay_ms),
             "a delay of " + std::to_string(header_.delay_ms) + " ms");
    }
    const uint64_t name_bytes = section(kName).bytes;
    if (name_bytes > kMaxNameBytes) {
      refuse(offsetof(Header, sections) + kName * sizeof(Section),
             "a name of " + std::to_string(name_bytes) + " bytes");
    }
    Header canonical = header_;
    const uint64_t size = Place(name_bytes, &canonical);
    for (size_t s = 0; s < kSections; ++s) {
      if (section(s).offset != canonical.sections[s].offset ||
          section(s).bytes != canonical.sections[s].bytes) {
        refuse(offsetof(Header, sections) + s * sizeof(Section),
               std::string("section ") + kSectionNames[s] + " of " +
                   std::to_string(section(s).bytes) + " bytes at " +
                   std::to_string(section(s).offset) + ", expected " +
                   std::to_string(canonical.sections[s].bytes) + " at " +
                   std::to_string(canonical.sections[s].offset));
      }
    }
    if (size != header_.file_bytes) {
      refuse(offsetof(Header, file_bytes),
             "sections end at " + std::to_string(size) + ", the file at " +
                 std::to_string(header_.file_bytes));
    }
  }

  void CheckHash(size_t s) const {
    const unsigned char* data = file_->data() + section(s).offset;
    const auto bytes = static_cast<size_t>(section(s).bytes);
    if (XXH3_64bits(data, bytes) == section(s).hash) return;
    Fail(path(), AtByte(section(s).offset),
         std::string("section ") + kSectionNames[s] +
             " does not have its checksum: the file is damaged",
         "copy it again, or " + std::string(kRemedy));
  }

  void CheckSmallSections() const {
    for (const size_t s : {kRowPtr, kId, kName}) CheckHash(s);
  }

  void CheckRowPtr() const {
    const auto row_ptr = Array<uint64_t>(kRowPtr);
    const uint64_t at = section(kRowPtr).offset;
    if (row_ptr.front() != 0) {
      Fail(path(), AtByte(at), "row_ptr does not begin with 0", kRemedy);
    }
    for (size_t i = 1; i < row_ptr.size(); ++i) {
      if (row_ptr[i] < row_ptr[i - 1] || row_ptr[i] > header_.edges) {
        Fail(path(), AtByte(at + 8 * i),
             "row_ptr runs from " + std::to_string(row_ptr[i - 1]) + " to " +
                 std::to_string(row_ptr[i]) + " with " +
                 std::to_string(header_.edges) + " edges",
             kRemedy);
      }
    }
    if (row_ptr.back() != header_.edges) {
      Fail(path(), AtByte(at + 8 * header_.neurons),
           "row_ptr ends with " + std::to_string(row_ptr.back()) + ", not " +
               std::to_string(header_.edges),
           kRemedy);
    }
  }

  // The two large checksums and the checks of the edges, side by side. A
  // checksum error is told first: it explains all others.
  void CheckEdges() {
    constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
    const auto row_ptr = Array<uint64_t>(kRowPtr);
    const size_t neurons = static_cast<size_t>(header_.neurons);
    const size_t parts = static_cast<size_t>(ctx_.threads()) * 4;
    std::vector<uint64_t> bad_col(parts, kNone), bad_weight(parts, kNone);
    std::array<std::exception_ptr, 2> hash_error;
    ctx_.ParallelFor(parts + 2, [&](size_t task) {
      if (task < 2) {
        try {
          CheckHash(task == 0 ? kCol : kWeight);
        } catch (...) {
          hash_error[task] = std::current_exception();
        }
        return;
      }
      // Edges [begin, end), whatever rows they are of.
      const size_t part = task - 2;
      const uint64_t begin = header_.edges * part / parts;
      const uint64_t end = header_.edges * (part + 1) / parts;
      bad_col[part] = FirstBadCol(row_ptr, neurons, begin, end);
      if (header_.weight_type == 2) {
        const auto weight = Array<float>(kWeight);
        for (uint64_t e = begin; e < end; ++e) {
          if (std::isfinite(weight[e])) continue;
          bad_weight[part] = e;
          break;
        }
      }
    });
    for (const auto& error : hash_error) {
      if (error != nullptr) std::rethrow_exception(error);
    }
    for (size_t part = 0; part < parts; ++part) {
      if (bad_col[part] != kNone) {
        const uint64_t e = bad_col[part];
        Fail(path(), AtByte(section(kCol).offset + 4 * e),
             "target " + std::to_string(Array<uint32_t>(kCol)[e]) +
                 " of edge " + std::to_string(e) +
                 " is not ascending in its row or not below " +
                 std::to_string(neurons),
             kRemedy);
      }
      if (bad_weight[part] != kNone) {
        const uint64_t e = bad_weight[part];
        Fail(path(), AtByte(section(kWeight).offset + 4 * e),
             "the weight of edge " + std::to_string(e) + " is not finite",
             kRemedy);
      }
    }
  }

  uint64_t FirstBadCol(std::span<const uint64_t> row_ptr, size_t neurons,
                       uint64_t begin, uint64_t end) const {
    const auto col = Array<uint32_t>(kCol);
    const auto it = std::upper_bound(row_ptr.begin(), row_ptr.end(), begin);
    size_t row = static_cast<size_t>(it - row_ptr.begin()) - 1;
    for (uint64_t e = begin; e < end; ++row) {
      const uint64_t stop = std::min(end, row_ptr[row + 1]);
      // The first of a row has no one before it; the first of a part may.
      int64_t last = e > row_ptr[row] ? int64_t{col[e - 1]} : -1;
      bool good = true;
      for (uint64_t k = e; k < stop; ++k) {
        good = good && int64_t{col[k]} > last;
        last = col[k];
      }
      // Ascending: the last is the largest.
      if (!good || (stop > e && last >= static_cast<int64_t>(neurons))) {
        last = e > row_ptr[row] ? int64_t{col[e - 1]} : -1;
        for (uint64_t k = e; k < stop; ++k) {
          if (int64_t{col[k]} <= last || col[k] >= neurons) return k;
          last = col[k];
        }
      }
      e = stop;
    }
    return std::numeric_limits<uint64_t>::max();
  }

  void CheckIds() const {
    IdTable table;
    const auto ids = Array<int64_t>(kId);
    for (size_t i = 0; i < ids.size(); ++i) {
      const uint32_t number = table.Insert(ids[i]);
      if (number == i) continue;
      Fail(path(), AtByte(section(kId).offset + 8 * i),
           "id " + std::to_string(ids[i]) + " belongs to neuron " +
               std::to_string(number) + " and to neuron " + std::to_string(i),
           kRemedy);
    }
  }

  Context& ctx_;
  std::shared_ptr<MappedFile> file_;
  Header header_ = {};
};

}  // namespace

Connectome ReadRvc(Context& ctx, const std::string& path) {
  return Reader(ctx, path).Read();
}

void WriteRvc(const Connectome& connectome, const std::string& path) {
  if (path.size() >= 3 && path.substr(path.size() - 3) == ".gz") {
    Fail(path, "name", "a compressed file could not be mapped",
         "drop the .gz from the name");
  }
  static constexpr uint64_t kNoNeurons[1] = {0};
  const std::string name = connectome.name().substr(0, kMaxNameBytes);
  const std::span<const uint64_t> row_ptr =
      connectome.neurons() == 0 ? std::span<const uint64_t>(kNoNeurons)
                                : connectome.row_ptr();
  const std::array<std::span<const std::byte>, kSections> contents = {
      std::as_bytes(row_ptr), std::as_bytes(connectome.col()),
      std::visit([](auto weight) { return std::as_bytes(weight); },
                 connectome.weight()),
      std::as_bytes(connectome.ids()),
      std::as_bytes(std::span(name.data(), name.size()))};

  Header header = {};
  std::memcpy(header.magic, kRvcMagic, sizeof(header.magic));
  header.version = kVersion;
  header.header_bytes = sizeof(Header);
  header.neurons = connectome.neurons();
  header.edges = connectome.edges();
  header.weight_type = static_cast<uint32_t>(connectome.weight().index());
  header.flags = (connectome.synthetic() ? kSynthetic : 0) |
                 (connectome.has_ids() ? kHasIds : 0);
  header.delay_ms = connectome.delay_ms();
  header.file_bytes = Place(name.size(), &header);
  for (size_t s = 0; s < kSections; ++s) {
    header.sections[s].hash =
        XXH3_64bits(contents[s].data(), contents[s].size());
  }
  header.hash = XXH3_64bits(&header, offsetof(Header, hash));

  OutputFile file(path);
  file.Write(std::as_bytes(std::span(&header, 1)));
  uint64_t at = sizeof(Header);
  for (size_t s = 0; s < kSections; ++s) {
    const std::string padding(
        static_cast<size_t>(header.sections[s].offset - at), '\0');
    file.Write(padding);
    file.Write(contents[s]);
    at = header.sections[s].offset + header.sections[s].bytes;
  }
  file.Commit();
}

}  // namespace ranvier::io
