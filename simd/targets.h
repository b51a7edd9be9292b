#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ranvier/simd/base/export.h"

namespace ranvier::simd {

// A target is an instruction set that the kernels were compiled for, under
// Highway's name: "AVX3_ZEN4", "AVX2", "SSE4", "NEON" ... Kernels of the best
// one that the processor has are used, unless RANVIER_TARGET or ForceTarget
// names another. Highway's own choice, which other libraries of the process may
// share, is left alone.
//
// Threads  Any. A kernel that runs while the target changes ends on the old
// one.

// In the binary, best first.
RANVIER_API std::vector<std::string> CompiledTargets();
// In the binary and on this processor, best first.
RANVIER_API std::vector<std::string> SupportedTargets();
// In use.
RANVIER_API std::string CurrentTarget();

// Uses this target from now on; "" or "best" for the best one. False, and no
// change, if it is not one of SupportedTargets.
RANVIER_API bool ForceTarget(std::string_view name);

// Why RANVIER_TARGET was not followed, with what is possible; "" if it was, or
// is not set. The best target is used then.
RANVIER_API std::string TargetEnvironmentError();

// The target that a kernel really ran on, from inside the kernel.
RANVIER_API std::string RunningTarget();

}  // namespace ranvier::simd
