/// Keys with an expiry that clients have written on a writable replica. Their primary knows nothing of them, so the
/// replica itself has to end them; the keys that came from the primary are left to it.
///
/// Thread: any; its mutex comes after slots in the lock order. Memory: a name for each such key.
#pragma once

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/sync.h"

namespace ashlar::server {

class LocalExpiries {
 public:
  struct Key {
    DbIndex db;
    std::string name;
  };

  void note(DbIndex db, std::string_view key) {
    MutexLock lock(mutex_);
    keys_.emplace(db.value, key);
    count_.store(keys_.size(), std::memory_order_relaxed);
  }
  void forget(const Key& key) {
    MutexLock lock(mutex_);
    keys_.erase({key.db.value, key.name});
    count_.store(keys_.size(), std::memory_order_relaxed);
  }
  void clear() {
    MutexLock lock(mutex_);
    keys_.clear();
    count_.store(0, std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
  /// Up to `most` of them, going round: the first is the one behind those of the last call.
  [[nodiscard]] std::vector<Key> some(std::size_t most) {
    MutexLock lock(mutex_);
    std::vector<Key> out;
    auto it = keys_.upper_bound(last_);
    for (std::size_t left = std::min(most, keys_.size()); left > 0; --left) {
      if (it == keys_.end()) it = keys_.begin();
      out.push_back({DbIndex{it->first}, it->second});
      last_ = *it++;
    }
    return out;
  }

 private:
  using Name = std::pair<std::uint32_t, std::string>;
  mutable Mutex mutex_;
  std::set<Name> keys_ ASH_GUARDED_BY(mutex_);
  Name last_ ASH_GUARDED_BY(mutex_);
  std::atomic<std::size_t> count_{0};
};

}  // namespace ashlar::server
