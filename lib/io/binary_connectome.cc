#include "ranvier/io/binary_connectome.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "ranvier/io/byte_source.h"
#include "ranvier/io/csr_builder.h"
#include "ranvier/io/io_fail.h"

namespace ranvier::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are read as they lie in memory");

// Both formats after their header: row_ptr, targets, weights of four bytes.
class CsrReader {
 public:
  CsrReader(const std::string& path, size_t header_bytes)
      : source_(path), header_(header_bytes) {
    if (source_.Read(header_.data(), header_bytes) != header_bytes) {
      Short("the header of " + std::to_string(header_bytes) + " bytes");
    }
  }

  const std::string& path() const { return source_.path(); }
  uint32_t HeaderWord(size_t at) const {
    uint32_t word = 0;
    std::memcpy(&word, header_.data() + at, sizeof(word));
    return word;
  }
  const unsigned char* header() const { return header_.data(); }

  // Reads and checks the arrays of `neurons` rows and `edges` edges.
  void ReadArrays(uint32_t neurons, uint32_t edges, bool ascending) {
    const uint64_t expected =
        header_.size() + 4 * (uint64_t{neurons} + 1) + 8 * uint64_t{edges};
    const std::string claim = std::to_string(neurons) + " neurons and " +
                              std::to_string(edges) + " edges need " +
                              std::to_string(expected) + " bytes";
    if (source_.gzip() ? expected > source_.max_size()
                       : expected != source_.max_size()) {
      Fail(path(), AtByte(8),
           claim + ", but the file has " +
               (source_.gzip()
                    ? std::to_string(source_.packed_size()) + " packed ones"
                    : std::to_string(source_.packed_size())),
           "copy the file again: it is damaged, cut short or has a tail");
    }
    std::vector<uint32_t> offsets;
    ReadWords(&offsets, size_t{neurons} + 1, "row offsets");
    CheckOffsets(offsets, edges);
    ReadWords(&col_, edges, "targets");
    CheckTargets(neurons, ascending);
    weight_at_ = source_.offset();
    ReadWords(&weight_, edges, "weights");
    CheckWeights();
    char extra = 0;
    if (source_.Read(&extra, 1) != 0) {
      Fail(path(), AtByte(expected), "data after the last weight",
           "copy the file again: " + claim);
    }
  }

  std::vector<uint64_t>& row_ptr() { return row_ptr_; }
  std::vector<uint32_t>& col() { return col_; }
  std::vector<float>& weight() { return weight_; }

 private:
  [[noreturn]] void Short(const std::string& what) const {
    Fail(path(), AtByte(source_.offset()), "the file ends inside " + what,
         "copy the file again: it was cut short");
  }

  // Memory grows with what was really read, never with what is claimed.
  template <class T>
  void ReadWords(std::vector<T>* words, size_t count, const char* what) {
    static_assert(sizeof(T) == 4);
    constexpr size_t kStep = size_t{1} << 20;
    if (!source_.gzip()) words->reserve(count);  // the size was checked
    while (words->size() < count) {
      const size_t done = words->size();
      const size_t step = std::min(count - done, std::max(kStep, done));
      words->resize(done + step);
      if (source_.Read(words->data() + done, 4 * step) != 4 * step) {
        Short(std::string("the ") + what);
      }
    }
  }

  void CheckOffsets(const std::vector<uint32_t>& offsets, uint32_t edges) {
    const uint64_t at = source_.offset() - 4 * offsets.size();
    if (offsets[0] != 0) {
      Fail(path(), AtByte(at),
           "the first row offset is " + std::to_string(offsets[0]) + ", not 0",
           "write the file again");
    }
    for (size_t i = 1; i < offsets.size(); ++i) {
      if (offsets[i] < offsets[i - 1]) {
        Fail(path(), AtByte(at + 4 * i),
             "row offset " + std::to_string(i) + " runs backwards, from " +
                 std::to_string(offsets[i - 1]) + " to " +
                 std::to_string(offsets[i]),
             "write the file again with ascending offsets");
      }
    }
    if (offsets.back() != edges) {
      Fail(path(), AtByte(at + 4 * (offsets.size() - 1)),
           "the last row offset is " + std::to_string(offsets.back()) +
               ", but there are " + std::to_string(edges) + " edges",
           "write the file again");
    }
    row_ptr_.assign(offsets.begin(), offsets.end());
  }

  void CheckTargets(uint32_t neurons, bool ascending) const {
    const uint64_t at = source_.offset() - 4 * col_.size();
    for (size_t i = 0; i + 1 < row_ptr_.size(); ++i) {
      for (uint64_t e = row_ptr_[i]; e < row_ptr_[i + 1]; ++e) {
        if (col_[e] >= neurons) {
          Fail(path(), AtByte(at + 4 * e),
               "neuron " + std::to_string(i) + " has target " +
                   std::to_string(col_[e]) + ", but there are " +
                   std::to_string(neurons) + " neurons",
               "write the file again with targets from 0 to N - 1");
        }
        if (ascending && e > row_ptr_[i] && col_[e] <= col_[e - 1]) {
          Fail(path(), AtByte(at + 4 * e),
               "neuron " + std::to_string(i) + " has target " +
                   std::to_string(col_[e]) + " after " +
                   std::to_string(col_[e - 1]),
               "write the file again with ascending targets, repeated pairs "
               "added up");
        }
      }
    }
  }

  void CheckWeights() const {
    for (size_t e = 0; e < weight_.size(); ++e) {
      if (!std::isfinite(weight_[e])) {
        Fail(path(), AtByte(weight_at_ + 4 * e),
             "the weight of edge " + std::to_string(e) + " is not finite",
             "write the file again without NaN and infinity");
      }
    }
  }

  ByteSource source_;
  std::vector<unsigned char> header_;
  std::vector<uint64_t> row_ptr_;
  std::vector<uint32_t> col_;
  std::vector<float> weight_;
  uint64_t weight_at_ = 0;
};

}  // namespace

ConnectomeParts ReadConn1(Context& ctx, const std::string& path) {
  CsrReader reader(path, 16);
  if (std::memcmp(reader.header(), "CONN1\0\0\0", 8) != 0) {
    Fail(path, AtByte(0),
         "does not begin with CONN1 but with " +
             Quoted({reinterpret_cast<const char*>(reader.header()), 8}),
         "choose another format, or auto");
  }
  reader.ReadArrays(reader.HeaderWord(8), reader.HeaderWord(12),
                    /*ascending=*/true);
  ConnectomeParts parts;
  parts.row_ptr = std::move(reader.row_ptr());
  parts.col = std::move(reader.col());
  parts.weight = NarrowestWeights(ctx, std::move(reader.weight()));
  return parts;
}

ConnectomeParts ReadFlyw(Context& ctx, const std::string& path) {
  constexpr uint32_t kMagic = 0x464C5957;
  CsrReader reader(path, 16);
  if (reader.HeaderWord(0) != kMagic) {
    Fail(path, AtByte(0),
         "does not begin with the FLYW magic but with " +
             Quoted({reinterpret_cast<const char*>(reader.header()), 4}),
         "choose another format, or auto");
  }
  if (reader.HeaderWord(4) != 1) {
    Fail(path, AtByte(4),
         "FLYW version " + std::to_string(reader.HeaderWord(4)) +
             "; only version 1 is known",
         "write the file again as version 1");
  }
  reader.ReadArrays(reader.HeaderWord(8), reader.HeaderWord(12),
                    /*ascending=*/false);
  const std::vector<uint64_t> row_ptr = std::move(reader.row_ptr());
  const std::vector<uint32_t> col = std::move(reader.col());
  const std::vector<float> weight = std::move(reader.weight());
  std::vector<EdgeChunk> chunks(1);
  chunks[0].rows.reserve(col.size());
  for (size_t i = 0; i + 1 < row_ptr.size(); ++i) {
    for (uint64_t e = row_ptr[i]; e < row_ptr[i + 1]; ++e) {
      chunks[0].rows.push_back({static_cast<uint32_t>(i), col[e], weight[e]});
    }
  }
  CsrOptions options;
  options.path = path;
  options.neuron_name = [](uint32_t i) { return std::to_string(i); };
  ConnectomeParts parts;
  BuildCsr(ctx, row_ptr.size() - 1, std::move(chunks), options, &parts);
  return parts;
}

}  // namespace ranvier::io
