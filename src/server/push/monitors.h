/// Connections that see every command (MONITOR), by loop. Thread: any; cost while there are none: one load a command.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/sync.h"
#include "base/time.h"
#include "server/push/inbox.h"

namespace ashlar::server {

class Monitors {
 public:
  [[nodiscard]] bool any() const noexcept { return count_.load(std::memory_order_relaxed) != 0; }
  /// One more, or one fewer, monitor on the loop with this inbox, which must outlive the monitor.
  void add(Inbox& inbox);
  void remove(Inbox& inbox);
  /// Shows a command to all monitors. `source`: an address, or "lua".
  void feed(WallTime now, DbIndex db, std::string_view source, std::span<const std::string_view> args);

 private:
  struct Loop {
    Inbox* inbox;
    std::uint32_t monitors;
  };
  std::atomic<std::uint32_t> count_{0};
  Mutex mutex_;
  std::vector<Loop> loops_ ASH_GUARDED_BY(mutex_);
};

/// What a monitor reads, line end included: `+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`.
[[nodiscard]] std::string monitor_line(WallTime now, DbIndex db, std::string_view source,
                                       std::span<const std::string_view> args);

}  // namespace ashlar::server
