#include "bench/gemm/peer.h"

#include <algorithm>
#include <utility>

namespace ranvier::bench {
namespace {

std::vector<Peer>& Registered() {
  static std::vector<Peer> peers;
  return peers;
}

}  // namespace

Registration::Registration(Peer peer) {
  Registered().push_back(std::move(peer));
}

std::vector<Peer> Peers() {
  std::vector<Peer> peers = Registered();
  std::sort(peers.begin(), peers.end(),
            [](const Peer& x, const Peer& y) { return x.name < y.name; });
  return peers;
}

}  // namespace ranvier::bench
