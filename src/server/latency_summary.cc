#include "server/latency_summary.h"

#include <cmath>

namespace ashlar::server {

Ticks CommandTotals::percentile(double percent) const {
  std::uint64_t all = 0;
  for (const std::uint64_t n : latency) all += n;
  if (all == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(all) * percent / 100));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < latency.size(); ++i) {
    seen += latency[i];
    if (seen >= wanted && seen > 0) return LatencyBuckets::upper(i);
  }
  return LatencyBuckets::upper(latency.size() - 1);
}

CommandTotals command_totals(const StatsRegistry& stats, std::size_t command) {
  CommandTotals sum;
  stats.for_each([&](const ThreadStats& block) {
    if (command >= block.commands.size()) return;
    const CommandCounters& from = block.commands[command];
    sum.calls += from.calls.load(std::memory_order_relaxed);
    sum.ticks += from.ticks.load(std::memory_order_relaxed);
    sum.rejected += from.rejected.load(std::memory_order_relaxed);
    sum.failed += from.failed.load(std::memory_order_relaxed);
    const auto* buckets = from.latency.load(std::memory_order_acquire);
    if (buckets == nullptr) return;
    for (std::size_t b = 0; b < sum.latency.size(); ++b) sum.latency[b] += buckets[b].load(std::memory_order_relaxed);
  });
  return sum;
}

}  // namespace ashlar::server
