/// How much memory connections take, over all loops, and what to do about maxmemory-clients: a loop that has one of
/// the largest connections ends it. Thread: any; each Account has one writer.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/sync.h"

namespace ashlar::server {

class ClientLedger {
 public:
  /// Connections of about the same size: those from one power of two up to the next.
  using Bucket = std::uint8_t;
  static constexpr Bucket kBuckets = 48;
  /// Of a connection that is never ended for its size.
  static constexpr Bucket kNone = 0xFF;
  [[nodiscard]] static Bucket bucket_of(std::uint64_t bytes) noexcept {
    return static_cast<Bucket>(std::min<int>(std::bit_width(bytes), kBuckets - 1));
  }

  /// Of one loop.
  struct alignas(64) Account {
    std::atomic<std::uint64_t> bytes{0};
    /// Buffers that no connection holds now and the next one may take.
    std::atomic<std::uint64_t> spare{0};
    /// Connections that may be ended, by bucket.
    std::array<std::atomic<std::uint32_t>, kBuckets> evictable{};
    /// Turns that the loop has ended.
    std::atomic<std::uint64_t> turns{0};
    // Largest buffers of any connection within about the last eight seconds, for INFO.
    std::atomic<std::uint64_t> recent_input{0};
    std::atomic<std::uint64_t> recent_output{0};
    /// Makes the loop look at its connections soon. Set by join().
    std::function<void()> wake;

    /// Moves a connection between buckets. Thread: the loop's.
    void move(Bucket from, Bucket to) noexcept {
      if (from != kNone) add(from, std::uint32_t{0} - 1);
      if (to != kNone) add(to, 1);
    }
    [[nodiscard]] bool has(Bucket bucket) const noexcept {
      return evictable[bucket].load(std::memory_order_relaxed) != 0;
    }

   private:
    void add(Bucket bucket, std::uint32_t by) noexcept {
      evictable[bucket].store(evictable[bucket].load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
  };

  /// For a new loop, valid for the life of the ledger.
  [[nodiscard]] Account& join(std::function<void()> wake) {
    MutexLock lock(mutex_);
    accounts_.push_back(std::make_unique<Account>());
    accounts_.back()->wake = std::move(wake);
    return *accounts_.back();
  }
  /// 0: no limit.
  void set_limit(std::uint64_t bytes) noexcept { limit_.store(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool over_limit() const {
    const std::uint64_t most = limit();
    return most != 0 && bytes() > most;
  }

  [[nodiscard]] std::uint64_t bytes() const { return sum(&Account::bytes); }
  [[nodiscard]] std::uint64_t spare() const { return sum(&Account::spare); }
  [[nodiscard]] std::uint64_t recent_input() const { return most(&Account::recent_input); }
  [[nodiscard]] std::uint64_t recent_output() const { return most(&Account::recent_output); }
  /// The bucket of the largest connections that may be ended, and a loop that has one of them, which is not `self` only
  /// if `self` has none. A null loop: there are no such connections.
  struct Largest {
    Account* account = nullptr;
    Bucket bucket = 0;
  };
  [[nodiscard]] Largest largest(Account& self) const {
    MutexLock lock(mutex_);
    for (Bucket bucket = kBuckets; bucket-- > 0;) {
      if (self.has(bucket)) return {&self, bucket};
      for (const auto& account : accounts_) {
        if (account->has(bucket)) return {account.get(), bucket};
      }
    }
    return {};
  }

  /// Turns that each loop has ended, in the order in which they joined.
  [[nodiscard]] std::vector<std::uint64_t> turns() const {
    MutexLock lock(mutex_);
    std::vector<std::uint64_t> all;
    for (const auto& account : accounts_) all.push_back(account->turns.load());
    return all;
  }
  /// Whether every loop but that of `self` has begun and ended a turn since it had these.
  [[nodiscard]] bool others_had_turn(const Account& self, const std::vector<std::uint64_t>& then) const {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < then.size(); ++i) {
      // The first of them may have begun before.
      if (accounts_[i].get() != &self && accounts_[i]->turns.load() < then[i] + 2) return false;
    }
    return true;
  }
  void wake_others(const Account& self) const {
    std::vector<const Account*> others;
    {
      MutexLock lock(mutex_);
      for (const auto& account : accounts_) {
        if (account.get() != &self) others.push_back(account.get());
      }
    }
    for (const Account* other : others) other->wake();
  }

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
