#include "ranvier/cli/arguments.h"

#include <algorithm>
#include <numeric>

#include "ranvier/cli/help.h"

namespace ranvier::cli {
namespace {

// Levenshtein distance.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal =
          std::exchange(row[j], std::min({change, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

Arguments::Arguments(const std::string& command)
    : command_(command), app_("", command) {
  app_.set_help_flag();
  app_.add_flag("-h,--help", wants_help_);
}

std::string Arguments::Nearest(const std::string& option) const {
  std::string nearest;
  size_t best = 4;  // further away is another word
  for (const CLI::Option* known : app_.get_options()) {
    for (const std::string& name : known->get_lnames()) {
      const size_t distance = EditDistance("--" + name, option);
      if (distance >= best) continue;
      best = distance;
      nearest = "--" + name;
    }
  }
  return nearest;
}

std::optional<int> Arguments::Parse(const std::vector<std::string>& args,
                                    Streams streams) {
  const bool wants_help = std::any_of(
      args.begin(), args.end(),
      [](const std::string& arg) { return arg == "-h" || arg == "--help"; });
  if (wants_help) {  // also where the rest of the line is wrong
    streams.out << HelpPage(command_);
    return kExitOk;
  }
  try {
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    app_.parse(reversed);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    std::string hint;
    for (const std::string& arg : app_.remaining()) {
      if (!arg.starts_with("--")) continue;
      const std::string name = arg.substr(0, arg.find('='));
      what = "there is no option " + name;
      const std::string nearest = Nearest(name);
      if (!nearest.empty()) hint = "; did you mean " + nearest + "?";
      break;
    }
    streams.err << "ranvier " << command_ << ": " << what << hint
                << "\nSee 'ranvier " << command_ << " --help'.\n";
    return kExitUsage;
  }
}

}  // namespace ranvier::cli
