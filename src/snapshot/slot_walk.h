/// How far the copying of one slot has come, when it does not happen in one go.
///
/// The walk goes through the tables in the order of their hashes, so a position tells which keys it has passed whatever
/// is added and removed meanwhile. Huge values are put aside on the way and copied behind it, one after another, each
/// in pieces (entry_pieces.h). A writer that is about to change one of them copies what is left of it first.
///
/// Thread: whoever holds the slot, or an Exclusive section. Memory: 16 bytes for each huge value of the slot, and what
/// a writer has copied of a half-copied one. Invariants: 1. what was put aside has not changed since; 2. the pieces of
/// a value follow each other without a gap, in what next() appends and then in take_rest().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "keyspace/slot.h"
#include "snapshot/changed_keys.h"
#include "snapshot/chunk.h"
#include "snapshot/entry_format.h"
#include "snapshot/entry_pieces.h"

namespace ashlar::snapshot {

class SlotWalk {
 public:
  /// A piece has about so many bytes, or so many keys that need not be copied: some hundred microseconds.
  static constexpr std::size_t kPieceBytes = 32 << 10;
  static constexpr std::uint64_t kPieceKeys = 4096;

  /// `format` must outlive the walk.
  SlotWalk(const EntryFormat& format, std::uint32_t databases) noexcept : format_(format), databases_(databases) {}

  /// What next() has left.
  enum class Left : std::uint8_t { kNothing, kMore, kRestOfValue };
  /// To the beginning of a slot.
  void begin() noexcept {
    db_ = 0;
    position_ = 0;
    aside_.clear();
    pieces_.reset();
  }
  /// Appends the next piece to `out`, which is empty; the piece may be. Keys in `changed` (null: none) are passed over.
  [[nodiscard]] Left next(keyspace::Slot& data, const ChangedKeys* changed, Chunk& out);

  /// Whether the walk has come by this key: it is copied, or was put aside, or was not there.
  [[nodiscard]] bool passed(DbIndex db, std::uint64_t hash) const noexcept {
    return db.value < db_ || (db.value == db_ && hash >> 16 < position_);
  }
  /// Whether a key that was passed is not wholly copied: it was put aside, or is half copied.
  [[nodiscard]] bool holds(DbIndex db, std::string_view key) const noexcept;
  /// Such a key is about to change: appends its value to `out` if it was put aside, and keeps the rest of it for
  /// take_rest() if it is half copied.
  void finish(DbIndex db, std::string_view key, std::vector<Chunk>& out);
  /// Everything is about to change: the same with all that next() has not given yet.
  void finish_all(keyspace::Slot& data, const ChangedKeys* changed, std::vector<Chunk>& out);
  /// What a writer has copied of the half-copied value; comes before what next() gives.
  [[nodiscard]] std::vector<Chunk> take_rest() noexcept { return std::exchange(rest_, {}); }
  [[nodiscard]] const std::vector<Chunk>& rest() const noexcept { return rest_; }

 private:
  struct Place {
    DbIndex db;
    const keyspace::Entry* entry = nullptr;
    [[nodiscard]] bool is(DbIndex other_db, std::string_view key) const noexcept {
      return db == other_db && entry->key() == key;
    }
  };
  void walk(keyspace::Slot& data, const ChangedKeys* changed, Chunk& out);
  void begin_value(Chunk& out);
  void next_of_value(Chunk& out);
  void finish_value(std::vector<Chunk>& out);
  void select(Chunk& out, DbIndex db) const;
  [[nodiscard]] Left left() const noexcept;

  const EntryFormat& format_;
  std::uint32_t databases_;
  // The walk has passed databases before db_, and of db_ the hashes whose top 48 bits are below position_.
  std::uint32_t db_ = 0;
  std::uint64_t step_ = 1;  // entries that are looked at before the piece is measured
  std::uint64_t position_ = 0;
  std::vector<Place> aside_;  // huge, not begun
  Place value_;               // half copied, while there are pieces_
  std::unique_ptr<EntryPieces> pieces_;
  std::vector<Chunk> rest_;
};

/// Appends one entry to `out`, in several chunks if it is huge.
void append_entry(const EntryFormat& format, DbIndex db, const keyspace::Entry& entry, std::vector<Chunk>& out);

}  // namespace ashlar::snapshot
