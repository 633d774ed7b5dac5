/// ACL LOG: refused commands, keys, channels and logins, newest first; equal ones within a minute are one entry with a
/// count. Thread: any. Source: ACL LOG of Redis 7.2.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/sync.h"
#include "base/time.h"
#include "command/permissions.h"
#include "command/user.h"

namespace ashlar::acl {

class DenialLog {
 public:
  struct Entry {
    std::uint64_t id;
    std::uint64_t count;
    command::Denial denial;
    command::Permissions::Where where;
    std::string user;
    std::string client;  // as CLIENT LIST shows it
    WallTime created;
    WallTime updated;
  };

  void set_length(std::size_t entries);
  void add(command::Denial denial, command::Permissions::Where where, std::string user, std::string client,
           WallTime now);
  /// The newest `count` entries, newest first.
  [[nodiscard]] std::vector<Entry> newest(std::size_t count) const;
  void reset();

  /// For INFO: refusals by reason since the counters were reset.
  [[nodiscard]] std::uint64_t total(command::Denial::Reason reason) const noexcept {
    return totals_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
  }
  void reset_totals() noexcept {
    for (auto& total : totals_) total.store(0, std::memory_order_relaxed);
  }

 private:
  mutable Mutex mutex_;
  std::deque<Entry> entries_ ASH_GUARDED_BY(mutex_);
  std::size_t length_ ASH_GUARDED_BY(mutex_) = 128;
  std::uint64_t next_id_ ASH_GUARDED_BY(mutex_) = 0;
  std::array<std::atomic<std::uint64_t>, 4> totals_{};  // by Denial::Reason
};

}  // namespace ashlar::acl
