#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::parallel {

// TopK of lib/ops/reduce.h without its checks. Rows are shared between threads.
void TopK(Context& ctx, const ConstAnyMatView& x, size_t k,
          const AnyMatView& values, MatView<int64_t> indices);

}  // namespace ranvier::parallel
