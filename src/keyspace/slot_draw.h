/// Draws slots so that each key of the key space is as likely as any other, by how many keys groups of slots had a
/// moment ago. Thread: one; takes the locks of slots, one after the other. Memory: 16 KiB, part of the object, so that
/// whoever begins to draw because memory is short takes none.
#pragma once

#include <array>
#include <cstdint>

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
  static constexpr std::uint32_t kSlots = 8;  // of a group: their keys are looked at anew by each draw

 public:
  /// Cost: a lock for each slot, a quarter of a millisecond. A group with a slot that somebody works on has at least
  /// its former number; the first time it is waited for.
  void count(Keyspace& keyspace, Drawn which);
  [[nodiscard]] std::uint64_t keys() const noexcept { return ends_.back(); }
  /// A group, as it is now.
  class Group {
   public:
    /// No key is left, or somebody works on its slots.
    [[nodiscard]] bool empty() const noexcept { return all_ == 0; }
    /// One of its slots, by their keys. Only when not empty().
    [[nodiscard]] SlotId draw(Rng& rng) const;

   private:
    friend class SlotDraw;
    std::uint32_t first_ = 0;
    std::uint64_t all_ = 0;
    std::array<std::uint64_t, kSlots> keys_{};
  };
  /// By their keys. Only when there were any. O(log groups), and a lock for each slot of the group.
  [[nodiscard]] Group draw(Keyspace& keyspace, Drawn which, Rng& rng) const;
  /// Calls visit(SlotId) for the slots of each group with keys. O(slots).
  template <typename Visit>
  void for_each(Visit&& visit) const {
    std::uint64_t before = 0;
    for (std::uint32_t group = 0; group < kGroups; ++group) {
      const bool has_keys = ends_[group] != before;
      before = ends_[group];
      for (std::uint32_t i = 0; has_keys && i < kSlots; ++i) visit(SlotId::wrap(group * kSlots + i));
    }
  }

 private:
  static constexpr std::uint32_t kGroups = kSlotCount / kSlots;

  std::array<std::uint64_t, kGroups> ends_{};  // keys of each group and all before it
  bool counted_ = false;
};

}  // namespace ashlar::keyspace
