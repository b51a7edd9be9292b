#include "ranvier/parallel/thread_count.h"

#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/parallel/context.h"

#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

class ThreadCountTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* old = std::getenv("RANVIER_NUM_THREADS")) old_ = old;
    unsetenv("RANVIER_NUM_THREADS");
  }
  void TearDown() override {
    if (old_) {
      setenv("RANVIER_NUM_THREADS", old_->c_str(), 1);
    } else {
      unsetenv("RANVIER_NUM_THREADS");
    }
  }

  void Write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = root_.path() / file;
    std::filesystem::create_directories(path.parent_path());
    root_.Write(file, text);
  }
  std::optional<double> Quota() const { return CgroupCpuQuota(root_.path()); }

  test::TempDir root_;

 private:
  std::optional<std::string> old_;
};

std::string Refusal(int argument) {
  try {
    DecideThreadCount(argument);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST_F(ThreadCountTest, ArgumentComesFirst) {
  setenv("RANVIER_NUM_THREADS", "3", 1);
  EXPECT_EQ(DecideThreadCount(5).threads, 5);
  EXPECT_EQ(DecideThreadCount(5).reason, "argument");
  EXPECT_EQ(DecideThreadCount(4096).threads, 4096);
  EXPECT_NE(Refusal(-1).find("-1"), std::string::npos);
  EXPECT_NE(Refusal(4097).find("4097"), std::string::npos);
}

TEST_F(ThreadCountTest, EnvironmentComesSecond) {
  setenv("RANVIER_NUM_THREADS", "3", 1);
  EXPECT_EQ(DecideThreadCount(0).threads, 3);
  EXPECT_EQ(DecideThreadCount(0).reason, "RANVIER_NUM_THREADS");
  const Context ctx;
  EXPECT_EQ(ctx.threads(), 3);
}

TEST_F(ThreadCountTest, EnvironmentMustBeAWholeNumber) {
  for (const std::string text : {"0", "-1", "4097", "two", "2x", " 2", "2 ",
                                 "1.5", "0x2", "99999999999999999999"}) {
    setenv("RANVIER_NUM_THREADS", text.c_str(), 1);
    const std::string message = Refusal(0);
    EXPECT_NE(message.find("RANVIER_NUM_THREADS"), std::string::npos) << text;
    EXPECT_NE(message.find("\"" + text + "\""), std::string::npos) << text;
    EXPECT_EQ(DecideThreadCount(2).threads, 2);  // not looked at
  }
  setenv("RANVIER_NUM_THREADS", "", 1);
  EXPECT_EQ(Refusal(0), "");
}

// In a thread of its own, because a mask is a thread's.
TEST_F(ThreadCountTest, AffinityMaskOfThisThread) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
    GTEST_SKIP() << "this machine has more processors than a cpu_set_t";
  }
  const int all = CPU_COUNT(&allowed);
  // No quota: an empty tree stands for the machine's.
  EXPECT_EQ(DecideThreadCount(0, root_.path()).threads, all);
  EXPECT_EQ(DecideThreadCount(0, root_.path()).reason, "affinity mask");

  std::vector<int> processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &allowed)) processors.push_back(i);
  }
  for (int count = 1; count <= std::min(all, 3); ++count) {
    std::thread([&] {
      cpu_set_t some;
      CPU_ZERO(&some);
      // The last ones: it is the mask that counts, not processor 0.
      for (int i = 0; i < count; ++i) {
        CPU_SET(processors[processors.size() - 1 - static_cast<size_t>(i)],
                &some);
      }
      ASSERT_EQ(sched_setaffinity(0, sizeof(some), &some), 0);
      const ThreadCount decided = DecideThreadCount(0, root_.path());
      EXPECT_EQ(decided.threads, count);
      EXPECT_EQ(decided.reason, "affinity mask");
    }).join();
  }
}

TEST_F(ThreadCountTest, TheSmallerOfMaskAndQuota) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 ||
      CPU_COUNT(&allowed) < 2) {
    GTEST_SKIP() << "needs two processors";
  }
  Write("proc/self/cgroup", "0::/job\n");
  const auto decide = [&](const std::string& cpu_max) {
    Write("sys/fs/cgroup/job/cpu.max", cpu_max);
    return DecideThreadCount(0, root_.path());
  };
  EXPECT_EQ(decide("100000 100000\n").threads, 1);
  EXPECT_EQ(decide("100000 100000\n").reason, "cgroup quota");
  EXPECT_EQ(decide("1000 100000\n").threads, 1);
  // 1.01 processors are two threads, which the mask grants as well if it has
  // no more.
  EXPECT_EQ(decide("101000 100000\n").threads, 2);
  const ThreadCount wide = decide("99900000 100000\n");
  EXPECT_EQ(wide.threads, CPU_COUNT(&allowed));
  EXPECT_EQ(wide.reason, "affinity mask");
  EXPECT_EQ(decide("max 100000\n").reason, "affinity mask");
}

TEST_F(ThreadCountTest, NoCgroup) {
  EXPECT_FALSE(Quota().has_value());
  Write("proc/self/cgroup", "0::/\n");
  EXPECT_FALSE(Quota().has_value());
}

TEST_F(ThreadCountTest, CgroupV2) {
  Write("proc/self/cgroup", "0::/system.slice/job.service\n");
  Write("sys/fs/cgroup/system.slice/job.service/cpu.max", "150000 100000\n");
  EXPECT_EQ(Quota(), 1.5);
  Write("sys/fs/cgroup/system.slice/job.service/cpu.max", "max 100000\n");
  EXPECT_FALSE(Quota().has_value());
  // Without the second number the period is the kernel's default.
  Write("sys/fs/cgroup/system.slice/job.service/cpu.max", "250000\n");
  EXPECT_EQ(Quota(), 2.5);
}

TEST_F(ThreadCountTest, CgroupV2AncestorsCount) {
  Write("proc/self/cgroup", "0::/a/b/c\n");
  Write("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  EXPECT_EQ(Quota(), 8.0);
  Write("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  EXPECT_EQ(Quota(), 3.0);
  Write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota(), 3.0);
}

// A container sees its own group as the top, whatever its path is outside.
TEST_F(ThreadCountTest, PathThatIsNotMounted) {
  Write("proc/self/cgroup", "0::/kubepods/pod7/1a2b\n");
  Write("sys/fs/cgroup/cpu.max", "200000 50000\n");
  EXPECT_EQ(Quota(), 4.0);
  Write("proc/self/cgroup", "0::/../other\n");
  EXPECT_EQ(Quota(), 4.0);
}

TEST_F(ThreadCountTest, CgroupV1) {
  Write("proc/self/cgroup",
        "9:name=systemd:/\n4:memory:/x\n3:cpu,cpuacct:/docker/ab:c\n"
        "2:cpuset:/\n");
  const std::string group = "sys/fs/cgroup/cpu,cpuacct/docker/ab:c/";
  Write(group + "cpu.cfs_quota_us", "-1\n");
  Write(group + "cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(Quota().has_value());
  Write(group + "cpu.cfs_quota_us", "50000\n");
  EXPECT_EQ(Quota(), 0.5);
}

TEST_F(ThreadCountTest, CgroupV1OfAContainer) {
  Write("proc/self/cgroup", "1:cpu:/docker/abc\n");
  Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n");
  Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 3.0);
}

TEST_F(ThreadCountTest, OtherControllersDoNotCount) {
  Write("proc/self/cgroup", "1:cpuset:/\n2:cpuacct:/\n");
  Write("sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "100000\n");
  Write("sys/fs/cgroup/cpuset/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(Quota().has_value());
}

TEST_F(ThreadCountTest, BrokenFilesMeanNoQuota) {
  for (const char* text : {"", "\n", "max", "nan 100000", "-5 100000",
                           "100000 0", "100000 -1", "x y", "inf 1"}) {
    Write("proc/self/cgroup", "garbage\n0:\n:\n0::/\n");
    Write("sys/fs/cgroup/cpu.max", text);
    EXPECT_FALSE(Quota().has_value()) << text;
  }
}

}  // namespace
}  // namespace ranvier
