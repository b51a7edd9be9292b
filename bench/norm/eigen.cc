#include "bench/norm/peer.h"
#include "bench/util/x86_level.h"

namespace ranvier::bench {

RowPeer EigenBaseline();
#if defined(__x86_64__)
RowPeer EigenV3();
RowPeer EigenV4();
#endif

RowPeer EigenPeer() {
#if defined(__x86_64__)
  if (X86Level() == 4) return EigenV4();
  if (X86Level() == 3) return EigenV3();
#endif
  return EigenBaseline();
}

}  // namespace ranvier::bench
