#include "keyspace/slot_draw.h"

#include <algorithm>
#include <optional>

namespace ashlar::keyspace {
namespace {

/// nullopt: somebody works on the slot.
std::optional<std::uint64_t> keys_in(Slot& slot, Drawn which) {
  if (!slot.lock.try_lock()) return std::nullopt;
  std::uint64_t keys = 0;
  slot.for_each_db([&](const SlotDb& db) { keys += keys_of(db, which); });
  slot.lock.unlock();
  return keys;
}

}  // namespace

void SlotDraw::count(Keyspace& keyspace, Drawn which) {
  std::uint64_t former_end = 0;
  std::uint64_t end = 0;
  for (std::uint32_t group = 0; group < kGroups; ++group) {
    std::uint64_t keys = 0;
    std::uint64_t at_least = 0;
    for (std::uint32_t i = 0; i < kSlots; ++i) {
      Slot& slot = keyspace.slot(SlotId::wrap(group * kSlots + i));
      auto in_slot = keys_in(slot, which);
      while (!in_slot && !counted_) {  // nothing is known of it, and it may have more keys than all others
        slot.lock.lock();
        slot.lock.unlock();
        in_slot = keys_in(slot, which);
      }
      if (!in_slot) at_least = ends_[group] - former_end;
      keys += in_slot.value_or(0);
    }
    former_end = ends_[group];
    end += std::max(keys, at_least);
    ends_[group] = end;
  }
  counted_ = true;
}

SlotDraw::Group SlotDraw::draw(Keyspace& keyspace, Drawn which, Rng& rng) const {
  const auto at = std::ranges::upper_bound(ends_, rng.below(ends_.back()));
  Group group;
  group.first_ = static_cast<std::uint32_t>(at - ends_.begin()) * kSlots;
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    group.keys_[i] = keys_in(keyspace.slot(SlotId::wrap(group.first_ + i)), which).value_or(0);
    group.all_ += group.keys_[i];
  }
  return group;
}

SlotId SlotDraw::Group::draw(Rng& rng) const {
  std::uint64_t nth = rng.below(all_);
  std::uint32_t i = 0;
  while (nth >= keys_[i]) nth -= keys_[i++];
  return SlotId::wrap(first_ + i);
}

}  // namespace ashlar::keyspace
