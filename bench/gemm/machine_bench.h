#pragma once

namespace ranvier::bench {

// Peak/... and Memory/...: what this machine can do, without any library.
void RegisterMachine();

}  // namespace ranvier::bench
