#pragma once

#include <vector>

namespace ranvier::bench {

// Peak/... and Memory/...: what this machine can do, without any library.
void RegisterMachine(const std::vector<int>& thread_counts);

}  // namespace ranvier::bench
