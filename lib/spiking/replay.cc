#include "ranvier/spiking/replay.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <tuple>

#include <nlohmann/json.hpp>

#include "ranvier/io/connectome_file.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/spiking/sha256.h"
#include "ranvier/spiking/step_list.h"
#include "ranvier/spiking/with_delay.h"

namespace ranvier {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// params.json with errors that name the file and the key.
class Params {
 public:
  Params(std::string path, json value)
      : path_(std::move(path)), json_(std::move(value)) {}

  static Params Read(const std::string& path) {
    constexpr uintmax_t kLargest = 64 << 20;  // 2 MB for 100,000 overrides
    std::error_code error;
    const uintmax_t size = fs::file_size(path, error);
    if (error) throw IoError(path + ": " + error.message());
    if (size > kLargest) {
      throw IoError(path + ": " + std::to_string(size) +
                    " bytes; a params.json has at most " +
                    std::to_string(kLargest));
    }
    std::ifstream file(path, std::ios::binary);
    try {
      return Params(path, json::parse(file));
    } catch (const json::exception& e) {
      throw IoError(path + ": not JSON: " + e.what());
    }
  }

  bool Has(const char* key) const { return json_.contains(key); }

  Params Object(const char* key) const {
    const json& value = Get(key);
    if (!value.is_object()) Wrong(key, "an object");
    return Params(path_, value);
  }
  double Number(const char* key) const {
    const json& value = Get(key);
    if (!value.is_number()) Wrong(key, "a number");
    return value.get<double>();
  }
  int64_t Integer(const char* key, int64_t low, int64_t high) const {
    const json& value = Get(key);
    const bool fits = value.is_number_unsigned()
                          ? value.get<uint64_t>() <= static_cast<uint64_t>(high)
                          : value.is_number_integer();
    if (!fits || value.get<int64_t>() < low || value.get<int64_t>() > high) {
      Wrong(key, ("a whole number from " + std::to_string(low) + " to " +
                  std::to_string(high))
                     .c_str());
    }
    return value.get<int64_t>();
  }
  std::string Text(const char* key) const {
    const json& value = Get(key);
    if (!value.is_string()) Wrong(key, "a text");
    return value.get<std::string>();
  }
  // {"12": 2.2, ...}: a value for each neuron. Empty where the key is absent.
  std::vector<std::pair<uint32_t, double>> ByNeuron(const char* key,
                                                    size_t neurons) const {
    std::vector<std::pair<uint32_t, double>> values;
    if (!Has(key)) return values;
    const json& object = Get(key);
    if (!object.is_object()) Wrong(key, "an object of neuron: number");
    for (const auto& [name, value] : object.items()) {
      uint32_t neuron = 0;
      const char* end = name.data() + name.size();
      const auto result = std::from_chars(name.data(), end, neuron);
      if (result.ec != std::errc() || result.ptr != end || neuron >= neurons ||
          !value.is_number()) {
        Wrong(key, "numbers by neuron index");
      }
      values.emplace_back(neuron, value.get<double>());
    }
    std::sort(values.begin(), values.end());
    return values;
  }
  std::vector<uint32_t> Neurons(const char* key, size_t neurons) const {
    std::vector<uint32_t> list;
    if (!Has(key)) return list;
    const json& array = Get(key);
    if (!array.is_array()) Wrong(key, "a list of neuron indices");
    for (const json& value : array) {
      if (!value.is_number_unsigned() || value.get<uint64_t>() >= neurons) {
        Wrong(key, "a list of neuron indices");
      }
      list.push_back(value.get<uint32_t>());
    }
    return list;
  }

  [[noreturn]] void Wrong(const char* key, const std::string& expected) const {
    throw IoError(path_ + ": '" + key + "' is " +
                  json_.at(key)
                      .dump(-1, ' ', true, json::error_handler_t::replace)
                      .substr(0, 60) +
                  ", expected " + expected);
  }

 private:
  const json& Get(const char* key) const {
    if (!json_.is_object() || !json_.contains(key)) {
      throw IoError(path_ + ": '" + key +
                    "' is missing; is this the params.json of a recorded run?");
    }
    return json_.at(key);
  }

  std::string path_;
  json json_;
};

struct Edge {
  uint32_t pre, post;
  double weight;
};

std::vector<Edge> ReadEdges(const std::string& path, size_t neurons) {
  std::vector<Edge> edges;
  bool first = true;
  ForEachLine(path, [&](size_t line, std::string_view text) {
    if (std::exchange(first, false) && text.starts_with("pre")) return;
    Edge edge{};
    const char* at = text.data();
    const char* end = at + text.size();
    const auto field = [&](auto& value) {
      const auto result = std::from_chars(at, end, value);
      if (result.ec != std::errc()) return false;
      at = result.ptr;
      return true;
    };
    const auto comma = [&] { return at != end && *at++ == ','; };
    if (!field(edge.pre) || !comma() || !field(edge.post) || !comma() ||
        !field(edge.weight) || at != end || edge.pre >= neurons ||
        edge.post >= neurons || !std::isfinite(edge.weight)) {
      throw IoError(path + ":" + std::to_string(line) + ": '" +
                    std::string(text.substr(0, 60)) +
                    "' is not pre,post,weight with two indices below " +
                    std::to_string(neurons) + " and a finite weight");
    }
    edges.push_back(edge);
  });
  return edges;
}

// Adds repeated pairs in file order, as the recorder did.
Connectome FromEdges(const std::string& path, std::vector<Edge> edges,
                     size_t neurons, double delay_ms) {
  std::stable_sort(edges.begin(), edges.end(),
                   [](const Edge& a, const Edge& b) {
                     return std::tie(a.pre, a.post) < std::tie(b.pre, b.post);
                   });
  std::vector<Edge> sums;
  for (const Edge& edge : edges) {
    if (!sums.empty() && sums.back().pre == edge.pre &&
        sums.back().post == edge.post) {
      sums.back().weight += edge.weight;
    } else {
      sums.push_back(edge);
    }
  }
  ConnectomeParts parts;
  parts.row_ptr.assign(neurons + 1, 0);
  bool whole = true;
  for (const Edge& edge : sums) {
    ++parts.row_ptr[edge.pre + 1];
    parts.col.push_back(edge.post);
    whole &= edge.weight == std::trunc(edge.weight) &&
             std::fabs(edge.weight) <= std::numeric_limits<int32_t>::max();
  }
  for (size_t i = 0; i < neurons; ++i) {
    parts.row_ptr[i + 1] += parts.row_ptr[i];
  }
  if (whole) {
    std::vector<int32_t> counts;
    for (const Edge& e : sums) counts.push_back(static_cast<int32_t>(e.weight));
    parts.weight = std::move(counts);
  } else {
    std::vector<float> weights;
    for (const Edge& e : sums) weights.push_back(static_cast<float>(e.weight));
    parts.weight = std::move(weights);
  }
  parts.delay_ms = delay_ms;
  parts.name = path;
  return Connectome(std::move(parts));
}

Connectome LoadGraph(Context& ctx, const Params& params,
                     const std::string& folder, size_t neurons,
                     double delay_ms) {
  const Params graph = params.Object("graph");
  const std::string name = graph.Text("file");
  const std::string path = (fs::path(folder) / name).string();
  if (!fs::exists(path)) {
    throw IoError(path +
                  ": the graph of this run is not there; give one in "
                  "its place with --connectome FILE");
  }
  if (graph.Has("sha256")) {
    const std::string found = FileSha256(path);
    if (found != graph.Text("sha256")) {
      throw IoError(path + ": SHA-256 is " + found + ", params.json has " +
                    graph.Text("sha256").substr(0, 64) +
                    "; this is not the graph that was recorded");
    }
  }
  if (!name.ends_with(".csv") && !name.ends_with(".csv.gz")) {
    ImportOptions options;
    options.delay_ms = delay_ms;
    return LoadConnectome(ctx, path, options);
  }
  // A short text must not make us take gigabytes for silent neurons.
  constexpr size_t kMostNeurons = 10'000'000;
  if (neurons > kMostNeurons) {
    params.Wrong("n_neurons", "at most 10000000 with a CSV graph");
  }
  std::vector<Edge> edges = ReadEdges(path, neurons);
  if (graph.Has("edges") &&
      edges.size() != static_cast<size_t>(graph.Integer(
                          "edges", 0, std::numeric_limits<int64_t>::max()))) {
    graph.Wrong("edges", std::to_string(edges.size()) +
                             ", which graph.csv holds; is it cut short?");
  }
  return FromEdges(path, std::move(edges), neurons, delay_ms);
}

}  // namespace

Fixture LoadFixture(Context& ctx, const std::string& folder,
                    const Connectome* connectome) {
  const fs::path base(folder);
  if (!fs::is_directory(base)) {
    throw IoError(folder +
                  ": not a folder; a recorded run is a folder with "
                  "params.json, input.csv and spikes.csv.gz");
  }
  const Params params = Params::Read((base / "params.json").string());
  Fixture fixture;
  fixture.folder = folder;
  const size_t neurons = static_cast<size_t>(
      params.Integer("n_neurons", 1, std::numeric_limits<uint32_t>::max()));
  fixture.steps =
      params.Integer("steps", 1, std::numeric_limits<uint32_t>::max());

  const Params model = params.Object("params");
  fixture.model.dt_ms = model.Number("dt_ms");
  fixture.model.v_rest_mV = model.Number("v_0_mV");
  fixture.model.v_reset_mV = model.Number("v_rst_mV");
  fixture.model.v_threshold_mV = model.Number("v_th_mV");
  fixture.model.tau_m_ms = model.Number("t_mbr_ms");
  fixture.model.tau_s_ms = model.Number("tau_ms");
  fixture.model.refractory_ms = model.Number("t_rfc_ms");
  fixture.model.driven_refractory_ms = model.Number("rfc_driven_ms");
  fixture.model.w_syn_mV = model.Number("w_syn_mV");
  fixture.model.kick_mV = model.Number("kick_mV");
  const double delay_ms = model.Number("t_dly_ms");
  try {
    CheckModel(fixture.model);
  } catch (const std::invalid_argument& e) {
    throw IoError((base / "params.json").string() + ": " + e.what());
  }

  fixture.connectome =
      connectome != nullptr
          ? WithDelay(*connectome, delay_ms)
          : WithDelay(LoadGraph(ctx, params, folder, neurons, delay_ms),
                      delay_ms);
  if (fixture.connectome.neurons() != neurons) {
    throw IoError(folder + ": recorded with " + std::to_string(neurons) +
                  " neurons, but " + fixture.connectome.name() + " has " +
                  std::to_string(fixture.connectome.neurons()));
  }
  if (connectome != nullptr && params.Object("graph").Has("edges")) {
    const int64_t edges = params.Object("graph").Integer(
        "edges", 0, std::numeric_limits<int64_t>::max());
    if (connectome->edges() != static_cast<size_t>(edges)) {
      throw IoError(folder + ": recorded with " + std::to_string(edges) +
                    " connections, but " + connectome->name() + " has " +
                    std::to_string(connectome->edges()));
    }
  }

  Protocol& protocol = fixture.protocol;
  for (const Spike& event :
       ReadStepList((base / "input.csv").string(), neurons)) {
    protocol.kicks.push_back({event.step, event.neuron});
  }
  protocol.refractory_ms = params.ByNeuron("refractory_ms_overrides", neurons);
  protocol.v_init_mV = params.ByNeuron("v_init_mV", neurons);
  protocol.g_init_mV = params.ByNeuron("g_init_mV", neurons);
  for (const uint32_t neuron : params.Neurons("silenced_outgoing", neurons)) {
    protocol.silences.push_back({neuron, SilenceKind::kOutgoing});
  }
  try {
    CheckProtocol(protocol, neurons, fixture.model.dt_ms);
  } catch (const std::invalid_argument& e) {
    throw IoError(folder + ": " + e.what());
  }

  fs::path spikes = base / "spikes.csv.gz";
  if (!fs::exists(spikes)) spikes = base / "spikes.csv";
  fixture.expected = ReadStepList(spikes.string(), neurons);
  fixture.spikes_sha256 = params.Text("spikes_sha256");
  if (!std::is_sorted(fixture.expected.begin(), fixture.expected.end())) {
    throw IoError(spikes.string() + ": not sorted by step, then neuron");
  }
  const std::string sha256 = SpikesSha256(fixture.expected);
  if (sha256 != fixture.spikes_sha256) {
    throw IoError(spikes.string() + ": SHA-256 of the spikes is " + sha256 +
                  ", params.json has " + fixture.spikes_sha256.substr(0, 64) +
                  "; one of the two was changed or cut short");
  }
  return fixture;
}

ReplayResult CompareSpikes(std::span<const Spike> expected,
                           std::span<const Spike> found) {
  ReplayResult result;
  result.expected = expected.size();
  result.found = found.size();
  const auto differ = [&](const Spike& spike, bool is_extra) {
    if (result.missing + result.extra == 0) {
      result.first = spike;
      result.first_is_extra = is_extra;
    }
    ++(is_extra ? result.extra : result.missing);
  };
  size_t i = 0, j = 0;
  while (i < expected.size() || j < found.size()) {
    if (j == found.size() || (i < expected.size() && expected[i] < found[j])) {
      differ(expected[i++], false);
    } else if (i == expected.size() || found[j] < expected[i]) {
      differ(found[j++], true);
    } else {
      ++i;
      ++j;
    }
  }
  result.identical = result.missing + result.extra == 0;
  return result;
}

ReplayResult Replay(Context& ctx, const Fixture& fixture) {
  Simulation simulation(ctx, fixture.connectome, fixture.model,
                        fixture.protocol);
  const auto begin = std::chrono::steady_clock::now();
  const int64_t steps = simulation.Run(fixture.steps);
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - begin;
  ReplayResult result = CompareSpikes(fixture.expected, simulation.spikes());
  result.complete = steps == fixture.steps;
  result.spikes_sha256 = SpikesSha256(simulation.spikes());
  result.identical = result.identical && result.complete &&
                     result.spikes_sha256 == fixture.spikes_sha256;
  result.wall_s = wall.count();
  return result;
}

}  // namespace ranvier
