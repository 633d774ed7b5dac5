/// What a connection has begun with MULTI and WATCH. Kept by the session from the first of them to EXEC, DISCARD,
/// UNWATCH or RESET. Thread: the connection's loop.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "command/spec.h"
#include "keyspace/interests.h"
#include "keyspace/key_ref.h"

namespace ashlar::command {

struct Command;
class Session;

/// A command that waits for EXEC, with its own copy of the arguments.
struct QueuedCommand {
  const Command* command;
  std::vector<std::string> args;
};

struct WatchedKey {
  DbIndex db;
  std::string text;
  auto operator<=>(const WatchedKey&) const = default;
};

struct Transaction {
  /// MULTI was given, EXEC or DISCARD was not.
  bool open = false;
  /// A command was refused while it was to be queued: EXEC will do nothing.
  bool aborted = false;
  std::vector<QueuedCommand> queue;
  /// Flags of all queued commands together, and the gates that concern any of them (server/gates.h).
  Flag flags = Flag::kNone;
  std::uint32_t gates = 0;
  /// Bytes of the queued arguments.
  std::size_t bytes = 0;

  std::set<WatchedKey> watched;
  /// True once a watched key has changed. Shared with the key space, which sets it.
  std::shared_ptr<keyspace::WatchFlag> broken;

  void enqueue(const Command& command, std::span<const std::string_view> args, std::uint32_t gates_of_it);
};

/// The session's transaction, made if there is none.
[[nodiscard]] Transaction& ensure_transaction(Session& session);
/// Watches a key whose slot is locked.
void watch_key(Session& session, keyspace::Keyspace& keyspace, DbIndex db, const keyspace::KeyRef& key, WallTime now);
/// Whether EXEC must fail for a change of a watched key. With the slots of all watched keys locked.
[[nodiscard]] bool watch_broken(const Transaction& transaction, keyspace::Keyspace& keyspace, WallTime now);

/// Whether the caller holds the slots of all watched keys (or everything), or none.
enum class WatchedSlots : std::uint8_t { kLocked, kFree };
/// Forgets the watched keys. kFree: inside a safe-point batch; locks one slot at a time.
void unwatch_all(Session& session, keyspace::Keyspace& keyspace, WatchedSlots slots);
/// Forgets queue and watched keys: the connection is as before MULTI and WATCH.
void end_transaction(Session& session, keyspace::Keyspace& keyspace, WatchedSlots slots);

}  // namespace ashlar::command
