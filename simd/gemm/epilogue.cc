#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/epilogue.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/activations-inl.h"
#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FinishD = hn::ScalableTag<float>;
using FinishV = hn::Vec<FinishD>;

// One row of at most a tile's columns; null pointers for what is absent.
struct RowArgs {
  float* sums;
  size_t cols;
  float alpha, beta;
  const float* c;     // C before
  const float* bias;  // [cols]
  float row_bias;
  const float* residual;
  float* out;
};

template <Activation kActivation>
void FinishRow(const RowArgs& r) {
  const FinishD d;
  const size_t N = hn::Lanes(d);
  const auto alpha = hn::Set(d, r.alpha);
  const auto beta = hn::Set(d, r.beta);
  const auto row_bias = hn::Set(d, r.row_bias);
  const auto finish = [&](FinishV x, size_t i, auto load) HWY_ATTR {
    x = hn::Mul(x, alpha);
    if (r.c != nullptr) x = hn::MulAdd(beta, load(r.c + i), x);
    x = hn::Add(x, r.bias != nullptr ? load(r.bias + i) : row_bias);
    x = ApplyActivation<kActivation>(d, x);
    if (r.residual != nullptr) x = hn::Add(x, load(r.residual + i));
    return x;
  };
  size_t i = 0;
  for (; i + N <= r.cols; i += N) {
    const auto load = [&](const float* p) HWY_ATTR { return hn::LoadU(d, p); };
    hn::StoreU(finish(load(r.sums + i), i, load), d, r.out + i);
  }
  if (i != r.cols) {
    const size_t left = r.cols - i;
    const auto load = [&](const float* p)
                          HWY_ATTR { return hn::LoadN(d, p, left); };
    hn::StoreN(finish(load(r.sums + i), i, load), d, r.out + i, left);
  }
}

using RowFunction = void (*)(const RowArgs&);

RowFunction ChooseRow(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return FinishRow<Activation::kNone>;
    case Activation::kRelu:
      return FinishRow<Activation::kRelu>;
    case Activation::kGelu:
      return FinishRow<Activation::kGelu>;
    case Activation::kGeluTanh:
      return FinishRow<Activation::kGeluTanh>;
    case Activation::kSilu:
      return FinishRow<Activation::kSilu>;
    case Activation::kSigmoid:
      return FinishRow<Activation::kSigmoid>;
    case Activation::kTanh:
      return FinishRow<Activation::kTanh>;
  }
  return FinishRow<Activation::kNone>;
}

constexpr size_t kChunk = 256;  // columns whose conversions stay in L1

// Columns of a row of any type and stride as f32: in place where they are f32
// and side by side, else copied to `room`.
const float* RowAsF32(const ConstAnyMatView& m, size_t row, size_t col,
                      size_t cols, float* room) {
  const unsigned char* at =
      static_cast<const unsigned char*>(m.data()) +
      (row * m.row_stride() + col * m.col_stride()) * SizeBytes(m.type());
  if (m.type() == ElementType::kF32 && m.col_stride() == 1) {
    return reinterpret_cast<const float*>(at);
  }
  Widen(m.type(), at, m.col_stride(), cols, room);
  return room;
}

void FinishTileImpl(const GemmEpilogue& e, float* sums, size_t stride,
                    size_t row, size_t col, size_t rows, size_t cols) {
  const RowFunction finish = ChooseRow(e.activation);
  const bool has_residual = !e.residual.empty();
  const bool plain = e.c.type() == ElementType::kF32 && e.c.col_stride() == 1;
  float c_room[kChunk];
  float residual_room[kChunk];
  for (size_t begin = 0; begin < cols; begin += kChunk) {
    const size_t n = HWY_MIN(kChunk, cols - begin);
    for (size_t i = 0; i < rows; ++i) {
      RowArgs r;
      r.sums = sums + i * stride + begin;
      r.cols = n;
      r.alpha = e.alpha;
      r.beta = e.beta;
      r.c = e.beta == 0.0f ? nullptr
                           : RowAsF32(e.c, row + i, col + begin, n, c_room);
      r.bias =
          e.bias == nullptr || e.bias_per_row ? nullptr : e.bias + col + begin;
      r.row_bias =
          e.bias != nullptr && e.bias_per_row ? e.bias[row + i] : -0.0f;
      r.residual = has_residual ? RowAsF32(e.residual, row + i, col + begin, n,
                                           residual_room)
                                : nullptr;
      unsigned char* c =
          static_cast<unsigned char*>(e.c.data()) +
          ((row + i) * e.c.row_stride() + (col + begin) * e.c.col_stride()) *
              SizeBytes(e.c.type());
      r.out = plain ? reinterpret_cast<float*>(c) : r.sums;
      finish(r);
      if (!plain) Narrow(e.c.type(), r.sums, n, c, e.c.col_stride());
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(FinishTileImpl);

void FinishTile(const GemmEpilogue& epilogue, float* sums, size_t stride,
                size_t row, size_t col, size_t rows, size_t cols) noexcept {
  RANVIER_DISPATCH(FinishTileImpl)
  (epilogue, sums, stride, row, col, rows, cols);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
