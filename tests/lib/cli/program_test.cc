// The program itself, as a shell runs it.

#include "tests/lib/cli/program.h"

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ranvier/spiking/step_list.h"

#include "tests/lib/cli/small_network.h"

namespace ranvier::cli {
namespace {

namespace fs = std::filesystem;

class Program : public testing::Test {
 protected:
  void SetUp() override { WriteRing(ring_, 2000); }

  // Waits until the program has said that it is about to simulate.
  void WaitForStart() { WaitForText(log_, "in steps of"); }

  test::TempDir folder_;
  std::string ring_ = folder_.File("ring.conn1");
  std::string out_ = folder_.File("out");
  std::string log_ = folder_.File("log");
  // Half an hour of it would take longer than any test.
  std::vector<std::string> endless_ = {"simulate", ring_,        "--excite",
                                       "all@50",   "--duration", "30min",
                                       "--out",    out_};
};

TEST_F(Program, CtrlCLeavesWholeFilesThatSayTheyAreIncomplete) {
  const pid_t child = Start(endless_, log_);
  WaitForStart();
  kill(child, SIGINT);
  EXPECT_EQ(Wait(child), 130) << test::ReadFile(log_);
  const auto json = nlohmann::json::parse(test::ReadFile(out_ + "/run.json"));
  EXPECT_EQ(json["complete"], false);
  EXPECT_GT(json["biological_s"], 0);
  EXPECT_LT(json["biological_s"], 1800);
  EXPECT_EQ(ReadStepList(out_ + "/spikes.csv.gz", 2000).size(),
            json["spikes"].get<size_t>());
  EXPECT_NE(test::ReadFile(out_ + "/report.html").find("Incomplete"),
            std::string::npos);
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(out_)) {
    ++files;
  }
  EXPECT_EQ(files, 5u);  // and nothing half written beside them
}

TEST_F(Program, TerminationCountsAsItsOwnSignal) {
  const pid_t child = Start(endless_, log_);
  WaitForStart();
  kill(child, SIGTERM);
  EXPECT_EQ(Wait(child), 143) << test::ReadFile(log_);
}

TEST_F(Program, ReaderThatGoesAwayDoesNotCutTheFiles) {
  const std::string command = kCommand + " simulate " + ring_ +
                              " --excite 0 --duration 50 --out " + out_ +
                              " --json - 2>/dev/null | true";
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_TRUE(fs::exists(out_ + "/run.json"));
  EXPECT_TRUE(fs::exists(out_ + "/report.html"));
}

TEST_F(Program, FullDiskUnderStandardOutputIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  const std::string command = kCommand + " --help >/dev/full 2>/dev/null";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
}

TEST_F(Program, WrongEnvironmentIsTold) {
  for (const char* wrong : {"RANVIER_NUM_THREADS=many", "RANVIER_TARGET=Z80"}) {
    const std::string command = std::string(wrong) + " " + kCommand +
                                " simulate " + ring_ + " --excite 0 --out " +
                                out_ + " 2>" + log_;
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 2) << wrong;
    EXPECT_NE(test::ReadFile(log_).find(
                  std::string(wrong).substr(0, std::string(wrong).find('='))),
              std::string::npos);
    EXPECT_FALSE(fs::exists(out_));
  }
}

}  // namespace
}  // namespace ranvier::cli
