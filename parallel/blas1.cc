#include "ranvier/parallel/blas1.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ranvier/parallel/gaps.h"
#include "ranvier/parallel/ranges.h"
#include "ranvier/simd/blas1.h"

namespace ranvier::parallel {
namespace {

// From this many elements on threads are used: two took 1 / 1.4 of the time of
// one at this size, and as long at half of it (Zen 4, both cores idle).
constexpr size_t kCutoff = 131072;
// Chunks that a thread takes at a time.
constexpr size_t kGrain = 4;

// One chunk without gaps goes straight to the kernel: the entry to a small
// vector is to cost next to nothing.
template <class T>
bool IsSmall(const VecView<T>& x) {
  return x.size() <= kSumChunk && x.contiguous();
}

size_t Chunks(size_t n) { return n == 0 ? 0 : (n - 1) / kSumChunk + 1; }

// n elements from `begin` on, packed into `room` where they have gaps.
template <class T>
const T* Contiguous(const VecView<const T>& x, size_t begin, size_t n,
                    T* room) {
  const T* from = x.data() + begin * x.stride();
  if (x.contiguous()) return from;
  Pack(from, x.stride(), n, room);
  return room;
}

// part(chunk, begin, n) of every chunk, on the threads of ctx.
template <class Part>
void ForChunks(Context& ctx, size_t n, const Part& part) {
  ForRanges(ctx, Chunks(n), kGrain, kCutoff / kSumChunk,
            [&](size_t first, size_t last) {
              for (size_t c = first; c < last; ++c) {
                const size_t begin = c * kSumChunk;
                part(c, begin, std::min(kSumChunk, n - begin));
              }
            });
}

template <class Part>
double Sum(Context& ctx, size_t n, const Part& part) {
  double sum = 0;
  if (n < kCutoff || ctx.threads() == 1) {
    for (size_t begin = 0; begin < n; begin += kSumChunk) {
      sum += part(begin, std::min(kSumChunk, n - begin));
    }
    return sum;
  }
  std::vector<double> parts(Chunks(n));
  ForChunks(ctx, n, [&](size_t chunk, size_t begin, size_t count) {
    parts[chunk] = part(begin, count);
  });
  for (const double one : parts) sum += one;
  return sum;
}

template <class T>
float DotOf(Context& ctx, const VecView<const T>& x,
            const VecView<const T>& y) {
  const bool gaps = !x.contiguous() || !y.contiguous();
  const double sum = Sum(ctx, x.size(), [&](size_t begin, size_t n) -> double {
    if (!gaps) return simd::Dot(x.data() + begin, y.data() + begin, n);
    T* room = static_cast<T*>(ctx.Scratch(2 * kSumChunk * sizeof(T)));
    return simd::Dot(Contiguous(x, begin, n, room),
                     Contiguous(y, begin, n, room + kSumChunk), n);
  });
  return static_cast<float>(sum);
}

// part(x, n) of the chunk that begins at `begin`.
template <class Part>
auto OfChunk(Context& ctx, const VecView<const float>& x, size_t begin,
             size_t n, const Part& part) {
  float* room =
      x.contiguous()
          ? nullptr
          : static_cast<float*>(ctx.Scratch(kSumChunk * sizeof(float)));
  return part(Contiguous(x, begin, n, room), n);
}

}  // namespace

float Dot(Context& ctx, const VecView<const float>& x,
          const VecView<const float>& y) {
  if (IsSmall(x) && y.contiguous())
    return simd::Dot(x.data(), y.data(), x.size());
  return DotOf(ctx, x, y);
}

float Dot(Context& ctx, const VecView<const bf16>& x,
          const VecView<const bf16>& y) {
  if (IsSmall(x) && y.contiguous())
    return simd::Dot(x.data(), y.data(), x.size());
  return DotOf(ctx, x, y);
}

void Axpy(Context& ctx, float alpha, const VecView<const float>& x,
          const VecView<float>& y) {
  if (IsSmall(x) && y.contiguous()) {
    return simd::Axpy(alpha, x.data(), y.data(), x.size());
  }
  const bool gaps = !x.contiguous() || !y.contiguous();
  ForRanges(ctx, x.size(), kGrain * kSumChunk, kCutoff,
            [&](size_t begin, size_t end) {
              const float* from = x.data() + begin * x.stride();
              float* to = y.data() + begin * y.stride();
              if (gaps) {
                simd::Axpy(alpha, from, x.stride(), to, y.stride(),
                           end - begin);
              } else {
                simd::Axpy(alpha, from, to, end - begin);
              }
            });
}

void Scal(Context& ctx, float alpha, const VecView<float>& x) {
  if (IsSmall(x)) return simd::Scal(alpha, x.data(), x.size());
  ForRanges(ctx, x.size(), kGrain * kSumChunk, kCutoff,
            [&](size_t begin, size_t end) {
              float* from = x.data() + begin * x.stride();
              if (x.contiguous()) {
                simd::Scal(alpha, from, end - begin);
              } else {
                simd::Scal(alpha, from, x.stride(), end - begin);
              }
            });
}

float Nrm2(Context& ctx, const VecView<const float>& x) {
  const double sum = Sum(ctx, x.size(), [&](size_t begin, size_t n) {
    return OfChunk(ctx, x, begin, n, simd::SumOfSquares);
  });
  return static_cast<float>(std::sqrt(sum));
}

float Asum(Context& ctx, const VecView<const float>& x) {
  if (IsSmall(x)) return simd::Asum(x.data(), x.size());
  const double sum = Sum(ctx, x.size(), [&](size_t begin, size_t n) -> double {
    return OfChunk(ctx, x, begin, n, simd::Asum);
  });
  return static_cast<float>(sum);
}

size_t Iamax(Context& ctx, const VecView<const float>& x) {
  if (x.contiguous() && (x.size() < kCutoff || ctx.threads() == 1)) {
    return simd::Iamax(x.data(), x.size()).index;
  }
  std::vector<simd::MaxMagnitude> parts(Chunks(x.size()));
  ForChunks(ctx, x.size(), [&](size_t chunk, size_t begin, size_t n) {
    parts[chunk] = OfChunk(ctx, x, begin, n, simd::Iamax);
    parts[chunk].index += begin;
  });
  // Of equal ones the first stays.
  simd::MaxMagnitude best{.index = x.size()};
  for (const simd::MaxMagnitude& one : parts) {
    if (one.order > best.order) best = one;
  }
  return best.index;
}

}  // namespace ranvier::parallel
