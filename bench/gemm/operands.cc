#include "bench/gemm/operands.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "ranvier/simd/base/float16.h"

namespace ranvier::bench {
namespace {

// Weyl sequence, mixed: fast and good enough for benchmark data.
uint32_t RandomBits(uint64_t seed, size_t i) {
  uint64_t x = (i + 1) * 0x9E3779B97F4A7C15 + seed;
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93;
  return static_cast<uint32_t>(x >> 32);
}

float RandomFloat(uint64_t seed, size_t i) {  // in [-1, 1)
  return static_cast<float>(static_cast<int32_t>(RandomBits(seed, i))) *
         0x1p-31f;
}

void Fill(Element element, bool is_b, void* data, size_t n) {
  const uint64_t seed = is_b ? 2 : 1;
  for (size_t i = 0; i < n; ++i) {
    if (element == Element::kF32) {
      static_cast<float*>(data)[i] = RandomFloat(seed, i);
    } else if (element == Element::kBf16) {
      static_cast<bf16*>(data)[i] = ToBf16(RandomFloat(seed, i));
    } else if (element == Element::kU8S8 && !is_b) {
      static_cast<uint8_t*>(data)[i] =
          static_cast<uint8_t>(RandomBits(seed, i) % 128);
    } else {
      static_cast<int8_t*>(data)[i] = static_cast<int8_t>(
          static_cast<int>(RandomBits(seed, i) % 255) - 127);
    }
  }
}

double Value(Element element, bool is_b, const void* data, size_t i) {
  switch (element) {
    case Element::kF32:
      return static_cast<const float*>(data)[i];
    case Element::kBf16:
      return ToFloat(static_cast<const bf16*>(data)[i]);
    case Element::kU8S8:
      if (!is_b) return static_cast<const uint8_t*>(data)[i];
      [[fallthrough]];
    case Element::kS8S8:
      return static_cast<const int8_t*>(data)[i];
  }
  return 0;
}

}  // namespace

size_t SizeOfElement(Element element) {
  return element == Element::kF32 ? 4 : element == Element::kBf16 ? 2 : 1;
}

Operands::Operands(const Product& product)
    : product_(product),
      a_(product.M * product.K * SizeOfElement(product.element)),
      b_(product.N * product.K * SizeOfElement(product.element)),
      c_(product.M * product.N * 4),
      bias_(product.N) {
  Fill(product.element, false, a_.data(), product.M * product.K);
  Fill(product.element, true, b_.data(), product.N * product.K);
  for (size_t j = 0; j < product.N; ++j) bias_[j] = RandomFloat(3, j);
  product_.a = a_.data();
  product_.b = b_.data();
  product_.bias = bias_.data();
  product_.c = c_.data();
}

void Operands::SpoilResult() {
  // A NaN in f32, far below every sum in s32.
  const uint32_t bits = IsInteger(product_.element) ? 0x80000000 : 0xFFC00000;
  for (size_t i = 0; i < c_.size(); i += 4) {
    std::memcpy(c_.data() + i, &bits, 4);
  }
}

std::string Operands::WhatIsWrong() const {
  const Product& p = product_;
  const size_t size = p.M * p.N;
  const size_t stride = size <= 16384 ? 1 : size / 2048 | 1;
  for (size_t at = 0; at < size; at += stride) {
    const size_t i = at / p.N;
    const size_t j = at % p.N;
    double sum = 0;
    double magnitude = 0;
    for (size_t k = 0; k < p.K; ++k) {
      const size_t b_at = p.op == Op::kGemm ? k * p.N + j : j * p.K + k;
      const double term = Value(p.element, false, p.a, i * p.K + k) *
                          Value(p.element, true, p.b, b_at);
      sum += term;
      magnitude += std::abs(term);
    }
    double found = 0;
    double bound = 0;
    if (IsInteger(p.element)) {
      found = static_cast<const int32_t*>(p.c)[at];
    } else {
      found = static_cast<const float*>(p.c)[at];
      bound = 2 * (static_cast<double>(p.K) + 2) * 0x1p-24 * magnitude;
    }
    if (p.op == Op::kLinearGelu) {
      const double x = sum + p.bias[j];
      sum = 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
      bound = 1.13 * (bound + 0x1p-23 * std::abs(x)) + 4e-6 * (1 + std::abs(x));
    }
    if (!(std::abs(found - sum) <= bound)) {  // a NaN is wrong, too
      return "wrong result: C[" + std::to_string(i) + ", " + std::to_string(j) +
             "] is " + std::to_string(found) + " instead of " +
             std::to_string(sum) + " +- " + std::to_string(bound);
    }
  }
  return "";
}

}  // namespace ranvier::bench
