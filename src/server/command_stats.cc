#include "server/command_stats.h"

namespace ashlar::server {

void ThreadStats::reset() {
  for (CommandCounters& c : commands) {
    for (auto* counter : {&c.calls, &c.ticks, &c.rejected, &c.failed}) counter->store(0, std::memory_order_relaxed);
    if (auto* buckets = c.latency.load(std::memory_order_acquire)) {
      for (std::size_t i = 0; i < LatencyBuckets::kCount; ++i) buckets[i].store(0, std::memory_order_relaxed);
    }
  }
  for (auto* counter : {&processed, &input_bytes, &output_bytes, &reads, &writes, &errors, &evicted_clients,
                        &expiry_ticks, &expiry_budget_spent}) {
    counter->store(0, std::memory_order_relaxed);
  }
  MutexLock lock(mutex);
  errors_by_prefix.clear();
}

void StatsRegistry::reset() const {
  for_each([](ThreadStats& block) { block.reset(); });
}

}  // namespace ashlar::server
