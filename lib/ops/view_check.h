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

// f32, bf16 or f16.
void RequireFloat(const char* op, const char* name, ElementType type);

// Both: of an operand and of a result of functions of floats.
void CheckRead(const char* op, const char* name, const ConstAnyMatView& x);
void CheckWritten(const char* op, const char* name, const AnyMatView& y);

}  // namespace ranvier::internal
