/// Counters of commands: one block per thread, so that counting costs a plain store; summed when asked.
/// Thread: each block has one writer; any thread reads.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "base/ticks.h"

namespace ashlar::server {

/// Latencies in ticks, in buckets of a quarter of a power of two: good to 12 % anywhere, 256 counters.
class LatencyBuckets {
 public:
  static constexpr std::size_t kCount = 256;
  [[nodiscard]] static constexpr std::size_t bucket(Ticks t) noexcept {
    if (t < 4) return static_cast<std::size_t>(t);
    const auto high = static_cast<std::size_t>(63 - std::countl_zero(t));
    return high * 4 + (t >> (high - 2) & 3);
  }
  /// Largest value of a bucket.
  [[nodiscard]] static constexpr Ticks upper(std::size_t bucket) noexcept {
    if (bucket < 8) return bucket;
    const std::size_t high = bucket / 4;
    const Ticks step = Ticks{1} << (high - 2);
    return (Ticks{4} + bucket % 4 + 1) * step - 1;
  }
};

struct CommandCounters {
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> ticks{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> failed{0};
  /// Made at the first call; null for commands that never ran on this thread.
  std::atomic<std::atomic<std::uint32_t>*> latency{nullptr};
  ~CommandCounters() { delete[] latency.load(); }
};

/// Adds without a locked instruction; for counters with one writer.
inline void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

/// Everything one thread counts.
struct alignas(64) ThreadStats {
  explicit ThreadStats(std::size_t commands) : commands(commands) {}
  std::vector<CommandCounters> commands;  // by Command::index
  std::atomic<std::uint64_t> processed{0};
  std::atomic<std::uint64_t> input_bytes{0};
  std::atomic<std::uint64_t> output_bytes{0};
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> writes{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<std::uint64_t> evicted_clients{0};
  std::atomic<std::uint64_t> expiry_ticks{0};
  std::atomic<std::uint64_t> expiry_budget_spent{0};
  Mutex mutex;
  std::unordered_map<std::string, std::uint64_t> errors_by_prefix ASH_GUARDED_BY(mutex);

  /// Sets everything to zero. Thread: any.
  void reset();
  void count_latency(CommandCounters& counters, Ticks ticks) {
    auto* buckets = counters.latency.load(std::memory_order_relaxed);
    if (buckets == nullptr) [[unlikely]] {
      buckets = new std::atomic<std::uint32_t>[LatencyBuckets::kCount]();
      counters.latency.store(buckets, std::memory_order_release);
    }
    auto& bucket = buckets[LatencyBuckets::bucket(ticks)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

/// The blocks of all threads.
class StatsRegistry {
 public:
  /// A block for a new thread, valid for the life of the registry.
  [[nodiscard]] ThreadStats& add(std::size_t commands) {
    MutexLock lock(mutex_);
    blocks_.push_back(std::make_unique<ThreadStats>(commands));
    return *blocks_.back();
  }
  /// Calls visit(ThreadStats&) for every block.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    MutexLock lock(mutex_);
    for (const auto& block : blocks_) visit(*block);
  }
  [[nodiscard]] std::uint64_t total(std::atomic<std::uint64_t> ThreadStats::* counter) const {
    std::uint64_t sum = 0;
    for_each([&](const ThreadStats& block) { sum += (block.*counter).load(std::memory_order_relaxed); });
    return sum;
  }
  /// Sets all of them to zero (CONFIG RESETSTAT).
  void reset() const;

 private:
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<ThreadStats>> blocks_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::server
