#include "bench/blas1/peer.h"
#include "bench/util/x86_level.h"

namespace ranvier::bench {

Peer EigenBaseline();
#if defined(__x86_64__)
Peer EigenV3();
Peer EigenV4();
#endif

Peer EigenPeer() {
#if defined(__x86_64__)
  const int level = X86Level();
  if (level == 4) return EigenV4();
  if (level == 3) return EigenV3();
#endif
  return EigenBaseline();
}

}  // namespace ranvier::bench
