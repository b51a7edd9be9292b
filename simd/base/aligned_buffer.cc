#include "ranvier/simd/base/aligned_buffer.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ranvier::internal {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// A part of a huge page wasted is at most a quarter of the block.
std::align_val_t AlignmentOf(size_t bytes) {
  return std::align_val_t{bytes >= 2 * kHugePage ? kHugePage : kAlignment};
}

}  // namespace

void* AllocateAligned(size_t bytes) {
  const std::align_val_t alignment = AlignmentOf(bytes);
  void* data = ::operator new(bytes, alignment);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (alignment == std::align_val_t{kHugePage}) {
    // Advice: where it is not taken, the block is as good as any.
    (void)madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  }
#endif
  return data;
}

void FreeAligned(void* data, size_t bytes) noexcept {
  ::operator delete(data, AlignmentOf(bytes));
}

}  // namespace ranvier::internal
