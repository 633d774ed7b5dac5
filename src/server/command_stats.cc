#include "server/command_stats.h"

namespace ashlar::server {

void StatsRegistry::reset() const {
  for_each([](ThreadStats& block) {
    for (CommandCounters& c : block.commands) {
      for (auto* counter : {&c.calls, &c.ticks, &c.rejected, &c.failed}) counter->store(0, std::memory_order_relaxed);
      if (auto* buckets = c.latency.load(std::memory_order_acquire)) {
        for (std::size_t i = 0; i < LatencyBuckets::kCount; ++i) buckets[i].store(0, std::memory_order_relaxed);
      }
    }
    for (auto* counter :
         {&block.processed, &block.input_bytes, &block.output_bytes, &block.reads, &block.writes, &block.errors}) {
      counter->store(0, std::memory_order_relaxed);
    }
    MutexLock lock(block.mutex);
    block.errors_by_prefix.clear();
  });
}

}  // namespace ashlar::server
