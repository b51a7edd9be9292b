#pragma once

#include <string>
#include <vector>

namespace ranvier::cli {

class Problems;

// Applies --target (empty: RANVIER_TARGET or the best one). A wrong name in
// either goes to `problems`, with those that this machine has.
void ChooseTarget(const std::string& name, Problems& problems);

// "--target all": every one that this machine runs, best first.
std::vector<std::string> TargetNames();

}  // namespace ranvier::cli
