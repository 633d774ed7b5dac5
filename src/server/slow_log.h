/// SLOWLOG: the last commands that took longer than a threshold. Thread: any. Nothing is paid for commands below it.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"
#include "base/time.h"

namespace ashlar::server {

class SlowLog {
 public:
  struct Entry {
    std::uint64_t id;
    std::int64_t unix_seconds;
    std::uint64_t micros;
    std::vector<std::string> args;  // shortened as Redis does: at most 32, each at most 128 bytes and a note
    std::string client_address;
    std::string client_name;
  };

  void set_length(std::size_t entries);
  void add(std::span<const std::string_view> args, WallTime at, std::uint64_t micros, std::string client_address,
           std::string client_name);
  /// The newest `count` entries, newest first.
  [[nodiscard]] std::vector<Entry> newest(std::size_t count) const;
  [[nodiscard]] std::size_t size() const;
  void reset();

 private:
  mutable Mutex mutex_;
  std::deque<Entry> entries_ ASH_GUARDED_BY(mutex_);
  std::size_t length_ ASH_GUARDED_BY(mutex_) = 128;
  std::uint64_t next_id_ ASH_GUARDED_BY(mutex_) = 0;
};

}  // namespace ashlar::server
