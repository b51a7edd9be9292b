#include "ranvier/cli/command.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/help.h"
#include "ranvier/cli/simulate.h"
#include "ranvier/spiking/simulation.h"
#include "ranvier/spiking/step_list.h"

#include "tests/lib/cli/small_network.h"
#include "tests/util/shared_data.h"

namespace ranvier::cli {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome Call(const std::vector<std::string>& args) {
  std::ostringstream out, err;
  Outcome outcome;
  outcome.code = RunCommand(args, {out, err});
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

// The long options that a manual page explains: those at a line's beginning.
std::set<std::string> OptionsOfPage(const std::string& page) {
  std::set<std::string> options;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    size_t at = line.find_first_not_of(' ');
    if (at == std::string::npos || at > 8 || line[at] != '-') continue;
    at = line.find("--", at);
    if (at == std::string::npos) continue;
    options.insert(line.substr(
        at, line.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at) - at));
  }
  return options;
}

std::set<std::string> OptionsOf(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.insert("--" + name);
    }
  }
  return names;
}

TEST(Help, PagesOfLongRunsHoldExactlyTheOptions) {
  SimulateOptions options;
  Arguments simulate("simulate"), tour("tour");
  options.AddTo(simulate.app());
  options.AddTourTo(tour.app());
  EXPECT_EQ(OptionsOfPage(HelpPage("simulate")), OptionsOf(simulate.app()));
  EXPECT_EQ(OptionsOfPage(HelpPage("tour")), OptionsOf(tour.app()));
}

TEST(Help, EveryExplainedOptionExists) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"replay"},
        {"connectome", "import"},
        {"connectome", "stats"},
        {"connectome", "synth"},
        {"info"}}) {
    const std::string name =
        command[0] + (command.size() > 1 ? " " + command[1] : "");
    const auto options = OptionsOfPage(HelpPage(name));
    EXPECT_FALSE(options.empty()) << name;
    for (const std::string& option : options) {
      if (option == "--help") continue;
      std::vector<std::string> args = command;
      args.insert(args.end(), {option, "--no-such-thing"});
      EXPECT_EQ(Call(args).err.find("there is no option " + option),
                std::string::npos)
          << name;
    }
  }
}

TEST(Help, FitsATerminal) {
  for (const char* name :
       {"", "tour", "simulate", "replay", "connectome", "connectome import",
        "connectome stats", "connectome synth", "info"}) {
    std::istringstream lines(HelpPage(name));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 80u) << name << ": " << line;
    }
  }
}

TEST(Command, HelpAndVersion) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--help"},
        {"help"},
        {"tour", "--help"},
        {"simulate", "--help"},
        {"help", "simulate"},
        {"replay", "-h"},
        {"connectome", "--help"},
        {"connectome", "synth", "--help"},
        {"info", "--help"}}) {
    const Outcome outcome = Call(args);
    EXPECT_EQ(outcome.code, kExitOk) << args[0];
    EXPECT_NE(outcome.out.find("Usage: ranvier"), std::string::npos);
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_EQ(Call({"--version"}).out.rfind("ranvier ", 0), 0u);
}

TEST(Command, InfoIsComplete) {
  const Outcome outcome = Call({"info", "--json"});
  ASSERT_EQ(outcome.code, kExitOk) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  for (const char* key : {"version", "commit", "targets", "threads",
                          "threads_reason", "cache_bytes", "blas", "cuda"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_FALSE(json["targets"]["supported"].empty());
}

class CommandOnRing : public testing::Test {
 protected:
  void SetUp() override { WriteRing(ring_, kNeurons); }

  nlohmann::json Simulate(std::vector<std::string> args) {
    args.insert(args.begin(), {"simulate", ring_, "--json", "-", "--out", out_,
                               "--duration", "100ms"});
    const Outcome outcome = Call(args);
    EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
    return nlohmann::json::parse(outcome.out);
  }

  static constexpr uint32_t kNeurons = 50;
  test::TempDir folder_;
  std::string ring_ = folder_.File("ring.conn1");
  std::string out_ = folder_.File("out");
};

TEST_F(CommandOnRing, FilesAgreeWithTheFigures) {
  const auto json = Simulate({"--excite", "0,7@150", "--trials", "3",
                              "--voltage", "0,1", "--seed", "4"});
  for (const char* key :
       {"neurons", "synapses", "spikes", "active_neurons", "synaptic_events",
        "wall_s", "biological_s", "real_time_factor", "spikes_sha256",
        "threads", "target", "device"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["neurons"], kNeurons);
  EXPECT_EQ(json["synapses"], 2 * kNeurons);
  EXPECT_EQ(json["complete"], true);
  EXPECT_NEAR(json["biological_s"], 0.3, 1e-12);
  EXPECT_EQ(json["trial_spikes_sha256"].size(), 3u);
  EXPECT_EQ(json, nlohmann::json::parse(test::ReadFile(out_ + "/run.json")));

  const size_t spikes = json["spikes"];
  ASSERT_GT(spikes, 0u);
  const auto rows = ReadStepList(out_ + "/spikes.csv.gz", kNeurons);
  EXPECT_EQ(rows.size(), spikes);
  const std::string npy = test::ReadFile(out_ + "/spikes.npy");
  EXPECT_EQ(npy.size() % 64, spikes * 12 % 64);
  EXPECT_NE(npy.find("(" + std::to_string(spikes) + ", 3)"), std::string::npos);
  const std::string rates = test::ReadFile(out_ + "/rates.csv");
  EXPECT_EQ(rates.rfind("id,index,mean_rate_hz,std_rate_hz,spikes\n", 0), 0u);
  EXPECT_EQ(static_cast<size_t>(std::count(rates.begin(), rates.end(), '\n')),
            json["active_neurons"].get<size_t>() + 1);
  const std::string voltage = test::ReadFile(out_ + "/voltage.csv");
  EXPECT_EQ(std::count(voltage.begin(), voltage.end(), '\n'), 1 + 3 * 1000 * 2);
  EXPECT_NE(test::ReadFile(out_ + "/report.html").find("</html>"),
            std::string::npos);
}

TEST_F(CommandOnRing, SameSpikesForAnyThreadCount) {
  const auto one = Simulate({"--excite", "all@20", "--threads", "1"});
  for (const char* threads : {"2", "7"}) {
    const auto json = Simulate({"--excite", "all@20", "--threads", threads});
    EXPECT_EQ(json["spikes_sha256"], one["spikes_sha256"]);
  }
  const auto other =
      Simulate({"--excite", "all@20", "--threads", "1", "--seed", "1"});
  EXPECT_NE(other["spikes_sha256"], one["spikes_sha256"]);
}

TEST_F(CommandOnRing, ShaIsThatOfTheSpikes) {
  const auto json = Simulate({"--excite", "3@100"});
  const auto rows = ReadStepList(out_ + "/spikes.csv.gz", kNeurons);
  EXPECT_EQ(json["spikes_sha256"], SpikesSha256(rows));
  EXPECT_EQ(json["trial_spikes_sha256"][0], json["spikes_sha256"]);
}

TEST_F(CommandOnRing, ExactInputAndSilence) {
  const std::string input = folder_.File("input.csv");
  std::ofstream(input) << "step,neuron\n10,0\n";
  // A kick at step 10 fires neuron 0 at step 11, which goes round the ring.
  const auto json = Simulate({"--input", input});
  EXPECT_EQ(ReadStepList(out_ + "/spikes.csv.gz", kNeurons)[0], (Spike{11, 0}));
  EXPECT_GT(json["spikes"], 1);
  const auto cut = Simulate({"--input", input, "--silence", "0"});
  EXPECT_EQ(cut["spikes"], 1);
}

TEST_F(CommandOnRing, EstimateWritesNothing) {
  const Outcome outcome =
      Call({"simulate", ring_, "--excite", "0", "--estimate", "--out", out_});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_NE(outcome.out.find("memory"), std::string::npos);
  EXPECT_NE(outcome.out.find("disk"), std::string::npos);
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(CommandOnRing, WhatIsWrongIsToldBeforeTheRun) {
  struct Case {
    std::vector<std::string> args;
    int code;
    const char* message;
  };
  const std::string file = folder_.File("ring.conn1");
  for (const Case& c : {
           Case{{"--excite", "50"}, 2, "50 is unknown"},
           Case{{"--excite", "0@-1"}, 2, "negative"},
           Case{{"--excite", "0@20000"}, 2, "highest rate is 10000 Hz"},
           Case{{"--excite", "0", "--excite", "0@5"}, 2, "driven twice"},
           Case{{"--excite", "feeding"}, 2, "nor a set of this connectome"},
           Case{{"--trials", "0"}, 2, "0 trials"},
           Case{{"--trials", "-2"}, 2, "-2 trials"},
           Case{{"--duration", "0"}, 2, "0 steps"},
           Case{{"--duration", "-1s"}, 2, "steps"},
           Case{{"--duration", "long"}, 2, "not a time"},
           Case{{"--duration", "1e9min"}, 2, "4,294,967,295"},
           Case{{"--dt", "0"}, 2, "dt"},
           Case{{"--dt", "5ms"}, 2, "less than one step"},
           Case{{"--tau-m", "-1"}, 2, "tau_m"},
           Case{{"--delay", "0"}, 2, "less than one step"},
           Case{{"--silence", "0:loudly"}, 2, "not a way to silence"},
           Case{{"--ids", "id"}, 2, "no ids of its own"},
           Case{{"--ids", "name"}, 2, "neither index nor id"},
           Case{{"--threads", "-1"}, 2, "--threads"},
           Case{{"--target", "Z80"}, 2, "'Z80'"},
           Case{{"--format", "xml"}, 2, "'xml'"},
           Case{{"--neurons", "/nowhere"}, 1, "does not exist"},
           Case{{"--input", "/nowhere"}, 1, "does not exist"},
           Case{{"--input", file}, 1, "ring.conn1"},
           Case{{"--json", file + "/x"}, 1, "--json"},
           Case{{"--voltage", "0,99"}, 2, "99"},
           Case{{"--voltage", "all", "--duration", "100000s"}, 1, "memory"},
           Case{{"--speed", "1"}, 2, "there is no option --speed"},
           Case{{"--trails", "1"}, 2, "did you mean --trials?"},
           Case{{"--seed", "x"}, 2, "--seed"},
           Case{{"one_more"}, 2, "one_more"},
       }) {
    std::vector<std::string> args = {"simulate", ring_, "--out", out_};
    args.insert(args.end(), c.args.begin(), c.args.end());
    const Outcome outcome = Call(args);
    EXPECT_EQ(outcome.code, c.code) << c.args[0] << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(c.message), std::string::npos)
        << c.args[0] << ": " << outcome.err;
    EXPECT_FALSE(fs::exists(out_)) << c.args[0];
  }
}

TEST_F(CommandOnRing, UnwritableFolder) {
  const Outcome outcome =
      Call({"simulate", ring_, "--excite", "0", "--out", ring_ + "/x"});
  EXPECT_EQ(outcome.code, kExitData);
  EXPECT_NE(outcome.err.find("is not a folder"), std::string::npos);
}

TEST_F(CommandOnRing, EverythingWrongIsToldTogether) {
  const Outcome outcome =
      Call({"simulate", ring_, "--out", out_, "--trials", "0", "--excite", "99",
            "--excite", "1@-5", "--duration", "0", "--silence", "x"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_NE(outcome.err.find("5 things are wrong"), std::string::npos)
      << outcome.err;
}

TEST_F(CommandOnRing, StatsAndUnknownFiles) {
  const Outcome stats = Call({"connectome", "stats", ring_, "--json"});
  ASSERT_EQ(stats.code, kExitOk) << stats.err;
  EXPECT_EQ(nlohmann::json::parse(stats.out)["edges"], 2 * kNeurons);
  EXPECT_EQ(Call({"connectome", "stats", "/nowhere"}).code, kExitData);
  EXPECT_EQ(Call({"simulate", "/nowhere"}).code, kExitData);
  EXPECT_EQ(Call({"connectome", "import", ring_, "/nowhere/a.rvc"}).code,
            kExitData);
  EXPECT_EQ(Call({"connectome", "draw"}).code, kExitUsage);
  EXPECT_EQ(Call({"fly"}).code, kExitUsage);
  EXPECT_EQ(Call({}).code, kExitUsage);
}

// A recorded run of two neurons: the kick fires 0, and 0 fires 1.
class CommandReplay : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(run_);
    Write("graph.csv", "pre,post,weight\n0,1,500\n0,1,400\n");
    Write("input.csv", "step,neuron\n10,0\n");
    params_ = {{"n_neurons", 2},
               {"steps", 100},
               {"params",
                {{"dt_ms", 0.1},
                 {"v_0_mV", -52.0},
                 {"v_rst_mV", -52.0},
                 {"v_th_mV", -45.0},
                 {"t_mbr_ms", 20.0},
                 {"tau_ms", 5.0},
                 {"t_rfc_ms", 2.2},
                 {"t_dly_ms", 1.8},
                 {"w_syn_mV", 0.275},
                 {"kick_mV", 68.75},
                 {"rfc_driven_ms", 0.0}}},
               {"graph", {{"file", "graph.csv"}, {"edges", 2}}},
               {"refractory_ms_overrides", {{"0", 0.0}}}};
    // 900 * 0.275 mV arrive at step 29 and lift v above threshold in seven.
    Expect({{11, 0}, {36, 1}});
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(run_ + "/" + name) << text;
  }
  void Expect(const std::vector<Spike>& spikes) {
    std::string text = "step,neuron\n";
    for (const Spike& spike : spikes) {
      text += std::to_string(spike.step) + "," + std::to_string(spike.neuron) +
              "\n";
    }
    Write("spikes.csv", text);
    params_["spikes_sha256"] = SpikesSha256(spikes);
    Write("params.json", params_.dump());
  }

  test::TempDir folder_;
  std::string run_ = folder_.File("pair");
  nlohmann::json params_;
};

TEST_F(CommandReplay, IdenticalForThreadsAndTargets) {
  const Outcome outcome =
      Call({"replay", run_, "--threads", "1,2,7", "--target", "all"});
  if (outcome.code != kExitOk) {
    ADD_FAILURE() << outcome.out << outcome.err;
  }
  EXPECT_EQ(outcome.out.find("different"), std::string::npos) << outcome.out;
}

TEST(CommandGolden, ToysAreIdentical) {
  const auto toys = test::SharedData("golden/toys");
  if (!toys) GTEST_SKIP() << "golden/toys of the shared data is not here";
  std::vector<std::string> args = {"replay", "--threads", "1,2,7", "--target",
                                   "all"};
  for (const auto& entry : fs::directory_iterator(*toys)) {
    args.push_back(entry.path().string());
  }
  const Outcome outcome = Call(args);
  EXPECT_EQ(outcome.code, kExitOk) << outcome.out << outcome.err;
}

TEST_F(CommandReplay, FirstDifferenceAndCounts) {
  Expect({{11, 0}, {20, 1}, {99, 0}});
  const Outcome outcome = Call({"replay", run_});
  EXPECT_EQ(outcome.code, kExitData);
  EXPECT_NE(outcome.out.find("first at step 20 neuron 1 (expected); 3 "
                             "expected, 2 found, 2 missing, 1 extra"),
            std::string::npos)
      << outcome.out;
}

TEST_F(CommandReplay, BrokenFoldersAreNamed) {
  struct Case {
    const char *name, *text, *message;
  };
  for (const Case& c : {
           Case{"params.json", "{", "not JSON"},
           Case{"params.json", "[]", "'n_neurons' is missing"},
           Case{"params.json", "{\"n_neurons\": -1}", "'n_neurons' is -1"},
           Case{"graph.csv", "pre,post,weight\n0,1,500\n", "'edges' is 2"},
           Case{"graph.csv", "pre,post,weight\n0,2,5\n0,1,1\n", "graph.csv:2"},
           Case{"graph.csv", "pre,post,weight\n0,1,nan\n0,1,1\n",
                "graph.csv:2"},
           Case{"input.csv", "", "is empty"},
           Case{"input.csv", "time,cell\n1,2\n", "found the columns time,cell"},
           Case{"input.csv", "step,neuron\n1,0\nx,0\n", "input.csv:3"},
           Case{"input.csv", "step,neuron\n1,2\n", "unknown neuron 2"},
           Case{"input.csv", "step,neuron\n1\n", "found 1 columns"},
           Case{"spikes.csv", "step,neuron\n35,1\n11,0\n", "not sorted"},
           Case{"spikes.csv", "step,neuron\n11,0\n", "SHA-256"},
       }) {
    SetUp();
    Write(c.name, c.text);
    const Outcome outcome = Call({"replay", run_});
    EXPECT_EQ(outcome.code, kExitData) << c.name << c.text;
    EXPECT_NE(outcome.out.find(c.message), std::string::npos)
        << c.text << ": " << outcome.out << outcome.err;
  }
  EXPECT_EQ(Call({"replay", folder_.File("nowhere")}).code, kExitData);
  EXPECT_EQ(Call({"replay"}).code, kExitUsage);
  EXPECT_EQ(Call({"replay", run_, "--threads", "1,x"}).code, kExitUsage);
}

}  // namespace
}  // namespace ranvier::cli
