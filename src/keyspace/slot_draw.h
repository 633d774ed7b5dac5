/// Draws slots so that each key of the key space is as likely as any other, by how many keys the slots had a moment
/// ago. Thread: one; count() takes the locks of the slots, one after the other. Memory: 128 KiB once count() has run.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/rng.h"
#include "keyspace/keyspace.h"

namespace ashlar::keyspace {

/// Which keys count.
enum class Drawn : std::uint8_t { kAllKeys, kVolatileKeys };
[[nodiscard]] inline std::uint64_t keys_of(const SlotDb& db, Drawn which) noexcept {
  return which == Drawn::kAllKeys ? db.table.size() : db.expires;
}

class SlotDraw {
 public:
  /// Cost: a lock for each slot, a quarter of a millisecond. A slot that somebody works on keeps its former number;
  /// the first time it is waited for.
  void count(Keyspace& keyspace, Drawn which);
  [[nodiscard]] std::uint64_t keys() const noexcept { return ends_.empty() ? 0 : ends_.back(); }
  /// Only when there are keys. O(log slots).
  [[nodiscard]] SlotId draw(Rng& rng) const;
  /// Calls visit(SlotId) for each slot with keys. O(slots).
  template <typename Visit>
  void for_each(Visit&& visit) const {
    std::uint64_t before = 0;
    for (std::uint32_t i = 0; i < ends_.size(); ++i) {
      if (std::exchange(before, ends_[i]) != ends_[i]) visit(SlotId::wrap(i));
    }
  }

 private:
  std::vector<std::uint64_t> ends_;  // keys of each slot and all before it
};

}  // namespace ashlar::keyspace
