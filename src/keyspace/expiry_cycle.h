/// Active expiry: removes keys whose time has come although nobody asks for them.
///
/// Each loop has a cycle of its own over every `stride`-th slot, so slots are never contended. A slot knows a lower
/// bound of its next expiry; slots without due keys cost one lock each. Exact, not sampled: a pass ends with no due key
/// left unless the budget ends it first. Fields of hashes go the same way, by the slot's agenda. Thread: the loop's;
/// inside its safe-point batch. Primaries only.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ticks.h"
#include "keyspace/db.h"

namespace ashlar::keyspace {

class ExpiryCycle {
 public:
  /// Slots first, first + stride, ...
  ExpiryCycle(Keyspace& keyspace, std::uint32_t first, std::uint32_t stride) noexcept
      : keyspace_(keyspace), first_(first), stride_(stride), slot_(first) {}

  enum class End : std::uint8_t { kAllSlotsSeen, kBudgetSpent };
  /// Goes on where the last run stopped, for about `budget` ticks.
  End run(const AccessContext& context, Ticks budget);

 private:
  /// A pass over one table, which may take several runs.
  struct Pass {
    std::uint32_t db;
    std::uint64_t position;
    std::int64_t next_expiry_ms;
  };
  /// False when the budget ended inside the slot.
  bool run_slot(const AccessContext& context, Ticks deadline);
  void step(const AccessContext& context, SlotDb& db, Pass& pass);
  /// Removes some fields of the hash that is due first.
  void step_fields(const AccessContext& context, Slot& slot);

  Keyspace& keyspace_;
  std::uint32_t first_;
  std::uint32_t stride_;
  std::uint32_t slot_;
  std::optional<Pass> pass_;
};

}  // namespace ashlar::keyspace
