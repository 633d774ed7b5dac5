#include "keyspace/eviction.h"

#include <algorithm>
#include <utility>

namespace ashlar::keyspace {
namespace {

constexpr Millis kBetweenCounts{100};
constexpr std::size_t kRemembered = 16;
constexpr std::size_t kLongKey = 4096;          // bytes; longer ones are not remembered beyond a call
constexpr std::uint64_t kSearchedAtOnce = 512;  // records, for one with an expiry among many without

Drawn drawn(EvictionPolicy policy) { return is_volatile(policy) ? Drawn::kVolatileKeys : Drawn::kAllKeys; }

bool is_random(EvictionPolicy policy) {
  return policy == EvictionPolicy::kAllKeysRandom || policy == EvictionPolicy::kVolatileRandom;
}

/// The first record with an expiry from a random place on, of a bounded number.
Entry* search(const EntryTable& table, Rng& rng) {
  Entry* found = nullptr;
  const auto visit = [&](const EntryTable::Word& word) {
    if (found == nullptr && word.marked()) found = word.record();
  };
  (void)table.scan(rng.next() >> 16, kSearchedAtOnce, visit);
  return found;
}

/// A random record of a table that qualifies; nullptr when none was met in a few draws.
Entry* draw(const SlotDb& db, Drawn which, Rng& rng) {
  if (keys_of(db, which) == 0) return nullptr;
  for (int attempt = 0; attempt < 16; ++attempt) {
    EntryTable::Word* word = db.table.random(rng);
    if (word == nullptr) return nullptr;
    if (which == Drawn::kAllKeys || word->marked()) return word->record();
  }
  return search(db.table, rng);
}

/// One of the databases of a slot, by their keys; nullptr: none has any.
const SlotDb* draw_db(Slot& slot, Drawn which, Rng& rng) {
  std::uint64_t all = 0;
  slot.for_each_db([&](const SlotDb& db) { all += keys_of(db, which); });
  if (all == 0) return nullptr;
  std::uint64_t nth = rng.below(all);
  const SlotDb* chosen = nullptr;
  slot.for_each_db([&](const SlotDb& db) {
    const std::uint64_t keys = keys_of(db, which);
    if (chosen == nullptr && nth < keys) chosen = &db;
    nth -= std::min(nth, keys);
  });
  return chosen;
}

}  // namespace

double Evictor::score(const Entry& entry, WallTime now) const {
  switch (policy_) {
    case EvictionPolicy::kAllKeysLru:
    case EvictionPolicy::kVolatileLru: return static_cast<double>(lru_idle(entry.clock(), now).count());
    case EvictionPolicy::kAllKeysLfu:
    case EvictionPolicy::kVolatileLfu: return 255.0 - lfu_count(entry.clock(), now, lfu_);
    case EvictionPolicy::kVolatileTtl: return -static_cast<double>(entry.expiry_ms());
    default: return 0;
  }
}

void Evictor::remember(const Entry& entry, DbIndex db, const AccessContext& context) {
  const double s = score(entry, context.now);
  const bool full = best_.size() >= kRemembered;
  if (full && s <= best_.front().score) return;
  const auto same = [&](const Candidate& c) { return c.db == db && c.key == entry.key(); };
  std::erase_if(best_, same);
  if (best_.size() >= kRemembered) best_.erase(best_.begin());
  const auto at = std::ranges::upper_bound(best_, s, {}, &Candidate::score);
  best_.insert(at, Candidate{std::string(entry.key()), db, s});
}

bool Evictor::look(Keyspace& keyspace, const AccessContext& context, SlotId id, Effort effort) {
  Slot& slot = keyspace.slot(id);
  if (effort == Effort::kSearch) {
    slot.lock.lock();
  } else if (!slot.lock.try_lock()) {
    return false;  // a snapshot may be copying a huge value
  }
  const Drawn which = drawn(policy_);
  const SlotDb* db = draw_db(slot, which, *context.rng);
  Entry* entry = db == nullptr ? nullptr : draw(*db, which, *context.rng);
  if (entry == nullptr && db != nullptr && effort == Effort::kSearch) {
    db->table.for_each([&](const EntryTable::Word& word) {
      if (entry == nullptr && word.marked()) entry = word.record();
    });
  }
  if (entry != nullptr) remember(*entry, DbIndex{db->number}, context);
  slot.lock.unlock();
  return entry != nullptr;
}

void Evictor::look_at_all(Keyspace& keyspace, const AccessContext& context, SlotId id) {
  Slot& slot = keyspace.slot(id);
  slot.lock.lock();
  slot.for_each_db([&](const SlotDb& db) {
    db.table.for_each([&](const EntryTable::Word& word) {
      if (!is_volatile(policy_) || word.marked()) remember(*word.record(), DbIndex{db.number}, context);
    });
  });
  slot.lock.unlock();
}

void Evictor::count(Keyspace& keyspace, WallTime now) {
  slots_.count(keyspace, drawn(policy_));
  counted_at_ = now;
}

void Evictor::sample(Keyspace& keyspace, const AccessContext& context, std::uint32_t samples) {
  if (slots_.keys() == 0) return;
  if (slots_.keys() <= samples) {  // all of them
    slots_.for_each([&](SlotId id) { look_at_all(keyspace, context, id); });
    return;
  }
  // Slots are no order of keys, so that a few keys of a group are as good as one of each of a few groups, which would
  // be 0.6 us for five.
  constexpr std::uint32_t kOfGroup = 3;
  constexpr std::uint32_t kDrawsForEach = 4;
  std::uint32_t found = 0;
  for (std::uint32_t draws = 0; found < samples && draws < samples * kDrawsForEach;) {
    const SlotDraw::Group group = slots_.draw(keyspace, drawn(policy_), *context.rng);
    for (std::uint32_t i = 0; i < kOfGroup && found < samples; ++i, ++draws) {
      if (!group.empty() && look(keyspace, context, group.draw(*context.rng), Effort::kDraw)) ++found;
    }
  }
}

std::optional<std::uint64_t> Evictor::remove(Keyspace& keyspace, const AccessContext& context,
                                             const Candidate& candidate) {
  const KeyRef key = keyspace.ref(candidate.key);
  Slot& slot = keyspace.slot(key.slot);
  slot.lock.lock();
  Db db(keyspace, candidate.db, context);
  const Entry* entry = db.find(key, Access::kPeek);
  // Not one that was used since, or has got another expiry or none.
  const bool still = entry != nullptr && (!is_volatile(policy_) || entry->has_expiry()) &&
                     score(*entry, context.now) >= candidate.score;
  std::optional<std::uint64_t> bytes;
  if (still) {
    bytes = entry->memory_bytes();
    if (db.erase(key)) {
      Counters::bump(context.counters->evicted);
      if (context.removals != nullptr) context.removals->key_removed(db.index(), key, Removal::kEvicted);
      db.notify(EventClass::kEvicted, "evicted", key);
    }
    const auto is_empty = [](const SlotDb& d) { return d.table.empty(); };
    if (slot.others && std::ranges::all_of(*slot.others, is_empty)) slot.others.reset();
  }
  slot.lock.unlock();
  return bytes;
}

std::optional<std::uint64_t> Evictor::evict_one(Keyspace& keyspace, const AccessContext& context, EvictionPolicy policy,
                                                std::uint32_t samples) {
  if (policy != std::exchange(policy_, policy)) {
    best_.clear();
    slots_ = {};
    counted_at_ = {};
  }
  lfu_ = keyspace.access().lfu();
  if (context.now < counted_at_ || context.now - counted_at_ >= kBetweenCounts) count(keyspace, context.now);
  if (is_random(policy)) best_.clear();
  for (const auto effort : {Effort::kDraw, Effort::kDraw, Effort::kSearch}) {
    if (effort == Effort::kSearch) {  // what is left of many, or has come since they were counted
      count(keyspace, context.now);
      slots_.for_each([&](SlotId id) {
        if (best_.empty()) (void)look(keyspace, context, id, Effort::kSearch);
      });
    } else {
      sample(keyspace, context, samples);
    }
    while (!best_.empty()) {
      const Candidate candidate = std::move(best_.back());
      best_.pop_back();
      if (const auto bytes = remove(keyspace, context, candidate)) {
        std::erase_if(best_, [](const Candidate& c) { return c.key.size() > kLongKey; });
        return bytes;
      }
    }
  }
  return std::nullopt;
}

}  // namespace ashlar::keyspace
