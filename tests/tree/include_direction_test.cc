// Reads the #include lines of the whole tree and fails on one that points to
// the right of
//
//   simd/base <- simd <- parallel <- lib <- lib/cli, examples, bench, tests
//   simd/base <- gpu  <------------- lib

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

namespace fs = std::filesystem;

// The rooms in which a room may look, itself included.
const std::map<std::string, std::set<std::string>>& Arrows() {
  static const std::set<std::string> face = {"simd/base", "simd", "parallel",
                                             "gpu", "lib"};
  static const std::set<std::string> all = {"simd/base", "simd",  "parallel",
                                            "gpu",       "lib",   "lib/cli",
                                            "examples",  "bench", "tests"};
  static const std::map<std::string, std::set<std::string>> arrows = {
      {"simd/base", {"simd/base"}},
      {"simd", {"simd/base", "simd"}},
      {"parallel", {"simd/base", "simd", "parallel"}},
      {"gpu", {"simd/base", "gpu"}},
      {"lib", face},
      {"lib/cli", {"simd/base", "simd", "parallel", "gpu", "lib", "lib/cli"}},
      {"examples", face},
      {"bench", all},
      {"tests", all}};
  return arrows;
}

// Libraries of others that only some rooms may name.
struct Guarded {
  std::regex header;
  std::set<std::string> rooms;
};

const std::vector<Guarded>& GuardedHeaders() {
  static const std::vector<Guarded> guarded = {
      {std::regex("hwy/.*"), {"simd/base", "simd", "tests", "bench"}},
      {std::regex("(oneapi/)?tbb(/.*|\\.h)"),
       {"parallel", "examples", "tests", "bench"}},
      {std::regex("cu(da|blas|rand|fft|sparse|dnn|b/).*|nvrtc.*|nccl.*"),
       {"gpu"}},
      {std::regex("mpi\\.h"), {"parallel"}},
      {std::regex("CLI/.*"), {"lib/cli"}},
      {std::regex("(benchmark|cblas)(/.*|\\.h)"), {"bench", "tests"}},
      {std::regex("(gtest|gmock)/.*"), {"tests"}},
      {std::regex("Eigen/.*"), {"examples", "tests", "bench"}}};
  return guarded;
}

// The one header that names a library which embedders may lack: it is included
// by those who have it, never by another header of ours.
constexpr char kEigenAdapter[] = "lib/tensor/eigen.h";

// What someone who includes our headers need not have.
const std::regex& HiddenFromEmbedders() {
  static const std::regex hidden(
      "(hwy|tbb|oneapi|Eigen|nlohmann|openssl|fmt|CLI)/.*|cuda.*|zlib\\.h");
  return hidden;
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool EndsWith(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() &&
         text.substr(text.size() - suffix.size()) == suffix;
}

std::string RoomOf(const std::string& path) {
  for (const char* room : {"simd/base", "lib/cli", "simd", "parallel", "gpu",
                           "lib", "examples", "bench", "tests"}) {
    if (StartsWith(path, std::string(room) + "/")) return room;
  }
  return "";
}

// "ranvier/ops/gemm.h" is lib/ops/gemm.h, "ranvier/simd/lif.h" is simd/lif.h.
std::string PathOf(std::string_view include) {
  const std::string rest(include.substr(std::string_view("ranvier/").size()));
  for (const char* room : {"simd/", "parallel/", "gpu/"}) {
    if (StartsWith(rest, room)) return rest;
  }
  return "lib/" + rest;
}

// Compiled once per SIMD target or by one library alone.
bool IsInner(const std::string& path) { return EndsWith(path, "-inl.h"); }

std::string ReadAll(const std::string& path) {
  std::ifstream in(fs::path(RANVIER_SOURCE_DIR) / path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The rule of cmake/install.cmake: headers that mark something RANVIER_API, the
// plain types of simd/base, and the adapter to Eigen.
bool IsInstalled(const std::string& path, const std::string& text) {
  return EndsWith(path, ".h") && RoomOf(path) != "lib/cli" &&
         (RoomOf(path) == "simd/base" || path == kEigenAdapter ||
          text.find("RANVIER_API") != std::string::npos);
}

// Everything that is wrong with one file, as "path:line: what".
std::vector<std::string> Wrongs(const std::string& path,
                                const std::string& text) {
  std::vector<std::string> wrongs;
  const std::string room = RoomOf(path);
  const bool installed = IsInstalled(path, text);
  int number = 0;
  const auto wrong = [&](const std::string& what) {
    wrongs.push_back(path + ":" + std::to_string(number) + ": " + what);
  };

  static const std::regex include_line(
      R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)re");
  bool pragma_once = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (StartsWith(line, "#pragma once")) pragma_once = true;
    std::smatch match;
    if (!std::regex_match(line, match, include_line)) continue;
    const std::string name = match[2];

    if (StartsWith(name, "ranvier/")) {
      if (match[1] != "\"") wrong("ours is included with quotes: " + name);
      const std::string target = PathOf(name);
      if (Arrows().at(room).count(RoomOf(target)) == 0) {
        wrong(room + " must not include " + target);
      }
      if (target == kEigenAdapter &&
          (StartsWith(room, "lib") || EndsWith(path, ".h"))) {
        wrong("only programs include the adapter to Eigen");
      } else if (installed && !IsInstalled(target, ReadAll(target))) {
        wrong("an installed header needs " + target + ", which is not");
      }
      continue;
    }
    const bool adapter = path == kEigenAdapter && StartsWith(name, "Eigen/");
    for (const Guarded& guarded : GuardedHeaders()) {
      if (!adapter && std::regex_match(name, guarded.header) &&
          guarded.rooms.count(room) == 0) {
        wrong(room + " must not include <" + name + ">");
      }
    }
    if (installed && !adapter &&
        std::regex_match(name, HiddenFromEmbedders())) {
      wrong("an installed header must not include <" + name + ">");
    }
    if (match[1] == "\"" && room != "tests" && room != "bench" &&
        !StartsWith(name, "hwy/") && name != "ranvier_commit.h") {
      wrong("write the project's name in front: \"ranvier/...\", not \"" +
            name + "\"");
    }
  }
  number = 1;
  if (EndsWith(path, ".h") && !IsInner(path) && !pragma_once) {
    wrong("no #pragma once");
  }
  if ((EndsWith(path, ".cu") || EndsWith(path, ".cuh")) && room != "gpu") {
    wrong("CUDA stands in gpu alone");
  }
  return wrongs;
}

std::vector<std::string> Sources() {
  const fs::path root = RANVIER_SOURCE_DIR;
  std::vector<std::string> paths;
  for (const char* room :
       {"simd", "parallel", "gpu", "lib", "examples", "bench", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      const std::string kind = entry.path().extension();
      if (kind == ".h" || kind == ".cc" || kind == ".cu" || kind == ".cuh") {
        paths.push_back(fs::relative(entry.path(), root));
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(IncludeDirection, OfTheTree) {
  const std::vector<std::string> paths = Sources();
  ASSERT_GT(paths.size(), 10u) << "in " << RANVIER_SOURCE_DIR;
  for (const std::string& path : paths) {
    for (const std::string& wrong : Wrongs(path, ReadAll(path))) {
      ADD_FAILURE() << wrong;
    }
  }
}

// The test of the test: each rule refuses what it is there for.
TEST(IncludeDirection, RefusesEveryWrongWay) {
  const std::string once = "#pragma once\n";
  const std::string face = once + "RANVIER_API void F();\n";
  const auto include = [](const std::string& name) {
    return "#include \"ranvier/" + name + "\"\n";
  };
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"simd/base/view.h", once + include("simd/targets.h")},
      {"simd/lif.cc", include("parallel/context.h")},
      {"simd/lif.cc", include("spiking/connectome.h")},
      {"parallel/gemm.cc", include("ops/gemm.h")},
      {"parallel/gemm.cc", include("gpu/device.h")},
      {"gpu/spiking.cu", include("parallel/context.h")},
      {"gpu/spiking.cu", include("simd/lif.h")},
      {"simd/base/view.cc", include("gpu/device.h")},
      {"lib/io/npy.cc", include("cli/progress.h")},
      {"examples/a.cc", include("cli/progress.h")},
      {"parallel/gemm.cc", "#include <hwy/highway.h>\n"},
      {"lib/io/npy.cc", "#include <tbb/parallel_for.h>\n"},
      {"simd/lif.cc", "#include <oneapi/tbb/info.h>\n"},
      {"lib/io/npy.cc", "#include <cuda_runtime_api.h>\n"},
      {"lib/io/npy.cc", "  #  include <CLI/CLI.hpp>\n"},
      {"gpu/device.h", face + "#include <cuda_runtime_api.h>\n"},
      {"simd/targets.h", face + "#include <hwy/targets.h>\n"},
      {"parallel/context.h", face + "#include <tbb/task_arena.h>\n"},
      {"lib/nn/linear.cc", "#include <Eigen/Core>\n"},
      {"lib/nn/linear.cc", include("tensor/eigen.h")},
      {"lib/tensor/tensor.h", face + include("tensor/eigen.h")},
      {"lib/tensor/eigen.h", once + "#include <zlib.h>\n"},
      {"lib/tensor/eigen.h", once + include("simd/math-inl.h")},
      {"lib/io/npy.h", face + include("simd/math-inl.h")},
      {"lib/io/npy.h", "// no guard\n"},
      {"lib/io/npy.cc", "#include \"npy.h\"\n"},
      {"lib/io/npy.cc", "#include <ranvier/io/npy.h>\n"},
      {"lib/ops/gemm.cu", ""}};
  for (const auto& [path, text] : wrong) {
    EXPECT_EQ(Wrongs(path, text).size(), 1u) << path << "\n" << text;
  }
}

TEST(IncludeDirection, TakesEveryRightWay) {
  const std::string once = "#pragma once\n";
  const std::vector<std::pair<std::string, std::string>> right = {
      {"simd/lif-inl.h", "#include <hwy/highway.h>\n"},
      {"simd/lif.cc", "#include \"hwy/foreach_target.h\"\n"},
      {"parallel/context.cc", "#include <tbb/task_arena.h>\n"},
      {"gpu/device.cu", "#include <cuda_runtime_api.h>\n"},
      {"lib/cli/main.cc", "#include <CLI/CLI.hpp>\n"},
      {"lib/tensor/eigen.h", once + "#include <Eigen/Core>\n"},
      {"examples/a.cc", "#include \"ranvier/tensor/eigen.h\"\n"},
      {"examples/a.cc", "#include <Eigen/Core>\n"},
      {"lib/spiking/a.cc", "#include \"ranvier/gpu/device.h\"\n"},
      {"tests/lib/a_test.cc", "#include \"tests/util/shared_data.h\"\n"},
      {"tests/lib/a_test.cc", "#include \"ranvier/cli/progress.h\"\n"}};
  for (const auto& [path, text] : right) {
    for (const std::string& wrong : Wrongs(path, text)) {
      ADD_FAILURE() << wrong;
    }
  }
}

}  // namespace
}  // namespace ranvier
