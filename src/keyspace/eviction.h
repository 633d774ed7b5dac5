/// Chooses and removes keys when memory is short, by sampling, as maxmemory-policy says.
/// Source: the eviction policies of redis.conf.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keyspace/db.h"
#include "keyspace/slot_draw.h"

namespace ashlar::keyspace {

/// Draws keys, each as likely as any other, and remembers the best that it has met: what goes in the end is the best of
/// many draws and not of a few. Thread: one, inside its safe-point batch, with no slot locked.
class Evictor {
 public:
  /// Draws `samples` keys (of all databases) and removes the best that is known under `policy`, which is not
  /// kNoEviction. The removal is counted and recorded. Bytes that it gives back, now or in the background; nullopt: no
  /// key qualifies. Cost: about a microsecond for five samples; ten times a second the keys of all slots are counted.
  [[nodiscard]] std::optional<std::uint64_t> evict_one(Keyspace& keyspace, const AccessContext& context,
                                                       EvictionPolicy policy, std::uint32_t samples);

 private:
  struct Candidate {
    std::string key;
    DbIndex db;
    double score;  // when it was drawn; higher goes first
  };
  enum class Effort : std::uint8_t { kDraw, kSearch };
  void count(Keyspace& keyspace, WallTime now);
  void sample(Keyspace& keyspace, const AccessContext& context, std::uint32_t samples);
  /// One key of a slot; false when none was met.
  bool look(Keyspace& keyspace, const AccessContext& context, SlotId id, Effort effort);
  void look_at_all(Keyspace& keyspace, const AccessContext& context, SlotId id);
  void remember(const Entry& entry, DbIndex db, const AccessContext& context);
  [[nodiscard]] double score(const Entry& entry, WallTime now) const;
  [[nodiscard]] std::optional<std::uint64_t> remove(Keyspace& keyspace, const AccessContext& context,
                                                    const Candidate& candidate);

  EvictionPolicy policy_ = EvictionPolicy::kNoEviction;
  LfuSettings lfu_;
  SlotDraw slots_;
  WallTime counted_at_{};
  std::vector<Candidate> best_;  // the best last
};

}  // namespace ashlar::keyspace
