#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace ranvier::io {

// Numbers 64-bit ids by first appearance: an open-addressing hash table with
// linear probing, at most half full. The hash has a random key, so that no
// file can be made whose ids all fall on one place; results never depend on it.
class IdTable {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  IdTable() : key_(RandomKey()), slots_(64, Slot{0, kNone}) {}

  // The number of this id, a new one if it was not there. kNone - 1 ids fit.
  uint32_t Insert(int64_t id) {
    if (has_last_ && id == last_id_) return last_number_;  // runs are common
    if (2 * (ids_.size() + 1) > slots_.size()) Grow();
    Slot& slot = slots_[Place(id)];
    if (slot.number == kNone) {
      slot = {id, static_cast<uint32_t>(ids_.size())};
      ids_.push_back(id);
    }
    has_last_ = true;
    last_id_ = id;
    last_number_ = slot.number;
    return slot.number;
  }

  // The number of this id or kNone.
  uint32_t Find(int64_t id) const { return slots_[Place(id)].number; }

  // Ids by number.
  const std::vector<int64_t>& ids() const { return ids_; }

 private:
  struct Slot {
    int64_t id;
    uint32_t number;
  };

  static uint64_t RandomKey() {
    std::random_device device;
    return (uint64_t{device()} << 32) | device();
  }

  // Two rounds of a multiply-fold; the key enters before each.
  size_t Place(int64_t id) const {
    uint64_t x = static_cast<uint64_t>(id) ^ key_;
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
    x = (x ^ (x >> 29) ^ (key_ >> 7)) * 0x9FB21C651E98DF25u;
    x ^= x >> 32;
    const size_t mask = slots_.size() - 1;
    size_t place = static_cast<size_t>(x) & mask;
    while (slots_[place].number != kNone && slots_[place].id != id) {
      place = (place + 1) & mask;
    }
    return place;
  }

  void Grow() {
    slots_.assign(slots_.size() * 2, Slot{0, kNone});
    for (size_t i = 0; i < ids_.size(); ++i) {
      slots_[Place(ids_[i])] = {ids_[i], static_cast<uint32_t>(i)};
    }
  }

  uint64_t key_;
  std::vector<Slot> slots_;
  std::vector<int64_t> ids_;
  bool has_last_ = false;
  int64_t last_id_ = 0;
  uint32_t last_number_ = 0;
};

}  // namespace ranvier::io
