#include "keyspace/interests.h"

#include <algorithm>

#include "keyspace/keyspace.h"

namespace ashlar::keyspace {

Interests::Interests(Keyspace& keyspace)
    : keyspace_(keyspace), slots_(std::make_unique<std::unique_ptr<Keys>[]>(kSlotCount)) {}

Interests::~Interests() = default;

Interests::Key& Interests::ensure(DbIndex db, const KeyRef& key) {
  std::unique_ptr<Keys>& keys = slots_[key.slot.value()];
  if (!keys) keys = std::make_unique<Keys>();
  keyspace_.slot(key.slot).interest |= kKeysOfInterest;
  const auto it = keys->find(NameView{db.value, key.text});
  return it != keys->end() ? it->second : keys->try_emplace(Name{db.value, std::string(key.text)}).first->second;
}

const Interests::Key* Interests::find(DbIndex db, const KeyRef& key) const {
  const Keys* keys = slots_[key.slot.value()].get();
  if (keys == nullptr) return nullptr;
  const auto it = keys->find(NameView{db.value, key.text});
  return it == keys->end() ? nullptr : &it->second;
}

void Interests::drop_if_idle(DbIndex db, const KeyRef& key) {
  std::unique_ptr<Keys>& keys = slots_[key.slot.value()];
  const auto it = keys->find(NameView{db.value, key.text});
  if (it == keys->end() || !it->second.idle()) return;
  keys->erase(it);
  if (!keys->empty()) return;
  keys.reset();
  keyspace_.slot(key.slot).interest &= static_cast<std::uint8_t>(~kKeysOfInterest);
}

Interests::State Interests::state(DbIndex db, const KeyRef& key, WallTime now) const {
  SlotDb* data = keyspace_.slot(key.slot).find(db.value);
  const EntryTable::Word* word =
      data == nullptr ? nullptr
                      : data->table.find(key.hash, [&](const Entry& entry) { return entry.key() == key.text; });
  if (word == nullptr) return State::kMissing;
  const Entry& entry = *word->record();
  return entry.has_expiry() && entry.expiry_ms() < unix_millis(now) ? State::kExpired : State::kLive;
}

void Interests::watch(DbIndex db, const KeyRef& key, std::shared_ptr<WatchFlag> flag, WallTime now) {
  Key& interest = ensure(db, key);
  const bool known = std::ranges::any_of(interest.watches, [&](const Watch& w) { return w.flag == flag; });
  if (!known) interest.watches.push_back({std::move(flag), state(db, key, now) == State::kExpired});
}

void Interests::unwatch(DbIndex db, const KeyRef& key, const WatchFlag& flag) {
  Key* interest = find(db, key);
  if (interest == nullptr) return;
  std::erase_if(interest->watches, [&](const Watch& w) { return w.flag.get() == &flag; });
  drop_if_idle(db, key);
}

bool Interests::expired_since(DbIndex db, const KeyRef& key, const WatchFlag& flag, WallTime now) const {
  const Key* interest = find(db, key);
  if (interest == nullptr) return false;
  const auto it = std::ranges::find_if(interest->watches, [&](const Watch& w) { return w.flag.get() == &flag; });
  return it != interest->watches.end() && !it->expired && state(db, key, now) == State::kExpired;
}

void Interests::wait(DbIndex db, const KeyRef& key, std::shared_ptr<Waiter> waiter) {
  const std::uint64_t arrival = waiter->arrival;
  ensure(db, key).waiters.try_emplace(arrival, std::move(waiter));
}

void Interests::stop_waiting(DbIndex db, const KeyRef& key, const Waiter& waiter) {
  Key* interest = find(db, key);
  if (interest == nullptr) return;
  interest->waiters.erase(waiter.arrival);
  drop_if_idle(db, key);
}

std::shared_ptr<Waiter> Interests::next_waiter(DbIndex db, const KeyRef& key, std::uint64_t arrival) const {
  const Key* interest = find(db, key);
  if (interest == nullptr) return nullptr;
  const auto it = interest->waiters.upper_bound(arrival);
  return it == interest->waiters.end() ? nullptr : it->second;
}

void Interests::changed(DbIndex db, const KeyRef& key, std::vector<ReadyKey>& ready) {
  Key* interest = find(db, key);
  if (interest == nullptr) return;
  if (!interest->watches.empty()) {
    // The removal of a key that had expired when it was watched changes nothing for who watches it; all else does.
    const bool missing = state(db, key, WallTime::min()) == State::kMissing;
    for (Watch& watch : interest->watches) {
      if (watch.expired && missing) {
        watch.expired = false;
      } else {
        watch.flag->store(true, std::memory_order_release);
      }
    }
  }
  if (interest->waiters.empty()) return;
  ReadyKey name{db, std::string(key.text)};
  if (std::ranges::find(ready, name) == ready.end()) ready.push_back(std::move(name));
}

void Interests::exchanged(DbIndex db, const KeyRef& key, State before, State after) {
  Key* interest = find(db, key);
  if (interest == nullptr) return;
  for (Watch& watch : interest->watches) {
    if (watch.expired || before == State::kMissing) {
      watch.expired = after == State::kExpired;
    } else {
      watch.flag->store(true, std::memory_order_release);
    }
  }
}

std::vector<std::string> Interests::keys_of(SlotId slot, DbIndex db) const {
  std::vector<std::string> names;
  const Keys* keys = slots_[slot.value()].get();
  if (keys == nullptr) return names;
  for (auto it = keys->lower_bound(NameView{db.value, {}}); it != keys->end() && it->first.first == db.value; ++it) {
    names.push_back(it->first.second);
  }
  return names;
}

void InterestListener::key_modified(DbIndex db, const KeyRef& key, ClientId actor) {
  if ((keyspace_.slot(key.slot).interest & kKeysOfInterest) != 0) keyspace_.interests().changed(db, key, ready_);
  if (next_ != nullptr) next_->key_modified(db, key, actor);
}

}  // namespace ashlar::keyspace
