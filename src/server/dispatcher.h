/// Runs one command: looks it up, refuses what must be refused, locks its slots, calls the handler, records its effects
/// and counts. The only caller of handlers.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "base/ticks.h"
#include "changelog/change_log.h"
#include "command/effects.h"
#include "command/keys.h"
#include "command/router.h"
#include "command/session.h"
#include "command/table.h"
#include "keyspace/db.h"
#include "keyspace/keyspace.h"
#include "server/command_stats.h"
#include "server/gates.h"
#include "server/pubsub/notifications.h"
#include "server/push/monitors.h"
#include "server/slow_log.h"
#include "server/tracking/table.h"

namespace ashlar::server {

/// What one thread needs to run commands. Made by Dispatcher::make_execution(). Thread: its own only.
struct Execution {
  Execution(keyspace::SafePoint::Participant& participant, keyspace::Counters& counters, ThreadStats& stats,
            std::uint64_t seed)
      : participant(participant), counters(counters), stats(stats), rng(seed) {}
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  keyspace::SafePoint::Participant& participant;
  keyspace::Counters& counters;
  ThreadStats& stats;
  Rng rng;
  keyspace::AccessContext access;
  command::Effects effects;
  std::vector<keyspace::KeyRef> keys;
  std::vector<command::KeyPosition> positions;
  /// No memory for commands that need some, found at the start of the batch.
  bool out_of_memory = false;
  /// A write was recorded since the loop last made the log durable.
  bool wrote = false;
};

/// A command as parsed: what look_up() found. `command` is null when there is none of that name.
struct Located {
  const command::Command* command = nullptr;
  std::uint32_t first_key = 0;  // in Execution::keys
  std::uint32_t key_count = 0;
};

/// What became of a command.
enum class Outcome : std::uint8_t {
  kDone,       // replied
  kPostponed,  // commands are paused: keep it and run it later
};

/// Texts for the gates that need more than a constant.
class GateTexts {
 public:
  virtual ~GateTexts() = default;
  [[nodiscard]] virtual Error misconf() const = 0;
};

class Dispatcher {
 public:
  struct Parts {
    keyspace::Keyspace& keyspace;
    changelog::ChangeLog& log;
    command::CommandTable& table;
    StatsRegistry& stats;
    SlowLog& slow_log;
    Gates& gates;
    const TickRate& rate;
    GateTexts& texts;
    pubsub::Notifications& notifications;
    Monitors& monitors;
    tracking::Table& tracking;
    keyspace::ModificationListener& modifications;
  };
  explicit Dispatcher(const Parts& parts);

  /// For a new thread; commands must be registered before. The thread joins the safe point.
  [[nodiscard]] std::unique_ptr<Execution> make_execution();

  /// Prepares a batch: the time and role under which its commands run.
  void begin_batch(Execution& run, WallTime now, command::Origin origin) const;

  /// Finds command and keys; appends the keys to run.keys. The views stay those of `args`.
  [[nodiscard]] Located look_up(Execution& run, std::span<const std::string_view> args) const;
  /// Starts loading what the commands found since the batch began will touch. Worth it from two keys on.
  void prefetch(Execution& run, DbIndex db) const;

  /// Runs it. The thread is inside its safe-point batch. `args` is not empty.
  Outcome run(Execution& run, const Located& located, std::span<const std::string_view> args, command::Session& session,
              resp::Encoder& reply);

  /// Set once, before the loops start.
  void set_router(command::Router* router) noexcept { router_ = router; }
  /// Ticks above which a command goes to the slow log; changed by CONFIG SET.
  void set_slow_threshold(std::optional<Micros> threshold) noexcept;
  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
  /// Who the slow log shall name as client; the address of the session.
  using AddressOf = std::string (*)(const command::Session&);
  void set_address_of(AddressOf function) noexcept { address_of_ = function; }

 private:
  [[nodiscard]] std::optional<Error> refuse(const command::Command& command, std::uint32_t closed,
                                            const command::Session& session) const;
  [[nodiscard]] const command::Command* resolve(std::span<const std::string_view> args) const;
  void reject(Execution& run, const command::Command* command, const Error& error, command::Session& session,
              resp::Encoder& reply);
  Outcome call(Execution& run, const command::Command& command, std::span<const keyspace::KeyRef> keys,
               std::span<const std::string_view> args, command::Session& session, resp::Encoder& reply);
  Outcome invoke(Execution& run, const command::Command& command, std::span<const keyspace::KeyRef> keys,
                 std::span<const std::string_view> args, command::Session& session, resp::Encoder& reply);
  void record(Execution& run, const command::Command& command, std::span<const std::string_view> args, DbIndex db,
              command::Session& session);
  void show_to_monitors(const Execution& run, const command::Command& command, std::span<const std::string_view> args,
                        const command::Session& session) const;
  void remember_reads(const command::Command& command, std::span<const keyspace::KeyRef> keys,
                      command::Session& session) const;
  void count_error(Execution& run, std::string_view reply_line);

  Parts parts_;
  command::Router* router_ = nullptr;
  std::vector<std::uint32_t> gates_of_;  // by Command::index
  std::vector<std::uint16_t> only_key_;  // by Command::index: argument of its single key, 0 for all others
  std::atomic<Ticks> slow_threshold_{~Ticks{0}};
  AddressOf address_of_ = nullptr;
};

/// "unknown command ..." as Redis words it.
[[nodiscard]] Error unknown_command(const command::CommandTable& table, std::span<const std::string_view> args);

}  // namespace ashlar::server
