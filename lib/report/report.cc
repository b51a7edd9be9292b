#include "ranvier/report/report.h"

#include <algorithm>
#include <iterator>

#include "ranvier/io/output_file.h"
#include "ranvier/report/charts.h"
#include "ranvier/report/format.h"
#include "ranvier/report/style.h"
#include "ranvier/report/svg.h"

namespace ranvier {
namespace {

using report::Escape;
using report::Number;
using report::Thousands;

constexpr size_t kTableRows = 20;
constexpr char kKey[] =
    "<span class=\"key\"></span>network"
    "<span class=\"key driven\"></span>driven from outside";

std::string RowsTable(const RunReport::Rows& rows) {
  std::string html = "<table class=\"rows\">";
  for (const auto& [name, value] : rows) {
    html += "<tr><th>" + Escape(name) + "</th><td>" + Escape(value) +
            "</td></tr>\n";
  }
  return html + "</table>";
}

std::string TopTable(std::span<const NeuronRate> by_rate, bool has_std) {
  const std::span<const NeuronRate> top =
      by_rate.first(std::min(by_rate.size(), kTableRows));
  std::string html =
      "<div class=\"wide\"><table class=\"ranks\"><tr><th class=\"num\">rank"
      "</th><th class=\"num\">neuron id</th><th class=\"num\">index</th>"
      "<th class=\"num\">mean rate (Hz)</th>";
  if (has_std) html += "<th class=\"num\">std (Hz)</th>";
  html += "<th class=\"num\">spikes</th><th class=\"share\"></th></tr>\n";
  for (size_t i = 0; i < top.size(); ++i) {
    const NeuronRate& neuron = top[i];
    const auto cell = [&](const std::string& text) {
      html += "<td class=\"num\">" + text + "</td>";
    };
    html += "<tr>";
    cell(std::to_string(i + 1));
    cell(std::to_string(neuron.id));
    cell(std::to_string(neuron.neuron));
    cell(Number(neuron.mean_hz, 5));
    if (has_std) cell(Number(neuron.std_hz, 3));
    cell(Thousands(neuron.spikes));
    html +=
        "<td class=\"share\"><i" +
        std::string(neuron.driven ? " class=\"driven\"" : "") +
        " style=\"width:" + Number(100 * neuron.mean_hz / top[0].mean_hz, 4) +
        "%\"></i></td></tr>\n";
  }
  return html + "</table></div>";
}

std::string TimingsHtml(const TimingTable& table) {
  const std::vector<Timing>& rows = table.rows;
  std::string html =
      "<div class=\"wide\"><table class=\"ranks\"><tr><th>way</th>"
      "<th class=\"num\">threads</th><th class=\"num\">time</th>"
      "<th class=\"num\">" +
      Escape(table.unit) +
      "</th><th class=\"num\">speed-up</th>"
      "<th class=\"num\">error / bound</th><th class=\"share\"></th></tr>\n";
  double fastest = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Timing& row = rows[i];
    if (i == 0 || row.what != rows[i - 1].what) {
      html += "<tr><td class=\"group\" colspan=\"7\">" + Escape(row.what) +
              "</td></tr>\n";
      fastest = 0;
      for (size_t j = i; j < rows.size() && rows[j].what == row.what; ++j) {
        fastest = std::max(fastest, rows[j].rate);
      }
    }
    const auto cell = [&](const std::string& text) {
      html += "<td class=\"num\">" + text + "</td>";
    };
    html += "<tr><td>" + Escape(row.way) + "</td>";
    cell(std::to_string(row.threads));
    if (row.seconds > 0) {
      cell(report::Duration(row.seconds));
      cell(Number(row.rate, 3));
      cell(row.speedup > 0 ? Number(row.speedup, 3) : "");
      cell(Number(row.error_share, 2));
      html += "<td class=\"share\"><i" +
              std::string(row.baseline ? " class=\"driven\"" : "") +
              " style=\"width:" + Number(100 * row.rate / fastest, 4) +
              "%\"></i></td>";
    } else {
      html += "<td class=\"num\" colspan=\"3\">" +
              std::string(row.right() ? "not timed" : "wrong, not timed") +
              "</td>";
      cell(Number(row.error_share, 2));
      html += "<td></td>";
    }
    html += "</tr>\n";
  }
  return html + "</table></div><p class=\"note\">" + Escape(table.note) +
         " Each way is compared with the same in double precision before it is "
         "timed; the error is the largest one, as a share of its bound. "
         "Speed-up is over the plain loop. Times are medians.</p>";
}

std::string Section(std::string_view title, const std::string& content) {
  return "<section><h2>" + Escape(title) + "</h2>\n" + content + "</section>\n";
}

std::string RasterNote(const RunReport& report, size_t active) {
  std::string note = report.trials > 1 ? "First trial.&emsp;" : "";
  if (report.raster.size() > report::kMaxRasterMarks ||
      active > report::kMaxRasterRows) {
    note +=
        "Too many spikes to draw one by one: each cell is darker the more "
        "spikes it holds. ";
  } else {
    note += kKey;
    note += "&emsp;";
  }
  if (!report.windows.empty()) note += "Shaded: while a drive is on.";
  return "<p class=\"note\">" + note + "</p>";
}

std::string Charts(const RunReport& report) {
  std::vector<NeuronRate> by_rate = report.rates;
  std::sort(by_rate.begin(), by_rate.end(),
            [](const NeuronRate& a, const NeuronRate& b) {
              return a.mean_hz != b.mean_hz ? a.mean_hz > b.mean_hz
                                            : a.neuron < b.neuron;
            });
  if (by_rate.empty()) {
    return Section("No neuron fired",
                   "<p>There is nothing to draw. Drive some neurons "
                   "(<code>--excite</code>), drive them harder, or simulate "
                   "for longer.</p>");
  }
  const bool has_std = report.trials > 1;
  const bool any_driven =
      std::any_of(by_rate.begin(), by_rate.end(),
                  [](const NeuronRate& n) { return n.driven; });
  const std::string key =
      any_driven ? "<p class=\"note\">" + std::string(kKey) + "</p>" : "";
  std::string html;
  html += Section("Raster", report::RasterChart(report, by_rate) +
                                RasterNote(report, by_rate.size()));
  html += Section(
      "Population rate",
      report::PopulationChart(report) + "<p class=\"note\">Spikes of all " +
          Thousands(report.neurons) + " neurons in bins of " +
          Number(report.bin_ms) + " ms" +
          (has_std ? ", mean over " + std::to_string(report.trials) + " trials"
                   : "") +
          "; line: moving average over 11 bins.</p>");
  html += "<div class=\"pair\">" +
          Section("Rate histogram",
                  report::RateHistogram(by_rate) + "<p class=\"note\">The " +
                      Thousands(by_rate.size()) +
                      " neurons that fired; the other " +
                      Thousands(report.neurons - by_rate.size()) +
                      " stayed silent.</p>") +
          Section("Top neurons",
                  report::TopNeuronsChart(by_rate, has_std) +
                      (has_std ? "<p class=\"note\">Whiskers: one standard "
                                 "deviation over trials.</p>"
                               : key)) +
          "</div>\n";
  // What the network does is the news; what is driven fires as it is told to.
  std::vector<NeuronRate> network;
  std::copy_if(by_rate.begin(), by_rate.end(), std::back_inserter(network),
               [](const NeuronRate& n) { return !n.driven; });
  const std::vector<NeuronRate>& listed = network.empty() ? by_rate : network;
  html += Section("Most active neurons",
                  TopTable(listed, has_std) +
                      (any_driven && !network.empty()
                           ? "<p class=\"note\">Without the neurons that are "
                             "driven from outside.</p>"
                           : ""));
  return html;
}

}  // namespace

double PopulationBinMs(double duration_ms, double dt_ms) {
  double bin = 1;
  while (bin < dt_ms) bin *= 10;
  for (int i = 0; duration_ms / bin > 1000 && i < 60; ++i) {
    bin *= i % 3 == 1 ? 2.5 : 2;  // 1, 2, 5, 10, 20, ...
  }
  return bin;
}

std::string RenderReport(const RunReport& report) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>" +
      Escape(report.title) + " - ranvier</title>\n<style>" + report::kStyle +
      "</style></head>\n<body><main>\n<h1>" + Escape(report.title) +
      "</h1>\n<p class=\"sub\">" + Escape(report.subtitle) + "</p>\n";
  for (const std::string& warning : report.warnings) {
    html += "<p class=\"warn\">" + Escape(warning) + "</p>\n";
  }
  html += "<div class=\"figures\">";
  for (const auto& [name, value] : report.figures) {
    html += "<div><b>" + Escape(value) + "</b><span>" + Escape(name) +
            "</span></div>\n";
  }
  html += "</div>\n" + Charts(report);
  for (const TimingTable& table : report.timings) {
    if (!table.rows.empty()) html += Section(table.title, TimingsHtml(table));
  }
  std::string done;
  if (!report.stimuli.empty()) {
    done += "<ul>";
    for (const std::string& stimulus : report.stimuli) {
      done += "<li>" + Escape(stimulus) + "</li>\n";
    }
    done += "</ul>";
  }
  html += "<div class=\"pair\">" +
          Section("What was simulated", done + RowsTable(report.parameters)) +
          Section("How it ran", RowsTable(report.performance)) + "</div>\n";
  html +=
      "<footer>Written by ranvier. This file is complete in itself: it "
      "loads nothing from elsewhere.</footer>\n</main></body></html>\n";
  return html;
}

void WriteReport(const std::string& path, const RunReport& report) {
  OutputFile file(path);
  file.Write(RenderReport(report));
  file.Commit();
}

}  // namespace ranvier
