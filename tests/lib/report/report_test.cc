#include "ranvier/report/report.h"

#include <gtest/gtest.h>

#include "ranvier/report/format.h"
#include "ranvier/report/svg.h"

namespace ranvier {
namespace {

using report::Compact;
using report::Duration;
using report::Escape;
using report::Number;
using report::Thousands;
using report::Ticks;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

RunReport Example(std::vector<Spike>& spikes, uint32_t neurons,
                  uint32_t every) {
  RunReport report;
  report.title = "example";
  report.steps = 10000;
  report.neurons = 1000000;
  for (uint32_t step = 0; step < 10000; step += every) {
    for (uint32_t i = 0; i < neurons; i += 1 + step % 3) {
      spikes.push_back({step, i});
    }
  }
  report.raster = spikes;
  report.population_hz.assign(1000, 5);
  for (uint32_t i = 0; i < neurons; ++i) {
    report.rates.push_back({i, int64_t{1} << 60, 1.0 + i, 0, 1 + i, i < 3});
  }
  return report;
}

TEST(Format, Numbers) {
  EXPECT_EQ(Number(0.25), "0.25");
  EXPECT_EQ(Number(1234567), "1234567");
  EXPECT_EQ(Number(-52), "-52");
  EXPECT_EQ(Number(1.5e12), "1.5e+12");
  EXPECT_EQ(Thousands(0), "0");
  EXPECT_EQ(Thousands(999), "999");
  EXPECT_EQ(Thousands(15091983), "15,091,983");
  EXPECT_EQ(Compact(999), "999");
  EXPECT_EQ(Compact(17348), "17.3 k");
  EXPECT_EQ(Compact(999960), "1 M");
  EXPECT_EQ(Duration(1.2345), "1.23 s");
  EXPECT_EQ(Duration(0.9996), "1 s");
  EXPECT_EQ(Duration(0.0213), "21.3 ms");
  EXPECT_EQ(Duration(3.1e-6), "3.1 us");
}

TEST(Svg, TicksAreRoundAndInside) {
  EXPECT_EQ(Ticks(0, 1000, 5),
            (std::vector<double>{0, 200, 400, 600, 800, 1000}));
  EXPECT_EQ(Ticks(0, 0, 5), std::vector<double>{0});
  for (const double high : {1e-7, 0.3, 7.0, 123456.0, 3e12}) {
    const std::vector<double> ticks = Ticks(0, high, 8);
    ASSERT_GE(ticks.size(), 4u) << high;
    ASSERT_LE(ticks.size(), 10u) << high;
    EXPECT_GE(ticks.front(), 0);
    EXPECT_LE(ticks.back(), high * (1 + 1e-9));
  }
}

TEST(Svg, EscapeLeavesNoMarkupAndNoInvalidText) {
  EXPECT_EQ(Escape("<a href=\"x\">&'"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(Escape("\xC3\xA4"), "\xC3\xA4");      // valid UTF-8
  EXPECT_EQ(Escape("a\xFFz"), "a\xEF\xBF\xBDz");  // no UTF-8
  EXPECT_EQ(Escape("\xC3"), "\xEF\xBF\xBD");      // cut short
  EXPECT_EQ(Escape(std::string_view("\0", 1)), "\xEF\xBF\xBD");
  EXPECT_EQ(Count(Escape("\xED\xA0\x80"), "\xEF\xBF\xBD"), 3u);  // surrogate
}

TEST(Report, TextFromFilesIsEscaped) {
  std::vector<Spike> spikes;
  RunReport report = Example(spikes, 10, 100);
  const std::string evil = "</td><script>alert(1)</script>";
  report.title = report.subtitle = evil;
  report.warnings = report.stimuli = {evil};
  report.figures = report.parameters = report.performance = {{evil, evil}};
  report.windows = {{100, 200, evil}};
  EXPECT_EQ(Count(RenderReport(report), "<script"), 0u);
}

TEST(Report, LoadsNothingFromOutside) {
  std::vector<Spike> spikes;
  const std::string html = RenderReport(Example(spikes, 10, 100));
  for (const char* part :
       {"http:", "https:", "<script", "<link", "url(", "src=", "@import"}) {
    EXPECT_EQ(Count(html, part), 0u) << part;
  }
  EXPECT_EQ(Count(html, "<svg"), 4u);
  EXPECT_EQ(Count(html, "</svg>"), 4u);
}

TEST(Report, FewSpikesAreDrawnOneByOne) {
  std::vector<Spike> spikes;
  RunReport report = Example(spikes, 10, 100);
  const std::string html = RenderReport(report);
  const size_t raster = html.find("<svg");
  const std::string svg =
      html.substr(raster, html.find("</svg>", raster) - raster);
  const size_t marks = svg.find("class=\"spike");
  ASSERT_NE(marks, std::string::npos);
  EXPECT_EQ(Count(svg.substr(marks), "M"), spikes.size());
}

TEST(Report, ManySpikesStaySmall) {
  std::vector<Spike> spikes;
  const RunReport report = Example(spikes, 5000, 7);
  ASSERT_GT(spikes.size(), 1000000u);
  EXPECT_LT(RenderReport(report).size(), 1500000u);
}

TEST(Report, SilentRunSaysSo) {
  RunReport report;
  report.steps = 100;
  report.neurons = 5;
  report.population_hz.assign(10, 0);
  EXPECT_EQ(Count(RenderReport(report), "No neuron fired"), 1u);
}

TEST(Report, WaysOfOneStandTogether) {
  std::vector<Spike> spikes;
  RunReport report = Example(spikes, 10, 100);
  const std::string evil = "<script>alert(1)</script>";
  report.timings = {
      {.title = "Products",
       .unit = "GFLOP/s",
       .note = evil,
       .rows = {{"8 x 8 x 8", "plain", 1, true, 0.25, 1e-3, 2, 1},
                {"8 x 8 x 8", "SIMD", 2, false, 0.5, 2.5e-4, 8, 4},
                {"9 x 9 x 9", evil, 2, false, 3, 0, 0, 0}}},
      {.title = "Others",
       .unit = "GB/s",
       .note = "What must be moved.",
       .rows = {{"exp of 8", "SIMD", 2, false, 0.5, 2.5e-5, 3, 5}}},
      {.title = "None", .unit = "B/s", .note = "", .rows = {}},
  };
  const std::string html = RenderReport(report);
  EXPECT_EQ(Count(html, "<h2>Products</h2>"), 1u);
  EXPECT_EQ(Count(html, "8 x 8 x 8"), 1u);
  EXPECT_EQ(Count(html, "9 x 9 x 9"), 1u);
  EXPECT_EQ(Count(html, "<td class=\"num\">250 us</td>"), 1u);
  EXPECT_EQ(Count(html, "width:25%"), 1u);
  EXPECT_EQ(Count(html, "wrong, not timed"), 1u);
  EXPECT_EQ(Count(html, "<script"), 0u);
  EXPECT_EQ(Count(html, "<h2>Others</h2>"), 1u);
  EXPECT_EQ(Count(html, "exp of 8"), 1u);
  EXPECT_EQ(Count(html, "<th class=\"num\">GFLOP/s</th>"), 1u);
  EXPECT_EQ(Count(html, "<th class=\"num\">GB/s</th>"), 1u);
  EXPECT_EQ(Count(html, "What must be moved."), 1u);
  EXPECT_EQ(Count(html, "None"), 0u);
}

TEST(Report, PopulationBinsAreRoundAndFew) {
  EXPECT_EQ(PopulationBinMs(1000, 0.1), 1);
  EXPECT_EQ(PopulationBinMs(1500, 0.1), 2);
  EXPECT_EQ(PopulationBinMs(10000, 0.1), 10);
  EXPECT_EQ(PopulationBinMs(4000, 0.1), 5);
  EXPECT_GE(PopulationBinMs(10, 2.5), 2.5);
}

}  // namespace
}  // namespace ranvier
