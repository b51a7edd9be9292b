#include "bench/loss/peer.h"

namespace ranvier::bench {

Peer EigenBaseline();
#if defined(__x86_64__)
Peer EigenV3();
Peer EigenV4();
#endif

Peer EigenPeer() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd")) {
    return EigenV4();
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2")) {
    return EigenV3();
  }
#endif
  return EigenBaseline();
}

}  // namespace ranvier::bench
