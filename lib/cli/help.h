#pragma once

#include <string>

namespace ranvier::cli {

// The manual page of a command: "" (all of them), "simulate", "connectome
// import" ... A test holds it against the options that are really there.
std::string HelpPage(const std::string& command);

}  // namespace ranvier::cli
