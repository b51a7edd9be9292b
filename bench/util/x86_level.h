#pragma once

#include <type_traits>

namespace ranvier::bench {

// The micro-architecture level of this processor among those that peers are
// compiled for: 4 (AVX-512 F, BW, CD, DQ, VL), 3 (AVX2, FMA), else 0.
inline int X86Level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") &&
                  __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi2");
  if (v3 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return 4;
  }
  if (v3) return 3;
#endif
  return 0;
}

// f(X86Level()), as a constant; the code for it is there in all of them.
template <class F>
auto AtX86Level(const F& f) {
#if defined(__x86_64__)
  const int level = X86Level();
  if (level == 4) return f(std::integral_constant<int, 4>());
  if (level == 3) return f(std::integral_constant<int, 3>());
#endif
  return f(std::integral_constant<int, 0>());
}

}  // namespace ranvier::bench
