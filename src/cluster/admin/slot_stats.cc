#include "cluster/admin/slot_stats.h"

#include <span>

#include "base/check.h"

namespace ashlar::cluster {

void SlotStats::Row::clear() noexcept {
  for (auto* counter : {&ticks, &bytes_in, &bytes_out}) counter->store(0, std::memory_order_relaxed);
}

void SlotStats::start() {
  MutexLock lock(mutex_);
  if (!made_) {
    made_ = std::make_unique<Row[]>(kSlotCount);
    rows_.store(made_.get(), std::memory_order_release);
  }
  counting_.store(true, std::memory_order_release);
}

void SlotStats::add(SlotId slot, const Costs& costs) noexcept {
  Row* rows = rows_.load(std::memory_order_acquire);
  ASH_DCHECK(rows != nullptr);
  Row& row = rows[slot.value()];
  if (costs.ticks != 0) row.ticks.fetch_add(costs.ticks, std::memory_order_relaxed);
  if (costs.bytes_in != 0) row.bytes_in.fetch_add(costs.bytes_in, std::memory_order_relaxed);
  if (costs.bytes_out != 0) row.bytes_out.fetch_add(costs.bytes_out, std::memory_order_relaxed);
}

SlotStats::Costs SlotStats::of(SlotId slot) const noexcept {
  const Row* rows = rows_.load(std::memory_order_acquire);
  if (rows == nullptr) return {};
  const Row& row = rows[slot.value()];
  return {row.ticks.load(std::memory_order_relaxed), row.bytes_in.load(std::memory_order_relaxed),
          row.bytes_out.load(std::memory_order_relaxed)};
}

void SlotStats::reset() noexcept {
  Row* rows = rows_.load(std::memory_order_acquire);
  if (rows == nullptr) return;
  for (Row& row : std::span(rows, kSlotCount)) row.clear();
}

void SlotStats::follow(const SlotBitmap& ours) {
  MutexLock lock(mutex_);
  if (ours == ours_) return;
  if (made_) {
    for (std::uint32_t i = 0; i < kSlotCount; ++i) {
      const SlotId slot = SlotId::wrap(i);
      if (ours.test(slot) != ours_.test(slot)) made_[i].clear();
    }
  }
  ours_ = ours;
}

}  // namespace ashlar::cluster
