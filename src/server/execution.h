/// What a thread needs to run commands: its place in the safe point, counters, scratch memory, and what the command
/// that runs now has asked for. Made by Dispatcher::make_execution(). Thread: each its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/ids.h"
#include "base/rng.h"
#include "base/ticks.h"
#include "base/time.h"
#include "changelog/change_log.h"
#include "command/blocking.h"
#include "command/effects.h"
#include "command/inner_calls.h"
#include "command/keys.h"
#include "command/script_calls.h"
#include "command/session.h"
#include "keyspace/db.h"
#include "keyspace/eviction.h"
#include "keyspace/interests.h"
#include "keyspace/keyspace.h"
#include "keyspace/safe_point.h"
#include "keyspace/slot_guard.h"
#include "server/command_stats.h"
#include "server/key_listener.h"
#include "server/tracking/table.h"

namespace ashlar::server {

class Inner;

/// Takes a handler's wish to wait. Thread: that of its Execution.
class Waits final : public command::Blocker {
 public:
  [[nodiscard]] bool may_block() const override { return allowed_; }
  void block(const command::BlockRequest& request) override {
    ASH_CHECK(allowed_);
    asked_ = request;
    keys_.assign(request.keys.begin(), request.keys.end());
    asked_->keys = keys_;
  }
  /// Before a command that may want to wait is run; after it, whether it does.
  void open() noexcept { allowed_ = true; }
  [[nodiscard]] std::optional<command::BlockRequest> close() noexcept {
    allowed_ = false;
    return std::exchange(asked_, std::nullopt);
  }

 private:
  bool allowed_ = false;
  std::optional<command::BlockRequest> asked_;
  std::vector<keyspace::KeyRef> keys_;
};

/// A reply for a client that waited; it leaves when what was recorded is as durable as asked.
struct LateDelivery {
  command::Delivery deliver;
  std::string replies;
  ReplOffset last_write;
};

/// The commands that run as one at present (command/inner_calls.h).
struct OpenGroup {
  const keyspace::SlotGuard* guard = nullptr;  // null: no slot, or all of them
  bool exclusive = false;                      // every other thread stands still
  std::optional<SlotId> routed;                // the cluster lets the group touch keys of this slot
  command::Recipients recipients = command::Recipients::kAll;
  command::ScriptCalls::Memory memory = command::ScriptCalls::Memory::kAsked;
  command::ScriptCalls::Slots slots = command::ScriptCalls::Slots::kAny;
  std::optional<SlotId> only_slot;  // with Slots::kOne, once it is known
  bool dropped = false;             // nothing is to be recorded
  std::uint64_t changes = 0;
  std::vector<changelog::Recorded> records;
  std::vector<std::size_t> removals;  // which of the records nobody asked for: they stay when the others are dropped
};

/// Records removals that no command asked for: among the effects of the group that runs, in their place, else at once.
/// Before the group they would name keys that its commands have yet to put there. Thread: that of its Execution.
class Removals final : public keyspace::RemovalListener {
 public:
  /// `group`: what runs, or null; looked at again each time.
  Removals(changelog::ChangeLog& log, OpenGroup* const& group) noexcept : log_(log), group_(group) {}
  void key_removed(DbIndex db, const keyspace::KeyRef& key, keyspace::Removal why) override;
  void fields_removed(DbIndex db, const keyspace::KeyRef& key, std::span<const std::string> fields) override;

 private:
  void add(DbIndex db, std::vector<std::string> args);

  changelog::ChangeLog& log_;
  OpenGroup* const& group_;
};

/// What CLUSTER SLOT-STATS wants to know of a command that runs; kept only while it counts.
struct SlotUse {
  std::optional<SlotId> slot;  // of the commands inside it
  bool several = false;        // they are not all of one slot
  std::uint64_t streamed = 0;  // bytes of its effects in the replication stream

  void note(SlotId other) noexcept {
    several = several || (slot && *slot != other);
    slot = other;
  }
};

/// Thread: its own only.
struct Execution {
  Execution(keyspace::SafePoint::Participant& participant, keyspace::Counters& counters, ThreadStats& stats,
            keyspace::Keyspace& keyspace, tracking::Table& tracking, changelog::ChangeLog& log, std::uint64_t seed);
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  keyspace::SafePoint::Participant& participant;
  keyspace::Counters& counters;
  ThreadStats& stats;
  Rng rng;
  keyspace::AccessContext access;
  command::Effects effects;
  keyspace::Evictor evictor;
  std::unique_ptr<Inner> inner;  // runs commands inside one that runs on this thread
  OpenGroup* group = nullptr;    // of the command that runs now
  Removals removals;
  Waits waits;
  keyspace::InterestListener interests;
  KeyListener changes;  // told by interests
  std::vector<LateDelivery> deliveries;
  std::vector<keyspace::KeyRef> keys;
  std::vector<command::KeyPosition> positions;
  /// No memory for commands that need some, found at the start of the batch.
  bool out_of_memory = false;
  /// The present command must be run again from its beginning.
  bool postpone = false;
  /// Gates that would stop the present command of a client and were open when it was let in; 0 once it has begun.
  std::uint32_t open_gates = 0;
  /// One of them was closed while the command waited for all other threads to stop: it has not begun, and is asked
  /// anew.
  bool gate_fell = false;
  /// The present command is no call to be counted: it was refused, or waits for data and is counted when it is served.
  bool uncounted = false;
  /// The commands run inside an Exclusive section that somebody around them holds.
  bool alone = false;
  /// When the batch began, by both clocks.
  WallTime batch_time;
  Ticks batch_ticks = 0;
  /// The error that the present command replies was counted by a command that it ran.
  bool error_counted = false;
  /// A write was recorded since the loop last made the log durable.
  bool wrote = false;
  /// Of the command that runs now, as it came in; 0 when it did not come from a connection.
  std::size_t request_bytes = 0;
  SlotUse slot_use;
};

}  // namespace ashlar::server
