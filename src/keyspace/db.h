/// One logical database as a command sees it: lookups with expiry, and every way to change a key.
///
/// Made for one command, while its slots are locked. All changes go through here, so that expiries, the snapshot's copy
/// before change, the access clock and the change counter are right everywhere. Thread: the one that holds the locks.
/// Entries and views returned are valid until the next change of the same key.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "keyspace/events.h"
#include "keyspace/keyspace.h"

namespace ashlar::keyspace {

/// What becomes of a key whose time has come when a command meets it.
enum class ExpiryRole : std::uint8_t {
  kPrimary,  // removed, and the removal is recorded
  kReplica,  // invisible, but kept: the primary will say when it goes
  kApply,    // visible: the stream of the primary is being applied
};

/// What a command needs from its surroundings to read and change keys. One per thread, refreshed once a batch.
struct AccessContext {
  WallTime now;
  ExpiryRole expiry_role = ExpiryRole::kPrimary;
  Counters* counters = nullptr;
  RemovalListener* removals = nullptr;  // may be null: nobody listens
  Rng* rng = nullptr;
  EventListener* events = nullptr;                // null while notify-keyspace-events is empty
  ModificationListener* modifications = nullptr;  // null: nobody can be interested
  ClientId actor{};                               // the connection whose command runs; zero: none
};

enum class Access : std::uint8_t {
  kRead,   // counts a hit or miss, touches the clock
  kWrite,  // touches the clock
  kPeek,   // leaves no trace (OBJECT, TYPE, TTL, no-touch clients), still counts
};

/// Expiry of a key after a SET-like change.
struct KeepExpiry {};
struct NoExpiry {};
using NewExpiry = std::variant<NoExpiry, KeepExpiry, WallTime>;

class Db {
 public:
  Db(Keyspace& keyspace, DbIndex index, const AccessContext& context) noexcept
      : keyspace_(&keyspace), index_(index), context_(&context) {}

  [[nodiscard]] DbIndex index() const noexcept { return index_; }
  [[nodiscard]] Keyspace& keyspace() const noexcept { return *keyspace_; }
  [[nodiscard]] WallTime now() const noexcept { return context_->now; }
  [[nodiscard]] const AccessContext& context() const noexcept { return *context_; }
  /// The same surroundings, another database (MOVE, COPY ... DB).
  [[nodiscard]] Db other(DbIndex index) const noexcept { return Db(*keyspace_, index, *context_); }

  /// The live entry of `key`, or nullptr. An expired one is removed (primary) or hidden (replica).
  [[nodiscard]] Entry* find(const KeyRef& key, Access access);

  /// The collection at `key` for reading; nullptr when there is no such key. Errors: kWrongType.
  template <typename V>
  [[nodiscard]] Result<const V*> read(const KeyRef& key, Access access) {
    const Entry* entry = find(key, access);
    if (entry == nullptr) return nullptr;
    if (const V* value = entry->collection<V>()) [[likely]]
      return value;
    return fail(ErrorCode::kWrongType);
  }
  /// The same for changing: a running snapshot copies it first. Whoever then changes it calls modified(), and
  /// erases a key whose collection has become empty.
  template <typename V>
  [[nodiscard]] Result<V*> edit(const KeyRef& key) {
    Entry* entry = find(key, Access::kWrite);
    if (entry == nullptr) return nullptr;
    V* value = entry->collection<V>();
    if (value == nullptr) [[unlikely]]
      return fail(ErrorCode::kWrongType);
    keyspace_->before_change(index_, key);
    return value;
  }
  /// A new empty collection at `key`, which must be missing: find() or edit() has just said so.
  template <typename V>
  [[nodiscard]] V& create(const KeyRef& key) {
    return *put(key, OwnedValue{Owned<V>(new V())}, std::nullopt)->template collection<V>();
  }
  /// edit() or create().
  template <typename V>
  [[nodiscard]] Result<V*> edit_or_create(const KeyRef& key) {
    auto found = edit<V>(key);
    if (!found || *found != nullptr) return found;
    return &create<V>(key);
  }

  /// Tells those who watch the key that it has changed. The changes below do so themselves.
  void modified(const KeyRef& key) {
    if (keyspace_->interest(key.slot) != 0 && context_->modifications != nullptr) [[unlikely]]
      context_->modifications->key_modified(index_, key, context_->actor);
  }
  /// An event of keyspace notifications.
  void notify(EventClass event_class, std::string_view name, const KeyRef& key) const {
    if (context_->events != nullptr) [[unlikely]]
      context_->events->event(event_class, name, index_, key.text);
  }

  /// Sets a string value, replacing any value of any type. Integers are stored as such.
  Entry* set(const KeyRef& key, std::string_view value, const NewExpiry& expiry);
  Entry* set_int(const KeyRef& key, std::int64_t value, const NewExpiry& expiry);
  /// Gives another value to an integer that find() has found under `key`; nothing else of it changes.
  void change_int(const KeyRef& key, Entry& found, std::int64_t value);
  /// Puts a whole value (RESTORE, COPY, RENAME, loading), replacing any other.
  Entry* put(const KeyRef& key, OwnedValue value, std::optional<WallTime> expiry);
  /// Makes the value `size` bytes long, keeping what is there and filling with zeros; creates the key when missing.
  /// Returns the bytes, writable. The expiry stays.
  [[nodiscard]] char* resize(const KeyRef& key, std::size_t size);
  /// Removes the key. True when it was there and not expired.
  bool erase(const KeyRef& key);
  /// Takes the value out and removes the key, which must be there (find() has just said so).
  [[nodiscard]] OwnedValue take(const KeyRef& key);
  /// Sets or, with nullopt, removes the expiry of an existing key. False when there is no such key.
  bool set_expiry(const KeyRef& key, std::optional<WallTime> expiry);

  /// From which moment on fields of hashes are seen here: kAllFields while a primary's stream is applied.
  [[nodiscard]] std::int64_t fields_from_ms() const noexcept;
  /// Removes up to `most` fields of `hash`, the value of `key`, whose time has come, and the key with its last field;
  /// primaries only, elsewhere nothing happens. False when the key is gone.
  bool expire_fields(const KeyRef& key, Hash& hash, std::uint64_t most);
  /// To be called after a field of `hash`, the value of `key`, has got an expiry.
  void plan_field_expiry(const KeyRef& key, Hash& hash);

 private:
  void forget_fields(const KeyRef& key, Entry& entry);
  void dispose(Entry* entry);
  [[nodiscard]] EntryTable::Word* locate(SlotDb& db, const KeyRef& key) const;
  [[nodiscard]] bool expired(const Entry& entry) const noexcept;
  void remove_word(SlotDb& db, const KeyRef& key, EntryTable::Word* word);
  void replace_record(SlotDb& db, EntryTable::Word* word, Entry* fresh) noexcept;
  void insert(SlotDb& db, const KeyRef& key, Entry* fresh);
  void touch(Entry& entry) const;
  [[nodiscard]] std::optional<WallTime> resolve(const NewExpiry& expiry, const Entry* old) const noexcept;
  template <typename InPlace, typename Make>
  Entry* assign(const KeyRef& key, const NewExpiry& expiry, InPlace&& in_place, Make&& make);

  Keyspace* keyspace_;
  DbIndex index_;
  const AccessContext* context_;
};

}  // namespace ashlar::keyspace
