/// All keys of this process: 16384 slots, the safe point, and who must hear of changes.
///
/// Thread: any; data only through SlotGuard or an Exclusive safe point. Lock order: safe point, slots ascending, change
/// log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keyspace/access_clock.h"
#include "keyspace/function_store.h"
#include "keyspace/interests.h"
#include "keyspace/key_ref.h"
#include "keyspace/reclaimer.h"
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
  /// Fields of a hash have expired.
  virtual void fields_removed(DbIndex /*db*/, const KeyRef& /*key*/, std::span<const std::string> /*fields*/) {}
};

/// Sees what is about to change, with its slot locked: a running snapshot copies it then. Any thread that writes calls
/// it.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  /// A key, present or not.
  virtual void before_change(DbIndex db, const KeyRef& key, Slot& data) = 0;
  /// Anything in the slot.
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

  /// The function libraries that belong to this data set; null where there are none (tests). Set once, before any
  /// thread starts.
  void set_functions(FunctionStore* store) noexcept { functions_ = store; }
  [[nodiscard]] FunctionStore* functions() const noexcept { return functions_; }
  [[nodiscard]] std::vector<std::string> function_codes() const {
    return functions_ != nullptr ? functions_->codes() : std::vector<std::string>{};
  }

  /// Registers the observer of a running snapshot, or removes it. Only inside an Exclusive section.
  void add_observer(ChangeObserver& observer);
  void remove_observer(ChangeObserver& observer);
  /// Called by every mutation with the slot locked: of one key, or of more. Cost without observers: one load.
  void before_change(DbIndex db, const KeyRef& key) {
    if (observed_.load(std::memory_order_relaxed)) [[unlikely]]
      notify_observers(db, key);
  }
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
  [[nodiscard]] Size size(DbIndex db) { return sizes()[db.value]; }
  /// Of all databases, by number. Cost: a look at every slot, a few hundred microseconds.
  [[nodiscard]] std::vector<Size> sizes();

  /// From now on what takes long to free is freed by a thread of its own. Once, before the first key.
  void free_in_background() { reclaimer_ = std::make_unique<Reclaimer>(); }
  /// nullptr unless free_in_background() was called.
  [[nodiscard]] Reclaimer* reclaimer() const noexcept { return reclaimer_.get(); }

  /// When the memory of removed keys is given back.
  enum class Freeing : std::uint8_t { kNow, kInBackground };
  /// Removes every key of one database. Only inside an Exclusive section. Returns the number of keys. `listener` hears
  /// of each key that was there and that somebody is interested in; without one, watches are broken all the same.
  std::uint64_t clear(DbIndex db, ModificationListener* listener = nullptr, Freeing freeing = Freeing::kNow);
  /// Exchanges two databases. Only inside an Exclusive section. `listener` as for clear(), for both; a key that had
  /// expired by `now` counts as gone.
  void swap(DbIndex a, DbIndex b, WallTime now, ModificationListener* listener = nullptr);

  /// Exchanges all data with a key space of as many databases that nobody else uses. Only inside an Exclusive section
  /// of this one. `listener` as for clear(). Cost: a few pointers for each slot with keys.
  void exchange(Keyspace& other, ModificationListener* listener = nullptr);

  /// Who watches and who waits.
  [[nodiscard]] Interests& interests() noexcept { return interests_; }

  /// Counters of a new thread, valid for the life of the key space.
  [[nodiscard]] Counters& add_counters();
  /// Sum of a counter over all threads.
  [[nodiscard]] std::uint64_t total(std::atomic<std::uint64_t> Counters::* counter) const;
  /// Sets a counter of all threads to zero (CONFIG RESETSTAT).
  void reset(std::atomic<std::uint64_t> Counters::* counter);

  /// The slot itself, for SlotGuard and for holders of an Exclusive section.
  [[nodiscard]] Slot& slot(SlotId id) noexcept { return slots_[id.value()]; }

 private:
  void notify_observers(DbIndex db, const KeyRef& key);
  void notify_observers(SlotId slot);
  [[nodiscard]] std::vector<std::string> present_of_interest(SlotId slot, DbIndex db);
  /// A key of interest, and what it was before two databases were exchanged.
  struct Known {
    DbIndex db;
    std::string key;
    Interests::State before;
  };
  void note_of_interest(SlotId slot, DbIndex db, WallTime now, std::vector<Known>& to);
  void tell(DbIndex db, std::span<const std::string> keys, ModificationListener* listener);

  std::uint32_t databases_;
  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<Reclaimer> reclaimer_;
  SafePoint safe_point_;
  AccessSettings access_;
  EncodingLimits limits_;
  Interests interests_{*this};
  FunctionStore* functions_ = nullptr;
  std::atomic<bool> observed_{false};
  std::atomic<std::uint8_t> everywhere_{0};
  std::vector<ChangeObserver*> observers_;  // changed only while every other participant stands still
  mutable Mutex counters_mutex_;
  std::vector<std::unique_ptr<Counters>> counters_ ASH_GUARDED_BY(counters_mutex_);
};

}  // namespace ashlar::keyspace
