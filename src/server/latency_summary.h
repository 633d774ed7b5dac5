/// The latencies of one command over all threads. Thread: any.
#pragma once

#include <array>
#include <cstdint>

#include "base/ticks.h"
#include "server/command_stats.h"

namespace ashlar::server {

/// What all threads counted for one command, summed.
struct CommandTotals {
  std::uint64_t calls = 0;
  Ticks ticks = 0;
  std::uint64_t rejected = 0;
  std::uint64_t failed = 0;
  std::array<std::uint64_t, LatencyBuckets::kCount> latency{};

  /// Duration that `percent` of the calls did not exceed, good to 12 %; 0 without calls.
  [[nodiscard]] Ticks percentile(double percent) const;
};

/// `command` is a Command::index.
[[nodiscard]] CommandTotals command_totals(const StatsRegistry& stats, std::size_t command);

}  // namespace ashlar::server
