#include "bench/util/peak.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/util/peak.cc"
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/base/aligned_buffer.h"
#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::bench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct F32Fma {
  static constexpr double kOperationsPerLane = 2;
  using D = hn::ScalableTag<float>;
  template <class V>
  static HWY_INLINE V Add(V factor, V sum) {
    return hn::MulAdd(sum, factor, factor);
  }
  static HWY_INLINE auto Factor() { return hn::Set(D(), 0.5f); }
};

struct Bf16Dot {
  static constexpr double kOperationsPerLane = 4;
  using D = hn::ScalableTag<float>;
  template <class VF, class V>
  static HWY_INLINE V Add(VF factor, V sum) {
    auto unused = hn::Zero(D());
    return hn::ReorderWidenMulAccumulate(D(), factor, factor, sum, unused);
  }
  static HWY_INLINE auto Factor() {
    const hn::Repartition<hwy::bfloat16_t, D> d;
    return hn::BitCast(d, hn::Set(hn::RebindToUnsigned<D>(), 0x3F003F00u));
  }
};

struct Int8Dot {
  static constexpr double kOperationsPerLane = 8;
  using D = hn::ScalableTag<int32_t>;
  template <class VF, class V>
  static HWY_INLINE V Add(VF factor, V sum) {
    const hn::Repartition<uint8_t, D> du8;
    return hn::SumOfMulQuadAccumulate(D(), hn::BitCast(du8, factor), factor,
                                      sum);
  }
  static HWY_INLINE auto Factor() {
    return hn::Set(hn::Repartition<int8_t, D>(), int8_t{3});
  }
};

struct Int8Pair {
  static constexpr double kOperationsPerLane = 8;
  using D = hn::ScalableTag<int32_t>;
  template <class VF, class V>
  static HWY_INLINE V Add(VF factor, V sum) {
    const hn::Repartition<int16_t, D> d16;
    const hn::Repartition<uint8_t, D> du8;
    // The sum takes part, or the compiler would see that the product is always
    // the same and compute it once.
    const auto u = hn::BitCast(du8, hn::Xor(hn::BitCast(D(), factor), sum));
    const auto pairs = hn::SatWidenMulPairwiseAdd(d16, u, factor);
    return hn::Add(sum, hn::WidenMulPairwiseAdd(D(), pairs, hn::Set(d16, 1)));
  }
  static HWY_INLINE auto Factor() {
    return hn::Set(hn::Repartition<int8_t, D>(), int8_t{3});
  }
};

// 12 sums, a factor and two temporaries fit the 16 registers of AVX2 and cover
// 2 pipes with a latency of 5. 32 registers take 20 sums: 4 pipes of Neoverse.
template <class Kind>
HWY_INLINE double RunChainOf(size_t steps, float* sink) {
  const typename Kind::D d;
  const auto f = Kind::Factor();
  using T = hn::TFromD<typename Kind::D>;
  // Different values, or the compiler would see one sum in them all.
  auto s0 = hn::Set(d, T{1});
  auto s1 = hn::Set(d, T{2});
  auto s2 = hn::Set(d, T{3});
  auto s3 = hn::Set(d, T{4});
  auto s4 = hn::Set(d, T{5});
  auto s5 = hn::Set(d, T{6});
  auto s6 = hn::Set(d, T{7});
  auto s7 = hn::Set(d, T{8});
  auto s8 = hn::Set(d, T{9});
  auto s9 = hn::Set(d, T{10});
  auto s10 = hn::Set(d, T{11});
  auto s11 = hn::Set(d, T{12});
#if !HWY_ARCH_X86
  auto s12 = hn::Set(d, T{13});
  auto s13 = hn::Set(d, T{14});
  auto s14 = hn::Set(d, T{15});
  auto s15 = hn::Set(d, T{16});
  auto s16 = hn::Set(d, T{17});
  auto s17 = hn::Set(d, T{18});
  auto s18 = hn::Set(d, T{19});
  auto s19 = hn::Set(d, T{20});
#endif
  for (size_t i = 0; i < steps; ++i) {
    s0 = Kind::Add(f, s0);
    s1 = Kind::Add(f, s1);
    s2 = Kind::Add(f, s2);
    s3 = Kind::Add(f, s3);
    s4 = Kind::Add(f, s4);
    s5 = Kind::Add(f, s5);
    s6 = Kind::Add(f, s6);
    s7 = Kind::Add(f, s7);
    s8 = Kind::Add(f, s8);
    s9 = Kind::Add(f, s9);
    s10 = Kind::Add(f, s10);
    s11 = Kind::Add(f, s11);
#if !HWY_ARCH_X86
    s12 = Kind::Add(f, s12);
    s13 = Kind::Add(f, s13);
    s14 = Kind::Add(f, s14);
    s15 = Kind::Add(f, s15);
    s16 = Kind::Add(f, s16);
    s17 = Kind::Add(f, s17);
    s18 = Kind::Add(f, s18);
    s19 = Kind::Add(f, s19);
#endif
  }
  double sums = 12;
  s0 = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
               hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)));
  s0 = hn::Add(s0, hn::Add(hn::Add(s8, s9), hn::Add(s10, s11)));
#if !HWY_ARCH_X86
  sums = 20;
  s0 = hn::Add(s0, hn::Add(hn::Add(s12, s13), hn::Add(s14, s15)));
  s0 = hn::Add(s0, hn::Add(hn::Add(s16, s17), hn::Add(s18, s19)));
#endif
  *sink = static_cast<float>(hn::ReduceSum(d, s0));
  return sums * Kind::kOperationsPerLane * static_cast<double>(steps) *
         static_cast<double>(hn::Lanes(d));
}

double ChainImpl(Chain chain, size_t steps, float* sink) {
  switch (chain) {
    case Chain::kF32Fma:
      return RunChainOf<F32Fma>(steps, sink);
    case Chain::kBf16Dot:
#if HWY_NATIVE_DOT_BF16
      return RunChainOf<Bf16Dot>(steps, sink);
#else
      return 0;
#endif
    case Chain::kInt8Dot:
      return RunChainOf<Int8Dot>(steps, sink);
    case Chain::kInt8Pair:
      return RunChainOf<Int8Pair>(steps, sink);
  }
  return 0;
}

// n: a multiple of 8 vectors of the largest size there is.
double TrafficImpl(Traffic traffic, const uint32_t* from, uint32_t* to,
                   size_t n, float* sink) {
  const hn::ScalableTag<uint32_t> d;
  const size_t N = hn::Lanes(d);
  if (traffic == Traffic::kRead) {
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    for (size_t i = 0; i < n; i += 8 * N) {
      s0 = hn::Xor3(s0, hn::Load(d, from + i), hn::Load(d, from + i + N));
      s1 = hn::Xor3(s1, hn::Load(d, from + i + 2 * N),
                    hn::Load(d, from + i + 3 * N));
      s2 = hn::Xor3(s2, hn::Load(d, from + i + 4 * N),
                    hn::Load(d, from + i + 5 * N));
      s3 = hn::Xor3(s3, hn::Load(d, from + i + 6 * N),
                    hn::Load(d, from + i + 7 * N));
    }
    s0 = hn::Xor(hn::Xor(s0, s1), hn::Xor(s2, s3));
    *sink = static_cast<float>(hn::GetLane(s0));
    return static_cast<double>(n) * sizeof(uint32_t);
  }
  if (traffic == Traffic::kCopy) {
    for (size_t i = 0; i < n; i += 4 * N) {
      const auto v0 = hn::Load(d, from + i);
      const auto v1 = hn::Load(d, from + i + N);
      const auto v2 = hn::Load(d, from + i + 2 * N);
      const auto v3 = hn::Load(d, from + i + 3 * N);
      hn::Store(v0, d, to + i);
      hn::Store(v1, d, to + i + N);
      hn::Store(v2, d, to + i + 2 * N);
      hn::Store(v3, d, to + i + 3 * N);
    }
  } else {
    for (size_t i = 0; i < n; i += 4 * N) {
      const auto v0 = hn::Load(d, from + i);
      const auto v1 = hn::Load(d, from + i + N);
      const auto v2 = hn::Load(d, from + i + 2 * N);
      const auto v3 = hn::Load(d, from + i + 3 * N);
      hn::Stream(v0, d, to + i);
      hn::Stream(v1, d, to + i + N);
      hn::Stream(v2, d, to + i + 2 * N);
      hn::Stream(v3, d, to + i + 3 * N);
    }
    hwy::FlushStream();
  }
  return 2.0 * static_cast<double>(n) * sizeof(uint32_t);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::bench {
namespace {

HWY_EXPORT(ChainImpl);
HWY_EXPORT(TrafficImpl);

constexpr double kSeconds = 2e-3;

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// What this thread computed, without what other work took away meanwhile.
double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

// Runs body(thread), which returns an amount, beside each other; the time is
// from when all are ready until the last is done, or, by ThreadSeconds, of the
// one that took longest.
Rate RunTogether(int threads, double (*clock)(),
                 const std::function<double(int)>& body) {
  std::atomic<int> ready{0};
  std::vector<double> begin(threads), end(threads), amount(threads);
  const auto run = [&](int thread) {
    ready.fetch_add(1);
    while (ready.load() < threads) {
    }
    begin[thread] = clock();
    amount[thread] = body(thread);
    end[thread] = clock();
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) {
    others.emplace_back(run, thread);
  }
  run(0);
  for (std::thread& other : others) other.join();
  Rate rate;
  for (const double part : amount) rate.amount += part;
  if (clock == Now) {
    rate.seconds = *std::max_element(end.begin(), end.end()) -
                   *std::min_element(begin.begin(), begin.end());
  } else {
    for (int thread = 0; thread < threads; ++thread) {
      rate.seconds = std::max(rate.seconds, end[thread] - begin[thread]);
    }
  }
  return rate;
}

// A function that takes about kSeconds when called with what this returns.
template <class F>
size_t Repetitions(const F& run) {
  size_t count = 1;
  for (;; count *= 2) {
    const double begin = ThreadSeconds();
    run(count);
    const double seconds = ThreadSeconds() - begin;
    if (seconds > kSeconds / 4) {
      return std::max<size_t>(
          1,
          static_cast<size_t>(static_cast<double>(count) * kSeconds / seconds));
    }
  }
}

struct TrafficBuffers {
  AlignedBuffer<uint32_t> from, to;
};

}  // namespace

Rate RunChain(Chain chain, int threads) {
  static std::map<Chain, size_t> steps;
  float sink = 0;
  if (RANVIER_DISPATCH(ChainImpl)(chain, 1, &sink) == 0) return {};
  if (steps[chain] == 0) {
    steps[chain] = Repetitions([&](size_t n) {
      RANVIER_DISPATCH(ChainImpl)(chain, n, &sink);
    });
  }
  std::vector<float> sinks(threads);
  return RunTogether(threads, ThreadSeconds, [&](int thread) {
    return RANVIER_DISPATCH(ChainImpl)(chain, steps[chain], &sinks[thread]);
  });
}

namespace {

// What has just been measured, and the best so far.
struct PeakRates {
  double now = 0, best = 0;
};
PeakRates MeasureChain(Chain chain, int threads) {
  static std::map<std::pair<Chain, int>, double> best;
  const Rate rate = RunChain(chain, threads);
  double& peak = best[{chain, threads}];
  const double now = rate.amount > 0 ? rate.amount / rate.seconds : 0;
  peak = std::max(peak, now);
  return {now, peak};
}

}  // namespace

double MachineShare(int threads) {
  const PeakRates rates = MeasureChain(Chain::kF32Fma, threads);
  return rates.now / rates.best;
}

double MeasurePeak(Element element, int threads) {
  const auto measure = [&](Chain chain) {
    return MeasureChain(chain, threads).best;
  };
  const double f32 = measure(Chain::kF32Fma);
  if (element == Element::kF32) return f32;
  if (element == Element::kBf16) return std::max(f32, measure(Chain::kBf16Dot));
  return std::max({f32, measure(Chain::kInt8Dot), measure(Chain::kInt8Pair)});
}

Rate RunTraffic(Traffic traffic, size_t bytes, int threads) {
  static std::vector<TrafficBuffers> buffers;
  static size_t passes = 0;
  static Traffic last = traffic;
  // A multiple of 8 vectors of the largest size, 2048 bits.
  const size_t n = std::max<size_t>(1, bytes / 2048) * 512;
  float sink = 0;
  if (buffers.size() != static_cast<size_t>(threads) || last != traffic ||
      buffers[0].from.size() != n) {
    last = traffic;
    buffers.clear();
    buffers.resize(threads);
    RunTogether(threads, Now, [&](int thread) {  // each touches its own first
      buffers[thread] = {AlignedBuffer<uint32_t>(n),
                         AlignedBuffer<uint32_t>(n)};
      std::fill_n(buffers[thread].from.data(), n, 1);
      std::fill_n(buffers[thread].to.data(), n, 2);
      return 0.0;
    });
    passes = Repetitions([&](size_t count) {
      for (size_t i = 0; i < count; ++i) {
        RANVIER_DISPATCH(TrafficImpl)
        (traffic, buffers[0].from.data(), buffers[0].to.data(), n, &sink);
      }
    });
  }
  std::vector<float> sinks(threads);
  return RunTogether(threads, Now, [&](int thread) {
    TrafficBuffers& own = buffers[thread];
    double amount = 0;
    for (size_t i = 0; i < passes; ++i) {
      amount += RANVIER_DISPATCH(TrafficImpl)(traffic, own.from.data(),
                                              own.to.data(), n, &sinks[thread]);
    }
    return amount;
  });
}

}  // namespace ranvier::bench
#endif  // HWY_ONCE
