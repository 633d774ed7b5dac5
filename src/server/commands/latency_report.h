/// What LATENCY GRAPH and LATENCY DOCTOR say: text drawn from samples. Pure. Thread: any.
#pragma once

#include <span>
#include <string>

#include "base/time.h"
#include "server/latency_monitor.h"

namespace ashlar::server {

/// A headline with highest and lowest sample, a rule, and a bar chart of the samples with their age below.
[[nodiscard]] std::string latency_graph(const LatencyMonitor::Series& series, WallTime now);

/// Figures of each event, then advice that follows from which events there are.
[[nodiscard]] std::string latency_advice(std::span<const LatencyMonitor::Series> all, Millis threshold, WallTime now);

}  // namespace ashlar::server
