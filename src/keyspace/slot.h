/// One hash slot: its lock and its tables, one for each database in use. 64 bytes when empty, and 40 for each database
/// beside the first that has had a key here.
/// Thread: every member is guarded by `lock`, or by an Exclusive safe point. Reachable through SlotGuard only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "ds/dense_table.h"
#include "ds/seeded_hash.h"
#include "keyspace/entry.h"
#include "keyspace/field_agenda.h"

namespace ashlar::keyspace {

using HashSeed = ds::HashSeed;

[[nodiscard]] std::uint64_t hash_key(std::string_view key, std::uint64_t seed) noexcept;

struct EntryTraits {
  static std::uint64_t hash(const Entry& entry) { return hash_key(entry.key(), HashSeed::get()); }
};
/// Entries of one slot and database. A marked word has an expiry.
using EntryTable = ds::DenseTable<Entry, EntryTraits>;

/// No entry of the table expires before this.
inline constexpr std::int64_t kNeverMs = std::numeric_limits<std::int64_t>::max();

struct SlotDb {
  EntryTable table;
  std::uint32_t expires = 0;               // marked words
  std::uint32_t number = 0;                // of the database
  std::int64_t next_expiry_ms = kNeverMs;  // lower bound of all expiries
};

static_assert(sizeof(SlotDb) == 40);

struct alignas(64) Slot {
  SpinLock lock;
  /// Not 0 while somebody must hear of changes of keys in this slot (ModificationListener); the bits are theirs.
  std::uint8_t interest = 0;
  SlotDb first;                                 // database 0, which nearly everybody uses alone
  std::unique_ptr<std::vector<SlotDb>> others;  // those of other databases, ascending; made on first write
  std::unique_ptr<FieldAgenda> agenda;          // hashes of all databases with expiring fields; nullptr: none

  /// nullptr when that database never had a key here.
  [[nodiscard]] SlotDb* find(std::uint32_t db) noexcept {
    if (db == 0) [[likely]]
      return &first;
    if (!others) return nullptr;
    const auto at = std::ranges::lower_bound(*others, db, {}, &SlotDb::number);
    return at != others->end() && at->number == db ? &*at : nullptr;
  }
  /// References to other databases than 0 hold until the next call.
  [[nodiscard]] SlotDb& ensure(std::uint32_t db) {
    if (db == 0) [[likely]]
      return first;
    if (!others) others = std::make_unique<std::vector<SlotDb>>();
    const auto at = std::ranges::lower_bound(*others, db, {}, &SlotDb::number);
    if (at != others->end() && at->number == db) return *at;
    SlotDb fresh;
    fresh.number = db;
    return *others->insert(at, std::move(fresh));
  }
  /// Every database that has had a key here, ascending; the first always.
  template <typename Visit>
  void for_each_db(Visit&& visit) {
    visit(first);
    if (!others) return;
    for (SlotDb& db : *others) visit(db);
  }
};
static_assert(sizeof(Slot) == 64);

}  // namespace ashlar::keyspace
