/// Facts about this run that many parts show and few change. Thread: constants, and atomics that any thread reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace ashlar::server {

inline constexpr std::string_view kAshlarVersion = "0.1.0";
/// The Redis version whose behaviour we show; clients switch features by it.
inline constexpr std::string_view kRedisVersion = "7.2.4";

struct RunState {
  NodeId run_id;
  MonoTime started;
  WallTime started_wall;
  std::string executable;
  std::uint64_t startup_memory = 0;
  std::atomic<bool> active_expiry{true};
  std::atomic<bool> cron_paused{false};      // DEBUG PAUSE-CRON: no periodic work
  std::atomic<bool> trust_checksums{false};  // DEBUG SET-SKIP-CHECKSUM-VALIDATION
  std::atomic<std::uint64_t> peak_memory{0};
  std::atomic<std::uint64_t> lazy_freed_before{0};  // until the last CONFIG RESETSTAT
  /// Clients whose command waits for something.
  std::atomic<std::uint64_t> blocked_clients{0};
  // Sampled by the control thread, for INFO.
  std::atomic<std::uint64_t> ops_per_second{0};
  std::atomic<std::uint64_t> input_bytes_per_second{0};
  std::atomic<std::uint64_t> output_bytes_per_second{0};
  std::atomic<std::uint64_t> replication_input_per_second{0};  // bytes
  std::atomic<std::uint64_t> replication_output_per_second{0};
};

}  // namespace ashlar::server
