#include "keyspace/slot_draw.h"

#include <algorithm>

namespace ashlar::keyspace {

void SlotDraw::count(Keyspace& keyspace, Drawn which) {
  const bool first = ends_.empty();
  ends_.resize(kSlotCount);
  std::uint64_t former_end = 0;
  std::uint64_t end = 0;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    std::uint64_t keys = ends_[i] - former_end;
    former_end = ends_[i];
    Slot& slot = keyspace.slot(SlotId::wrap(i));
    bool locked = slot.lock.try_lock();
    if (!locked && first) {  // nothing is known of it, and it may have more keys than all others
      slot.lock.lock();
      locked = true;
    }
    if (locked) {
      keys = 0;
      slot.for_each_db([&](const SlotDb& db) { keys += keys_of(db, which); });
      slot.lock.unlock();
    }
    end += keys;
    ends_[i] = end;
  }
}

SlotId SlotDraw::draw(Rng& rng) const {
  const auto at = std::ranges::upper_bound(ends_, rng.below(ends_.back()));
  return SlotId::wrap(static_cast<std::uint32_t>(at - ends_.begin()));
}

}  // namespace ashlar::keyspace
