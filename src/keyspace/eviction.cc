#include "keyspace/eviction.h"

#include <algorithm>
#include <optional>
#include <string>

namespace ashlar::keyspace {
namespace {

struct Candidate {
  std::string key;
  DbIndex db;
  double score;  // higher goes first
};

double score(const Entry& entry, EvictionPolicy policy, const AccessContext& context, const LfuSettings& lfu) {
  switch (policy) {
    case EvictionPolicy::kAllKeysLru:
    case EvictionPolicy::kVolatileLru: return static_cast<double>(lru_idle(entry.clock(), context.now).count());
    case EvictionPolicy::kAllKeysLfu:
    case EvictionPolicy::kVolatileLfu: return 255.0 - lfu_count(entry.clock(), context.now, lfu);
    case EvictionPolicy::kVolatileTtl: return -static_cast<double>(entry.expiry_ms());
    default: return 0;
  }
}

/// One random record of a table that qualifies; nullptr when none was met in a few draws.
Entry* draw(const SlotDb& db, EvictionPolicy policy, Rng& rng) {
  if (is_volatile(policy) && db.expires == 0) return nullptr;
  for (int attempt = 0; attempt < 16; ++attempt) {
    EntryTable::Word* word = db.table.random(rng);
    if (word == nullptr) return nullptr;
    if (!is_volatile(policy) || word->marked()) return word->record();
  }
  if (!is_volatile(policy)) return nullptr;
  Entry* first = nullptr;  // few among many: take the first
  db.table.for_each([&](const EntryTable::Word& word) {
    if (first == nullptr && word.marked()) first = word.record();
  });
  return first;
}

class Sampler {
 public:
  Sampler(Keyspace& keyspace, const AccessContext& context, EvictionPolicy policy)
      : keyspace_(keyspace), context_(context), policy_(policy), lfu_(keyspace.access().lfu()) {}

  enum class Busy : std::uint8_t { kSkip, kWait };
  /// Looks into one slot; returns how many candidates it gave. `busy`: when somebody else works on it.
  std::uint32_t look(SlotId id, Busy busy) {
    Slot& slot = keyspace_.slot(id);
    std::uint32_t found = 0;
    if (busy == Busy::kWait) {
      slot.lock.lock();
    } else if (!slot.lock.try_lock()) {
      return 0;  // a snapshot may be copying a huge value
    }
    slot.for_each_db([&](const SlotDb& db) {
      const Entry* entry = draw(db, policy_, *context_.rng);
      if (entry == nullptr) return;
      ++found;
      const double s = score(*entry, policy_, context_, lfu_);
      if (!best_ || s > best_->score) best_ = Candidate{std::string(entry->key()), DbIndex{db.number}, s};
    });
    slot.lock.unlock();
    return found;
  }
  [[nodiscard]] const std::optional<Candidate>& best() const noexcept { return best_; }

 private:
  Keyspace& keyspace_;
  const AccessContext& context_;
  EvictionPolicy policy_;
  LfuSettings lfu_;
  std::optional<Candidate> best_;
};

}  // namespace

std::optional<std::uint64_t> evict_one(Keyspace& keyspace, const AccessContext& context, EvictionPolicy policy,
                                       std::uint32_t samples) {
  Sampler sampler(keyspace, context, policy);
  std::uint32_t found = 0;
  constexpr int kDraws = 64;
  for (int i = 0; i < kDraws && found < samples; ++i) {
    found += sampler.look(SlotId::wrap(static_cast<std::uint32_t>(context.rng->next())), Sampler::Busy::kSkip);
  }
  if (found < samples) {  // sparse: walk on from a random place, at about 10 ns an empty slot
    const auto start = static_cast<std::uint32_t>(context.rng->next());
    for (std::uint32_t i = 0; i < kSlotCount && found < samples; ++i) {
      found += sampler.look(SlotId::wrap(start + i), Sampler::Busy::kWait);
    }
  }
  if (!sampler.best()) return std::nullopt;
  const KeyRef key = keyspace.ref(sampler.best()->key);
  Slot& slot = keyspace.slot(key.slot);
  slot.lock.lock();
  Db db(keyspace, sampler.best()->db, context);
  const Entry* entry = db.find(key, Access::kPeek);
  const std::uint64_t bytes = entry == nullptr ? 0 : entry->memory_bytes();
  if (db.erase(key)) {
    Counters::bump(context.counters->evicted);
    if (context.removals != nullptr) context.removals->key_removed(db.index(), key, Removal::kEvicted);
    db.notify(EventClass::kEvicted, "evicted", key);
  }
  const auto is_empty = [](const SlotDb& d) { return d.table.empty(); };
  if (slot.others && std::ranges::all_of(*slot.others, is_empty)) slot.others.reset();
  slot.lock.unlock();
  return bytes;
}

}  // namespace ashlar::keyspace
