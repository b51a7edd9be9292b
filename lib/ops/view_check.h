#pragma once

#include <cstddef>
#include <string>

#include "ranvier/simd/base/any_view.h"

namespace ranvier::internal {

// "[2, 3]", for messages.
std::string Shape(size_t rows, size_t cols);
std::string Shape(const ConstAnyMatView& m);

// Throws what is wrong with an argument `name` of the function `op` whatever
// its type: memory that is not there or cannot be, and, if it is `written`,
// elements that are one another.
void CheckMemory(const char* op, const ConstAnyMatView& m, const char* name,
                 bool written);

}  // namespace ranvier::internal
