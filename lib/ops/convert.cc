#include "ranvier/ops/convert.h"

#include <stdexcept>
#include <string>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/parallel/convert.h"
#include "ranvier/simd/base/philox.h"

namespace ranvier {
void Convert(Context& ctx, ConstAnyMatView src, AnyMatView dst) {
  internal::RequireSameShape("Convert", "src", src, "dst", dst);
  internal::RequireFloat("Convert", "src", src.type());
  internal::RequireFloat("Convert", "dst", dst.type());
  internal::RequireOwnPlaces("Convert", "dst", dst);
  parallel::Convert(ctx, src, dst);
}

void ConvertStochastic(Context& ctx, MatView<const float> src, AnyMatView dst,
                       uint64_t stream, uint64_t first) {
  internal::RequireSameShape("ConvertStochastic", "src", src, "dst", dst);
  if (dst.type() != ElementType::kBf16 && dst.type() != ElementType::kF16) {
    throw std::invalid_argument(std::string("ConvertStochastic: dst is ") +
                                Name(dst.type()) + "; it must be bf16 or f16");
  }
  internal::RequireOwnPlaces("ConvertStochastic", "dst", dst);
  parallel::ConvertStochastic(ctx, src, dst,
                              {Philox::StreamKey(ctx.seed(), stream), first});
}

}  // namespace ranvier
