#include "keyspace/keyspace.h"

#include <algorithm>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"
#include "base/key_slot.h"

namespace ashlar::keyspace {

namespace {

/// For a table that has come where another was: a pass of the expiry cycle that had begun in one of them goes on in the
/// other, so no bound is known.
void look_again(SlotDb& db) {
  if (db.expires != 0) db.next_expiry_ms = 0;
}

}  // namespace

std::uint64_t hash_key(std::string_view key, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

Keyspace::Keyspace(std::uint32_t databases) : databases_(databases), slots_(std::make_unique<Slot[]>(kSlotCount)) {
  ASH_CHECK(databases > 0);
}

Keyspace::~Keyspace() {
  reclaimer_.reset();
  for (std::uint32_t db = 0; db < databases_; ++db) clear(DbIndex{db});
}

void Keyspace::add_observer(ChangeObserver& observer) {
  observers_.push_back(&observer);
  observed_.store(true, std::memory_order_relaxed);
}

void Keyspace::remove_observer(ChangeObserver& observer) {
  std::erase(observers_, &observer);
  observed_.store(!observers_.empty(), std::memory_order_relaxed);
}

void Keyspace::notify_observers(DbIndex db, const KeyRef& key) {
  for (ChangeObserver* observer : observers_) observer->before_change(db, key, slots_[key.slot.value()]);
}

void Keyspace::notify_observers(SlotId slot) {
  for (ChangeObserver* observer : observers_) observer->before_change(slot, slots_[slot.value()]);
}

std::vector<Keyspace::Size> Keyspace::sizes() {
  std::vector<Size> all(databases());
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    Slot& s = slots_[i];
    s.lock.lock();
    s.for_each_db([&](const SlotDb& d) {
      if (d.number >= all.size()) return;
      all[d.number].keys += d.table.size();
      all[d.number].expires += d.expires;
    });
    s.lock.unlock();
  }
  return all;
}

std::vector<std::string> Keyspace::present_of_interest(SlotId slot, DbIndex db) {
  std::vector<std::string> keys;
  Slot& data = slots_[slot.value()];
  SlotDb* table = data.find(db.value);
  if ((data.interest & kKeysOfInterest) == 0 || table == nullptr) return keys;
  for (std::string& key : interests_.keys_of(slot, db)) {
    const auto same = [&](const Entry& entry) { return entry.key() == key; };
    if (table->table.find(hash_key(key, HashSeed::get()), same) != nullptr) keys.push_back(std::move(key));
  }
  return keys;
}

void Keyspace::tell(DbIndex db, std::span<const std::string> keys, ModificationListener* listener) {
  std::vector<ReadyKey> nobody;
  for (const std::string& key : keys) {
    listener != nullptr ? listener->key_modified(db, ref(key), ClientId{}) : interests_.changed(db, ref(key), nobody);
  }
}

std::uint64_t Keyspace::clear(DbIndex db, ModificationListener* listener, Freeing freeing) {
  const bool later = freeing == Freeing::kInBackground && reclaimer_ != nullptr;
  std::vector<EntryTable> taken;
  std::uint64_t removed = 0;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    SlotDb* d = slots_[i].find(db.value);
    if (d == nullptr || d->table.empty()) continue;
    before_change(SlotId::wrap(i));
    const std::vector<std::string> told = present_of_interest(SlotId::wrap(i), db);
    removed += d->table.size();
    if (later) {
      taken.push_back(std::exchange(d->table, EntryTable()));
    } else {
      d->table.for_each([](const EntryTable::Word& w) { Entry::destroy(w.record()); });
      d->table.clear();
    }
    d->expires = 0;
    d->next_expiry_ms = kNeverMs;
    if (slots_[i].agenda) slots_[i].agenda->remove_all(db.value);
    tell(db, told, listener);
  }
  if (!taken.empty()) reclaimer_->discard(std::move(taken));
  return removed;
}

void Keyspace::note_of_interest(SlotId slot, DbIndex db, WallTime now, std::vector<Known>& to) {
  if ((slots_[slot.value()].interest & kKeysOfInterest) == 0) return;
  for (std::string& key : interests_.keys_of(slot, db)) {
    const Interests::State before = interests_.state(db, ref(key), now);
    to.push_back({db, std::move(key), before});
  }
}

void Keyspace::swap(DbIndex a, DbIndex b, WallTime now, ModificationListener* listener) {
  if (a == b) return;
  std::vector<Known> known;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    Slot& s = slots_[i];
    if ((s.find(a.value) == nullptr || s.find(a.value)->table.empty()) &&
        (s.find(b.value) == nullptr || s.find(b.value)->table.empty())) {
      continue;
    }
    before_change(SlotId::wrap(i));
    known.clear();
    note_of_interest(SlotId::wrap(i), a, now, known);
    note_of_interest(SlotId::wrap(i), b, now, known);
    (void)s.ensure(a.value);  // both before taking references: it may move the databases
    (void)s.ensure(b.value);
    SlotDb& first = *s.find(a.value);
    SlotDb& second = *s.find(b.value);
    std::swap(first, second);
    std::swap(first.number, second.number);
    look_again(first);
    look_again(second);
    if (s.agenda) s.agenda->swap(a.value, b.value);
    for (const Known& one : known) {
      const Interests::State after = interests_.state(one.db, ref(one.key), now);
      if (one.before == Interests::State::kMissing && after == Interests::State::kMissing) continue;
      const bool live = one.before == Interests::State::kLive || after == Interests::State::kLive;
      // Who waits for the key meets it when it has expired, too, and removes it.
      if (live || interests_.next_waiter(one.db, ref(one.key), 0) != nullptr) {
        tell(one.db, {&one.key, 1}, listener);
      } else {
        interests_.exchanged(one.db, ref(one.key), one.before, after);
      }
    }
  }
}

void Keyspace::exchange(Keyspace& other, ModificationListener* listener) {
  ASH_CHECK(other.databases_ == databases_);
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    Slot& ours = slots_[i];
    Slot& theirs = other.slots_[i];
    if (ours.first.table.empty() && theirs.first.table.empty() && !ours.others && !theirs.others) continue;
    before_change(SlotId::wrap(i));
    const bool told = (ours.interest & kKeysOfInterest) != 0;
    std::vector<std::vector<std::string>> left;
    for (std::uint32_t db = 0; told && db < databases_; ++db) {
      left.push_back(present_of_interest(SlotId::wrap(i), DbIndex{db}));
    }
    std::swap(ours.first, theirs.first);
    std::swap(ours.others, theirs.others);
    std::swap(ours.agenda, theirs.agenda);
    ours.for_each_db(look_again);
    for (std::uint32_t db = 0; told && db < databases_; ++db) {
      tell(DbIndex{db}, left[db], listener);
      tell(DbIndex{db}, present_of_interest(SlotId::wrap(i), DbIndex{db}), listener);
    }
  }
}

Counters& Keyspace::add_counters() {
  MutexLock lock(counters_mutex_);
  counters_.push_back(std::make_unique<Counters>());
  return *counters_.back();
}

std::uint64_t Keyspace::total(std::atomic<std::uint64_t> Counters::* counter) const {
  MutexLock lock(counters_mutex_);
  std::uint64_t sum = 0;
  for (const auto& c : counters_) sum += ((*c).*counter).load(std::memory_order_relaxed);
  return sum;
}

void Keyspace::reset(std::atomic<std::uint64_t> Counters::* counter) {
  MutexLock lock(counters_mutex_);
  for (const auto& c : counters_) ((*c).*counter).store(0, std::memory_order_relaxed);
}

KeyRef Keyspace::ref(std::string_view key) const noexcept {
  return {key, hash_key(key, HashSeed::get()), key_slot(key)};
}

}  // namespace ashlar::keyspace
