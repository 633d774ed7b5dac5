#include "server/tracking/table.h"

#include <algorithm>

#include "base/check.h"
#include "keyspace/slot_guard.h"
#include "server/tracking/invalidation.h"

namespace ashlar::server::tracking {

using keyspace::KeyRef;

void Table::remember(std::span<const KeyRef> keys, ClientId reader, Inbox& inbox) {
  for (const KeyRef& key : keys) {
    std::unique_ptr<Keys>& table = slots_[key.slot.value()];
    if (!table) {
      table = std::make_unique<Keys>();
      keyspace_.slot(key.slot).interest |= kInterest;
    }
    auto found = table->find(key.text);
    if (found == table->end()) {
      found = table->emplace(key.text, Readers()).first;
      keys_.fetch_add(1, std::memory_order_relaxed);
    }
    if (found->second.emplace(reader.value, &inbox).second) items_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Table::tell_readers(std::string_view key, const Readers& readers, ClientId actor) {
  std::vector<ClientId> ids;
  std::vector<Inbox*> inboxes;
  for (const auto& [id, inbox] : readers) {
    ids.push_back(ClientId{id});
    if (std::ranges::find(inboxes, inbox) == inboxes.end()) inboxes.push_back(inbox);
  }
  // Shared by the loops; each finds its own clients among the ids.
  const auto parcel = std::make_shared<const KeyInvalidation>(key, std::move(ids), actor);
  for (Inbox* inbox : inboxes) inbox->send(parcel);
}

void Table::forget(SlotId slot, Keys::iterator key, ClientId actor) {
  std::unique_ptr<Keys>& table = slots_[slot.value()];
  const auto forgotten = table->extract(key);
  keys_.fetch_sub(1, std::memory_order_relaxed);
  items_.fetch_sub(forgotten.mapped().size(), std::memory_order_relaxed);
  if (table->empty()) {
    table.reset();
    keyspace_.slot(slot).interest &= static_cast<std::uint8_t>(~kInterest);
  }
  tell_readers(forgotten.key(), forgotten.mapped(),
               actor);  // last: who is told finds the key gone from the counts, too
}

void Table::key_modified(const KeyRef& key, ClientId actor, ChangedKeys& changed) {
  if (const std::unique_ptr<Keys>& table = slots_[key.slot.value()]) {
    if (const auto found = table->find(key.text); found != table->end()) forget(key.slot, found, actor);
  }
  if (broadcasters_.load(std::memory_order_relaxed) != 0) changed.insert_or_assign(std::string(key.text), actor);
}

void Table::broadcast(ChangedKeys& changed) {
  std::map<std::string_view, PrefixInvalidation::Keys> lists;  // by prefix
  MutexLock lock(mutex_);
  for (const auto& [key, actor] : changed) {
    std::size_t last = std::string_view::npos;
    for (const std::size_t length : lengths_) {
      if (length > key.size()) break;
      if (length == std::exchange(last, length)) continue;
      const auto found = prefixes_.find(std::string_view(key).substr(0, length));
      if (found != prefixes_.end()) lists[found->first].push_back({key, actor});
    }
  }
  for (auto& [prefix, keys] : lists) {
    const auto parcel = std::make_shared<const PrefixInvalidation>(prefix, std::move(keys));  // shared by the loops
    for (const auto& [inbox, connections] : prefixes_.find(prefix)->second) inbox->send(parcel);
  }
  changed.clear();
}

void Table::flushed() {
  if (clients() == 0 && keys() == 0) return;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    if (!slots_[i]) continue;
    slots_[i].reset();
    keyspace_.slot(SlotId::wrap(i)).interest &= static_cast<std::uint8_t>(~kInterest);
  }
  keys_.store(0, std::memory_order_relaxed);
  items_.store(0, std::memory_order_relaxed);
  const auto parcel = std::make_shared<const FlushInvalidation>();  // shared by the loops
  MutexLock lock(mutex_);
  for (const auto& [inbox, connections] : loops_) inbox->send(parcel);
}

void Table::add_to(Listeners& listeners, Inbox& inbox) {
  const auto mine = std::ranges::find(listeners, &inbox, &Listeners::value_type::first);
  if (mine == listeners.end()) {
    listeners.emplace_back(&inbox, 1);
  } else {
    ++mine->second;
  }
}

void Table::remove_from(Listeners& listeners, Inbox& inbox) {
  const auto mine = std::ranges::find(listeners, &inbox, &Listeners::value_type::first);
  ASH_CHECK(mine != listeners.end());
  if (--mine->second == 0) listeners.erase(mine);
}

void Table::add_client(Inbox& inbox) {
  MutexLock lock(mutex_);
  add_to(loops_, inbox);
  clients_.fetch_add(1, std::memory_order_relaxed);
}

void Table::remove_client(Inbox& inbox) {
  MutexLock lock(mutex_);
  remove_from(loops_, inbox);
  clients_.fetch_sub(1, std::memory_order_relaxed);
}

void Table::add_prefix(std::string_view prefix, Inbox& inbox) {
  MutexLock lock(mutex_);
  auto found = prefixes_.find(prefix);
  if (found == prefixes_.end()) {
    found = prefixes_.emplace(prefix, Listeners()).first;
    lengths_.insert(prefix.size());
  }
  add_to(found->second, inbox);
  if (broadcasters_.fetch_add(1, std::memory_order_relaxed) == 0) keyspace_.set_interest_everywhere(kInterest);
}

void Table::remove_prefix(std::string_view prefix, Inbox& inbox) {
  MutexLock lock(mutex_);
  const auto found = prefixes_.find(prefix);
  ASH_CHECK(found != prefixes_.end());
  remove_from(found->second, inbox);
  if (found->second.empty()) {
    prefixes_.erase(found);
    lengths_.erase(lengths_.find(prefix.size()));
  }
  if (broadcasters_.fetch_sub(1, std::memory_order_relaxed) == 1) keyspace_.set_interest_everywhere(0);
}

void Table::enforce_limit(Rng& rng) {
  auto slot = static_cast<std::uint32_t>(rng.below(kSlotCount));
  for (std::uint32_t seen = 0; seen < kSlotCount && over_limit(); ++seen, ++slot) {
    const SlotId id = SlotId::wrap(slot);
    const keyspace::SlotGuard guard(keyspace_, id);
    while (slots_[id.value()] && over_limit()) forget(id, slots_[id.value()]->begin(), ClientId{});
  }
}

std::uint64_t Table::prefixes() const {
  MutexLock lock(mutex_);
  return prefixes_.size();
}

}  // namespace ashlar::server::tracking
