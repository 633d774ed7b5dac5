/// Who must hear of changes of single keys: transactions that watch them, and commands that wait for them.
///
/// Kept per slot and guarded by that slot's lock, or by an Exclusive safe point. A slot where nobody is interested
/// costs a null pointer here and a zero in Slot::interest, which is all that a write looks at. Thread: any. Invariant:
/// Slot::interest has kKeysOfInterest exactly while the slot has an entry here.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "keyspace/events.h"
#include "keyspace/key_ref.h"

namespace ashlar::keyspace {

class Keyspace;

/// Bit of Slot::interest.
inline constexpr std::uint8_t kKeysOfInterest = 1U << 0;

/// Set, from any thread, when a watched key has changed. Shared by a connection and the keys it watches.
using WatchFlag = std::atomic<bool>;

/// A command that waits for keys. Who it is and what it does is the dispatcher's matter.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// Order of arrival among all that wait; unique.
  std::uint64_t arrival = 0;
};

/// A key with waiters that has changed.
struct ReadyKey {
  DbIndex db;
  std::string text;
  bool operator==(const ReadyKey&) const = default;
};

class Interests {
 public:
  explicit Interests(Keyspace& keyspace);
  ~Interests();

  /// `flag` becomes true when the key changes. A key whose time has come when it is watched may go unnoticed, as it
  /// was as good as gone.
  void watch(DbIndex db, const KeyRef& key, std::shared_ptr<WatchFlag> flag, WallTime now);
  void unwatch(DbIndex db, const KeyRef& key, const WatchFlag& flag);
  /// True when the time of a watched key has come since: it counts as changed, though it may still be there.
  [[nodiscard]] bool expired_since(DbIndex db, const KeyRef& key, const WatchFlag& flag, WallTime now) const;

  /// Shared with the connection, which outlives the wait or not.
  void wait(DbIndex db, const KeyRef& key, std::shared_ptr<Waiter> waiter);
  void stop_waiting(DbIndex db, const KeyRef& key, const Waiter& waiter);
  /// The waiter that came first after `arrival`, or null.
  [[nodiscard]] std::shared_ptr<Waiter> next_waiter(DbIndex db, const KeyRef& key, std::uint64_t arrival) const;

  /// The key has changed, or is about to: breaks its watches, and adds it to `ready` if somebody waits for it.
  void changed(DbIndex db, const KeyRef& key, std::vector<ReadyKey>& ready);
  /// What a lookup would find.
  enum class State : std::uint8_t { kMissing, kExpired, kLive };
  [[nodiscard]] State state(DbIndex db, const KeyRef& key, WallTime now) const;
  /// Another database's key has come in the place of this one, and neither is live. It breaks the watches of those who
  /// knew the former alive.
  void exchanged(DbIndex db, const KeyRef& key, State before, State after);
  /// Keys of a slot and database in which somebody is interested.
  [[nodiscard]] std::vector<std::string> keys_of(SlotId slot, DbIndex db) const;

 private:
  struct Watch {
    std::shared_ptr<WatchFlag> flag;  // shared with the connection
    bool expired;                     // when it was set
  };
  struct Key {
    std::vector<Watch> watches;
    std::map<std::uint64_t, std::shared_ptr<Waiter>> waiters;  // by arrival; shared with the connection
    [[nodiscard]] bool idle() const noexcept { return watches.empty() && waiters.empty(); }
  };
  using Name = std::pair<std::uint32_t, std::string>;  // database and key
  struct NameView {
    std::uint32_t db;
    std::string_view key;
  };
  struct Less {
    using is_transparent = void;
    static NameView view(const Name& name) noexcept { return {name.first, name.second}; }
    static NameView view(const NameView& name) noexcept { return name; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const noexcept {
      const NameView x = view(a);
      const NameView y = view(b);
      return x.db != y.db ? x.db < y.db : x.key < y.key;
    }
  };
  using Keys = std::map<Name, Key, Less>;

  [[nodiscard]] Key& ensure(DbIndex db, const KeyRef& key);
  [[nodiscard]] const Key* find(DbIndex db, const KeyRef& key) const;
  [[nodiscard]] Key* find(DbIndex db, const KeyRef& key) {
    return const_cast<Key*>(static_cast<const Interests*>(this)->find(db, key));
  }
  void drop_if_idle(DbIndex db, const KeyRef& key);

  Keyspace& keyspace_;
  std::unique_ptr<std::unique_ptr<Keys>[]> slots_;
};

/// Carries changes of keys to Interests and remembers which keys have become worth a look. One per thread that runs
/// commands. Thread: its own.
class InterestListener final : public ModificationListener {
 public:
  explicit InterestListener(Keyspace& keyspace) noexcept : keyspace_(keyspace) {}
  /// Whom else to tell of everything; null: nobody.
  void set_next(ModificationListener* next) noexcept { next_ = next; }
  void key_modified(DbIndex db, const KeyRef& key, ClientId actor) override;
  void flushed(std::optional<DbIndex> db) override {
    if (next_ != nullptr) next_->flushed(db);
  }
  [[nodiscard]] bool any_ready() const noexcept { return !ready_.empty(); }
  /// The ready keys in the order of their changes; none afterwards.
  [[nodiscard]] std::vector<ReadyKey> take_ready() { return std::exchange(ready_, {}); }

 private:
  Keyspace& keyspace_;
  ModificationListener* next_ = nullptr;
  std::vector<ReadyKey> ready_;
};

}  // namespace ashlar::keyspace
