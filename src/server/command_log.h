/// SLOWLOG and COMMANDLOG: the last commands that took long, or whose request or reply was large. Three logs of the
/// same shape. Thread: any. Nothing is paid here for commands below the thresholds: the dispatcher knows those.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"
#include "base/time.h"

namespace ashlar::server {

class CommandLog {
 public:
  enum class Kind : std::uint8_t { kSlow, kLargeRequest, kLargeReply };
  static constexpr std::size_t kKinds = 3;

  /// A command that ran. Views live for the call only.
  struct Call {
    std::span<const std::string_view> args;
    std::span<const std::size_t> secrets;  // positions in args that are not shown
    WallTime at;
    std::string client_address;
    std::string client_name;
  };
  struct Entry {
    std::uint64_t id;
    std::int64_t unix_seconds;
    std::uint64_t value;            // microseconds, or bytes
    std::vector<std::string> args;  // shortened as Redis does: at most 32, each at most 128 bytes and a note
    std::string client_address;
    std::string client_name;
  };

  /// Keeps at most `entries` of one kind; 0 turns that log off.
  void set_length(Kind kind, std::size_t entries);
  void add(Kind kind, const Call& call, std::uint64_t value);
  /// The newest `count` entries, newest first.
  [[nodiscard]] std::vector<Entry> newest(Kind kind, std::size_t count) const;
  [[nodiscard]] std::size_t size(Kind kind) const;
  void reset(Kind kind);

 private:
  struct Log {
    std::deque<Entry> entries;
    std::size_t length = 128;
    std::uint64_t next_id = 0;
  };
  mutable Mutex mutex_;
  std::array<Log, kKinds> logs_ ASH_GUARDED_BY(mutex_);  // by Kind
};

}  // namespace ashlar::server
