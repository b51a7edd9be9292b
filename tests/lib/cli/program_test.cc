// The program itself, as a shell runs it.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ranvier/spiking/step_list.h"

#include "tests/lib/cli/small_network.h"

namespace ranvier::cli {
namespace {

namespace fs = std::filesystem;

// For a shell. A program cross-compiled for another machine needs its emulator.
const std::string kCommand =
    std::string(RANVIER_EMULATOR) + " " + RANVIER_COMMAND;

// Starts the program; what it prints goes to the file `log`.
pid_t Start(std::vector<std::string> args, const std::string& log) {
  args.insert(args.begin(), RANVIER_COMMAND);
  if (*RANVIER_EMULATOR != '\0') args.insert(args.begin(), RANVIER_EMULATOR);
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    // A test runner may ignore Ctrl-C, which children inherit.
    signal(SIGINT, SIG_DFL);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  return child;
}

// The exit code, or -1 if a signal ended it.
int Wait(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Program : public testing::Test {
 protected:
  void SetUp() override { WriteRing(ring_, 2000); }

  // Waits until the program has said that it is about to simulate.
  void WaitForStart() {
    for (int i = 0; i < 600; ++i) {
      if (test::ReadFile(log_).find("in steps of") != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }

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
