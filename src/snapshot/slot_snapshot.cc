#include "snapshot/slot_snapshot.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"
#include "keyspace/slot_guard.h"

namespace ashlar::snapshot {
namespace {
/// One call of the sink carries about this much.
constexpr std::size_t kWriteBytes = 256 << 10;

/// Slots with no more keys are copied whole before a change: that takes no longer than to remember what has changed.
constexpr std::uint64_t kFewKeys = 16;

bool has_few_keys(keyspace::Slot& data, std::uint32_t databases) {
  std::uint64_t keys = 0;
  for (std::uint32_t i = 0; i < databases; ++i) {
    if (const keyspace::SlotDb* db = data.find(i)) keys += db->table.size();
  }
  return keys <= kFewKeys;
}

/// Lets the cache misses of a walk overlap. Not for tables whose entries would not stay in the cache until their turn.
void prefetch_entries(const keyspace::EntryTable& table) {
  constexpr std::uint64_t kMost = 4096;
  constexpr std::size_t kUsualBytes = 48;
  if (table.size() > kMost) return;
  table.for_each([](const keyspace::EntryTable::Word& word) {
    prefetch(word.record());
    prefetch(reinterpret_cast<const char*>(word.record()) + kUsualBytes - 1);
  });
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

SlotSnapshot::SlotSnapshot(SnapshotHost& host, SnapshotPlan plan)
    : host_(host),
      plan_(std::move(plan)),
      pace_(host.clock()),
      tables_held_(host, kSlotCount * (sizeof(copied_[0]) + sizeof(changed_[0]))),
      copied_(kSlotCount),
      changed_(kSlotCount),
      out_held_(host, 0),
      walk_(host.save_delay()),
      ahead_held_(host, 0) {
  ASH_CHECK(plan_.format != nullptr && plan_.sink != nullptr);
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) copied_[slot] = plan_.slots.test(slot) ? 0 : 1;
}

SlotSnapshot::~SlotSnapshot() {
  cancel();
  thread_.join();
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
  thread_ = Thread("snapshot", [this] { run(); });
  if (was_inside) self->enter();
}

void SlotSnapshot::run() {
  Result<void> result = copy_slots();
  stopped_.store(true, std::memory_order_relaxed);
  stop_observing();
  if (result) result = plan_.sink->finish();
  plan_.sink.reset();
  host_.give_back(*seat_);
  if (plan_.on_done) plan_.on_done(result);
  MutexLock lock(mutex_);
  queue_.clear();
  ahead_bytes_ = 0;
  ahead_held_.set(0);
  result_ = std::move(result);
  ended_.notify_all();
}

void SlotSnapshot::stop_observing() {
  const keyspace::SafePoint::Exclusive exclusive(host_.keyspace().safe_point(), seat_);
  host_.keyspace().remove_observer(*this);
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
  std::uint64_t total = 0;
  std::uint16_t version = rdb::kWriteVersionMin;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    if (!plan_.slots.test(i)) continue;
    pace_.step();
    const keyspace::Batch batch(*seat_);
    const keyspace::SlotGuard guard(keyspace, SlotId::wrap(i));
    keyspace::Slot& slot = keyspace.slot(SlotId::wrap(i));
    for (std::uint32_t db = 0; db < sizes.size(); ++db) {
      const keyspace::SlotDb* d = slot.find(db);
      if (d == nullptr) continue;
      sizes[db].db = DbIndex{db};
      sizes[db].keys += d->table.size();
      sizes[db].expires += d->expires;
      total += d->table.size();
    }
    if (copied_[i] == 0) raise_version(slot, version);
  }
  {
    MutexLock lock(mutex_);
    for (const Chunk& chunk : queue_) version = std::max(version, chunk.version);
  }
  for (DbSizeHint& size : sizes) size.version = version;
  keys_total_.store(total, std::memory_order_relaxed);
  return sizes;
}

/// Looks at entries until one needs what Redis 7.0 brought. What a slot that is not copied yet has lost since the cut
/// is queued; what it has gained can only raise the version needlessly. Costs a look at every header when all are
/// older.
void SlotSnapshot::raise_version(keyspace::Slot& slot, std::uint16_t& version) const {
  if (!plan_.format->has_versions()) return;
  if (slot.agenda != nullptr) version = rdb::kMaxVersion;  // expiring fields
  for (std::uint32_t db = 0; db < host_.keyspace().databases(); ++db) {
    const keyspace::SlotDb* d = slot.find(db);
    if (d == nullptr || version > rdb::kWriteVersionMin) continue;
    d->table.for_each([&](const keyspace::EntryTable::Word& word) {
      if (version == rdb::kWriteVersionMin) version = std::max(version, plan_.format->version(*word.record()));
    });
  }
}

Result<void> SlotSnapshot::copy_slot(SlotId slot) {
  Chunk chunk;
  {
    const keyspace::Batch batch(*seat_);
    const keyspace::SlotGuard guard(host_.keyspace(), slot);
    std::uint8_t& copied = copied_[slot.value()];
    if (copied != 0) return {};
    copied = 1;
    encode(slot, host_.keyspace().slot(slot), chunk);
  }
  if (chunk.keys == 0) return {};
  const SnapshotHost::Held held(host_, chunk.bytes.capacity());
  return write_chunk(chunk);
}

void SlotSnapshot::before_change(DbIndex db, const keyspace::KeyRef& key, keyspace::Slot& data) {
  const std::size_t slot = key.slot.value();
  if (copied_[slot] != 0 || stopped_.load(std::memory_order_relaxed)) return;
  if (has_few_keys(data, host_.keyspace().databases())) return before_change(key.slot, data);
  if (changed_[slot] == nullptr) changed_[slot] = std::make_unique<ChangedKeys>();
  if (!changed_[slot]->add(db, key.text, key.hash)) return;
  const keyspace::SlotDb* d = data.find(db.value);
  if (d == nullptr) return;
  const auto same = [&](const keyspace::Entry& entry) { return entry.key() == key.text; };
  const keyspace::EntryTable::Word* word = d->table.find(key.hash, same);
  if (word == nullptr) return;  // it comes after the cut
  Chunk chunk;
  chunk.first_db = chunk.last_db = db;
  plan_.format->entry(chunk, *word->record());
  keys_done_.fetch_add(chunk.keys, std::memory_order_relaxed);
  queue(std::move(chunk));
}

void SlotSnapshot::before_change(SlotId slot, keyspace::Slot& data) {
  std::uint8_t& copied = copied_[slot.value()];
  if (copied != 0 || stopped_.load(std::memory_order_relaxed)) return;
  copied = 1;
  Chunk chunk;
  encode(slot, data, chunk);
  if (chunk.keys != 0) queue(std::move(chunk));
}

void SlotSnapshot::queue(Chunk chunk) {
  MutexLock lock(mutex_);
  ahead_bytes_ += chunk.bytes.size();
  ahead_held_.set(ahead_bytes_);
  ahead_bytes_max_ = std::max(ahead_bytes_max_, ahead_bytes_);
  ++ahead_copies_;
  queue_.push_back(std::move(chunk));
}

void SlotSnapshot::encode(SlotId slot, keyspace::Slot& data, Chunk& chunk) {
  const MonoTime began = host_.clock().mono();
  const std::unique_ptr<ChangedKeys> changed = std::move(changed_[slot.value()]);
  for (std::uint32_t i = 0; i < host_.keyspace().databases(); ++i) {
    const keyspace::SlotDb* db = data.find(i);
    if (db == nullptr || db->table.empty()) continue;
    if (chunk.first_db) {
      plan_.format->select_db(chunk.bytes, DbIndex{i});
    } else {
      chunk.first_db = DbIndex{i};
    }
    chunk.last_db = DbIndex{i};
    prefetch_entries(db->table);
    db->table.for_each([&](const keyspace::EntryTable::Word& word) {
      const keyspace::Entry& entry = *word.record();
      if (changed != nullptr && changed->has(DbIndex{i}, entry.key(), keyspace::EntryTraits::hash(entry))) return;
      plan_.format->entry(chunk, entry);
    });
  }
  keys_done_.fetch_add(chunk.keys, std::memory_order_relaxed);
  const std::int64_t took = (host_.clock().mono() - began).count();
  std::int64_t longest = longest_hold_us_.load(std::memory_order_relaxed);
  while (took > longest && !longest_hold_us_.compare_exchange_weak(longest, took, std::memory_order_relaxed)) {
  }
}

Result<void> SlotSnapshot::write_queued() {
  std::vector<Chunk> chunks;
  {
    MutexLock lock(mutex_);
    chunks.swap(queue_);
  }
  for (Chunk& chunk : chunks) {
    ASH_TRY_VOID(write_chunk(chunk));
    {
      MutexLock lock(mutex_);
      ahead_bytes_ -= chunk.bytes.size();
      chunk = Chunk();  // give the memory back now, not when all are written
      ahead_held_.set(ahead_bytes_);
    }
    pace_.step();
  }
  return {};
}

Result<void> SlotSnapshot::write_chunk(const Chunk& chunk) {
  if (!chunk.first_db) return {};
  if (out_db_ != chunk.first_db) plan_.format->select_db(out_, *chunk.first_db);
  plan_.format->pack(chunk, out_);
  out_held_.set(out_.capacity());
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
  MutexLock lock(mutex_);
  p.ahead_bytes = ahead_bytes_;
  p.ahead_bytes_max = ahead_bytes_max_;
  p.ahead_copies = ahead_copies_;
  p.done = result_.has_value();
  return p;
}

}  // namespace ashlar::snapshot
