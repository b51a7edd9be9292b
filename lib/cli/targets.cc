#include "ranvier/cli/targets.h"

#include "ranvier/cli/problems.h"
#include "ranvier/simd/targets.h"

namespace ranvier::cli {

void ChooseTarget(const std::string& name, Problems& problems) {
  if (name.empty()) {
    const std::string error = simd::TargetEnvironmentError();
    if (!error.empty()) problems.Usage("RANVIER_TARGET", error);
    return;
  }
  if (simd::ForceTarget(name)) return;
  std::string known = "best";
  for (const std::string& target : TargetNames()) known += ", " + target;
  problems.Usage("--target", "'" + name +
                                 "' is not a SIMD target of this machine and "
                                 "this build; there are " +
                                 known);
}

std::vector<std::string> TargetNames() { return simd::SupportedTargets(); }

}  // namespace ranvier::cli
