#include "keyspace/expiry_sample.h"

#include <algorithm>

namespace ashlar::keyspace {

namespace {
constexpr std::uint64_t kEnough = 64;
constexpr std::uint64_t kEntriesPerStep = 64;  // a lock hold of a few microseconds
}  // namespace

Millis average_ttl(Keyspace& keyspace, DbIndex db, WallTime now) {
  const std::int64_t now_ms = unix_millis(now);
  std::uint64_t seen = 0;
  double sum = 0;  // expiries may lie near the end of time
  for (std::uint32_t i = 0; i < kSlotCount && seen < kEnough; ++i) {
    Slot& slot = keyspace.slot(SlotId::wrap(i));
    std::uint64_t position = 0;
    do {
      slot.lock.lock();
      SlotDb* d = slot.find(db.value);
      if (d == nullptr || d->expires == 0) {
        position = EntryTable::kScanEnd;
      } else {
        position = d->table.scan(position, kEntriesPerStep, [&](const EntryTable::Word& word) {
          if (!word.marked() || word.record()->expiry_ms() < now_ms) return;
          sum += static_cast<double>(word.record()->expiry_ms() - now_ms);
          ++seen;
        });
      }
      slot.lock.unlock();
    } while (position != EntryTable::kScanEnd && seen < kEnough);
  }
  return Millis(seen == 0 ? 0 : static_cast<std::int64_t>(std::min(sum / static_cast<double>(seen), 9.2e18)));
}

}  // namespace ashlar::keyspace
