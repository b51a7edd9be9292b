#include <cblas.h>

#include "bench/blas1/peer.h"

namespace ranvier::bench {
namespace {

blasint Size(const Operands& o) { return static_cast<blasint>(o.n); }

double Dot(const Operands& o) { return cblas_sdot(Size(o), o.x, 1, o.y, 1); }
double Axpy(const Operands& o) {
  cblas_saxpy(Size(o), o.alpha, o.x, 1, o.y, 1);
  return 0;
}
double Scal(const Operands& o) {
  cblas_sscal(Size(o), -1.0f, o.y, 1);
  return 0;
}
double Nrm2(const Operands& o) { return cblas_snrm2(Size(o), o.x, 1); }
double Asum(const Operands& o) { return cblas_sasum(Size(o), o.x, 1); }
double Iamax(const Operands& o) {
  return static_cast<double>(cblas_isamax(Size(o), o.x, 1));
}

}  // namespace

Peer OpenBlasPeer() {
  return {.name = "openblas",
          .threads = true,
          .set_threads = openblas_set_num_threads,
          .dot = Dot,
          .axpy = Axpy,
          .scal = Scal,
          .nrm2 = Nrm2,
          .asum = Asum,
          .iamax = Iamax};
}

}  // namespace ranvier::bench
