/// How much memory connections take, over all loops, and what to do about maxmemory-clients: the loop that has the
/// largest connection ends it. Thread: any; each Account has one writer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/sync.h"

namespace ashlar::server {

class ClientLedger {
 public:
  /// Of one loop.
  struct alignas(64) Account {
    std::atomic<std::uint64_t> bytes{0};
    /// Largest connection that may be ended; known while the limit is exceeded.
    std::atomic<std::uint64_t> largest{0};
    // Largest buffers of any connection within about the last eight seconds, for INFO.
    std::atomic<std::uint64_t> recent_input{0};
    std::atomic<std::uint64_t> recent_output{0};
  };

  /// For a new loop, valid for the life of the ledger.
  [[nodiscard]] Account& join() {
    MutexLock lock(mutex_);
    accounts_.push_back(std::make_unique<Account>());
    return *accounts_.back();
  }
  /// 0: no limit.
  void set_limit(std::uint64_t bytes) noexcept { limit_.store(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t bytes() const { return sum(&Account::bytes); }
  [[nodiscard]] std::uint64_t recent_input() const { return most(&Account::recent_input); }
  [[nodiscard]] std::uint64_t recent_output() const { return most(&Account::recent_output); }
  /// The largest connection of all loops, as far as they have said.
  [[nodiscard]] std::uint64_t largest() const { return most(&Account::largest); }

 private:
  using Field = std::atomic<std::uint64_t> Account::*;
  [[nodiscard]] std::uint64_t sum(Field field) const {
    MutexLock lock(mutex_);
    std::uint64_t total = 0;
    for (const auto& account : accounts_) total += ((*account).*field).load(std::memory_order_relaxed);
    return total;
  }
  [[nodiscard]] std::uint64_t most(Field field) const {
    MutexLock lock(mutex_);
    std::uint64_t largest = 0;
    for (const auto& account : accounts_) {
      largest = std::max(largest, ((*account).*field).load(std::memory_order_relaxed));
    }
    return largest;
  }

  std::atomic<std::uint64_t> limit_{0};
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Account>> accounts_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::server
