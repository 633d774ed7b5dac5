/// Keeps the dataset under maxmemory: asked once a batch, evicts as the policy says. Thread: any loop, with no slot
/// locked. Cost without a limit: one load.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/memory.h"
#include "server/dispatcher.h"

namespace ashlar::server {

class MemoryGuard {
 public:
  /// kSome: time was up, there is more to evict. kNone: it does not fit and nothing may go.
  enum class Room : std::uint8_t { kEnough, kSome, kNone };
  /// `exempt` tells how many bytes do not count (replica and AOF buffers, as in Redis, what is copied for a snapshot,
  /// spare buffers of connections, and what is being freed).
  MemoryGuard(keyspace::Keyspace& keyspace, std::function<std::uint64_t()> exempt)
      : keyspace_(keyspace), exempt_(std::move(exempt)) {}

  /// 0: no limit.
  void set_limit(std::uint64_t bytes) noexcept { limit_.store(bytes, std::memory_order_relaxed); }
  void set_samples(std::uint32_t samples) noexcept { samples_.store(samples, std::memory_order_relaxed); }
  /// A replica leaves eviction to its primary.
  enum class Duty : std::uint8_t { kEvict, kIgnoreLimit };
  void set_duty(Duty duty) noexcept { duty_.store(duty, std::memory_order_relaxed); }

  /// Evicts as much as there is too much now, and no more: what evicting itself takes (messages about the keys) is for
  /// the next time, when they may have been sent. At most for about half a millisecond. Inside a batch of `run` or
  /// outside of one.
  [[nodiscard]] Room make_room(Execution& run) {
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    if (limit == 0) [[likely]]
      return Room::kEnough;
    return make_room_slow(run, limit);
  }
  [[nodiscard]] bool over_limit() const;
  /// Whether more memory is in use than the limit, whatever of it does not count.
  [[nodiscard]] bool tight() const noexcept {
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    return limit != 0 && memory_used() > limit;
  }
  /// Bytes that maxmemory does not count now.
  [[nodiscard]] std::uint64_t exempt() const { return exempt_(); }
  /// For how long the limit has been exceeded: since it was last kept, and in all. Thread: any.
  struct Exceeded {
    Millis now{0};
    Millis total{0};
  };
  [[nodiscard]] Exceeded exceeded(WallTime now) const noexcept;
  /// Begins to count it anew (CONFIG RESETSTAT). Thread: any.
  void reset_exceeded() noexcept {
    over_since_ms_.store(0);
    over_total_ms_.store(0);
  }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

 private:
  /// Bytes above the limit, of those that count.
  [[nodiscard]] std::uint64_t excess(std::uint64_t limit) const;
  [[nodiscard]] bool over(std::uint64_t limit) const { return excess(limit) != 0; }
  void note_state(WallTime now, bool over) noexcept;
  [[nodiscard]] Room make_room_slow(Execution& run, std::uint64_t limit);

  keyspace::Keyspace& keyspace_;
  std::function<std::uint64_t()> exempt_;
  std::atomic<std::uint64_t> limit_{0};
  std::atomic<std::uint32_t> samples_{5};
  std::atomic<Duty> duty_{Duty::kEvict};
  std::atomic<std::int64_t> over_since_ms_{0};  // 0: the limit is kept
  std::atomic<std::int64_t> over_total_ms_{0};
  std::atomic<Ticks> searched_{0};  // when no key was found that may go; 0: the last search has found one
};

}  // namespace ashlar::server
