/// One hash slot: its lock and its tables, one for each database in use. 64 bytes when empty.
/// Thread: every member is guarded by `lock`, or by an Exclusive safe point. Reachable through SlotGuard only.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
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
  std::int64_t next_expiry_ms = kNeverMs;  // lower bound of all expiries
};

struct alignas(64) Slot {
  SpinLock lock;
  /// Not 0 while somebody must hear of changes of keys in this slot (ModificationListener); the bits are theirs.
  std::uint8_t interest = 0;
  SlotDb first;                                 // database 0, which nearly everybody uses alone
  std::unique_ptr<std::vector<SlotDb>> others;  // databases 1.., made on first write
  std::unique_ptr<FieldAgenda> agenda;          // hashes of all databases with expiring fields; nullptr: none

  /// nullptr when that database never had a key here.
  [[nodiscard]] SlotDb* find(std::uint32_t db) noexcept {
    if (db == 0) [[likely]]
      return &first;
    if (!others || others->size() < db) return nullptr;
    return &(*others)[db - 1];
  }
  [[nodiscard]] SlotDb& ensure(std::uint32_t db) {
    if (db == 0) [[likely]]
      return first;
    if (!others) others = std::make_unique<std::vector<SlotDb>>();
    if (others->size() < db) others->resize(db);
    return (*others)[db - 1];
  }
};
static_assert(sizeof(Slot) == 64);

}  // namespace ashlar::keyspace
