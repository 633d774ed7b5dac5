#include "snapshot/slot_walk.h"

#include <algorithm>

#include "base/prefetch.h"

namespace ashlar::snapshot {
namespace {

using keyspace::Entry;
using keyspace::EntryTable;

/// A piece ends between two elements, so it becomes longer than planned by some of them.
constexpr std::size_t kSpareBytes = 16 << 10;

/// Lets the cache misses of a walk overlap. Not for tables whose entries would not stay in the cache until their turn.
void prefetch_entries(const EntryTable& table) {
  constexpr std::uint64_t kMost = 4096;
  constexpr std::size_t kUsualBytes = 48;
  if (table.size() > kMost) return;
  table.for_each([](const EntryTable::Word& word) {
    prefetch(word.record());
    prefetch(reinterpret_cast<const char*>(word.record()) + kUsualBytes - 1);
  });
}

/// A chunk for one piece of a value of `db`.
Chunk& add_chunk(std::vector<Chunk>& out, DbIndex db) {
  Chunk& chunk = out.emplace_back();
  chunk.bytes.reserve(SlotWalk::kPieceBytes + kSpareBytes);
  chunk.first_db = chunk.last_db = db;
  return chunk;
}

void append_all(EntryPieces& pieces, DbIndex db, std::vector<Chunk>& out) {
  while (pieces.next(add_chunk(out, db), SlotWalk::kPieceBytes) == EntryPieces::Left::kMore) {
  }
}

}  // namespace

void append_entry(const EntryFormat& format, DbIndex db, const Entry& entry, std::vector<Chunk>& out) {
  if (const auto pieces = is_huge(entry) ? format.pieces(entry) : nullptr) return append_all(*pieces, db, out);
  Chunk& chunk = out.emplace_back();
  chunk.first_db = chunk.last_db = db;
  format.entry(chunk, entry);
}

SlotWalk::Left SlotWalk::next(keyspace::Slot& data, const ChangedKeys* changed, Chunk& out) {
  if (pieces_ != nullptr) {
    next_of_value(out);
  } else if (db_ < databases_) {
    walk(data, changed, out);
  } else if (!aside_.empty()) {
    begin_value(out);
  }
  return left();
}

SlotWalk::Left SlotWalk::left() const noexcept {
  if (pieces_ != nullptr) return Left::kRestOfValue;
  return db_ < databases_ || !aside_.empty() ? Left::kMore : Left::kNothing;
}

void SlotWalk::select(Chunk& out, DbIndex db) const {
  if (!out.first_db) {
    out.first_db = db;
  } else if (out.last_db != db) {
    format_.select_db(out.bytes, db);
  }
  out.last_db = db;
}

void SlotWalk::walk(keyspace::Slot& data, const ChangedKeys* changed, Chunk& out) {
  constexpr std::uint64_t kStep = 16;
  std::uint64_t looked_at = 0;
  for (; db_ < databases_; ++db_, position_ = 0) {
    const keyspace::SlotDb* d = data.find(db_);
    if (d == nullptr || d->table.empty()) continue;
    const DbIndex db{db_};
    if (position_ == 0) prefetch_entries(d->table);
    // A table that has shrunk since the last piece looks less closely where to begin: it shows some keys again.
    std::uint64_t passed = position_;
    do {
      if (out.bytes.size() >= kPieceBytes || looked_at >= kPieceKeys) return;
      const std::size_t before = out.bytes.size();
      position_ = d->table.scan(position_, step_, [&](const EntryTable::Word& word) {
        const Entry& entry = *word.record();
        ++looked_at;
        if (passed != 0 && keyspace::EntryTraits::hash(entry) >> 16 < passed) return;
        if (changed != nullptr && changed->has(db, entry.key(), keyspace::EntryTraits::hash(entry))) return;
        if (!entry.is_string() && is_huge(entry)) [[unlikely]] {
          aside_.push_back({db, &entry});
          return;
        }
        select(out, db);
        format_.entry(out, entry);
      });
      passed = 0;
      // Where strings are long, one at a time: a piece may be longer than it should by one of them, not by sixteen.
      step_ = out.bytes.size() - before > kPieceBytes ? 1 : std::min(step_ * 2, kStep);
    } while (position_ != EntryTable::kScanEnd);
  }
}

void SlotWalk::begin_value(Chunk& out) {
  value_ = aside_.back();
  aside_.pop_back();
  pieces_ = format_.pieces(*value_.entry);
  if (pieces_ != nullptr) return next_of_value(out);
  select(out, value_.db);
  format_.entry(out, *value_.entry);
}

void SlotWalk::next_of_value(Chunk& out) {
  out.bytes.reserve(kPieceBytes + kSpareBytes);
  select(out, value_.db);
  if (pieces_->next(out, kPieceBytes) == EntryPieces::Left::kNothing) pieces_.reset();
}

void SlotWalk::finish_value(std::vector<Chunk>& out) {
  append_all(*pieces_, value_.db, out);
  pieces_.reset();
}

bool SlotWalk::holds(DbIndex db, std::string_view key) const noexcept {
  if (pieces_ != nullptr && value_.is(db, key)) return true;
  return std::ranges::any_of(aside_, [&](const Place& place) { return place.is(db, key); });
}

void SlotWalk::finish(DbIndex db, std::string_view key, std::vector<Chunk>& out) {
  if (pieces_ != nullptr && value_.is(db, key)) return finish_value(rest_);
  const auto at = std::ranges::find_if(aside_, [&](const Place& place) { return place.is(db, key); });
  if (at == aside_.end()) return;
  append_entry(format_, db, *at->entry, out);
  aside_.erase(at);
}

void SlotWalk::finish_all(keyspace::Slot& data, const ChangedKeys* changed, std::vector<Chunk>& out) {
  if (pieces_ != nullptr) finish_value(rest_);
  do {
    Chunk chunk;
    (void)next(data, changed, chunk);
    if (chunk.first_db) out.push_back(std::move(chunk));
    if (pieces_ != nullptr) finish_value(out);
  } while (left() != Left::kNothing);
}

}  // namespace ashlar::snapshot
