#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/epilogue.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/activations-inl.h"
#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FinishD = hn::ScalableTag<float>;
using FinishV = hn::Vec<FinishD>;

// Rows of f32 with elements side by side; null pointers for what is absent.
struct RowsArgs {
  size_t rows, cols;
  float* sums;
  size_t sums_stride;
  float alpha, beta;
  const float* c;  // C before
  size_t c_stride;
  const float* bias;      // [cols]
  const float* row_bias;  // [rows]
  const float* residual;
  size_t residual_stride;
  float* out;
  size_t out_stride;
};

template <Activation kActivation>
void FinishRows(const RowsArgs& r) {
  const FinishD d;
  const size_t N = hn::Lanes(d);
  const auto alpha = hn::Set(d, r.alpha);
  const auto beta = hn::Set(d, r.beta);
  for (size_t row = 0; row < r.rows; ++row) {
    const float* sums = r.sums + row * r.sums_stride;
    const float* c = r.c + (r.c == nullptr ? 0 : row * r.c_stride);
    const float* residual =
        r.residual + (r.residual == nullptr ? 0 : row * r.residual_stride);
    float* out = r.out + row * r.out_stride;
    // -0 changes nothing, not even the sign of a zero.
    const auto row_bias =
        hn::Set(d, r.row_bias == nullptr ? -0.0f : r.row_bias[row]);
    const auto finish = [&](size_t i, auto load) HWY_ATTR {
      auto x = hn::Mul(load(sums + i), alpha);
      if (c != nullptr) x = hn::MulAdd(beta, load(c + i), x);
      x = hn::Add(x, r.bias != nullptr ? load(r.bias + i) : row_bias);
      x = ApplyActivation<kActivation>(d, x);
      if (residual != nullptr) x = hn::Add(x, load(residual + i));
      return x;
    };
    size_t i = 0;
    for (; i + N <= r.cols; i += N) {
      const auto load = [&](const float* p)
                            HWY_ATTR { return hn::LoadU(d, p); };
      hn::StoreU(finish(i, load), d, out + i);
    }
    if (i != r.cols) {
      const size_t left = r.cols - i;
      const auto load = [&](const float* p)
                            HWY_ATTR { return hn::LoadN(d, p, left); };
      hn::StoreN(finish(i, load), d, out + i, left);
    }
  }
}

using RowsFunction = void (*)(const RowsArgs&);

RowsFunction ChooseRows(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return FinishRows<Activation::kNone>;
    case Activation::kRelu:
      return FinishRows<Activation::kRelu>;
    case Activation::kGelu:
      return FinishRows<Activation::kGelu>;
    case Activation::kGeluTanh:
      return FinishRows<Activation::kGeluTanh>;
    case Activation::kSilu:
      return FinishRows<Activation::kSilu>;
    case Activation::kSigmoid:
      return FinishRows<Activation::kSigmoid>;
    case Activation::kTanh:
      return FinishRows<Activation::kTanh>;
  }
  return FinishRows<Activation::kNone>;
}

constexpr size_t kChunk = 256;  // columns whose conversions stay in L1

template <typename Byte, typename View>
Byte* At(const View& m, size_t row, size_t col) {
  return static_cast<Byte*>(m.data()) +
         (row * m.row_stride() + col * m.col_stride()) * SizeBytes(m.type());
}

// Whether its rows can be read and written as they are.
template <typename View>
bool IsF32Rows(const View& m) {
  return m.type() == ElementType::kF32 && m.col_stride() == 1;
}

// Columns of a row of any type and stride as f32: in place where they are f32
// and side by side, else copied to `room`.
const float* RowAsF32(const ConstAnyMatView& m, size_t row, size_t col,
                      size_t cols, float* room) {
  const auto* at = At<const unsigned char>(m, row, col);
  if (IsF32Rows(m)) return reinterpret_cast<const float*>(at);
  Widen(m.type(), at, m.col_stride(), cols, room);
  return room;
}

void FinishTileImpl(const GemmEpilogue& e, float* sums, size_t stride,
                    size_t row, size_t col, size_t rows, size_t cols) {
  const RowsFunction finish = ChooseRows(e.activation);
  const bool has_residual = !e.residual.empty();
  const bool plain = IsF32Rows(e.c);
  RowsArgs r{};
  r.alpha = e.alpha;
  r.beta = e.beta;
  const bool row_bias = e.bias != nullptr && e.bias_per_row;
  const bool col_bias = e.bias != nullptr && !e.bias_per_row;
  if (plain && (!has_residual || IsF32Rows(e.residual))) {
    r.rows = rows;
    r.cols = cols;
    r.sums = sums;
    r.sums_stride = stride;
    r.out = reinterpret_cast<float*>(At<unsigned char>(e.c, row, col));
    r.c = e.beta == 0.0f ? nullptr : r.out;
    r.out_stride = r.c_stride = e.c.row_stride();
    r.bias = col_bias ? e.bias + col : nullptr;
    r.row_bias = row_bias ? e.bias + row : nullptr;
    if (has_residual) {
      r.residual = reinterpret_cast<const float*>(
          At<const unsigned char>(e.residual, row, col));
      r.residual_stride = e.residual.row_stride();
    }
    finish(r);
    return;
  }
  float c_room[kChunk];
  float residual_room[kChunk];
  r.rows = 1;
  for (size_t begin = 0; begin < cols; begin += kChunk) {
    r.cols = HWY_MIN(kChunk, cols - begin);
    const size_t at = col + begin;
    for (size_t i = row; i < row + rows; ++i) {
      r.sums = sums + (i - row) * stride + begin;
      r.c = e.beta == 0.0f ? nullptr : RowAsF32(e.c, i, at, r.cols, c_room);
      r.bias = col_bias ? e.bias + at : nullptr;
      r.row_bias = row_bias ? e.bias + i : nullptr;
      r.residual = has_residual
                       ? RowAsF32(e.residual, i, at, r.cols, residual_room)
                       : nullptr;
      auto* c = At<unsigned char>(e.c, i, at);
      r.out = plain ? reinterpret_cast<float*>(c) : r.sums;
      finish(r);
      if (!plain) Narrow(e.c.type(), r.sums, r.cols, c, e.c.col_stride());
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
