/// All commands of the group "string".
#pragma once

#include <atomic>
#include <cstdint>

#include "command/table.h"

namespace ashlar::commands {

/// Registers the string commands and holds what they must know of the configuration. Outlives the table it filled.
/// Thread: register_in() by one; the rest by any.
class StringCommands {
 public:
  /// 512 MB. Source: the default of proto-max-bulk-len.
  static constexpr std::uint64_t kDefaultMaxBytes = 512ULL << 20;

  void register_in(command::CommandTable& table);
  /// Longest value that APPEND and SETRANGE may build, and most memory of LCS: proto-max-bulk-len.
  void set_max_bytes(std::uint64_t bytes) noexcept { max_bytes_.store(bytes, std::memory_order_relaxed); }

  void append(command::Context& ctx);
  void set_range(command::Context& ctx);
  void lcs(command::Context& ctx);

 private:
  [[nodiscard]] bool fits(const command::Context& ctx, std::uint64_t size, std::uint64_t more) const noexcept;
  std::atomic<std::uint64_t> max_bytes_{kDefaultMaxBytes};
};

// The families of this folder, one source file each.
void register_string_reads(command::CommandTable& table);
void register_string_writes(command::CommandTable& table);
void register_string_many(command::CommandTable& table);
void register_string_counters(command::CommandTable& table);
void register_string_edits(command::CommandTable& table, StringCommands& commands);
void register_string_lcs(command::CommandTable& table, StringCommands& commands);

}  // namespace ashlar::commands
