/// All keys of this process: 16384 slots, the safe point, and who must hear of changes.
///
/// Thread: any; data only through SlotGuard or an Exclusive safe point. Lock order: safe point, slots ascending, change
/// log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "keyspace/access_clock.h"
#include "keyspace/key_ref.h"
#include "keyspace/safe_point.h"
#include "keyspace/slot.h"
#include "keyspace/values/limits.h"

namespace ashlar::keyspace {

/// Why the server itself removed a key.
enum class Removal : std::uint8_t { kExpired, kEvicted };

/// Hears of removals that no command asked for, with the slot locked. Implemented by the change log.
class RemovalListener {
 public:
  virtual ~RemovalListener() = default;
  virtual void key_removed(DbIndex db, const KeyRef& key, Removal why) = 0;
};

/// Sees a slot before it changes, with the slot locked: a running snapshot copies it then. Any thread that writes calls
/// it.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  virtual void before_change(SlotId slot, Slot& data) = 0;
};

/// Counters of one thread; others may read them at any time. Summed when asked (INFO).
struct alignas(64) Counters {
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> expired{0};
  std::atomic<std::uint64_t> evicted{0};
  std::atomic<std::uint64_t> changes{0};  // for `save` points; only grows

  /// Adds without a locked instruction: each Counters has one writer.
  static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
};

/// Settings that loops read on every lookup; changed by CONFIG SET.
struct AccessSettings {
  std::atomic<EvictionPolicy> policy{EvictionPolicy::kNoEviction};
  std::atomic<std::uint32_t> lfu_log_factor{10};
  std::atomic<std::uint32_t> lfu_decay_minutes{1};
  [[nodiscard]] LfuSettings lfu() const noexcept {
    return {lfu_log_factor.load(std::memory_order_relaxed), lfu_decay_minutes.load(std::memory_order_relaxed)};
  }
};

class Keyspace {
 public:
  /// `databases` logical databases, 1 or more.
  explicit Keyspace(std::uint32_t databases);
  ~Keyspace();

  [[nodiscard]] std::uint32_t databases() const noexcept { return databases_; }
  [[nodiscard]] KeyRef ref(std::string_view key) const noexcept;
  [[nodiscard]] SafePoint& safe_point() noexcept { return safe_point_; }
  [[nodiscard]] AccessSettings& access() noexcept { return access_; }
  [[nodiscard]] const AccessSettings& access() const noexcept { return access_; }
  /// When collections change their encoding; CONFIG SET changes it.
  [[nodiscard]] EncodingLimits& limits() noexcept { return limits_; }

  /// Registers the observer of a running snapshot, or removes it. Only inside an Exclusive section.
  void add_observer(ChangeObserver& observer);
  void remove_observer(ChangeObserver& observer);
  /// Called by every mutation with the slot locked. Cost without observers: one load.
  void before_change(SlotId slot) {
    if (observed_.load(std::memory_order_relaxed)) [[unlikely]]
      notify_observers(slot);
  }

  /// Bits of those who must hear of changes in a slot (locked): Slot::interest and what holds for all slots.
  [[nodiscard]] std::uint8_t interest(SlotId slot) const noexcept {
    return static_cast<std::uint8_t>(slots_[slot.value()].interest | everywhere_.load(std::memory_order_acquire));
  }
  /// Bits that hold for all slots from now on. Thread: any; a later write of any thread sees it.
  void set_interest_everywhere(std::uint8_t bits) noexcept { everywhere_.store(bits, std::memory_order_release); }

  /// Keys and expiries of a database over all slots. Approximate while others write; locks nothing for longer than a
  /// slot.
  struct Size {
    std::uint64_t keys = 0;
    std::uint64_t expires = 0;
  };
  [[nodiscard]] Size size(DbIndex db);

  /// Removes every key of one database. Only inside an Exclusive section. Returns the number of keys.
  std::uint64_t clear(DbIndex db);
  /// Exchanges two databases. Only inside an Exclusive section.
  void swap(DbIndex a, DbIndex b);

  /// Counters of a new thread, valid for the life of the key space.
  [[nodiscard]] Counters& add_counters();
  /// Sum of a counter over all threads.
  [[nodiscard]] std::uint64_t total(std::atomic<std::uint64_t> Counters::* counter) const;
  /// Sets a counter of all threads to zero (CONFIG RESETSTAT).
  void reset(std::atomic<std::uint64_t> Counters::* counter);

  /// The slot itself, for SlotGuard and for holders of an Exclusive section.
  [[nodiscard]] Slot& slot(SlotId id) noexcept { return slots_[id.value()]; }

 private:
  void notify_observers(SlotId slot);

  std::uint32_t databases_;
  std::unique_ptr<Slot[]> slots_;
  SafePoint safe_point_;
  AccessSettings access_;
  EncodingLimits limits_;
  std::atomic<bool> observed_{false};
  std::atomic<std::uint8_t> everywhere_{0};
  std::vector<ChangeObserver*> observers_;  // changed only while every other participant stands still
  mutable Mutex counters_mutex_;
  std::vector<std::unique_ptr<Counters>> counters_ ASH_GUARDED_BY(counters_mutex_);
};

}  // namespace ashlar::keyspace
