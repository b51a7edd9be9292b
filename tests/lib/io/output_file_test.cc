#include "ranvier/io/output_file.h"

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <zlib.h>

#include "ranvier/simd/base/error.h"

#include "tests/util/temp_dir.h"

namespace ranvier {
namespace {

std::string MessageOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const IoError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no IoError";
  return "";
}

std::string Gunzip(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text;
  char buffer[4096];
  int n = 0;
  while ((n = gzread(file, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(n));
  }
  EXPECT_EQ(gzclose(file), Z_OK);
  return text;
}

TEST(OutputFile, AppearsOnlyAfterCommit) {
  test::TempDir dir;
  const std::string path = dir.File("a.txt");
  OutputFile file(path);
  file.Write("hello ");
  EXPECT_FALSE(std::filesystem::exists(path));
  file.Write("world\n");
  file.Commit();
  EXPECT_EQ(test::ReadFile(path), "hello world\n");
  EXPECT_EQ(dir.Entries(), 1u);
  EXPECT_THROW(file.Write("more"), IoError);
}

TEST(OutputFile, IsRemovedWithoutCommitAndKeepsTheOldFile) {
  test::TempDir dir;
  const std::string path = dir.Write("a.txt", "old");
  {
    OutputFile file(path);
    file.Write(std::string(1 << 20, 'x'));
  }
  EXPECT_EQ(test::ReadFile(path), "old");
  EXPECT_EQ(dir.Entries(), 1u);
}

TEST(OutputFile, MovedFileIsCommittedOnce) {
  test::TempDir dir;
  OutputFile file(dir.File("a.txt"));
  file.Write("1");
  OutputFile other(std::move(file));
  other.Write("2");
  other.Commit();
  EXPECT_EQ(test::ReadFile(dir.File("a.txt")), "12");
}

TEST(OutputFile, CompressesWhereTheNameEndsInGz) {
  test::TempDir dir;
  const std::string path = dir.File("a.csv.gz");
  std::string text;
  OutputFile file(path);
  for (int i = 0; i < 200000; ++i) {  // several buffers, uneven pieces
    const std::string line = std::to_string(i * 7919) + "\n";
    file.Write(line);
    text += line;
  }
  file.Write(text);  // larger than the buffer
  file.Commit();
  EXPECT_LT(std::filesystem::file_size(path), text.size());
  EXPECT_TRUE(Gunzip(path) == text + text);
}

TEST(OutputFile, EmptyGzipIsValid) {
  test::TempDir dir;
  OutputFile file(dir.File("e.gz"));
  file.Commit();
  EXPECT_EQ(Gunzip(dir.File("e.gz")), "");
}

TEST(OutputFile, SaysWhatIsWrongWithThePath) {
  test::TempDir dir;
  const std::string missing = dir.File("no/such/a.csv");
  std::string message = MessageOf([&] { CheckWritable(missing); });
  EXPECT_NE(message.find(missing), std::string::npos) << message;
  EXPECT_NE(message.find("create the folder"), std::string::npos) << message;

  message = MessageOf([&] { CheckWritable(dir.path().string()); });
  EXPECT_NE(message.find("directory"), std::string::npos) << message;
  EXPECT_THROW(CheckWritable(""), IoError);
  EXPECT_THROW(CheckWritable(dir.File("x") + "/"), IoError);

  dir.Write("plain", "");
  EXPECT_THROW(CheckWritable(dir.File("plain/a.csv")), IoError);
  EXPECT_EQ(dir.Entries(), 1u);
}

TEST(OutputFile, RefusesUnwritableFolder) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  test::TempDir dir;
  std::filesystem::permissions(
      dir.path(),
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_THROW(CheckWritable(dir.File("a.csv")), IoError);
  std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
}

TEST(OutputFile, CheckWritableLeavesNothingBehind) {
  test::TempDir dir;
  CheckWritable(dir.File("a.csv"));
  EXPECT_EQ(dir.Entries(), 0u);
}

// A full disk: /dev/full accepts no byte, plain or compressed.
TEST(OutputFile, ReportsNoSpace) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  OutputFile file("/dev/full");
  file.Write("a");
  const std::string message = MessageOf([&] { file.Commit(); });
  EXPECT_NE(message.find("/dev/full"), std::string::npos) << message;
  EXPECT_NE(message.find("free some space"), std::string::npos) << message;
  EXPECT_THROW(file.Write("b"), IoError);  // stays failed
  EXPECT_THROW(file.Commit(), IoError);
  OutputFile large("/dev/full");
  EXPECT_THROW(large.Write(std::string(1 << 20, 'x')), IoError);

  // Its .gz form through a link, which is how a name can end so.
  test::TempDir dir;
  std::filesystem::create_symlink("/dev/full", dir.File("full.gz"));
  OutputFile gzip(dir.File("full.gz"));
  gzip.Write("a");
  EXPECT_THROW(gzip.Commit(), IoError);
}

// A device is written to, never replaced by a file.
TEST(OutputFile, WritesDevicesDirectly) {
  OutputFile file("/dev/null");
  file.Write("a");
  file.Commit();
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

// The folder vanishes between the first write and the rename.
TEST(OutputFile, ReportsFailedRename) {
  test::TempDir dir;
  std::filesystem::create_directory(dir.File("sub"));
  OutputFile file(dir.File("sub/a.txt"));
  file.Write("a");
  std::filesystem::remove_all(dir.File("sub"));
  const std::string message = MessageOf([&] { file.Commit(); });
  EXPECT_NE(message.find("rename"), std::string::npos) << message;
}

}  // namespace
}  // namespace ranvier
