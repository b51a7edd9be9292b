#include "ranvier/cli/machine.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/util/temp_dir.h"

namespace ranvier::cli {
namespace {

namespace fs = std::filesystem;

class Machine : public testing::Test {
 protected:
  void SetUp() override {
    Write("proc/meminfo",
          "MemTotal:  16000000 kB\nMemAvailable:   8000000 kB\n");
  }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  size_t Available() { return AvailableMemory(root_.string())->bytes; }

  const test::TempDir folder_;
  const fs::path root_ = folder_.path();
};

TEST_F(Machine, MemoryWithoutCgroup) { EXPECT_EQ(Available(), 8192000000u); }

TEST_F(Machine, CgroupVersion2CountsAncestorsAndCache) {
  Write("proc/self/cgroup", "0::/a/b\n");
  Write("sys/fs/cgroup/a/b/memory.max", "max\n");
  Write("sys/fs/cgroup/a/memory.max", "1000000\n");
  Write("sys/fs/cgroup/a/memory.current", "600000\n");
  Write("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 100000\n");
  EXPECT_EQ(Available(), 500000u);
}

TEST_F(Machine, CgroupVersion1) {
  Write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/job\n0::/\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000\n");
  Write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "500000\n");
  EXPECT_EQ(Available(), 1500000u);
}

TEST_F(Machine, GroupThatIsOverItsLimitLeavesNothing) {
  Write("proc/self/cgroup", "0::/\n");
  Write("sys/fs/cgroup/memory.max", "1000\n");
  Write("sys/fs/cgroup/memory.current", "2000\n");
  EXPECT_EQ(Available(), 0u);
}

TEST_F(Machine, NoProcMeansNoAnswer) {
  EXPECT_FALSE(AvailableMemory((root_ / "nowhere").string()));
}

TEST_F(Machine, FoldersThatCannotBeWritten) {
  EXPECT_EQ(WhyNotWritable(root_.string()), "");
  EXPECT_EQ(WhyNotWritable((root_ / "new/deeper").string()), "");
  EXPECT_NE(WhyNotWritable((root_ / "proc/meminfo").string()), "");
  EXPECT_NE(WhyNotWritable((root_ / "proc/meminfo/x").string()), "");
  EXPECT_FALSE(fs::exists(root_ / "new"));
  EXPECT_GT(FreeDisk((root_ / "new").string()).value_or(0), 0u);
}

TEST_F(Machine, FileThatWouldNotFitIsRefusedBeforeItIsLoaded) {
  Write("edges.csv", "pre,post,weight\n1,2,3\n");
  const std::string path = (root_ / "edges.csv").string();
  EXPECT_NO_THROW(CheckMemoryFor(path, {}, AvailableMemory()));
  EXPECT_NO_THROW(CheckMemoryFor(path, {}, std::nullopt));
  try {
    CheckMemoryFor(path, {}, MemoryLimit{1, "cgroup limit"});
    FAIL() << "one byte is not enough";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("edges.csv"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("cgroup limit"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace ranvier::cli
