#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "ranvier/cli/problems.h"
#include "ranvier/spiking/protocol.h"

namespace ranvier::cli {

// --excite WHAT[@RATE_HZ[:BEGIN-END]]
struct Excite {
  std::string what;  // for SelectNeurons
  double rate_hz = 200;
  double begin_ms = 0;
  double end_ms = std::numeric_limits<double>::infinity();
};

// The rate of a drive that names none: 150 Hz for the twin's `ignition` set,
// which 200 Hz would only saturate, else the feeding experiment's 200 Hz.
double DefaultRateHz(std::string_view what);

// Nothing if the text is wrong; the reasons go to `problems`.
std::optional<Excite> ParseExcite(std::string_view text, Problems& problems);

// "feeding at 200 Hz from 100 ms to 300 ms"
std::string Describe(const Excite& excite);

// --silence IDS[:outgoing|both|transmission]
struct SilenceOption {
  std::string what;
  SilenceKind kind = SilenceKind::kOutgoing;
};
std::optional<SilenceOption> ParseSilence(std::string_view text,
                                          Problems& problems);
std::string Describe(SilenceKind kind);

}  // namespace ranvier::cli
