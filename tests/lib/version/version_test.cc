#include "ranvier/version/version.h"

#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

TEST(Version, IsThreeNumbers) {
  EXPECT_TRUE(std::regex_match(Version(), std::regex(R"(\d+\.\d+\.\d+)")))
      << Version();
}

TEST(Version, CommitIsAHashOrUnknown) {
  EXPECT_TRUE(std::regex_match(Commit(),
                               std::regex("unknown|[0-9a-f]{12,40}(-dirty)?")))
      << Commit();
}

}  // namespace
}  // namespace ranvier
