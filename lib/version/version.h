#pragma once

#include "ranvier/simd/base/export.h"

namespace ranvier {

// Of the library that runs, which may be newer than the headers; "0.1.0".
RANVIER_API const char* Version() noexcept;

// The git commit it was built from, 12 digits, with "-dirty" behind it where
// tracked files had been changed; "unknown" where there was no repository.
RANVIER_API const char* Commit() noexcept;

}  // namespace ranvier
