// Every kind of broken file gives one IoError that names the file, the place
// and a remedy. Files are made here, in a temporary folder.

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <array>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <xxhash.h>

#include "ranvier/io/connectome_file.h"
#include "ranvier/simd/base/error.h"

#include "tests/lib/io/made_files.h"
#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

using test::Bytes;
using test::Conn1;
using test::Flyw;
using test::Graph;
using test::Gzip;
using test::Patched;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Case {
  std::string name;
  std::string bytes;
  std::string place;  // in the message
  std::string found;  // in the message
  ImportOptions options = {};
  std::string neurons = {};  // content of the list of neurons
};

Graph With(void (*spoil)(Graph&)) {
  Graph graph;
  spoil(graph);
  return graph;
}

ImportOptions As(ConnectomeFormat format) {
  ImportOptions options;
  options.format = format;
  return options;
}

std::vector<Case> GzipCases() {
  const std::string good = Gzip(Conn1(Graph()));
  std::string bad_crc = good;
  bad_crc[bad_crc.size() - 8] =
      static_cast<char>(bad_crc[bad_crc.size() - 8] ^ 1);
  std::string bad_size = good;
  bad_size.back() = static_cast<char>(bad_size.back() ^ 1);
  std::string bad_method = good;
  bad_method[2] = 7;
  // 80 MB of zeros in 80 kB, as a graph and as text.
  const std::string bomb = Gzip(std::string(size_t{80} << 20, '\0'));
  const std::string graph_bomb =
      Gzip(std::string("CONN1\0\0\0", 8) + Bytes(0x00FFFFFFu) + Bytes(0u) +
           std::string(size_t{70} << 20, '\0'));
  std::string rows = "pre,post,weight\n";
  while (rows.size() < (size_t{70} << 20)) rows += "1,2,3\n";
  return {
      {"empty file", "", "byte 0", "empty"},
      {"gzip magic alone", "\x1F\x8B", "byte 2", "cut short"},
      {"gzip header alone", good.substr(0, 10), "byte 10", "cut short"},
      {"gzip cut in the data", good.substr(0, good.size() / 2), "byte ",
       "cut short"},
      {"gzip cut in the trailer", good.substr(0, good.size() - 3), "byte ",
       "cut short"},
      {"gzip checksum", bad_crc, "byte ", "damaged"},
      {"gzip length", bad_size, "byte ", "damaged"},
      {"gzip method", bad_method, "byte ", "damaged"},
      {"garbage after gzip", good + "garbage", "byte ", "follow the data"},
      {"second member cut", good + good.substr(0, 15), "byte 68",
       "after the last"},
      {"gzip of nothing", Gzip(""), "line 1", "no header"},
      {"gzip bomb of zeros", bomb, "line 1", "binary"},
      {"gzip bomb, claimed graph", graph_bomb, "byte 8", "packed ones"},
      {"gzip bomb of rows", Gzip(rows), "byte ", "gzip bomb"},
  };
}

std::vector<Case> PlainBinaryCases() {
  const std::string good = Conn1(Graph());
  const auto conn1 = As(ConnectomeFormat::kConn1);
  std::vector<Case> cases = {
      {"conn1: wrong magic", "CONN2" + good.substr(5), "byte 0", "CONN1",
       conn1},
      {"conn1: header cut", good.substr(0, 11), "byte ", "header", conn1},
      {"conn1: magic alone", good.substr(0, 8), "byte 8", "header"},
      {"conn1: cut in offsets", good.substr(0, 20), "byte 8", "cut short"},
      {"conn1: last byte missing", good.substr(0, good.size() - 1), "byte 8",
       "cut short"},
      {"conn1: tail", good + "x", "byte 8", "tail"},
      {"conn1: tail, packed", Gzip(good + "x"), "byte 68", "after the last"},
      {"conn1: cut, packed", Gzip(good.substr(0, 50)), "byte ",
       "inside the targets"},
      {"conn1: huge claim",
       Conn1(With([](Graph& g) { g.neurons = g.edges = 0xFFFFFFFFu; })),
       "byte 8", "4294967295 neurons"},
      {"conn1: huge claim, packed",
       Gzip(Conn1(With([](Graph& g) { g.neurons = g.edges = 0xFFFFFFFFu; }))),
       "byte 8", "4294967295 neurons"},
      {"conn1: large claim, packed",
       Gzip(Conn1(With([](Graph& g) { g.edges = 8000000; }))), "byte ",
       "last row offset"},
      {"conn1: first offset", Conn1(With([](Graph& g) { g.row_ptr[0] = 1; })),
       "byte 16", "not 0"},
      {"conn1: offsets run backwards", Conn1(With([](Graph& g) {
         g.row_ptr = {0, 3, 2, 4, 4};
       })),
       "byte 24", "backwards"},
      {"conn1: offset beyond the edges", Conn1(With([](Graph& g) {
         g.row_ptr = {0, 2, 9, 9, 9};
       })),
       "byte 32", "last row offset"},
      {"conn1: last offset", Conn1(With([](Graph& g) { g.row_ptr[4] = 5; })),
       "byte 32", "there are 4 edges"},
      {"conn1: target out of range",
       Conn1(With([](Graph& g) { g.col[3] = 4; })), "byte 48",
       "there are 4 neurons"},
      {"conn1: targets unsorted", Conn1(With([](Graph& g) {
         g.col = {2, 1, 0, 2};
       })),
       "byte 40", "target 1 after 2"},
      {"conn1: repeated target", Conn1(With([](Graph& g) {
         g.col = {1, 1, 0, 2};
       })),
       "byte 40", "target 1 after 1"},
      {"conn1: NaN weight", Conn1(With([](Graph& g) { g.weight[1] = kNan; })),
       "byte 56", "not finite"},
      {"conn1: infinite weight",
       Gzip(Conn1(With([](Graph& g) { g.weight[3] = -kInf; }))), "byte 64",
       "not finite"},
      {"flyw: version", Flyw(Graph(), 2), "byte 4", "version 2"},
      {"flyw: wrong magic", good, "byte 0", "FLYW",
       As(ConnectomeFormat::kFlyw)},
      {"flyw: cut", Flyw(Graph()).substr(0, 60), "byte 8", "cut short"},
      {"flyw: magic alone", Flyw(Graph()).substr(0, 4), "byte 4", "header"},
      {"flyw: offsets run backwards", Flyw(With([](Graph& g) {
         g.row_ptr = {0, 4, 2, 4, 4};
       })),
       "byte 24", "backwards"},
      {"flyw: target out of range",
       Flyw(With([](Graph& g) { g.col[0] = 0x80000000u; })), "byte 36",
       "2147483648"},
      {"flyw: NaN weight", Flyw(With([](Graph& g) { g.weight[0] = kNan; })),
       "byte 52", "not finite"},
      {"flyw: counts overflow", Flyw(With([](Graph& g) {
         g.col = {1, 1, 0, 2};
         g.weight = {2e9f, 2e9f, 1, 1};
       })),
       "pair 0 -> 1", "overflows a 32-bit count"},
      {"flyw: reals overflow", Flyw(With([](Graph& g) {
         g.col = {1, 1, 0, 2};
         g.weight = {3e38f, 3e38f, 0.5f, 1};
       })),
       "pair 0 -> 1", "overflows a 32-bit real"},
  };
  return cases;
}

std::vector<Case> CsvCases() {
  const std::string edges = "pre,post,weight\n";
  const std::string codex =
      "pre_root_id,post_root_id,neuropil,syn_count,nt_type\n";
  const std::string shiu =
      "Presynaptic_ID,Postsynaptic_ID,Presynaptic_Index,Postsynaptic_Index,"
      "Connectivity,Excitatory,Excitatory x Connectivity\n";
  const std::string neurons = ",Completed\n70,True\n50,True\n";
  ImportOptions indices;
  indices.ids_are_indices = true;
  ImportOptions three = indices;
  three.neuron_count = 3;
  ImportOptions filter;
  filter.filter_column = "weight";
  filter.filter_value = "9";
  ImportOptions named;
  named.weight_column = "strength";
  ImportOptions signs;
  signs.transmitter_column = "nt";
  return {
      {"csv: blank lines only", "\n\r\n\n", "line 1", "no header"},
      {"csv: only a header", edges, "line 2", "no edges"},
      {"csv: header without newline", "pre,post,weight", "line 2", "no edges"},
      {"csv: no weight column", "pre,post\n1,2\n", "line 1",
       "usual names of the weight"},
      {"csv: no pre column", "a,b,weight\n1,2,3\n", "line 1",
       "usual names of the pre"},
      {"csv: named column missing", edges + "1,2,3\n", "line 1", "'strength'",
       named},
      {"csv: filter column missing", "pre,post,w\n1,2,3\n", "line 1",
       "'weight'", filter},
      {"csv: filter leaves nothing", edges + "1,2,3\n", "line 2", "no row has",
       filter},
      {"csv: too few fields", edges + "1,2,3\n\n4,5\n", "line 4", "2 fields"},
      {"csv: too many fields", edges + "1,2,3,4\n", "line 2", "4 fields"},
      {"csv: last line cut", edges + "1,2,3\n1,2", "line 3", "2 fields"},
      {"csv: text in an id", edges + "1,2,3\n1,two,3\n", "line 3", "'two'"},
      {"csv: empty id", edges + ",2,3\n", "line 2", "''"},
      {"csv: text in a weight", edges + "1,2,3x\n", "line 2", "'3x'"},
      {"csv: real id", edges + "1.0,2,3\n", "line 2", "'1.0'"},
      {"csv: id in exponent form", edges + "7.2E+17,2,3\n", "line 2",
       "'7.2E+17'"},
      {"csv: id beyond 64 bits", edges + "9223372036854775808,2,3\n", "line 2",
       "64 bits"},
      {"csv: id below 64 bits", edges + "-9223372036854775809,2,3\n", "line 2",
       "64 bits"},
      {"csv: NaN weight", edges + "1,2,nan\n", "line 2", "no finite number"},
      {"csv: infinite weight", edges + "1,2,-inf\n", "line 2",
       "no finite number"},
      {"csv: weight too large for a real", edges + "1,2,1e999\n", "line 2",
       "no finite number"},
      {"csv: weight too large for f32", edges + "1,2,1e300\n1,3,0.5\n",
       "pair 1 -> 2", "overflows a 32-bit real"},
      {"csv: count overflows", edges + "1,2,2147483648\n", "pair 1 -> 2",
       "overflows a 32-bit count"},
      {"csv: sum overflows", edges + "1,2,2147483647\n1,2,1\n", "pair 1 -> 2",
       "overflows a 32-bit count"},
      {"csv: quote never closed", edges + "1,2,3\n1,\"2,3\n4,5,6\n", "line 3",
       "never closed"},
      {"csv: quote never closed, long",
       edges + "1,\"" + std::string(size_t{6} << 20, 'x'), "line 2",
       "record of more than"},
      {"csv: text after a quote", edges + "1,\"2\"x,3\n", "line 2",
       "after a closing quote"},
      {"csv: quote in the header", "\"pre,post,weight\n1,2,3\n", "line 1",
       "never closed"},
      {"csv: binary data", std::string("\x01\x02\x00\x7F", 4), "line 1",
       "binary"},
      {"csv: binary behind the header", edges + std::string("\x00\xFF\n", 3),
       "line 2", "1 field"},
      {"csv: binary in a number", edges + std::string("1,\x00\x02,3\n", 8),
       "line 2", "\\x00"},
      {"csv: one endless line", edges + std::string(size_t{6} << 20, '1'),
       "line 2", "record of more than"},
      {"csv: endless header", std::string(size_t{6} << 20, 'a'), "line 1", ""},
      {"csv: very many columns", std::string(5000, ','), "line 1",
       "more than 4096 columns"},
      {"csv: semicolons", "pre;post;weight\n1;2;3\n", "line 1",
       "not separated by commas"},
      {"csv: negative index", edges + "0,-1,3\n", "line 2", "index -1",
       indices},
      {"csv: index beyond the count", edges + "0,3,3\n", "line 2", "0 to 2",
       three},
      {"csv: index beyond 32 bits", edges + "0,4294967296,3\n", "line 2",
       "4294967296", indices},
      {"csv: huge index in a tiny file", edges + "0,4294967290,3\n", "1 rows",
       "4294967290", indices},
      {"csv: negative with transmitter", "pre,post,weight,nt\n1,2,-3,ACH\n",
       "line 2", "negative", signs},
      {"codex: no nt_type", "pre_root_id,post_root_id,syn_count\n1,2,3\n",
       "line 1", "'nt_type'", As(ConnectomeFormat::kCodexCsv)},
      {"codex: no ids", "neuropil,syn_count,nt_type\nGNG,3,ACH\n", "line 1",
       "'pre_root_id'", As(ConnectomeFormat::kCodexCsv)},
      {"codex: real count", codex + "1,2,GNG,3.5,ACH\n", "line 2", "'3.5'"},
      {"codex: negative count", codex + "1,2,GNG,-3,ACH\n", "line 2",
       "negative"},
      {"codex: count beyond 64 bits",
       codex + "1,2,GNG,99999999999999999999,ACH\n", "line 2", "64 bits"},
      {"codex: unknown id",
       codex + "50,70,GNG,3,ACH\n50,60,GNG,3,ACH\n",
       "line 3",
       "id 60",
       {},
       neurons},
      {"shiu: no neurons", shiu + "1,2,0,1,3,1,3\n", "line 1",
       "without its Completeness"},
      {"shiu: no index columns",
       "Presynaptic_ID,Postsynaptic_ID,Excitatory x Connectivity\n70,50,3\n",
       "line 1",
       "'Presynaptic_Index'",
       {},
       neurons},
      {"shiu: wrong index",
       shiu + "70,50,0,1,3,1,3\n50,70,1,1,3,1,3\n",
       "line 3",
       "says 1",
       {},
       neurons},
      {"shiu: unknown id",
       shiu + "70,51,0,1,3,1,3\n",
       "line 2",
       "id 51",
       {},
       neurons},
      {"neurons: repeated id",
       shiu + "70,50,0,1,3,1,3\n",
       "neuron 2",
       "already given",
       {},
       neurons + "70,True\n"},
      {"neurons: only a header",
       shiu + "70,50,0,1,3,1,3\n",
       "line 2",
       "no neurons",
       {},
       ",Completed\n"},
      {"neurons: text",
       shiu + "70,50,0,1,3,1,3\n",
       "line 3",
       "'many'",
       {},
       ",Completed\n70,True\nmany,True\n"},
      {"a Parquet file", "PAR1" + std::string(20, '\x15'), "byte 0",
       "parquet_to_csv"},
      {"a zstd file", "\x28\xB5\x2F\xFD....", "byte 0", "zstd -d"},
      {"UTF-16 text", std::string("\xFF\xFEp\0r\0", 6), "byte 0", "UTF-8"},
  };
}

// A valid file of our own format, to be spoilt.
std::string Rvc(const test::TempDir& dir, bool real = false) {
  ConnectomeParts parts;
  parts.row_ptr = {0, 2, 2, 4, 4};
  parts.col = {1, 2, 0, 2};
  if (real) {
    parts.weight = std::vector<float>{0.5f, 1, 1, 1};
  } else {
    parts.weight = std::vector<int16_t>{3, -1, 1, -200};
  }
  parts.id = {70, 50, 60, 80};
  parts.name = "a name";
  SaveConnectome(Connectome(std::move(parts)), dir.File("good.rvc"));
  return test::ReadFile(dir.File("good.rvc"));
}

constexpr size_t kSectionTable = 56;
uint64_t SectionOffset(const std::string& bytes, size_t section) {
  uint64_t offset = 0;
  std::memcpy(&offset, bytes.data() + kSectionTable + 24 * section, 8);
  return offset;
}

// Makes all checksums right again: what is left is what they cannot see.
std::string Rehashed(std::string bytes) {
  for (size_t s = 0; s < 5; ++s) {
    uint64_t place[2];
    std::memcpy(place, bytes.data() + kSectionTable + 24 * s, 16);
    if (place[0] > bytes.size() || place[1] > bytes.size() - place[0]) continue;
    bytes = Patched(bytes, kSectionTable + 24 * s + 16,
                    uint64_t{XXH3_64bits(bytes.data() + place[0], place[1])});
  }
  return Patched(bytes, 184, uint64_t{XXH3_64bits(bytes.data(), 184)});
}

std::vector<Case> RvcCases(const test::TempDir& dir) {
  const std::string good = Rvc(dir);
  const std::string real = Rvc(dir, /*real=*/true);
  const auto format = As(ConnectomeFormat::kRanvier);
  const auto at = [&](size_t section, size_t byte) {
    return static_cast<size_t>(SectionOffset(good, section)) + byte;
  };
  const auto header = [&](size_t byte, auto value) {
    return Rehashed(Patched(good, byte, value));
  };
  std::vector<Case> cases = {
      {"rvc: empty", "", "byte 0", "empty", format},
      {"rvc: wrong magic", "x" + good.substr(1), "byte 0", "not a Ranvier",
       format},
      {"rvc: text-mode copy", Patched(good, 4, '\n'), "byte 0", "not a Ranvier",
       format},
      {"rvc: half a magic", good.substr(0, 5), "byte 5", "ends inside", format},
      {"rvc: header cut", good.substr(0, 100), "byte 100", "ends inside"},
      {"rvc: packed", Gzip(good), "byte 0", "gunzip"},
      {"rvc: next version", header(8, uint32_t{2}), "byte 8", "version 2"},
      {"rvc: flip in the header", Patched(good, 25, '\x01'), "byte 184",
       "checksum"},
      {"rvc: cut", good.substr(0, good.size() - 1), "byte 16", "cut short"},
      {"rvc: header alone", good.substr(0, 192), "byte 16", "cut short"},
      {"rvc: tail", good + "x", "byte 16", "tail"},
      {"rvc: header length", header(12, uint32_t{128}), "byte 12", "128"},
      {"rvc: huge N", header(24, uint64_t{1} << 60), "byte 24", "neurons"},
      {"rvc: N + 1 overflows", header(24, ~uint64_t{0}), "byte 24", "neurons"},
      {"rvc: N too small", header(24, uint64_t{3}), "byte ", "row_ptr"},
      {"rvc: huge E", header(32, uint64_t{1} << 61), "byte 32", "edges"},
      {"rvc: E too small", header(32, uint64_t{3}), "byte ", "col"},
      {"rvc: weight type", header(40, uint32_t{3}), "byte 40", "weight type"},
      {"rvc: other weight type", header(40, uint32_t{1}), "byte ", "weight"},
      {"rvc: unknown flag", header(44, uint32_t{4}), "byte 44", "flags"},
      {"rvc: ids not there", header(44, uint32_t{0}), "byte ", "id"},
      {"rvc: NaN delay", header(48, std::numeric_limits<double>::quiet_NaN()),
       "byte 48", "delay"},
      {"rvc: negative delay", header(48, -1.0), "byte 48", "delay"},
      {"rvc: section beyond the file", header(kSectionTable, uint64_t{1} << 40),
       "byte 56", "row_ptr"},
      {"rvc: sections overlap",
       header(kSectionTable + 24, SectionOffset(good, 0)), "byte 80", "col"},
      {"rvc: long name", header(kSectionTable + 4 * 24 + 8, uint64_t{1} << 50),
       "byte ", "name"},
      {"rvc: first row_ptr", Rehashed(Patched(good, at(0, 0), uint64_t{1})),
       "byte 192", "begin with 0"},
      {"rvc: row_ptr runs backwards",
       Rehashed(Patched(good, at(0, 8), uint64_t{3})), "byte 208",
       "from 3 to 2"},
      {"rvc: row_ptr beyond the edges",
       Rehashed(Patched(good, at(0, 8), ~uint64_t{0})), "byte 200", "row_ptr"},
      {"rvc: last row_ptr", Rehashed(Patched(good, at(0, 32), uint64_t{3})),
       "byte ", "row_ptr"},
      {"rvc: target out of range",
       Rehashed(Patched(good, at(1, 12), uint32_t{4})), "byte ", "edge 3"},
      {"rvc: target far out of range",
       Rehashed(Patched(good, at(1, 8), 0xFFFFFFFFu)), "byte ", "edge 2"},
      {"rvc: targets unsorted", Rehashed(Patched(good, at(1, 0), uint32_t{3})),
       "byte ", "edge 1"},
      {"rvc: repeated target", Rehashed(Patched(good, at(1, 4), uint32_t{1})),
       "byte ", "edge 1"},
      {"rvc: repeated id", Rehashed(Patched(good, at(3, 8), int64_t{70})),
       "byte ", "id 70"},
      {"rvc: NaN weight", Rehashed(Patched(real, at(2, 4), kNan)), "byte ",
       "edge 1"},
  };
  const std::array<std::string, 5> names = {"row_ptr", "col", "weight", "id",
                                            "name"};
  for (size_t s = 0; s < names.size(); ++s) {
    std::string flipped = good;
    flipped[at(s, 1)] = static_cast<char>(flipped[at(s, 1)] ^ 0x10);
    cases.push_back({"rvc: flip in " + names[s], flipped, "byte ",
                     "section " + names[s], format});
  }
  return cases;
}

size_t PeakKilobytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss);
}

class BrokenFiles : public testing::Test {
 protected:
  void Expect(const Case& broken) {
    SCOPED_TRACE(broken.name);
    const std::string path = dir_.Write("broken file", broken.bytes);
    ImportOptions options = broken.options;
    if (!broken.neurons.empty()) {
      options.neurons_path = dir_.Write("neurons.csv", broken.neurons);
    }
    ExpectError(path, broken, options);
  }

  void ExpectError(const std::string& path, const Case& broken,
                   const ImportOptions& options) {
    try {
      const Connectome connectome = LoadConnectome(ctx_, path, options);
      ADD_FAILURE() << "was read: " << connectome.edges() << " edges";
    } catch (const IoError& error) {
      const std::string message = error.what();
      const bool of_neurons = broken.name.rfind("neurons:", 0) == 0;
      const std::string file = of_neurons ? options.neurons_path : path;
      EXPECT_EQ(message.rfind(file + ": ", 0), 0u) << message;
      const size_t place = message.find(broken.place, file.size());
      EXPECT_EQ(place, file.size() + 2) << message;
      EXPECT_NE(message.find(broken.found, file.size()), std::string::npos)
          << message;
      const size_t remedy = message.rfind("; ");
      ASSERT_NE(remedy, std::string::npos) << message;
      EXPECT_GT(message.size() - remedy, 8u) << message;
      EXPECT_LT(message.size(), 800u + file.size());
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not an IoError: " << error.what();
    }
  }

  test::TempDir dir_;
  Context ctx_{ContextOptions{.threads = 2}};
};

TEST_F(BrokenFiles, Gzip) {
  for (const Case& broken : GzipCases()) Expect(broken);
}

TEST_F(BrokenFiles, PlainBinary) {
  for (const Case& broken : PlainBinaryCases()) Expect(broken);
}

TEST_F(BrokenFiles, Csv) {
  for (const Case& broken : CsvCases()) Expect(broken);
}

TEST_F(BrokenFiles, OwnFormat) {
  for (const Case& broken : RvcCases(dir_)) Expect(broken);
}

TEST_F(BrokenFiles, Paths) {
  const Case missing = {"missing", "", "open", "No such file"};
  ExpectError(dir_.File("nothing"), missing, {});
  const Case folder = {"folder", "", "open", "folder"};
  ExpectError(dir_.path().string(), folder, {});
  const Case device = {"device", "", "open", "regular"};
  ExpectError("/dev/zero", device, {});
  const std::string pipe = dir_.File("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ExpectError(pipe, device, {});  // and does not wait for a writer
}

TEST_F(BrokenFiles, Unreadable) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = dir_.Write("secret", Conn1(Graph()));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  ExpectError(path, {"unreadable", "", "open", "ermission"}, {});
}

// Tiny files that claim much: no memory is taken for the claim.
TEST_F(BrokenFiles, ClaimsCostNoMemory) {
  const std::vector<Case> binary = PlainBinaryCases();
  const std::vector<Case> own = RvcCases(dir_);
  const size_t before = PeakKilobytes();
  for (const auto& cases : {binary, own}) {
    for (const Case& broken : cases) {
      if (broken.name.find("huge") != std::string::npos ||
          broken.name.find("large") != std::string::npos) {
        Expect(broken);
      }
    }
  }
  EXPECT_LT(PeakKilobytes() - before, size_t{64} << 10);
}

TEST_F(BrokenFiles, ThereAreManyKinds) {
  const size_t kinds = GzipCases().size() + PlainBinaryCases().size() +
                       CsvCases().size() + RvcCases(dir_).size();
  EXPECT_GE(kinds, 40u);
}

}  // namespace
}  // namespace ranvier
