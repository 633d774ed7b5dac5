/// What the key space tells about keys: events for keyspace notifications, and changes for those who watch keys.
/// Listeners are called with the key's slot locked: they must not block and must not take a slot. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "keyspace/key_ref.h"

namespace ashlar::keyspace {

/// Classes of `notify-keyspace-events`. Source: the letters of redis.conf, section "EVENT NOTIFICATION".
enum class EventClass : std::uint16_t {
  kGeneric = 1U << 0,    // g
  kString = 1U << 1,     // $
  kList = 1U << 2,       // l
  kSet = 1U << 3,        // s
  kHash = 1U << 4,       // h
  kSortedSet = 1U << 5,  // z
  kExpired = 1U << 6,    // x
  kEvicted = 1U << 7,    // e
  kStream = 1U << 8,     // t
  kKeyMiss = 1U << 9,    // m
  kModule = 1U << 10,    // d
  kNew = 1U << 11,       // n
};

/// Hears of events while notifications are switched on.
class EventListener {
 public:
  virtual ~EventListener() = default;
  virtual void event(EventClass event_class, std::string_view name, DbIndex db, std::string_view key) = 0;
};

/// Hears of every change of a key in a slot that has interested parties (Slot::interest): WATCH, blocked clients,
/// client-side caching.
class ModificationListener {
 public:
  virtual ~ModificationListener() = default;
  /// `actor`: the connection whose command changed it; zero for none (expiry, eviction, a primary's stream).
  virtual void key_modified(DbIndex db, const KeyRef& key, ClientId actor) = 0;
  /// All keys of a database, or with nullopt of all databases, are gone; called whatever the interest. Inside an
  /// Exclusive section.
  virtual void flushed(std::optional<DbIndex> db) = 0;
};

}  // namespace ashlar::keyspace
