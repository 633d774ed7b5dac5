#include "server/memory_guard.h"

namespace ashlar::server {

namespace {
constexpr Ticks kEvictionTicks = 1'500'000;  // about half a millisecond: the next batch goes on
}

std::uint64_t MemoryGuard::counted() const {
  const std::uint64_t used = memory_used();
  const std::uint64_t exempt = exempt_();
  return used > exempt ? used - exempt : 0;
}

bool MemoryGuard::over_limit() const {
  const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
  return limit != 0 && counted() > limit;
}

MemoryGuard::Room MemoryGuard::make_room_slow(Execution& run, std::uint64_t limit) {
  if (duty_.load(std::memory_order_relaxed) == Duty::kIgnoreLimit || counted() <= limit) return Room::kEnough;
  const auto policy = keyspace_.access().policy.load(std::memory_order_relaxed);
  if (policy == keyspace::EvictionPolicy::kNoEviction) return Room::kNone;
  const keyspace::Batch inside(run.participant);
  const Ticks deadline = ticks_now() + kEvictionTicks;
  const std::uint32_t samples = samples_.load(std::memory_order_relaxed);
  while (counted() > limit) {
    for (int i = 0; i < 8; ++i) {
      if (keyspace::evict_one(keyspace_, run.access, policy, samples) == keyspace::Evicted::kNothingLeft) {
        return counted() > limit ? Room::kNone : Room::kEnough;
      }
      run.wrote = true;
    }
    if (ticks_now() > deadline) break;
  }
  return Room::kEnough;
}

}  // namespace ashlar::server
