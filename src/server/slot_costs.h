/// How many bytes commands and messages take on the wire, for the counters of CLUSTER SLOT-STATS. Pure but for
/// count_shard_message(). Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "changelog/change_log.h"
#include "cluster/admin/slot_stats.h"

namespace ashlar::server {

/// What MULTI takes as a request.
inline constexpr std::size_t kMultiRequestBytes = std::string_view("*1\r\n$5\r\nmulti\r\n").size();

/// Bytes of `words` as a RESP array of bulk strings.
[[nodiscard]] std::size_t frame_bytes(std::span<const std::string_view> words) noexcept;
/// Bytes of effects in the replication stream, with the MULTI and EXEC around several; without SELECT, which is of no
/// slot.
[[nodiscard]] std::size_t streamed_bytes(std::span<const std::vector<std::string>> records) noexcept;
[[nodiscard]] std::size_t streamed_bytes(std::span<const changelog::Recorded> records) noexcept;

/// Inline, for it is asked for each command. `stats` may be null.
[[nodiscard]] inline bool counting(const cluster::SlotStats* stats) noexcept {
  return stats != nullptr && stats->counting();
}

/// A message has been sent to `receivers` subscribers of a shard channel here.
void count_shard_message(cluster::SlotStats& stats, std::string_view channel, std::string_view message,
                         std::uint64_t receivers) noexcept;

}  // namespace ashlar::server
