#include "ranvier/simd/base/any_view.h"

#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

static_assert(std::is_trivially_copyable_v<AnyMatView>);
static_assert(std::is_copy_constructible_v<AnyMatView>);
static_assert(std::is_copy_assignable_v<AnyMatView>);
static_assert(std::is_trivially_copyable_v<ConstAnyMatView>);
static_assert(std::is_copy_constructible_v<ConstAnyMatView>);
// A view that may write is also one that may read, never the other way round.
static_assert(std::is_convertible_v<AnyMatView, ConstAnyMatView>);
static_assert(!std::is_convertible_v<ConstAnyMatView, AnyMatView>);
static_assert(std::is_convertible_v<MatView<float>, AnyMatView>);
static_assert(std::is_convertible_v<MatView<bf16>, ConstAnyMatView>);
static_assert(std::is_convertible_v<MatView<const f16>, ConstAnyMatView>);
static_assert(!std::is_convertible_v<MatView<const f16>, AnyMatView>);
static_assert(!std::is_convertible_v<MatView<double>, ConstAnyMatView>);

TEST(AnyMatView, KeepsWhatItWasMadeFrom) {
  std::vector<int32_t> data(40);
  const MatView<int32_t> view(data.data() + 1, 3, 4, 10, 2);
  const AnyMatView any = view;
  const AnyMatView copy = any;
  const ConstAnyMatView read = copy;
  EXPECT_EQ(read.type(), ElementType::kI32);
  EXPECT_EQ(read.rows(), 3u);
  EXPECT_EQ(read.cols(), 4u);
  EXPECT_EQ(&read.As<int32_t>()(2, 3), &view(2, 3));
  EXPECT_EQ(&read.Transposed().As<int32_t>()(3, 2), &view(2, 3));
  copy.As<int32_t>()(1, 1) = 7;
  EXPECT_EQ(view(1, 1), 7);
  static_assert(
      std::is_same_v<decltype(read.As<int32_t>()), MatView<const int32_t>>);
}

}  // namespace
}  // namespace ranvier
