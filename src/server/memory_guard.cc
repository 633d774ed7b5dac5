#include "server/memory_guard.h"

#include <algorithm>
#include <optional>

namespace ashlar::server {

namespace {
// About fifty milliseconds: to find that no key may go takes a walk over all slots, a millisecond and more.
constexpr Ticks kBetweenVainSearches = 150'000'000;
constexpr Ticks kEvictionTicks = 1'500'000;  // about half a millisecond: the next batch goes on
}  // namespace

std::uint64_t MemoryGuard::excess(std::uint64_t limit) const {
  const std::uint64_t used = memory_used();
  if (used <= limit) return 0;
  const std::uint64_t above = used - limit;
  return above - std::min(above, exempt_());
}

bool MemoryGuard::over_limit() const {
  const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
  return limit != 0 && over(limit);
}

void MemoryGuard::note_state(WallTime now, bool over) noexcept {
  std::int64_t since = over_since_ms_.load(std::memory_order_relaxed);
  if (over == (since != 0)) return;
  const std::int64_t ms = unix_millis(now);
  if (over) {
    over_since_ms_.compare_exchange_strong(since, ms);
  } else if (over_since_ms_.compare_exchange_strong(since, 0)) {
    over_total_ms_.fetch_add(std::max<std::int64_t>(ms - since, 0), std::memory_order_relaxed);
  }
}

MemoryGuard::Exceeded MemoryGuard::exceeded(WallTime now) const noexcept {
  const std::int64_t since = over_since_ms_.load(std::memory_order_relaxed);
  const Millis current(since == 0 ? 0 : std::max<std::int64_t>(unix_millis(now) - since, 0));
  return {current, Millis(over_total_ms_.load(std::memory_order_relaxed)) + current};
}

MemoryGuard::Room MemoryGuard::make_room_slow(Execution& run, std::uint64_t limit) {
  if (duty_.load(std::memory_order_relaxed) == Duty::kIgnoreLimit) return Room::kEnough;
  const WallTime now = run.access.now;
  const std::uint64_t wanted = excess(limit);
  if (wanted == 0) {
    note_state(now, false);
    return Room::kEnough;
  }
  const auto no_room = [&] {
    note_state(now, true);
    return Room::kNone;
  };
  const auto policy = keyspace_.access().policy.load(std::memory_order_relaxed);
  if (policy == keyspace::EvictionPolicy::kNoEviction) return no_room();
  const Ticks start = ticks_now();
  const Ticks searched = searched_.load(std::memory_order_relaxed);
  if (searched != 0 && start - searched < kBetweenVainSearches) return no_room();
  std::optional<keyspace::EnteredBatch> entered;
  if (!run.participant.inside()) {
    if (!run.participant.enter_unless_busy()) return Room::kEnough;  // nothing runs that would need it
    entered.emplace(run.participant);
  }
  const Ticks deadline = start + kEvictionTicks;
  const std::uint32_t samples = samples_.load(std::memory_order_relaxed);
  std::uint64_t freed = 0;
  for (std::uint32_t keys = 1; freed < wanted; ++keys) {
    const auto bytes = run.evictor.evict_one(keyspace_, run.access, policy, samples);
    searched_.store(bytes ? 0 : ticks_now(), std::memory_order_relaxed);
    if (!bytes && over(limit)) return no_room();
    if (!bytes) break;
    freed += *bytes;
    run.wrote = true;
    // Other loops evict too.
    if (keys % 8 != 0) continue;
    if (!over(limit)) break;
    if (ticks_now() <= deadline) continue;
    note_state(now, true);
    return Room::kSome;
  }
  note_state(now, false);
  return Room::kEnough;
}

}  // namespace ashlar::server
