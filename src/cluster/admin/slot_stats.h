/// What commands have cost each slot, processor time and traffic, for CLUSTER SLOT-STATS.
/// Thread: any. Nothing is counted before start(): whoever counts asks counting() first, which is one load, and the
/// counters take no memory until then.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/ids.h"
#include "base/sync.h"
#include "base/ticks.h"
#include "cluster/core/types.h"

namespace ashlar::cluster {

class SlotStats {
 public:
  struct Costs {
    Ticks ticks = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    bool operator==(const Costs&) const = default;
  };

  /// cluster-slot-stats-enabled yes and no. What has been counted stays when counting stops.
  void start();
  void stop() noexcept { counting_.store(false, std::memory_order_release); }
  [[nodiscard]] bool counting() const noexcept { return counting_.load(std::memory_order_acquire); }

  /// Only while counting(), or when it was so a moment ago.
  void add(SlotId slot, const Costs& costs) noexcept;
  [[nodiscard]] Costs of(SlotId slot) const noexcept;
  /// Sets all slots to zero (CONFIG RESETSTAT).
  void reset() noexcept;
  /// The slots of our shard are these: one that came or went since the last call begins again with zero.
  void follow(const SlotBitmap& ours);

  /// How many replicas each byte of the replication stream is sent to.
  [[nodiscard]] std::uint32_t replicas() const noexcept { return replicas_.load(std::memory_order_relaxed); }
  void set_replicas(std::uint32_t count) noexcept { replicas_.store(count, std::memory_order_relaxed); }

 private:
  struct alignas(32) Row {
    std::atomic<std::uint64_t> ticks{0};
    std::atomic<std::uint64_t> bytes_in{0};
    std::atomic<std::uint64_t> bytes_out{0};
    void clear() noexcept;
  };

  std::atomic<bool> counting_{false};
  std::atomic<std::uint32_t> replicas_{0};
  std::atomic<Row*> rows_{nullptr};  // kSlotCount of them, once made
  Mutex mutex_;
  std::unique_ptr<Row[]> made_ ASH_GUARDED_BY(mutex_);
  SlotBitmap ours_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::cluster
