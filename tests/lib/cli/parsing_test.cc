#include <filesystem>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>

#include "ranvier/cli/neurons.h"
#include "ranvier/cli/stimulus.h"
#include "ranvier/cli/units.h"

namespace ranvier::cli {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

Connectome WithIds(std::vector<int64_t> ids) {
  ConnectomeParts parts;
  parts.row_ptr.assign(ids.size() + 1, 0);
  parts.weight = std::vector<int16_t>();
  parts.id = std::move(ids);
  parts.name = "brain.csv";
  return Connectome(std::move(parts));
}

bool Mentions(const Problems& problems, const std::string& text) {
  return problems.Text("x").find(text) != std::string::npos;
}

TEST(Units, Durations) {
  EXPECT_EQ(ParseDurationMs("1500"), 1500);
  EXPECT_EQ(ParseDurationMs("1.5s"), 1500);
  EXPECT_EQ(ParseDurationMs("500ms"), 500);
  EXPECT_EQ(ParseDurationMs("250us"), 0.25);
  EXPECT_EQ(ParseDurationMs("2min"), 120000);
  EXPECT_EQ(ParseDurationMs("1e3 ms"), 1000);
  EXPECT_EQ(ParseDurationMs("-5ms"), -5);
  for (const char* wrong : {"", "s", "ms", "1 h", "1s2", "nan", "inf", "1,5s",
                            "0x10", "1e999", "1e308min", " 1"}) {
    EXPECT_EQ(ParseDurationMs(wrong), std::nullopt) << wrong;
  }
}

TEST(Units, Integers) {
  EXPECT_EQ(ParseInteger("720575940624963786"), 720575940624963786);
  EXPECT_EQ(ParseInteger("-1"), -1);
  for (const char* wrong : {"", "1.0", "1e3", "99999999999999999999", "1 "}) {
    EXPECT_EQ(ParseInteger(wrong), std::nullopt) << wrong;
  }
}

TEST(Units, TextForPeople) {
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1.5e9), "1.5 GB");
  EXPECT_EQ(FormatDurationMs(500), "500 ms");
  EXPECT_EQ(FormatDurationMs(2500), "2.5 s");
  EXPECT_EQ(FormatSeconds(0.0031), "3.1 ms");
  EXPECT_EQ(FormatSeconds(125), "2 min 5 s");
  EXPECT_EQ(Plural(1, "neuron"), "1 neuron");
  EXPECT_EQ(Plural(1234, "neuron"), "1,234 neurons");
}

TEST(Excite, Forms) {
  struct Case {
    const char* text;
    const char* what;
    double rate, begin, end;
  };
  for (const Case& c : {
           Case{"5", "5", 200, 0, kForever},
           Case{"5,6,7@150", "5,6,7", 150, 0, kForever},
           Case{"5@150Hz", "5", 150, 0, kForever},
           Case{"feeding", "feeding", 200, 0, kForever},
           Case{"ignition", "ignition", 150, 0, kForever},
           Case{"ignition@0", "ignition", 0, 0, kForever},
           Case{"5@1:100-300", "5", 1, 100, 300},
           Case{"5@1:0.1s-300ms", "5", 1, 100, 300},
           Case{"5@1:1e-1s-300", "5", 1, 100, 300},
           Case{"5@1:100-", "5", 1, 100, kForever},
           Case{"file:/a@b/ids.txt", "file:/a@b/ids.txt", 200, 0, kForever},
           Case{"file:/a@b/ids.txt@7", "file:/a@b/ids.txt", 7, 0, kForever},
       }) {
    Problems problems;
    const auto excite = ParseExcite(c.text, problems);
    ASSERT_TRUE(excite) << c.text << ": " << problems.Text("");
    EXPECT_EQ(excite->what, c.what) << c.text;
    EXPECT_EQ(excite->rate_hz, c.rate) << c.text;
    EXPECT_DOUBLE_EQ(excite->begin_ms, c.begin) << c.text;
    EXPECT_EQ(excite->end_ms, c.end) << c.text;
  }
}

TEST(Excite, WhatIsWrongIsNamed) {
  struct Case {
    const char *text, *message;
  };
  for (const Case& c : {
           Case{"5@-3", "negative"},
           Case{"5@", "not a rate"},
           Case{"5@fast", "'fast' is not a rate"},
           Case{"5@inf", "not a rate"},
           Case{"5@1:", "not a window"},
           Case{"5@1:100", "not a window"},
           Case{"5@1:300-100", "ends before it begins"},
           Case{"5@1:100-100", "ends before it begins"},
           Case{"5@1:-5-100", "begins before 0"},
           Case{"5@1:a-100", "'a' is not a time"},
           Case{"5@1:1-b", "'b' is not a time"},
       }) {
    Problems problems;
    EXPECT_FALSE(ParseExcite(c.text, problems)) << c.text;
    EXPECT_TRUE(Mentions(problems, c.message)) << problems.Text("");
    EXPECT_EQ(problems.exit_code(), kExitUsage);
  }
}

TEST(Silence, Forms) {
  Problems problems;
  EXPECT_EQ(ParseSilence("5,6", problems)->kind, SilenceKind::kOutgoing);
  EXPECT_EQ(ParseSilence("5:both", problems)->kind, SilenceKind::kBoth);
  EXPECT_EQ(ParseSilence("file:a.txt", problems)->what, "file:a.txt");
  const auto silence = ParseSilence("file:a.txt:transmission", problems);
  EXPECT_EQ(silence->what, "file:a.txt");
  EXPECT_EQ(silence->kind, SilenceKind::kTransmission);
  EXPECT_TRUE(problems.empty());
  EXPECT_FALSE(ParseSilence("5:all", problems));
  EXPECT_TRUE(Mentions(problems, "outgoing, both and transmission"));
}

TEST(Neurons, ByIndexIdAndSet) {
  const Connectome connectome = WithIds({720575940624963786, 7, -3, 9});
  Problems problems;
  NeuronNames names{4, &connectome, {{"pair", {3, 1}}}};
  EXPECT_EQ(SelectNeurons(names, "9,720575940624963786,9", "--x", problems),
            (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(SelectNeurons(names, "pair,-3", "--x", problems),
            (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(SelectNeurons(names, "all", "--x", problems).size(), 4u);
  names.ids = nullptr;
  EXPECT_EQ(SelectNeurons(names, "3,0", "--x", problems),
            (std::vector<uint32_t>{0, 3}));
  EXPECT_TRUE(problems.empty());
}

TEST(Neurons, UnknownOnesAreCountedAndListed) {
  const Connectome connectome = WithIds({100, 200, 300});
  const NeuronNames by_id{3, &connectome, {}};
  const NeuronNames by_index{3, nullptr, {{"feeding", {}}}};
  struct Case {
    const NeuronNames& names;
    const char *text, *message;
  };
  for (const Case& c : {
           Case{by_id, "100,400,500", "2 of 3 neurons are unknown: 400, 500"},
           Case{by_id, "1", "add --ids index"},
           Case{by_id, "7,8,9,10,11,12", "7, 8, 9, 10, 11, ..."},
           Case{by_id, "400", "between 100 and 300"},
           Case{by_index, "3", "neurons are called 0 to 2"},
           Case{by_index, "-1", "neurons are called 0 to 2"},
           Case{by_index, "720575940624963786", "look like ids"},
           Case{by_index, "feedin", "all, feeding"},
           Case{by_index, "", "no neuron is named"},
           Case{by_index, "1,,2", "no neuron is named"},
           Case{by_index, "file:/nowhere", "cannot read the id file"},
       }) {
    Problems problems;
    SelectNeurons(c.names, c.text, "--excite", problems);
    EXPECT_TRUE(Mentions(problems, c.message))
        << c.text << ": " << problems.Text("");
    EXPECT_TRUE(Mentions(problems, "--excite"));
  }
}

TEST(Neurons, IdFiles) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "ranvier_ids.txt";
  const NeuronNames names{10, nullptr, {}};
  const auto select = [&](const std::string& content, Problems& problems) {
    std::ofstream(path) << content;
    return SelectNeurons(names, "file:" + path.string(), "--x", problems);
  };
  Problems good;
  EXPECT_EQ(select("root_id\n3\r\n1, 2 # sugar\n\n9", good),
            (std::vector<uint32_t>{1, 2, 3, 9}));
  EXPECT_TRUE(good.empty()) << good.Text("");
  Problems text, empty;
  select("1\n2\nthree\n", text);
  EXPECT_TRUE(Mentions(text, "ranvier_ids.txt:3: 'three'")) << text.Text("");
  EXPECT_EQ(text.exit_code(), kExitData);
  select("# none\n", empty);
  EXPECT_TRUE(Mentions(empty, "holds no ids"));
  std::filesystem::remove(path);
}

TEST(Problems, AreToldTogether) {
  Problems problems;
  EXPECT_EQ(problems.exit_code(), kExitOk);
  problems.Data("a.csv", "does not exist");
  EXPECT_EQ(problems.exit_code(), kExitData);
  EXPECT_EQ(problems.Text("simulate"),
            "ranvier simulate: a.csv: does not exist\n");
  problems.Usage("--trials", "0 trials");
  EXPECT_EQ(problems.exit_code(), kExitUsage);
  EXPECT_EQ(problems.Text("simulate"),
            "ranvier simulate: 2 things are wrong, nothing was run\n"
            "  a.csv: does not exist\n  --trials: 0 trials\n");
}

}  // namespace
}  // namespace ranvier::cli
