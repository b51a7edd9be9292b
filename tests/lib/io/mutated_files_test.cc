// Small valid files of every format with random bytes changed, cut and
// inserted: each loads or throws IoError. The sequence is the same every time.

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <cstdint>
#include <cstring>
#include <exception>
#include <random>
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

constexpr int kMutants = 1500;  // of each file

size_t Below(std::mt19937_64& random, size_t n) {
  return static_cast<size_t>(random() % n);
}

std::string Mutant(std::string bytes, std::mt19937_64& random) {
  const size_t changes = 1 + Below(random, 3);
  for (size_t i = 0; i < changes && !bytes.empty(); ++i) {
    const size_t at = Below(random, bytes.size());
    switch (Below(random, 6)) {
      case 0:  // one bit
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(random, 8)));
        break;
      case 1:  // one byte
        bytes[at] = static_cast<char>(random());
        break;
      case 2:  // cut
        bytes.resize(at);
        break;
      case 3:  // a telling byte
        bytes[at] = "\",\n\r\0\xFF-."[Below(random, 8)];
        break;
      case 4:  // repeat a piece
        bytes.insert(at, bytes.substr(at, 1 + Below(random, 8)));
        break;
      default:  // an extreme word
        if (bytes.size() - at >= 4) {
          const uint32_t word = random() % 2 != 0 ? 0xFFFFFFFFu : 0x80000000u;
          std::memcpy(bytes.data() + at, &word, 4);
        }
    }
  }
  return bytes;
}

// Gives a mutant of our own format right checksums, so that it gets further.
void Rehash(std::string& bytes) {
  if (bytes.size() < 192) return;
  for (size_t s = 0; s < 5; ++s) {
    const size_t entry = 56 + 24 * s;
    uint64_t place[2];
    std::memcpy(place, bytes.data() + entry, 16);
    if (place[0] > bytes.size() || place[1] > bytes.size() - place[0]) continue;
    const uint64_t hash = XXH3_64bits(bytes.data() + place[0], place[1]);
    std::memcpy(bytes.data() + entry + 16, &hash, 8);
  }
  const uint64_t hash = XXH3_64bits(bytes.data(), 184);
  std::memcpy(bytes.data() + 184, &hash, 8);
}

class MutatedFiles : public testing::Test {
 protected:
  void Run(const std::string& good, const ImportOptions& options,
           bool rehash = false) {
    std::mt19937_64 random(20261121);
    Context ctx(ContextOptions{.threads = 1});
    ASSERT_NO_THROW(LoadConnectome(ctx, dir_.Write("good", good), options));
    int loaded = 0;
    for (int i = 0; i < kMutants; ++i) {
      std::string bytes = Mutant(good, random);
      if (rehash) Rehash(bytes);
      const std::string path = dir_.Write("mutant", bytes);
      try {
        // What loads keeps every promise: the statistics walk all of it.
        const Connectome connectome = LoadConnectome(ctx, path, options);
        ComputeStats(connectome);
        ++loaded;
      } catch (const IoError& error) {
        ASSERT_EQ(std::string(error.what()).rfind(dir_.path().string(), 0), 0u)
            << error.what();
      } catch (const std::exception& error) {
        FAIL() << "mutant " << i << ": not an IoError: " << error.what();
      }
    }
    EXPECT_LT(loaded, kMutants);  // some change was noticed
  }

  ImportOptions As(ConnectomeFormat format) {
    ImportOptions options;
    options.format = format;
    return options;
  }

  test::TempDir dir_;
};

const char kCodex[] =
    "pre_root_id,post_root_id,neuropil,syn_count,nt_type\n"
    "720575940600000003,720575940600000001,GNG,5,ACH\n"
    "720575940600000003,720575940600000001,\"SMP_R\",7,ACH\n"
    "720575940600000001,720575940600000002,GNG,2,GABA\n";

TEST_F(MutatedFiles, Conn1) {
  Run(test::Conn1({}), As(ConnectomeFormat::kConn1));
  Run(test::Conn1({}), {});
  Run(test::Gzip(test::Conn1({})), As(ConnectomeFormat::kConn1));
}

TEST_F(MutatedFiles, Flyw) {
  Run(test::Flyw({}), As(ConnectomeFormat::kFlyw));
  Run(test::Gzip(test::Flyw({})), {});
}

TEST_F(MutatedFiles, Codex) {
  Run(kCodex, As(ConnectomeFormat::kCodexCsv));
  Run(test::Gzip(kCodex), {});
}

TEST_F(MutatedFiles, Edges) {
  ImportOptions options = As(ConnectomeFormat::kEdgeCsv);
  options.ids_are_indices = true;
  Run("pre,post,weight\n0,1,-2.5\n2,0,3\n\n0,1,1e3\n", options);
  Run("pre,post,weight\r\n10,11,-25\r\n12,10,3\r\n", {});
}

TEST_F(MutatedFiles, CompletenessAndConnectivity) {
  ImportOptions options = As(ConnectomeFormat::kShiuCsv);
  options.neurons_path =
      dir_.Write("neurons.csv", ",Completed\n70,True\n50,True\n");
  Run("Presynaptic_ID,Postsynaptic_ID,Presynaptic_Index,Postsynaptic_Index,"
      "Connectivity,Excitatory,Excitatory x Connectivity\n"
      "70,50,0,1,3,1,3\n50,70,1,0,2,-1,-2\n",
      options);
}

TEST_F(MutatedFiles, OwnFormat) {
  ConnectomeParts parts;
  parts.row_ptr = {0, 2, 2, 4, 4};
  parts.col = {1, 2, 0, 2};
  parts.weight = std::vector<float>{3, -1, 0.5f, -200};
  parts.id = {70, 50, 60, 80};
  parts.name = "a name";
  SaveConnectome(Connectome(std::move(parts)), dir_.File("good.rvc"));
  const std::string good = test::ReadFile(dir_.File("good.rvc"));
  Run(good, {});
  Run(good, As(ConnectomeFormat::kRanvier), /*rehash=*/true);
}

}  // namespace
}  // namespace ranvier
