#include <limits>

#include "ranvier/simd/gemm/gemm_int8.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/epilogue_int8.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/activations-inl.h"
#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using SumD = hn::ScalableTag<int32_t>;
using SumV = hn::Vec<SumD>;
using ScaleD = hn::RebindToFloat<SumD>;

constexpr size_t kInt8Chunk = 256;  // columns whose conversions stay in L1

// One row of at most kInt8Chunk columns; null pointers for what is absent or
// the same in all columns.
struct Int8Row {
  const int32_t* sums;
  size_t cols;
  int32_t a_zero;
  const int32_t* column_sums;
  int32_t row_sum;
  const int32_t* b_zeros;
  float scale;
  const float* b_scales;
  const float* bias;
};

template <class LoadI>
HWY_INLINE SumV WithoutZeroPoints(const Int8Row& r, size_t i, LoadI load) {
  const SumD d;
  SumV x = load(r.sums + i);
  if (r.column_sums != nullptr) {
    x = hn::Sub(x, hn::Mul(hn::Set(d, r.a_zero), load(r.column_sums + i)));
  }
  if (r.b_zeros != nullptr) {
    x = hn::Sub(x, hn::Mul(hn::Set(d, r.row_sum), load(r.b_zeros + i)));
  }
  return x;
}

// Runs body(i, load, store) for vectors of columns, where load and store touch
// nothing behind the last.
template <class Body>
HWY_INLINE void OverColumns(size_t cols, const Body& body) {
  const size_t N = hn::Lanes(SumD());
  size_t i = 0;
  for (; i + N <= cols; i += N) {
    body(
        i, [](auto d, auto* p) HWY_ATTR { return hn::LoadU(d, p); },
        [](auto v, auto d, auto* p) HWY_ATTR { hn::StoreU(v, d, p); });
  }
  if (i == cols) return;
  const size_t left = cols - i;
  body(
      i, [left](auto d, auto* p) HWY_ATTR { return hn::LoadN(d, p, left); },
      [left](auto v, auto d, auto* p) HWY_ATTR { hn::StoreN(v, d, p, left); });
}

void SumsRow(const Int8Row& r, int32_t* out) {
  OverColumns(r.cols, [&](size_t i, auto load, auto store) HWY_ATTR {
    const SumD d;
    const auto load_i = [&](const int32_t* p) HWY_ATTR { return load(d, p); };
    store(WithoutZeroPoints(r, i, load_i), d, out + i);
  });
}

template <Activation kActivation>
void ScaledRow(const Int8Row& r, float* out) {
  OverColumns(r.cols, [&](size_t i, auto load, auto store) HWY_ATTR {
    const SumD d;
    const ScaleD df;
    const auto load_i = [&](const int32_t* p) HWY_ATTR { return load(d, p); };
    const auto x = hn::ConvertTo(df, WithoutZeroPoints(r, i, load_i));
    auto scale = hn::Set(df, r.scale);
    if (r.b_scales != nullptr) scale = hn::Mul(scale, load(df, r.b_scales + i));
    // -0 keeps the sign of a zero.
    const auto bias =
        r.bias != nullptr ? load(df, r.bias + i) : hn::Set(df, -0.0f);
    const auto y = hn::MulAdd(x, scale, bias);
    store(ApplyActivation<kActivation>(df, y), df, out + i);
  });
}

using ScaledFunction = void (*)(const Int8Row&, float*);

ScaledFunction ChooseScaled(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return ScaledRow<Activation::kNone>;
    case Activation::kRelu:
      return ScaledRow<Activation::kRelu>;
    case Activation::kGelu:
      return ScaledRow<Activation::kGelu>;
    case Activation::kGeluTanh:
      return ScaledRow<Activation::kGeluTanh>;
    case Activation::kSilu:
      return ScaledRow<Activation::kSilu>;
    case Activation::kSigmoid:
      return ScaledRow<Activation::kSigmoid>;
    case Activation::kTanh:
      return ScaledRow<Activation::kTanh>;
  }
  return ScaledRow<Activation::kNone>;
}

// T: uint8_t or int8_t. NaN becomes the zero point.
template <typename T>
void QuantizeRow(const float* from, size_t n, float scale, int32_t zero,
                 T* out) {
  const ScaleD df;
  const SumD d;
  const hn::Rebind<T, SumD> d8;
  // In range before it is rounded: both bounds are whole numbers, so the order
  // makes no difference, and no float is too large for an integer.
  const auto low =
      hn::Set(df, static_cast<float>(std::numeric_limits<T>::min() - zero));
  const auto high =
      hn::Set(df, static_cast<float>(std::numeric_limits<T>::max() - zero));
  const auto scale_v = hn::Set(df, scale);
  const auto zero_v = hn::Set(d, zero);
  OverColumns(n, [&](size_t i, auto load, auto store) HWY_ATTR {
    auto z = hn::Div(load(df, from + i), scale_v);
    z = hn::IfThenElseZero(hn::Eq(z, z), z);
    z = hn::Max(low, hn::Min(high, z));
    const auto q = hn::Add(hn::NearestInt(z), zero_v);
    store(hn::DemoteTo(d8, q), d8, out + i);
  });
}

template <typename T>
void Spread(const T* from, size_t n, T* to, size_t stride) {
  for (size_t i = 0; i < n; ++i) to[i * stride] = from[i];
}

template <typename T>
void QuantizeTo(const Int8Epilogue& e, const float* from, size_t n, T* c) {
  if (e.c.col_stride() == 1) {
    QuantizeRow(from, n, e.c_scale, e.c_zero, c);
    return;
  }
  T room[kInt8Chunk];
  QuantizeRow(from, n, e.c_scale, e.c_zero, room);
  Spread(room, n, c, e.c.col_stride());
}

void FinishInt8TileImpl(const Int8Epilogue& e, int32_t* sums, size_t stride,
                        size_t row, size_t col, size_t rows, size_t cols) {
  const ScaledFunction scaled = ChooseScaled(e.activation);
  const ElementType type = e.c.type();
  const bool side_by_side = e.c.col_stride() == 1;
  float floats[kInt8Chunk];
  for (size_t begin = 0; begin < cols; begin += kInt8Chunk) {
    const size_t n = HWY_MIN(kInt8Chunk, cols - begin);
    const size_t at = col + begin;
    for (size_t i = 0; i < rows; ++i) {
      int32_t* row_sums = sums + i * stride + begin;
      Int8Row r;
      r.sums = row_sums;
      r.cols = n;
      r.a_zero = e.a_zeros == nullptr ? 0 : e.a_zeros[row + i];
      r.column_sums = e.a_zeros == nullptr ? nullptr : e.column_sums + at;
      r.row_sum = e.b_zeros == nullptr ? 0 : e.row_sums[row + i];
      r.b_zeros = e.b_zeros == nullptr ? nullptr : e.b_zeros + at;
      r.b_scales = e.b_scales == nullptr ? nullptr : e.b_scales + at;
      r.scale = (e.a_scales != nullptr ? e.a_scales[row + i] : e.a_scale) *
                (r.b_scales != nullptr ? 1.0f : e.b_scale);
      r.bias = e.bias == nullptr ? nullptr : e.bias + at;
      unsigned char* c =
          static_cast<unsigned char*>(e.c.data()) +
          ((row + i) * e.c.row_stride() + at * e.c.col_stride()) *
              SizeBytes(type);
      if (type == ElementType::kI32) {
        auto* out = reinterpret_cast<int32_t*>(c);
        SumsRow(r, side_by_side ? out : row_sums);
        if (!side_by_side) Spread(row_sums, n, out, e.c.col_stride());
        continue;
      }
      const bool direct = side_by_side && type == ElementType::kF32;
      float* y = direct ? reinterpret_cast<float*>(c) : floats;
      scaled(r, y);
      if (type == ElementType::kU8) {
        QuantizeTo(e, y, n, reinterpret_cast<uint8_t*>(c));
      } else if (type == ElementType::kI8) {
        QuantizeTo(e, y, n, reinterpret_cast<int8_t*>(c));
      } else if (!direct) {
        Narrow(type, y, n, c, e.c.col_stride());
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(FinishInt8TileImpl);

void FinishInt8Tile(const Int8Epilogue& epilogue, int32_t* sums, size_t stride,
                    size_t row, size_t col, size_t rows, size_t cols) noexcept {
  RANVIER_DISPATCH(FinishInt8TileImpl)
  (epilogue, sums, stride, row, col, rows, cols);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
