#include "ranvier/io/id_table.h"

#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier::io {
namespace {

TEST(IdTable, NumbersByFirstAppearance) {
  IdTable table;
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(table.Find(0), IdTable::kNone);
  EXPECT_EQ(table.Insert(7), 0u);
  EXPECT_EQ(table.Insert(least), 1u);
  EXPECT_EQ(table.Insert(0), 2u);
  EXPECT_EQ(table.Insert(0), 2u);
  EXPECT_EQ(table.Insert(7), 0u);
  EXPECT_EQ(table.Find(least), 1u);
  EXPECT_EQ(table.Find(-7), IdTable::kNone);
  EXPECT_EQ(table.ids(), (std::vector<int64_t>{7, least, 0}));
}

// Ids that differ in few bits: with a hash that keeps those bits in place all
// would share a slot, and this test would take hours.
TEST(IdTable, StrideDoesNotMatter) {
  for (const int shift : {0, 20, 44}) {
    IdTable table;
    const int64_t n = 300000;
    for (int64_t i = 0; i < n; ++i) table.Insert(i << shift);
    ASSERT_EQ(table.ids().size(), static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      ASSERT_EQ(table.Find(i << shift), static_cast<uint32_t>(i));
    }
  }
}

}  // namespace
}  // namespace ranvier::io
