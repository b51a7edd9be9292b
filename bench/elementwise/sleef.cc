#include "bench/elementwise/peer.h"
#include "bench/util/x86_level.h"

namespace ranvier::bench {

Peer SleefBaseline();
#if defined(__x86_64__)
Peer SleefV3();
Peer SleefV4();
#endif

Peer SleefPeer() {
#if defined(__x86_64__)
  const int level = X86Level();
  if (level == 4) return SleefV4();
  if (level == 3) return SleefV3();
#endif
  return SleefBaseline();
}

}  // namespace ranvier::bench
