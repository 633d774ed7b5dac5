#include "snapshot/slot_snapshot.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "keyspace/slot_guard.h"

namespace ashlar::snapshot {
namespace {
/// One call of the sink carries about this much.
constexpr std::size_t kWriteBytes = 256 << 10;

/// Slots with no more keys are copied whole before a change: that takes no longer than to remember what has changed.
constexpr std::uint64_t kFewKeys = 16;

/// Whether the slot is copied whole before a change.
bool is_small(keyspace::Slot& data, std::uint32_t databases) {
  std::uint64_t keys = 0;
  for (std::uint32_t i = 0; i < databases; ++i) {
    if (const keyspace::SlotDb* db = data.find(i)) keys += db->table.size();
  }
  if (keys > kFewKeys) return false;
  bool huge = false;
  for (std::uint32_t i = 0; i < databases; ++i) {
    const keyspace::SlotDb* db = data.find(i);
    if (db == nullptr) continue;
    db->table.for_each([&](const keyspace::EntryTable::Word& word) { huge = huge || is_huge(*word.record()); });
  }
  return !huge;
}

std::uint64_t memory_of(const Chunk& chunk) { return chunk.bytes.size() + sizeof(Chunk); }

/// Remembers the longest of several times in microseconds, since `began`.
void note_longest(std::atomic<std::int64_t>& longest_us, const Clock& clock, MonoTime began) {
  const std::int64_t took = (clock.mono() - began).count();
  std::int64_t longest = longest_us.load(std::memory_order_relaxed);
  while (took > longest && !longest_us.compare_exchange_weak(longest, took, std::memory_order_relaxed)) {
  }
}

}  // namespace

keyspace::SafePoint::Participant& SnapshotHost::take_seat() {
  {
    MutexLock lock(mutex_);
    if (!seats_.empty()) {
      auto* seat = seats_.back();
      seats_.pop_back();
      return *seat;
    }
  }
  return keyspace_.safe_point().join();  // outside the lock: it waits for a running Exclusive section
}

void SnapshotHost::give_back(keyspace::SafePoint::Participant& seat) {
  MutexLock lock(mutex_);
  seats_.push_back(&seat);
}

SnapshotHost::Changes SnapshotHost::take_changes() {
  {
    MutexLock lock(mutex_);
    if (!spare_.empty()) return std::exchange(spare_, {});
  }
  return Changes(kSlotCount);
}

void SnapshotHost::give_back(Changes changes) {
  for (auto& change : changes) change.reset();  // an error leaves some
  MutexLock lock(mutex_);
  if (spare_.empty()) spare_ = std::move(changes);
}

SlotSnapshot::SlotSnapshot(SnapshotHost& host, SnapshotPlan plan)
    : host_(host),
      plan_(std::move(plan)),
      pace_(host.clock()),
      copied_(kSlotCount),
      changed_(host.take_changes()),
      part_(*plan_.format, host.keyspace().databases()),
      walk_(host.save_delay()) {
  ASH_CHECK(plan_.format != nullptr && plan_.sink != nullptr);
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    copied_[slot] = plan_.slots.test(slot) ? Copied::kNothing : Copied::kAll;
  }
}

SlotSnapshot::~SlotSnapshot() {
  cancel();
  thread_.join();
  if (!changed_.empty()) host_.give_back(std::move(changed_));  // it was never started
}

void SlotSnapshot::start(keyspace::SafePoint::Participant* self) {
  ASH_CHECK(seat_ == nullptr);
  // A new seat waits for a running Exclusive section, which may be waiting for the caller's batch: leave that first.
  const bool was_inside = self != nullptr && self->inside();
  if (was_inside) self->leave();
  seat_ = &host_.take_seat();
  {
    const keyspace::SafePoint::Exclusive exclusive(host_.keyspace().safe_point(), self);
    host_.keyspace().add_observer(*this);
    if (plan_.at_cut) plan_.at_cut();
  }
  if (auto thread = Thread::start("snapshot", [this] { end(copy_slots()); })) {
    thread_ = std::move(*thread);
  } else {
    end(std::unexpected(thread.error()));
  }
  if (was_inside) self->enter();
}

void SlotSnapshot::end(Result<void> result) {
  stopped_.store(true, std::memory_order_relaxed);
  stop_observing();
  if (result) result = plan_.sink->finish();
  plan_.sink.reset();
  host_.give_back(*seat_);
  if (plan_.on_done) plan_.on_done(result);
  MutexLock lock(mutex_);
  queue_.clear();
  ahead_bytes_ = 0;
  host_.note_written(std::exchange(noted_bytes_, 0));  // what an error has left
  result_ = std::move(result);
  ended_.notify_all();
}

void SlotSnapshot::stop_observing() {
  {
    const keyspace::SafePoint::Exclusive exclusive(host_.keyspace().safe_point(), seat_);
    host_.keyspace().remove_observer(*this);
  }
  host_.give_back(std::move(changed_));  // nobody looks at it any more
}

Result<void> SlotSnapshot::copy_slots() {
  const std::vector<DbSizeHint> sizes = measure();
  ASH_TRY_VOID(plan_.sink->begin(sizes));
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    if (!plan_.slots.test(i)) continue;
    if (cancelled_.load(std::memory_order_relaxed)) return fail("the snapshot was cancelled");
    ASH_TRY_VOID(write_queued());
    ASH_TRY_VOID(copy_slot(SlotId::wrap(i)));
    pace_.step();
  }
  // Whoever copied a slot before its turn came queued it while holding the slot, which was before the walk passed it.
  ASH_TRY_VOID(write_queued());
  return write_out();
}

std::vector<DbSizeHint> SlotSnapshot::measure() {
  keyspace::Keyspace& keyspace = host_.keyspace();
  std::vector<DbSizeHint> sizes(keyspace.databases());
  std::uint16_t version = rdb::kWriteVersionMin;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    if (!plan_.slots.test(i)) continue;
    measure_slot(SlotId::wrap(i), sizes, version);
  }
  {
    MutexLock lock(mutex_);
    for (const Chunk& chunk : queue_) version = std::max(version, chunk.version);
  }
  std::uint64_t total = 0;
  for (DbSizeHint& size : sizes) {
    size.version = version;
    total += size.keys;
  }
  keys_total_.store(total, std::memory_order_relaxed);
  return sizes;
}

void SlotSnapshot::measure_slot(SlotId slot, std::vector<DbSizeHint>& sizes, std::uint16_t& version) {
  Place place;
  do {
    pace_.step();
    const keyspace::Batch batch(*seat_);
    const keyspace::SlotGuard guard(host_.keyspace(), slot);
    keyspace::Slot& data = host_.keyspace().slot(slot);
    for (std::uint32_t db = 0; db < sizes.size() && place.position == 0; ++db) {
      const keyspace::SlotDb* d = data.find(db);
      if (d == nullptr) continue;
      sizes[db].db = DbIndex{db};
      sizes[db].keys += d->table.size();
      sizes[db].expires += d->expires;
    }
    if (copied_[slot.value()] != Copied::kNothing) return;
    raise_version(data, place, version);
  } while (place.position != 0);
}

/// Looks at entries until one needs what Redis 7.0 brought, or so many have been looked at that the slot should be
/// unlocked: then `place` has a position. What a slot that is not copied yet has lost since the cut is queued; what it
/// has gained can only raise the version needlessly. Costs a look at every header when all are older.
void SlotSnapshot::raise_version(keyspace::Slot& slot, Place& place, std::uint16_t& version) const {
  if (!plan_.format->has_versions()) return;
  if (slot.agenda != nullptr) version = rdb::kMaxVersion;  // expiring fields
  std::uint64_t left = SlotWalk::kPieceKeys;
  for (; place.db < host_.keyspace().databases(); ++place.db) {
    const keyspace::SlotDb* d = slot.find(place.db);
    if (version > rdb::kWriteVersionMin) break;
    if (d == nullptr || d->table.empty()) continue;
    place.position = d->table.scan(place.position, left, [&](const keyspace::EntryTable::Word& word) {
      if (version == rdb::kWriteVersionMin) version = std::max(version, plan_.format->version(*word.record()));
      left -= std::min<std::uint64_t>(left, 1);
    });
    if (place.position != 0) return;
  }
  place.position = 0;
}

Result<void> SlotSnapshot::copy_slot(SlotId slot) {
  constexpr std::size_t kKeptBytes = 1 << 20;  // a longer string was an exception
  for (;;) {
    std::vector<Chunk> rest;
    chunk_.clear();
    const SlotWalk::Left left = copy_piece(slot, rest);
    ASH_TRY_VOID(write_ahead(std::move(rest)));
    ASH_TRY_VOID(write_chunk(chunk_));
    if (chunk_.bytes.capacity() > kKeptBytes) chunk_ = Chunk();
    if (left == SlotWalk::Left::kNothing) return {};
    if (cancelled_.load(std::memory_order_relaxed)) return fail("the snapshot was cancelled");
    if (left != SlotWalk::Left::kRestOfValue) ASH_TRY_VOID(write_queued());
    pace_.step();
  }
}

/// Puts the next piece of a slot into chunk_, or what somebody else has copied of the value that was half copied into
/// `rest`.
SlotWalk::Left SlotSnapshot::copy_piece(SlotId slot, std::vector<Chunk>& rest) {
  const keyspace::Batch batch(*seat_);
  const keyspace::SlotGuard guard(host_.keyspace(), slot);
  Copied& copied = copied_[slot.value()];
  if (copied == Copied::kNothing) {
    part_.begin();
    copied = Copied::kPart;
  }
  rest = part_.take_rest();
  if (copied == Copied::kAll) return SlotWalk::Left::kNothing;
  if (!rest.empty()) return SlotWalk::Left::kMore;
  const MonoTime began = host_.clock().mono();
  const SlotWalk::Left left = part_.next(host_.keyspace().slot(slot), changed_[slot.value()].get(), chunk_);
  if (left == SlotWalk::Left::kNothing) {
    copied = Copied::kAll;
    changed_[slot.value()].reset();
  }
  keys_done_.fetch_add(chunk_.keys, std::memory_order_relaxed);
  note_longest(longest_hold_us_, host_.clock(), began);
  return left;
}

void SlotSnapshot::before_change(DbIndex db, const keyspace::KeyRef& key, keyspace::Slot& data) {
  const Copied copied = copied_[key.slot.value()];
  if (copied == Copied::kAll || stopped_.load(std::memory_order_relaxed)) return;
  if (copied == Copied::kNothing) {
    if (is_small(data, host_.keyspace().databases())) return before_change(key.slot, data);
  } else if (part_.passed(db, key.hash)) {
    return copy_passed(db, key);
  }
  copy_changed(db, key, data);
}

/// Copies a key that the walk has not passed, once.
void SlotSnapshot::copy_changed(DbIndex db, const keyspace::KeyRef& key, keyspace::Slot& data) {
  std::unique_ptr<ChangedKeys>& changed = changed_[key.slot.value()];
  if (changed == nullptr) changed = std::make_unique<ChangedKeys>();
  if (!changed->add(db, key.text, key.hash)) return;
  const keyspace::SlotDb* d = data.find(db.value);
  if (d == nullptr) return;
  const auto same = [&](const keyspace::Entry& entry) { return entry.key() == key.text; };
  const keyspace::EntryTable::Word* word = d->table.find(key.hash, same);
  if (word == nullptr) return;  // it comes after the cut
  const keyspace::Entry& entry = *word->record();
  if (is_huge(entry)) [[unlikely]] {
    const MonoTime began = host_.clock().mono();
    std::vector<Chunk> chunks;
    append_entry(*plan_.format, db, entry, chunks);
    note_longest(longest_ahead_us_, host_.clock(), began);
    return queue(chunks);
  }
  Chunk chunk;
  chunk.first_db = chunk.last_db = db;
  plan_.format->entry(chunk, entry);
  queue({&chunk, 1});
}

/// Copies what is left of a key that the walk has passed.
void SlotSnapshot::copy_passed(DbIndex db, const keyspace::KeyRef& key) {
  if (!part_.holds(db, key.text)) return;
  const MonoTime began = host_.clock().mono();
  std::vector<Chunk> chunks;
  const std::size_t rest = part_.rest().size();
  part_.finish(db, key.text, chunks);
  note_longest(longest_ahead_us_, host_.clock(), began);
  note_rest(rest);
  queue(chunks);
}

void SlotSnapshot::before_change(SlotId slot, keyspace::Slot& data) {
  Copied& copied = copied_[slot.value()];
  if (copied == Copied::kAll || stopped_.load(std::memory_order_relaxed)) return;
  const MonoTime began = host_.clock().mono();
  const std::unique_ptr<ChangedKeys> changed = std::move(changed_[slot.value()]);
  std::vector<Chunk> chunks;
  if (copied == Copied::kNothing) {
    SlotWalk whole(*plan_.format, host_.keyspace().databases());
    whole.finish_all(data, changed.get(), chunks);
  } else {
    const std::size_t rest = part_.rest().size();
    part_.finish_all(data, changed.get(), chunks);
    note_rest(rest);
  }
  copied = Copied::kAll;
  note_longest(longest_ahead_us_, host_.clock(), began);
  queue(chunks);
}

/// Counts what has been copied before its turn.
void SlotSnapshot::note_ahead(std::span<const Chunk> chunks) {
  for (const Chunk& chunk : chunks) {
    ahead_bytes_ += chunk.bytes.size();
    noted_bytes_ += memory_of(chunk);
    host_.note_copied(memory_of(chunk));
    keys_done_.fetch_add(chunk.keys, std::memory_order_relaxed);
  }
  ahead_bytes_max_ = std::max(ahead_bytes_max_, ahead_bytes_);
  ++ahead_copies_;
}

/// Counts what the half-copied value has got, `from` that chunk on.
void SlotSnapshot::note_rest(std::size_t from) {
  const auto chunks = std::span(part_.rest()).subspan(from);
  if (chunks.empty()) return;
  MutexLock lock(mutex_);
  note_ahead(chunks);
}

/// All chunks at once: those of a value stay together.
void SlotSnapshot::queue(std::span<Chunk> chunks) {
  if (chunks.empty()) return;
  MutexLock lock(mutex_);
  note_ahead(chunks);
  std::ranges::move(chunks, std::back_inserter(queue_));
}

Result<void> SlotSnapshot::write_queued() {
  std::vector<Chunk> chunks;
  {
    MutexLock lock(mutex_);
    chunks.swap(queue_);
  }
  return write_ahead(std::move(chunks));
}

/// Writes what was counted by note_ahead().
Result<void> SlotSnapshot::write_ahead(std::vector<Chunk> chunks) {
  for (Chunk& chunk : chunks) {
    ASH_TRY_VOID(write_chunk(chunk));
    {
      MutexLock lock(mutex_);
      ahead_bytes_ -= chunk.bytes.size();
      noted_bytes_ -= memory_of(chunk);
      host_.note_written(memory_of(chunk));
      chunk = Chunk();  // give the memory back now, not when all are written
    }
    pace_.step();
  }
  return {};
}

Result<void> SlotSnapshot::write_chunk(const Chunk& chunk) {
  if (!chunk.first_db) return {};
  if (out_db_ != chunk.first_db) plan_.format->select_db(out_, *chunk.first_db);
  plan_.format->pack(chunk, out_);
  out_db_ = chunk.last_db;
  if (walk_.slow()) {
    ASH_TRY_VOID(write_out());
    walk_.passed(chunk.keys, [this] { return cancelled_.load(std::memory_order_relaxed); });
  }
  return out_.size() >= kWriteBytes ? write_out() : Result<void>{};
}

Result<void> SlotSnapshot::write_out() {
  if (out_.empty()) return {};
  ASH_TRY_VOID(plan_.sink->write(out_));
  bytes_out_.fetch_add(out_.size(), std::memory_order_relaxed);
  out_.clear();
  return {};
}

Result<void> SlotSnapshot::wait(keyspace::SafePoint::Participant* self) {
  // The end of a snapshot needs an Exclusive section, which would wait for the caller's batch.
  const bool was_inside = self != nullptr && self->inside();
  if (was_inside) self->leave();
  Result<void> result;
  {
    MutexLock lock(mutex_);
    while (!result_) ended_.wait(mutex_);
    result = *result_;
  }
  if (was_inside) self->enter();
  return result;
}

SnapshotProgress SlotSnapshot::progress() const {
  SnapshotProgress p;
  p.keys_done = keys_done_.load(std::memory_order_relaxed);
  p.keys_total = keys_total_.load(std::memory_order_relaxed);
  p.bytes_out = bytes_out_.load(std::memory_order_relaxed);
  p.longest_hold = Micros(longest_hold_us_.load(std::memory_order_relaxed));
  p.longest_ahead = Micros(longest_ahead_us_.load(std::memory_order_relaxed));
  MutexLock lock(mutex_);
  p.ahead_bytes = ahead_bytes_;
  p.ahead_bytes_max = ahead_bytes_max_;
  p.ahead_copies = ahead_copies_;
  p.done = result_.has_value();
  return p;
}

}  // namespace ashlar::snapshot
