#include "ranvier/cli/neurons.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>

#include "ranvier/cli/units.h"
#include "ranvier/report/format.h"

namespace ranvier::cli {
namespace {

constexpr size_t kShown = 5;  // unknown ids that a message lists

bool IsSeparator(char c) {
  return c == ',' || std::isspace(static_cast<unsigned char>(c)) != 0;
}

// Reads the numbers of an id file: separated by commas or white space, with
// comments from '#' to the end of the line; the first line may be a header.
void ReadIdFile(const std::string& path, const std::string& option,
                std::vector<int64_t>& numbers, Problems& problems) {
  std::ifstream file(path);
  const auto unreadable = [&] {
    problems.Data(option, "cannot read the id file " + path + ": " +
                              std::strerror(errno));
  };
  if (!file) return unreadable();
  const size_t before = numbers.size();
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    std::string_view rest = line;
    rest = rest.substr(0, rest.find('#'));
    while (true) {
      while (!rest.empty() && IsSeparator(rest.front())) rest.remove_prefix(1);
      if (rest.empty()) break;
      size_t length = 0;
      while (length < rest.size() && !IsSeparator(rest[length])) ++length;
      const std::string_view token = rest.substr(0, length);
      const std::optional<int64_t> id = ParseInteger(token);
      if (!id && number == 1 &&
          std::isalpha(static_cast<unsigned char>(token[0])) != 0) {
        break;  // a header
      }
      if (!id) {
        problems.Data(option, path + ":" + std::to_string(number) + ": '" +
                                  std::string(token.substr(0, 40)) +
                                  "' is not a whole number; an id file holds "
                                  "ids only, one per line or with commas");
        return;
      }
      numbers.push_back(*id);
      rest.remove_prefix(length);
    }
  }
  if (file.bad()) return unreadable();
  if (numbers.size() == before) {
    problems.Data(option, "the id file " + path + " holds no ids");
  }
}

std::string KnownSets(const NeuronNames& names) {
  std::string text = "all";
  for (const auto& [name, set] : names.sets) text += ", " + name;
  return text;
}

void ReportUnknown(const NeuronNames& names, const std::string& option,
                   const std::vector<int64_t>& unknown, size_t asked,
                   Problems& problems) {
  std::string what = asked == 1
                         ? ""
                         : std::to_string(unknown.size()) + " of " +
                               Plural(asked, "neuron") + " are unknown: ";
  for (size_t i = 0; i < std::min(unknown.size(), kShown); ++i) {
    what += (i == 0 ? "" : ", ") + std::to_string(unknown[i]);
  }
  if (unknown.size() > kShown) what += ", ...";
  if (asked == 1) what += " is unknown";
  const auto last = static_cast<int64_t>(names.neurons) - 1;
  if (names.ids == nullptr) {
    what += "; neurons are called 0 to " + std::to_string(last) + " here";
    if (std::any_of(unknown.begin(), unknown.end(),
                    [](int64_t id) { return id > 100'000'000; })) {
      what += ", these look like ids: choose --ids id, or a file that has ids";
    }
  } else {
    const auto ids = names.ids->ids();
    const auto [low, high] = std::minmax_element(ids.begin(), ids.end());
    if (low != ids.end()) {
      what += "; the ids of " + names.ids->name() + " lie between " +
              std::to_string(*low) + " and " + std::to_string(*high);
    }
    if (std::all_of(unknown.begin(), unknown.end(),
                    [&](int64_t id) { return id >= 0 && id <= last; })) {
      what += "; if these are indices, add --ids index";
    } else {
      what +=
          "; ids change between releases of a connectome, so check that "
          "both are of the same one";
    }
  }
  problems.Usage(option, what);
}

}  // namespace

std::vector<uint32_t> SelectNeurons(const NeuronNames& names,
                                    std::string_view text,
                                    const std::string& option,
                                    Problems& problems) {
  std::vector<int64_t> numbers;
  std::vector<uint32_t> selected;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    const std::string_view token = rest.substr(0, comma);
    if (more) rest.remove_prefix(comma + 1);
    if (token.empty()) {
      problems.Usage(option, "no neuron is named in '" + std::string(text) +
                                 "'; give ids with commas, file:PATH, or " +
                                 KnownSets(names));
      return {};
    }
    if (token.starts_with("file:")) {
      ReadIdFile(std::string(token.substr(5)), option, numbers, problems);
    } else if (token == "all") {
      selected.resize(names.neurons);
      std::iota(selected.begin(), selected.end(), 0u);
    } else if (const auto set = names.sets.find(token);
               set != names.sets.end()) {
      selected.insert(selected.end(), set->second.begin(), set->second.end());
    } else if (const auto number = ParseInteger(token)) {
      numbers.push_back(*number);
    } else {
      problems.Usage(option, "'" + std::string(token) +
                                 "' is neither a number nor a set of this "
                                 "connectome (" +
                                 KnownSets(names) +
                                 "); ids in a file are given as file:PATH");
    }
  }
  std::vector<int64_t> unknown;
  for (const int64_t number : numbers) {
    const int64_t neuron =
        names.ids != nullptr ? names.ids->FindId(number) : number;
    if (neuron < 0 || neuron >= static_cast<int64_t>(names.neurons)) {
      unknown.push_back(number);
    } else {
      selected.push_back(static_cast<uint32_t>(neuron));
    }
  }
  if (!unknown.empty()) {
    ReportUnknown(names, option, unknown, numbers.size(), problems);
  }
  std::sort(selected.begin(), selected.end());
  selected.erase(std::unique(selected.begin(), selected.end()), selected.end());
  return selected;
}

}  // namespace ranvier::cli
