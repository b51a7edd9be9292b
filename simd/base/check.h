#pragma once

#include <cassert>

// We are wrong: checked in debug builds, nothing in release builds.
#define RANVIER_DCHECK(condition) assert(condition)
