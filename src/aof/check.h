/// What `ashlar-check-aof` does: checks an append-only log and, when asked, cuts off what is no good at its end.
///
/// A log is a manifest with its files, or one file with or without an RDB stream in front. The lines are those of
/// redis-check-aof 7.0, so is the exit status. Only the last file of a log is ever changed, and only by truncation,
/// which is synced. Thread: one. Memory: of the RDB part one value, of the rest nothing. Source: output of
/// redis-check-aof 7.0.15, compared by experiment.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "snapshot/rdb_check.h"

namespace ashlar::aof {

/// Where the program talks to its user.
struct CheckTerminal {
  snapshot::CheckOutput out;
  /// A line from standard input, without its end; empty when there is none.
  std::function<std::string()> answer;
};

/// What is done about the end of the last file.
struct Repair {
  enum class Kind : std::uint8_t {
    kNone,
    kCutTail,    // --fix: after a question, what cannot be read
    kCutAtTime,  // --truncate-to-timestamp: what was written after `seconds`
  };
  Kind kind = Kind::kNone;
  std::int64_t seconds = 0;  // unix time
};

/// Checks the log that `path` names. The exit status: 0 when it is sane now.
[[nodiscard]] int check_aof(const std::string& path, const Repair& repair, FileSystem& fs, WallTime now,
                            const CheckTerminal& terminal);

/// The program: `args` without its name. The exit status.
[[nodiscard]] int run_check_aof(const std::vector<std::string>& args, FileSystem& fs, WallTime now,
                                const CheckTerminal& terminal);

}  // namespace ashlar::aof
