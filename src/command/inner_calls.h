/// Commands run by a command: EXEC, scripts, and whoever else does several things as one.
///
/// A command whose spec has Flag::kComposite locks nothing by itself. Its handler opens a group, which locks what the
/// whole of it needs, and runs commands inside; no other thread sees a state between two of them, and their effects
/// enter the change log together (MULTI ... EXEC when there are several). A group inside a group (a script in a
/// transaction) becomes a part of it.
///
///     const GroupEnd end = ctx.inner().group(ctx, {.keys = ctx.keys, .routed = ctx.keys}, [&] {
///       if (auto refusal = ctx.inner().call(args, session, reply, Caller::kScript)) ...
///     });
///
/// Thread: the one that runs the command.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "command/session.h"
#include "command/spec.h"
#include "keyspace/key_ref.h"
#include "resp/encoder.h"

namespace ashlar::command {

class Context;
struct Command;

/// What a group locks.
struct GroupScope {
  enum class Extent : std::uint8_t {
    kKeys,           // the slots of `keys`; commands on other slots are refused
    kWholeKeyspace,  // everything: all other threads stand still
  };
  Extent extent = Extent::kKeys;
  /// May be empty: then no command with keys can run (unless the extent is the whole key space).
  std::span<const keyspace::KeyRef> keys = {};
  /// In a cluster: the group runs only if this node serves these, all of one slot. Usually the same as `keys`.
  std::span<const keyspace::KeyRef> routed = {};
  /// What the group does, for the cluster's answer and for what makes it wait: the flags of all its commands. One that
  /// says nothing is never kPostponed.
  Flag flags = Flag::kNone;
};

enum class GroupEnd : std::uint8_t {
  kRan,
  kRefused,    // the cluster's redirection or refusal has been replied
  kPostponed,  // a slot is held: nothing was run or replied, and the whole command will be run again later
};

/// On whose behalf a command runs inside a group.
enum class Caller : std::uint8_t {
  kTransaction,     // EXEC: what would refuse a command was asked when it was queued and when EXEC came
  kScript,          // everything is asked now
  kReadOnlyScript,  // and writes are refused
};

/// Why call() did not run a command. The caller words it: scripts have texts of their own.
struct Refusal {
  enum class Reason : std::uint8_t {
    kUnknown,
    kArity,
    kNotAllowed,  // not from scripts
    kWrite,       // from a read-only script
    kPermission,  // the user may not
    kOutOfMemory,
    kReplica,
    kMisconf,
    kFewReplicas,
    kStale,
    kLoading,
    kForeignSlot,   // a key of a slot that this node does not serve; `error` is the redirection
    kClusterDown,   // `error` says how far
    kUndeclared,    // a key of a slot that the group has not locked
    kWholeKeyspace  // looks at all slots while the group holds a few
  };
  Reason reason;
  Error error;  // as a client would see it outside
};

/// True for a command without keys that may look at any slot (KEYS, FLUSHALL, INFO): a group that has one needs the
/// whole key space.
[[nodiscard]] constexpr bool looks_at_all_slots(const CommandSpec& spec) noexcept {
  if (spec.is(Flag::kWholeKeyspace)) return true;
  if (spec.has_keys()) return false;
  switch (spec.group) {
    case Group::kConnection:
    case Group::kPubSub:
    case Group::kTransactions: return false;
    default: break;
  }
  return !(spec.is(Flag::kFast) && spec.is(Flag::kLoading));  // TIME and its like
}

class InnerCalls {
 public:
  virtual ~InnerCalls() = default;

  /// Locks `scope`, runs `body`, records, unlocks.
  [[nodiscard]] virtual GroupEnd group(Context& ctx, const GroupScope& scope, const std::function<void()>& body) = 0;

  /// Runs one command inside the present group; its reply goes to `reply`. Blocking commands do not block. `session`
  /// is the connection's own or one of the caller's that stands for it (same origin); its database is used, and
  /// changed by SELECT. Counted in the statistics like any command. nullopt when it ran, whatever it replied; else
  /// nothing was run or written.
  [[nodiscard]] virtual std::optional<Refusal> call(std::span<const std::string_view> args, Session& session,
                                                    resp::Encoder& reply, Caller caller) = 0;

  /// Runs one command of a transaction between two groups: for those that take the whole key space by themselves
  /// (BGSAVE). A refusal as from call().
  [[nodiscard]] virtual std::optional<Refusal> alone(std::span<const std::string_view> args, Session& session,
                                                     resp::Encoder& reply) = 0;

  /// The command that `args` names, subcommands included; nullptr when there is none.
  [[nodiscard]] virtual const Command* find(std::span<const std::string_view> args) const = 0;
  /// Slot and hash of a key.
  [[nodiscard]] virtual keyspace::KeyRef ref(std::string_view key) const = 0;
  /// True once a command of the present group has changed something.
  [[nodiscard]] virtual bool has_written() const = 0;
};

}  // namespace ashlar::command
