#include "ranvier/cli/stimulus.h"

#include <cmath>

#include "ranvier/cli/units.h"
#include "ranvier/report/format.h"

namespace ranvier::cli {
namespace {

constexpr char kExcite[] = "--excite";

// Position of the '@' before the rate; a path may hold one of its own.
size_t RateMark(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos ||
      text.find('/', at) != std::string_view::npos) {
    return std::string_view::npos;
  }
  return at;
}

// Position of the '-' between two times; not a sign, not that of an exponent.
size_t WindowMark(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '-' && text[i - 1] != 'e' && text[i - 1] != 'E') return i;
  }
  return std::string_view::npos;
}

bool ParseWindow(std::string_view text, const std::string& whole,
                 Excite& excite, Problems& problems) {
  const auto wrong = [&](const std::string& what) {
    problems.Usage(kExcite, "'" + whole + "': " + what +
                                "; a window is BEGIN-END, e.g. 100ms-300ms "
                                "(ms where no unit is given) or 100ms- to the "
                                "end");
    return false;
  };
  const size_t mark = WindowMark(text);
  if (mark == std::string_view::npos) {
    return wrong("'" + std::string(text) + "' is not a window");
  }
  const auto begin = ParseDurationMs(text.substr(0, mark));
  if (!begin) {
    return wrong("'" + std::string(text.substr(0, mark)) + "' is not a time");
  }
  excite.begin_ms = *begin;
  const std::string_view last = text.substr(mark + 1);
  if (!last.empty()) {
    const auto end = ParseDurationMs(last);
    if (!end) return wrong("'" + std::string(last) + "' is not a time");
    excite.end_ms = *end;
  }
  if (!(excite.begin_ms >= 0)) return wrong("the window begins before 0");
  if (!(excite.end_ms > excite.begin_ms)) {
    return wrong("the window ends before it begins");
  }
  return true;
}

}  // namespace

double DefaultRateHz(std::string_view what) {
  return what == "ignition" ? 150 : 200;
}

std::optional<Excite> ParseExcite(std::string_view text, Problems& problems) {
  const std::string whole(text);
  Excite excite;
  const size_t at = RateMark(text);
  excite.what = text.substr(0, at);
  excite.rate_hz = DefaultRateHz(excite.what);
  if (at == std::string_view::npos) return excite;

  const std::string_view drive = text.substr(at + 1);
  const size_t colon = drive.find(':');
  std::string_view rate = drive.substr(0, colon);
  if (rate.ends_with("Hz")) rate.remove_suffix(2);
  const auto hz = ParseDecimal(rate);
  bool good = true;
  if (!hz) {
    problems.Usage(kExcite, "'" + whole + "': '" + std::string(rate) +
                                "' is not a rate in Hz; write e.g. 123@200");
    good = false;
  } else if (*hz < 0) {
    problems.Usage(kExcite, "'" + whole + "': the rate " + std::string(rate) +
                                " Hz is negative; a rate is 0 or more (to "
                                "silence neurons there is --silence)");
    good = false;
  } else {
    excite.rate_hz = *hz;
  }
  if (colon != std::string_view::npos) {
    good &= ParseWindow(drive.substr(colon + 1), whole, excite, problems);
  }
  if (!good) return std::nullopt;
  return excite;
}

std::string Describe(const Excite& excite) {
  std::string text =
      excite.what + " at " + report::Number(excite.rate_hz) + " Hz";
  if (excite.begin_ms > 0 || std::isfinite(excite.end_ms)) {
    text += " from " + FormatDurationMs(excite.begin_ms) + " to " +
            (std::isfinite(excite.end_ms) ? FormatDurationMs(excite.end_ms)
                                          : std::string("the end"));
  }
  return text;
}

std::optional<SilenceOption> ParseSilence(std::string_view text,
                                          Problems& problems) {
  SilenceOption silence;
  const size_t colon = text.rfind(':');
  // file:PATH has a colon of its own.
  const bool has_kind = colon != std::string_view::npos &&
                        (colon < 4 || text.substr(colon - 4, 4) != "file");
  silence.what = has_kind ? text.substr(0, colon) : text;
  if (!has_kind) return silence;
  const std::string_view kind = text.substr(colon + 1);
  for (const SilenceKind k : {SilenceKind::kOutgoing, SilenceKind::kBoth,
                              SilenceKind::kTransmission}) {
    if (kind == Describe(k)) {
      silence.kind = k;
      return silence;
    }
  }
  problems.Usage("--silence", "'" + std::string(kind) +
                                  "' is not a way to silence; there are "
                                  "outgoing, both and transmission");
  return std::nullopt;
}

std::string Describe(SilenceKind kind) {
  switch (kind) {
    case SilenceKind::kOutgoing:
      return "outgoing";
    case SilenceKind::kBoth:
      return "both";
    case SilenceKind::kTransmission:
      return "transmission";
  }
  return "";
}

}  // namespace ranvier::cli
