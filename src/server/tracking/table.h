/// Which connections must be told when which keys change: the part of client-side caching that all threads share.
///
/// Keys that were read stand with their readers in a table for each slot, guarded by the slot's lock: so a read is
/// remembered before any later write of the key, and the write finds it. A key is told once, then forgotten until it is
/// read again. As in Redis keys are not told apart by database. Prefixes of broadcasting connections stand in one list
/// under a lock of its own.
///
/// Thread: any; see each member. Cost while nobody tracks: nothing beyond Keyspace::interest().
/// Invariant: Slot::interest has kInterest exactly while the slot's table is not empty.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "keyspace/events.h"
#include "keyspace/keyspace.h"
#include "server/pubsub/channel.h"
#include "server/push/inbox.h"

namespace ashlar::server::tracking {

/// Keys that one thread has changed and that broadcasting connections have not been told of yet, with who changed each
/// last. In the order in which a connection reads them. Thread: its own.
using ChangedKeys = std::map<std::string, ClientId, std::less<>>;

class Table {
 public:
  /// Our bit of Slot::interest and of Keyspace::set_interest_everywhere().
  static constexpr std::uint8_t kInterest = 1U << 7;

  explicit Table(keyspace::Keyspace& keyspace) : keyspace_(keyspace) {}

  /// The connection `reader` has read `keys`, whose slots are locked. `inbox`: of its loop.
  void remember(std::span<const keyspace::KeyRef> keys, ClientId reader, Inbox& inbox);
  /// A key has changed, with its slot locked. `actor`: whose command it was. Readers are told at once; what
  /// broadcasting connections are to be told is added to `changed`.
  void key_modified(const keyspace::KeyRef& key, ClientId actor, ChangedKeys& changed);
  /// Tells broadcasting connections of `changed`, one list for each prefix, and empties it.
  void broadcast(ChangedKeys& changed);
  /// Databases have been emptied, inside an Exclusive section: every tracking connection is told, all is forgotten.
  void flushed();

  /// A connection with this inbox tracks, or no longer.
  void add_client(Inbox& inbox);
  void remove_client(Inbox& inbox);
  /// A connection with this inbox hears of all keys that begin with `prefix`, or no longer.
  void add_prefix(std::string_view prefix, Inbox& inbox);
  void remove_prefix(std::string_view prefix, Inbox& inbox);

  /// Most keys to remember; 0: no limit. Changed by CONFIG SET.
  void set_limit(std::uint64_t keys) noexcept { limit_.store(keys, std::memory_order_relaxed); }
  [[nodiscard]] bool over_limit() const noexcept {
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    return limit != 0 && keys_.load(std::memory_order_relaxed) > limit;
  }
  /// Tells and forgets keys of slots drawn by `rng` until the limit holds. No slot may be locked by this thread.
  void enforce_limit(Rng& rng);

  [[nodiscard]] std::uint64_t clients() const noexcept { return clients_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t keys() const noexcept { return keys_.load(std::memory_order_relaxed); }
  /// Pairs of a key and a reader.
  [[nodiscard]] std::uint64_t items() const noexcept { return items_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t prefixes() const;

 private:
  using Readers = std::unordered_map<std::uint64_t, Inbox*>;  // by client id
  using Keys = pubsub::ByName<Readers>;
  using Listeners = std::vector<std::pair<Inbox*, std::uint32_t>>;  // how many connections of each loop

  static void add_to(Listeners& listeners, Inbox& inbox);
  static void remove_from(Listeners& listeners, Inbox& inbox);
  void tell_readers(std::string_view key, const Readers& readers, ClientId actor);
  /// Takes the key out and tells its readers.
  void forget(SlotId slot, Keys::iterator key, ClientId actor);

  keyspace::Keyspace& keyspace_;
  std::array<std::unique_ptr<Keys>, kSlotCount> slots_;  // each guarded by its slot's lock; null when empty
  std::atomic<std::uint64_t> keys_{0};
  std::atomic<std::uint64_t> items_{0};
  std::atomic<std::uint64_t> limit_{0};
  std::atomic<std::uint64_t> clients_{0};
  std::atomic<std::uint64_t> broadcasters_{0};  // pairs of a prefix and a connection
  mutable Mutex mutex_;
  Listeners loops_ ASH_GUARDED_BY(mutex_);  // of all tracking connections
  pubsub::ByName<Listeners> prefixes_ ASH_GUARDED_BY(mutex_);
  std::multiset<std::size_t> lengths_ ASH_GUARDED_BY(mutex_);  // of prefixes_
};

}  // namespace ashlar::server::tracking
