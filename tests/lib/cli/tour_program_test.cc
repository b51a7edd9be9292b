// The whole tour, as `./dev run` has it.

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ranvier/cli/tour_operations.h"
#include "ranvier/cli/tour_products.h"

#include "tests/lib/cli/program.h"
#include "tests/util/temp_dir.h"

namespace ranvier::cli {
namespace {

class TourProgram : public testing::Test {
 protected:
  nlohmann::json Figures() const {
    return nlohmann::json::parse(test::ReadFile(out_ + "/run.json"));
  }

  test::TempDir folder_;
  std::string out_ = folder_.File("out");
  std::string log_ = folder_.File("log");
};

TEST_F(TourProgram, BrainAndEveryRow) {
  ASSERT_EQ(Wait(Start({"tour", "--threads", "2", "--out", out_}, log_)), 0)
      << test::ReadFile(log_);
  const auto json = Figures();
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["neurons"], 138639);
  EXPECT_GT(json["spikes"], 0);
  EXPECT_EQ(json["products"].size(),
            TourShapes().size() * ProductWays().size());
  EXPECT_EQ(json["operations"].size(), 3 * TourOperations().size());
  const std::string log = test::ReadFile(log_);
  const std::string report = test::ReadFile(out_ + "/report.html");
  for (const char* list : {"products", "operations"}) {
    for (const auto& row : json[list]) {
      EXPECT_EQ(row["right"], true) << row;
      EXPECT_GT(row["seconds"], 0) << row;
      const std::string what =
          row[list == std::string("products") ? "product" : "operation"];
      EXPECT_NE(log.find(what), std::string::npos) << what;
      EXPECT_NE(report.find(what), std::string::npos) << what;
    }
  }
}

TEST_F(TourProgram, CtrlCBetweenProductsKeepsTheBrain) {
  const pid_t child = Start({"tour", "--threads", "1", "--out", out_}, log_);
  WaitForText(log_, "plain loop");
  kill(child, SIGINT);
  EXPECT_EQ(Wait(child), 130) << test::ReadFile(log_);
  const auto json = Figures();
  EXPECT_EQ(json["complete"], false);
  EXPECT_GT(json["spikes"], 0);
  EXPECT_FALSE(json["products"].empty());
  EXPECT_LT(json["products"].size(), TourShapes().size() * 3);
  EXPECT_TRUE(json["operations"].empty());
  EXPECT_NE(test::ReadFile(out_ + "/report.html").find("Incomplete"),
            std::string::npos);
}

}  // namespace
}  // namespace ranvier::cli
