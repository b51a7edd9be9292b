#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier {

// How many elements of a matrix share a scale and a zero point.
enum class QuantGranularity : uint8_t {
  kTensor,  // all
  kRow,     // the elements of a row: per channel, where rows are channels
  kColumn,  // the elements of a column
  kGroup,   // group_size neighbours in a row; the last group may be shorter
};

// For x of [rows, cols] scales are a matrix of [ScaleRows, ScaleCols]: [1, 1],
// [rows, 1], [1, cols] or [rows, ceil(cols / group_size)]. Element (r, c) has
// the one in its row, or the only row, and in column c / group_size, c or 0.
struct QuantLayout {
  QuantGranularity granularity = QuantGranularity::kTensor;
  size_t group_size = 0;  // of kGroup; not read otherwise

  static constexpr QuantLayout PerTensor() { return {}; }
  static constexpr QuantLayout PerRow() { return {QuantGranularity::kRow, 0}; }
  static constexpr QuantLayout PerColumn() {
    return {QuantGranularity::kColumn, 0};
  }
  static constexpr QuantLayout PerGroup(size_t group_size) {
    return {QuantGranularity::kGroup, group_size};
  }

  constexpr size_t ScaleRows(size_t rows) const {
    return granularity == QuantGranularity::kRow ||
                   granularity == QuantGranularity::kGroup
               ? rows
               : 1;
  }
  constexpr size_t ScaleCols(size_t cols) const {
    switch (granularity) {
      case QuantGranularity::kTensor:
      case QuantGranularity::kRow:
        return 1;
      case QuantGranularity::kColumn:
        return cols;
      case QuantGranularity::kGroup:
        return cols == 0 ? 0 : (cols - 1) / group_size + 1;
    }
    return 1;
  }
};

}  // namespace ranvier
