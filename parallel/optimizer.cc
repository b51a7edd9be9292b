#include "ranvier/parallel/optimizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ranvier/parallel/ranges.h"

namespace ranvier::parallel {
namespace {

// From this many elements on threads are used.
constexpr size_t kCutoff = 65536;
constexpr size_t kGrain = 32768;

template <class T>
T* From(T* data, size_t at) {
  return data == nullptr ? nullptr : data + at;
}

simd::UpdateRange Part(const simd::UpdateRange& range, size_t begin,
                       size_t end) {
  simd::UpdateRange part = range;
  part.parameter = From(range.parameter, begin);
  part.gradient = From(static_cast<const char*>(range.gradient),
                       begin * SizeBytes(range.gradient_type));
  part.first = From(range.first, begin);
  part.second = From(range.second, begin);
  part.third = From(range.third, begin);
  part.copy =
      From(static_cast<char*>(range.copy), begin * SizeBytes(range.copy_type));
  part.n = end - begin;
  return part;
}

template <class Update>
void ForUpdates(Context& ctx, const simd::UpdateRange& range,
                const Update& update) {
  ForRanges(ctx, range.n, kGrain, kCutoff,
            [&](size_t begin, size_t end) { update(Part(range, begin, end)); });
}

struct Chunk {
  const void* data;
  ElementType type;
  size_t n;
};

}  // namespace

void UpdateSgd(Context& ctx, const simd::SgdStep& step,
               const simd::UpdateRange& range) {
  ForUpdates(ctx, range,
             [&](const auto& part) { simd::UpdateSgd(step, part); });
}

void UpdateAdamW(Context& ctx, const simd::AdamWStep& step,
                 const simd::UpdateRange& range) {
  ForUpdates(ctx, range,
             [&](const auto& part) { simd::UpdateAdamW(step, part); });
}

void UpdateRmsProp(Context& ctx, const simd::RmsPropStep& step,
                   const simd::UpdateRange& range) {
  ForUpdates(ctx, range,
             [&](const auto& part) { simd::UpdateRmsProp(step, part); });
}

GradientSums SumGradients(Context& ctx,
                          std::span<const ConstAnyMatView> gradients) {
  std::vector<Chunk> chunks;
  size_t total = 0;
  for (const ConstAnyMatView& gradient : gradients) {
    const size_t n = gradient.rows() * gradient.cols();
    total += n;
    const auto* data = static_cast<const char*>(gradient.data());
    for (size_t at = 0; at < n; at += kGradientChunk) {
      chunks.push_back({data + at * SizeBytes(gradient.type()), gradient.type(),
                        std::min(kGradientChunk, n - at)});
    }
  }
  std::vector<GradientSums> parts(chunks.size());
  // All chunks of what is below the cutoff are one piece.
  const size_t grain = kGrain / kGradientChunk;
  ForRanges(ctx, chunks.size(), grain,
            total < kCutoff ? chunks.size() + 1 : size_t{0},
            [&](size_t begin, size_t end) {
              for (size_t i = begin; i < end; ++i) {
                const Chunk& chunk = chunks[i];
                GradientSums& part = parts[i];
                part.sum_of_squares =
                    simd::SumOfGradientSquares(chunk.data, chunk.type, chunk.n);
                // No sum of squares of finite f32 overflows f64.
                if (std::isfinite(part.sum_of_squares)) continue;
                part.non_finite =
                    simd::CountNonFinite(chunk.data, chunk.type, chunk.n);
              }
            });
  GradientSums sums;
  for (const GradientSums& part : parts) {
    sums.sum_of_squares += part.sum_of_squares;
    sums.non_finite += part.non_finite;
  }
  return sums;
}

}  // namespace ranvier::parallel
