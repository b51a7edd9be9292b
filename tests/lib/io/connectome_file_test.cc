#include "ranvier/io/connectome_file.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/lib/io/made_files.h"
#include "tests/util/shared_data.h"
#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

using test::Conn1;
using test::Flyw;
using test::Graph;
using test::Gzip;

using Edge = std::tuple<int64_t, int64_t, double>;  // ids of pre and post

std::vector<Edge> EdgesOf(const Connectome& connectome) {
  std::vector<Edge> edges;
  for (size_t i = 0; i < connectome.neurons(); ++i) {
    for (uint64_t e = connectome.row_ptr()[i]; e < connectome.row_ptr()[i + 1];
         ++e) {
      edges.emplace_back(connectome.IdOf(i),
                         connectome.IdOf(connectome.col()[e]),
                         connectome.WeightOf(e));
    }
  }
  return edges;
}

void ExpectSame(const Connectome& a, const Connectome& b) {
  ASSERT_EQ(a.neurons(), b.neurons());
  ASSERT_EQ(a.edges(), b.edges());
  ASSERT_EQ(a.weight().index(), b.weight().index());
  EXPECT_TRUE(std::equal(a.row_ptr().begin(), a.row_ptr().end(),
                         b.row_ptr().begin(), b.row_ptr().end()));
  EXPECT_TRUE(std::equal(a.col().begin(), a.col().end(), b.col().begin(),
                         b.col().end()));
  EXPECT_TRUE(std::equal(a.ids().begin(), a.ids().end(), b.ids().begin(),
                         b.ids().end()));
  for (size_t e = 0; e < a.edges(); ++e) {
    ASSERT_EQ(a.WeightOf(e), b.WeightOf(e)) << "edge " << e;
  }
}

class ConnectomeFile : public testing::Test {
 protected:
  Connectome Load(const std::string& bytes, const ImportOptions& options = {}) {
    return LoadConnectome(ctx_, dir_.Write("file", bytes), options);
  }
  // To our own format and back.
  Connectome Saved(const Connectome& connectome) {
    SaveConnectome(connectome, dir_.File("saved.rvc"));
    return LoadConnectome(ctx_, dir_.File("saved.rvc"));
  }

  test::TempDir dir_;
  Context ctx_{ContextOptions{.threads = 2}};
};

TEST_F(ConnectomeFile, FormatNamesGoBothWays) {
  for (const char* name :
       {"auto", "rvc", "conn1", "flyw", "codex", "shiu", "csv"}) {
    EXPECT_EQ(FormatName(ParseConnectomeFormat(name)), name);
  }
  EXPECT_THROW(ParseConnectomeFormat("CONN1"), std::invalid_argument);
}

TEST_F(ConnectomeFile, ReadsConn1PlainAndGzip) {
  const Connectome plain = Load(Conn1(Graph()));
  EXPECT_EQ(plain.weight().index(), 0u);  // whole numbers: 16-bit counts
  EXPECT_EQ(plain.name(), "file");
  EXPECT_EQ(plain.delay_ms(), 1.8);
  EXPECT_EQ(
      EdgesOf(plain),
      (std::vector<Edge>{{0, 1, 3}, {0, 2, -1}, {2, 0, 1}, {2, 2, -200}}));
  ExpectSame(plain, Load(Gzip(Conn1(Graph()))));
  const std::string bytes = Conn1(Graph());  // several members, zero padding
  ExpectSame(plain, Load(Gzip(bytes.substr(0, 21)) + Gzip("") +
                         Gzip(bytes.substr(21)) + std::string(512, '\0')));
}

TEST_F(ConnectomeFile, WeightsAreAsWideAsNeeded) {
  Graph graph;
  graph.weight = {40000, 1, 1, 1};
  EXPECT_EQ(Load(Conn1(graph)).weight().index(), 1u);
  graph.weight = {0.5f, 1, 1, 1};
  EXPECT_EQ(Load(Conn1(graph)).weight().index(), 2u);
  graph.weight = {3e9f, 1, 1, 1};  // whole, but no 32-bit count
  EXPECT_EQ(Load(Conn1(graph)).weight().index(), 2u);
  EXPECT_EQ(Load(Conn1(graph)).WeightOf(0), static_cast<double>(3e9f));
}

TEST_F(ConnectomeFile, ReadsFlywInAnyOrderAndAddsRepeatedPairs) {
  Graph graph;
  graph.col = {2, 1, 2, 2};
  const Connectome connectome = Load(Flyw(graph));
  EXPECT_EQ(EdgesOf(connectome),
            (std::vector<Edge>{{0, 1, -1}, {0, 2, 3}, {2, 2, -199}}));
  ExpectSame(connectome, Load(Gzip(Flyw(graph))));
}

// Sums per pair over neuropils; the sign of the larger share.
TEST_F(ConnectomeFile, ReadsCodexCsv) {
  const std::string text =
      "pre_root_id,post_root_id,neuropil,syn_count,nt_type\r\n"
      "720575940600000003,720575940600000001,GNG,5,ACH\r\n"
      "720575940600000003,720575940600000001,SMP_R,7,ACH\r\n"
      "\r\n"
      "720575940600000001,720575940600000002,GNG,2,GABA\r\n"
      "720575940600000001,720575940600000003,\"A, B\",3,glut\r\n"
      "720575940600000002,720575940600000003,GNG,3,GABA\r\n"
      "720575940600000002,720575940600000003,AL,4,ACH\r\n"
      "720575940600000002,720575940600000001,GNG,1,\r\n";
  const int64_t base = 720575940600000000;
  const std::vector<Edge> expected = {{base + 1, base + 2, -2},
                                      {base + 1, base + 3, -3},
                                      {base + 2, base + 1, 1},
                                      {base + 2, base + 3, 7},
                                      {base + 3, base + 1, 12}};
  const Connectome connectome = Load(text);
  EXPECT_EQ(EdgesOf(connectome), expected);
  EXPECT_TRUE(connectome.has_ids());
  EXPECT_TRUE(connectome.has_counts());
  EXPECT_EQ(EdgesOf(Load(Gzip(text))), expected);
  EXPECT_EQ(EdgesOf(Load("\xEF\xBB\xBF" + text)), expected);

  std::string pt = text;
  pt.replace(0, 24, "pre_pt_root_id,post_pt_root_id");
  pt = "pre_pt_root_id,post_pt_root_id" + text.substr(24);
  EXPECT_EQ(EdgesOf(Load(pt)), expected);

  // A list of neurons fixes the order and adds neurons without edges.
  ImportOptions options;
  options.neurons_path = dir_.Write("neurons.csv",
                                    ",Completed\n"
                                    "720575940600000009,True\n"
                                    "720575940600000003,True\n"
                                    "720575940600000002,True\n"
                                    "720575940600000001,True\n");
  const Connectome ordered = Load(text, options);
  EXPECT_EQ(ordered.neurons(), 4u);
  EXPECT_EQ(ordered.FindId(base + 9), 0);
  EXPECT_EQ(ordered.FindId(base + 3), 1);
  EXPECT_EQ(ordered.edges(), 5u);
}

TEST_F(ConnectomeFile, ReadsEdgeListsByUsualNames) {
  for (const char* header :
       {"pre,post,weight", "Source,Target,Count", "from,to,n_all",
        "bodyId_pre,bodyId_post,weight", "pre_id,post_id,syn_count"}) {
    const Connectome connectome =
        Load(std::string(header) + "\n10,-20,3\n-20,10,-4\n10,-20,1");
    EXPECT_EQ(EdgesOf(connectome),
              (std::vector<Edge>{{-20, 10, -4}, {10, -20, 4}}))
        << header;
    EXPECT_TRUE(connectome.has_counts());
  }
}

TEST_F(ConnectomeFile, ReadsNamedColumnsFiltersAndTransmitters) {
  const std::string text =
      "type,b,a,strength,nt\n"
      "x,1,2,1.5,ACH\n"
      "y,1,2,2,ACH\n"
      "x,2,1,0.25,GABA\n";
  ImportOptions options;
  options.format = ConnectomeFormat::kEdgeCsv;
  options.pre_column = "a";
  options.post_column = "b";
  options.weight_column = "strength";
  EXPECT_EQ(EdgesOf(Load(text, options)),
            (std::vector<Edge>{{1, 2, 0.25}, {2, 1, 3.5}}));
  options.transmitter_column = "nt";
  options.filter_column = "type";
  options.filter_value = "x";
  const Connectome connectome = Load(text, options);
  EXPECT_EQ(EdgesOf(connectome),
            (std::vector<Edge>{{1, 2, -0.25}, {2, 1, 1.5}}));
  EXPECT_FALSE(connectome.has_counts());
  options.min_weight = 1;
  EXPECT_EQ(EdgesOf(Load(text, options)), (std::vector<Edge>{{2, 1, 1.5}}));
}

TEST_F(ConnectomeFile, IndicesNeedNoIdTable) {
  const Connectome named = Load("pre_index,post_index,weight\n0,7,2\n3,0,1\n");
  EXPECT_FALSE(named.has_ids());
  EXPECT_EQ(named.neurons(), 8u);
  ImportOptions options;
  options.ids_are_indices = true;
  options.neuron_count = 10;
  const Connectome asked = Load("pre,post,weight\n0,7,2\n3,0,1\n", options);
  EXPECT_FALSE(asked.has_ids());
  EXPECT_EQ(asked.neurons(), 10u);
  EXPECT_EQ(EdgesOf(asked), EdgesOf(named));
}

// A quoted field may hold anything, over lines and over blocks.
TEST_F(ConnectomeFile, ReadsQuotedFields) {
  const Connectome connectome = Load(
      "\"pre\",\"note\",\"post\",\"weight\"\r\n"
      "1,\"a, \"\"b\"\"\nc\r\nd\",\"2\",\"3\"\r\n"
      "\n"
      "2,,1,\" 4\"");
  EXPECT_EQ(EdgesOf(connectome), (std::vector<Edge>{{1, 2, 3}, {2, 1, 4}}));
}

// Many blocks, repeated pairs, with and without quotes, against a plain map;
// one bit for any thread count.
TEST_F(ConnectomeFile, LargeFilesAreTheSameForAnyThreadCount) {
  std::mt19937_64 random(7);
  std::map<std::pair<int64_t, int64_t>, double> sums;
  std::string plain = "pre,post,weight,note\n";
  std::string quoted = plain;
  const int64_t base = 720575940600000000;
  for (int k = 0; k < 250000; ++k) {
    const int64_t pre = base + static_cast<int64_t>(random() % 300);
    const int64_t post = base + static_cast<int64_t>(random() % 300);
    const int64_t weight = static_cast<int64_t>(random() % 41) - 20;
    sums[{pre, post}] += static_cast<double>(weight);
    const std::string row = std::to_string(pre) + "," + std::to_string(post) +
                            "," + std::to_string(weight) + ",";
    plain += row + "some filling text\n";
    quoted += row + "\"over\n two lines\"\r\n";
  }
  std::vector<Edge> expected;
  for (const auto& [pair, sum] : sums) {
    expected.emplace_back(pair.first, pair.second, sum);
  }
  ASSERT_GT(plain.size(), size_t{12} << 20);  // more than two blocks
  for (const std::string& bytes : {plain, quoted, Gzip(plain), Gzip(quoted)}) {
    const std::string path = dir_.Write("large.csv", bytes);
    for (const int threads : {1, 2, 7}) {
      Context ctx(ContextOptions{.threads = threads});
      EXPECT_TRUE(EdgesOf(LoadConnectome(ctx, path)) == expected) << threads;
    }
  }
}

TEST_F(ConnectomeFile, RealSumsAreTheSameForAnyThreadCount) {
  std::mt19937_64 random(8);
  std::string text = "pre,post,weight\n";
  for (int k = 0; k < 400000; ++k) {
    text += std::to_string(random() % 20) + "," +
            std::to_string(random() % 20) + ",0." +
            std::to_string(random() % 1000000007) + "\n";
  }
  const std::string path = dir_.Write("real.csv", text);
  Context one(ContextOptions{.threads = 1});
  const Connectome expected = LoadConnectome(one, path);
  EXPECT_FALSE(expected.has_counts());
  for (const int threads : {2, 7}) {
    Context ctx(ContextOptions{.threads = threads});
    ExpectSame(LoadConnectome(ctx, path), expected);
  }
}

TEST_F(ConnectomeFile, SavesAndLoadsAllThatAConnectomeHolds) {
  for (const int type : {0, 1, 2}) {
    ConnectomeParts parts;
    parts.row_ptr = {0, 2, 2, 3};
    parts.col = {0, 2, 1};
    if (type == 0) parts.weight = std::vector<int16_t>{-32768, 5, 7};
    if (type == 1) parts.weight = std::vector<int32_t>{-70000, 5, 7};
    if (type == 2) parts.weight = std::vector<float>{-0.25f, 5, 1e-30f};
    if (type != 1) parts.id = {720575940600000009, -5, 0};
    parts.delay_ms = 0.7;
    parts.name = "made by hand";
    parts.synthetic = type == 2;
    const Connectome connectome(std::move(parts));
    const Connectome back = Saved(connectome);
    ExpectSame(back, connectome);
    EXPECT_EQ(back.delay_ms(), 0.7);
    EXPECT_EQ(back.name(), "made by hand");
    EXPECT_EQ(back.synthetic(), type == 2);
    EXPECT_EQ(DetectConnectomeFormat(dir_.File("saved.rvc")),
              ConnectomeFormat::kRanvier);
  }
  EXPECT_EQ(Saved(Connectome()).neurons(), 0u);
}

TEST_F(ConnectomeFile, LoadedFileOutlivesItsName) {
  SaveConnectome(Load(Conn1(Graph())), dir_.File("a.rvc"));
  const Connectome connectome = LoadConnectome(ctx_, dir_.File("a.rvc"));
  std::filesystem::remove(dir_.File("a.rvc"));
  EXPECT_EQ(connectome.WeightOf(3), -200.0);
}

TEST_F(ConnectomeFile, RefusesToSaveCompressed) {
  EXPECT_THROW(SaveConnectome(Connectome(), dir_.File("a.rvc.gz")), IoError);
  EXPECT_EQ(dir_.Entries(), 0u);
}

TEST_F(ConnectomeFile, RefusesOptionsOutOfRange) {
  const std::string path = dir_.Write("a", Conn1(Graph()));
  ImportOptions options;
  options.min_weight = -1;
  EXPECT_THROW(LoadConnectome(ctx_, path, options), std::invalid_argument);
  options.min_weight = 0;
  options.delay_ms = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(LoadConnectome(ctx_, path, options), std::invalid_argument);
}

TEST_F(ConnectomeFile, MinimumWeightAppliesToEveryFormat) {
  ImportOptions options;
  options.min_weight = 3;
  const std::vector<Edge> expected = {{0, 1, 3}, {2, 2, -200}};
  EXPECT_EQ(EdgesOf(Load(Conn1(Graph()), options)), expected);
  EXPECT_EQ(EdgesOf(Load(Flyw(Graph()), options)), expected);
  SaveConnectome(Load(Conn1(Graph())), dir_.File("a.rvc"));
  EXPECT_EQ(EdgesOf(LoadConnectome(ctx_, dir_.File("a.rvc"), options)),
            expected);
}

TEST_F(ConnectomeFile, StopsWhenCancelled) {
  std::string text = "pre,post,weight\n";
  while (text.size() < (size_t{6} << 20)) text += "1,2,3\n";
  const std::string path = dir_.Write("a.csv", text);
  ctx_.Cancel();
  EXPECT_THROW(LoadConnectome(ctx_, path), CancelledError);
}

TEST_F(ConnectomeFile, EstimatesMemoryWithoutLoading) {
  std::string text = "pre,post,weight\n";
  for (int k = 0; k < 300000; ++k) text += std::to_string(k) + ",2,3\n";
  const size_t rows = 300000 * 40;
  for (const std::string& bytes : {text, Gzip(text)}) {
    const size_t estimate = EstimateLoadBytes(dir_.Write("e", bytes));
    EXPECT_GT(estimate, rows / 2);
    EXPECT_LT(estimate, rows * 2 + (size_t{64} << 20));
  }
  // A claim far beyond the file is not believed.
  Graph graph;
  graph.neurons = graph.edges = 0xFFFFFFFFu;
  EXPECT_LT(EstimateLoadBytes(dir_.Write("e", Conn1(graph))), 1000u);
}

// Real connectomes: every file of the shared data that has edges.

#define RANVIER_NEED_DATA(variable, name)       \
  const auto variable = test::SharedData(name); \
  if (!variable.has_value()) GTEST_SKIP() << "no shared data: " << name

TEST_F(ConnectomeFile, LarvaCsvAndConn1Agree) {
  RANVIER_NEED_DATA(csv, "larva_winding2023/edges.csv");
  RANVIER_NEED_DATA(conn1, "larva_winding2023/larva.conn1.gz");
  const Connectome a = LoadConnectome(ctx_, csv->string());
  const Connectome b = LoadConnectome(ctx_, conn1->string());
  EXPECT_EQ(b.neurons(), 2952u);
  EXPECT_EQ(b.edges(), 110677u);
  const ConnectomeStats stats = ComputeStats(b);
  EXPECT_EQ(stats.sum_abs_weight, 352611.0);
  EXPECT_EQ(stats.self_edges, 537u);
  EXPECT_EQ(EdgesOf(a), EdgesOf(b));
  ExpectSame(Saved(b), b);
}

TEST_F(ConnectomeFile, MushroomBody) {
  RANVIER_NEED_DATA(path, "flywire_mb_subset/mb.conn1.gz");
  const Connectome connectome = LoadConnectome(ctx_, path->string());
  const ConnectomeStats stats = ComputeStats(connectome);
  EXPECT_EQ(stats.neurons, 5749u);
  EXPECT_EQ(stats.edges, 49439u);
  EXPECT_EQ(stats.negative_edges, 366u);
  EXPECT_EQ(stats.sum_abs_weight, 570118.0);
  ExpectSame(Saved(connectome), connectome);
}

TEST_F(ConnectomeFile, OpticLobe) {
  RANVIER_NEED_DATA(path,
                    "flyvis_optic_lobe/flyvis_fib25-fib19_v2.2_extent15.conn1"
                    ".gz");
  const Connectome connectome = LoadConnectome(ctx_, path->string());
  EXPECT_EQ(connectome.neurons(), 45669u);
  EXPECT_EQ(connectome.edges(), 1357269u);
  EXPECT_FALSE(connectome.has_counts());
  ExpectSame(Saved(connectome), connectome);
}

TEST_F(ConnectomeFile, WormChemicalSynapses) {
  RANVIER_NEED_DATA(path, "celegans/edges.csv");
  ImportOptions options;
  options.filter_column = "type";
  options.filter_value = "chemical";
  const Connectome connectome = LoadConnectome(ctx_, path->string(), options);
  const ConnectomeStats stats = ComputeStats(connectome);
  EXPECT_EQ(stats.edges, 4681u);
  EXPECT_EQ(stats.sum_abs_weight, 27019.0);
  ExpectSame(Saved(connectome), connectome);
  options.filter_value = "electrical";
  EXPECT_EQ(ComputeStats(LoadConnectome(ctx_, path->string(), options))
                .sum_abs_weight,
            12683.0);
}

TEST_F(ConnectomeFile, CompletenessAndConnectivity) {
  RANVIER_NEED_DATA(neurons, "shiu_reference/Completeness_783.csv.gz");
  // The first two neurons of the list, and its last.
  const std::string text =
      "Presynaptic_ID,Postsynaptic_ID,Presynaptic_Index,Postsynaptic_Index,"
      "Connectivity,Excitatory,Excitatory x Connectivity\n"
      "720575940596125868,720575940597856265,0,1,4,-1,-4\n"
      "720575940597856265,720575940596125868,1,0,2,1,2\n";
  ImportOptions options;
  options.neurons_path = neurons->string();
  const Connectome connectome = Load(text, options);
  EXPECT_EQ(connectome.neurons(), 138639u);
  EXPECT_EQ(EdgesOf(connectome),
            (std::vector<Edge>{{720575940596125868, 720575940597856265, -4},
                               {720575940597856265, 720575940596125868, 2}}));
  ExpectSame(Saved(connectome), connectome);
}

}  // namespace
}  // namespace ranvier
