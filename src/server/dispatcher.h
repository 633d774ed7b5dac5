/// Runs one command: looks it up, refuses what must be refused, locks its slots, calls the handler, records its effects
/// and counts. The only caller of handlers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/ticks.h"
#include "changelog/change_log.h"
#include "command/blocking.h"
#include "command/effects.h"
#include "command/inner_calls.h"
#include "command/permissions.h"
#include "command/router.h"
#include "command/session.h"
#include "command/table.h"
#include "keyspace/db.h"
#include "keyspace/interests.h"
#include "keyspace/keyspace.h"
#include "server/command_log.h"
#include "server/command_stats.h"
#include "server/config/settings_server.h"
#include "server/execution.h"
#include "server/gates.h"
#include "server/latency_monitor.h"
#include "server/local_expiries.h"
#include "server/pubsub/notifications.h"
#include "server/push/monitors.h"
#include "server/tracking/table.h"

namespace ashlar::cluster {
class SlotStats;
}

namespace ashlar::server {

class BlockedCommand;
class Inner;

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

/// Where a client belongs that follows redirections, while this server is a replica outside of a cluster.
struct Redirection {
  enum class Kind : std::uint8_t { kStays, kWaits, kGoes };
  Kind kind = Kind::kStays;
  std::string target;  // "host:port" for kGoes
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
    CommandLog& command_log;
    LatencyMonitor& latency;
    Gates& gates;
    const TickRate& rate;
    GateTexts& texts;
    pubsub::Notifications& notifications;
    Monitors& monitors;
    tracking::Table& tracking;
  };
  explicit Dispatcher(const Parts& parts);

  /// For a new thread; commands must be registered before. The thread joins the safe point.
  [[nodiscard]] std::unique_ptr<Execution> make_execution();

  /// Prepares a batch: the time and role under which its commands run.
  void begin_batch(Execution& run, WallTime now, command::Origin origin) const;

  /// Finds command and keys; appends the keys to run.keys. The views stay those of `args`.
  [[nodiscard]] Located look_up(Execution& run, std::span<const std::string_view> args) const;
  /// Whether the command runs with nobody else beside it, or may: one of the whole key space, or a script.
  [[nodiscard]] bool needs_all(const command::Command& command, std::span<const std::string_view> args) const;
  /// Starts loading what the commands found since the batch began will touch. Worth it from two keys on.
  enum class Touches : std::uint8_t { kStrings, kCollections };
  void prefetch(Execution& run, DbIndex db, Touches touches) const;

  /// Runs it. The thread is inside its safe-point batch. `args` is not empty.
  Outcome run(Execution& run, const Located& located, std::span<const std::string_view> args, command::Session& session,
              resp::Encoder& reply);

  /// Runs a command while a script keeps the key space to itself: one that touches no data (SCRIPT KILL, HELLO), or
  /// answers BUSY. The thread is in no batch.
  /// kPostponed: it has to wait for the end of the script, for it forgets watched keys.
  [[nodiscard]] Outcome run_aside(std::span<const std::string_view> args, command::Session& session,
                                  resp::Encoder& reply) const;

  /// Runs again what waits for keys that have changed on this thread, first come first served. Inside a safe-point
  /// batch, no slot locked. run() does so by itself.
  void serve_ready(Execution& run);
  /// Sends what the commands of a turn leave for other connections: the replies of those served, and to tracking ones
  /// what has changed. After the log is durable enough.
  static void deliver(Execution& run);
  /// Looks at one that waits for another reason than a change of its keys: its slot has moved or is free again. Inside
  /// a batch.
  void attend(Execution& run, keyspace::Waiter& waiter);
  /// Ends a wait without result; `error`: what it is answered, to be counted; empty for no error. False when its reply
  /// is on its way already. Inside a batch.
  [[nodiscard]] bool end_wait(Execution& run, keyspace::Waiter& waiter, std::string_view error = {});
  /// The connection of a waiter has ended: from now on nothing is taken for it, though it stays in its lists until
  /// end_wait(). Thread: any, whatever it has locked.
  static void abandon(keyspace::Waiter& waiter) noexcept;
  /// What a waiter holds in memory. Thread: any.
  struct Held {
    std::size_t arguments = 0;   // their bytes
    std::size_t registered = 0;  // the command as it is kept, and its names at the keys: an estimate
  };
  [[nodiscard]] static Held held_by(const keyspace::Waiter& waiter) noexcept;

  /// What becomes of expired keys that commands of clients meet.
  [[nodiscard]] keyspace::ExpiryRole role() const noexcept {
    return parts_.gates.keep_expired() ? keyspace::ExpiryRole::kReplica : keyspace::ExpiryRole::kPrimary;
  }
  /// Set once, before the loops start.
  void set_router(command::Router* router) noexcept { router_ = router; }
  /// Who counts what slots cost; set once, before the loops start. Null: nobody.
  void set_slot_stats(cluster::SlotStats* stats) noexcept { slot_stats_ = stats; }
  /// Who is asked while Gate::kRedirect is closed; set once, before the loops start. Thread: any loop.
  using Redirects = std::function<Redirection(const command::Session&)>;
  void set_redirects(Redirects redirects) { redirects_ = std::move(redirects); }
  /// Whose permissions are asked; set once, before the loops start.
  void set_permissions(command::Permissions* permissions) noexcept { permissions_ = permissions; }
  /// What a client is told while a script keeps everybody waiting, as an error line; set once, before the loops start.
  void set_busy_text(std::function<std::string_view()> text) { busy_text_ = std::move(text); }
  /// The flags of a command that runs a script, by what the script says of itself; set once, before the loops start.
  using ScriptFlags = std::function<command::Flag(const command::CommandSpec&, std::span<const std::string_view> args)>;
  void set_script_flags(ScriptFlags function) { script_flags_ = std::move(function); }
  /// DEBUG SET-DISABLE-DENY-SCRIPTS: scripts may run what is not for them. Thread: any.
  enum class InScripts : std::uint8_t { kWhatIsMeantFor, kEverything };
  void allow_in_scripts(InScripts what) noexcept { all_in_scripts_ = what == InScripts::kEverything; }
  /// From when on a command is worth a line in the logs of commands and the latency monitor; changed by CONFIG SET.
  void observe(const config::MonitorConfig& config) noexcept;
  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
  /// Ends some of the keys that clients of a writable replica gave an expiry. Inside a batch, no slot locked.
  void expire_local_keys(Execution& run);
  /// How many there are. Thread: any.
  [[nodiscard]] std::size_t local_expiries() const noexcept { return local_expiries_.count(); }
  /// Who the logs of commands shall name as client; the address of the session.
  using AddressOf = std::string (*)(const command::Session&);
  void set_address_of(AddressOf function) noexcept { address_of_ = function; }

 private:
  friend class Inner;
  [[nodiscard]] std::optional<Error> refuse(command::Flag flags, std::uint32_t closed,
                                            const command::CommandSpec& spec) const;
  /// Whether it writes to a slot that is held (Gates::hold()).
  [[nodiscard]] bool meets_hold(const command::Command& command, command::Flag flags,
                                std::span<const keyspace::KeyRef> keys) const;
  /// What a closed gate means for this command, of which `flags` are asked; nullopt: nothing.
  [[nodiscard]] std::optional<Outcome> hold_back(Execution& run, const command::Command& command, command::Flag flags,
                                                 std::span<const keyspace::KeyRef> keys, std::uint32_t closed,
                                                 command::Session& session, resp::Encoder& reply);
  [[nodiscard]] bool looks_everywhere(const command::Command& command, std::span<const std::string_view> args) const;
  [[nodiscard]] const command::Command* resolve(std::span<const std::string_view> args) const;
  [[nodiscard]] std::optional<Error> refuse_queueing(Execution& run, command::Flag flags,
                                                     std::span<const keyspace::KeyRef> keys,
                                                     command::Session& session) const;
  void begin_wait(Execution& run, const command::Command& command, const command::BlockRequest& request,
                  std::span<const std::string_view> args, command::Session& session, resp::Version version);
  void serve_key(Execution& run, const keyspace::ReadyKey& ready);
  void forget(const BlockedCommand& blocked);
  /// What its user may not do any more.
  [[nodiscard]] std::optional<Error> denial(const BlockedCommand& blocked) const;
  [[nodiscard]] bool worth_running(const BlockedCommand& blocked, keyspace::Db& db) const;
  void reject(Execution& run, const command::Command* command, const Error& error, command::Session& session,
              resp::Encoder& reply);
  Outcome call(Execution& run, const command::Command& command, std::span<const keyspace::KeyRef> keys,
               std::span<const std::string_view> args, command::Session& session, resp::Encoder& reply);
  /// Whether a gate was closed that the present command passed, now that all other threads stand still.
  [[nodiscard]] bool gate_fell(Execution& run) const;
  Outcome invoke(Execution& run, const command::Command& command, std::span<const keyspace::KeyRef> keys,
                 std::span<const std::string_view> args, command::Session& session, resp::Encoder& reply);
  void record(Execution& run, const command::Command& command, std::span<const std::string_view> args, DbIndex db,
              command::Session& session);
  void collect(Execution& run, const command::Command& command, std::span<const std::string_view> args, DbIndex db,
               const command::Effects& effects, const command::Session& session);
  void record_group(Execution& run, command::Session& session);
  [[nodiscard]] static command::Host host(Execution& run);
  /// `logged`: its effects, when it may stand in the command logs by itself.
  void count_call(Execution& run, const command::Command& command, std::span<const std::string_view> args, Ticks spent,
                  std::string_view reply, const command::Session& session, const command::Effects* logged);
  /// `secrets`: positions in `args` that are not shown.
  void show_to_monitors(const Execution& run, const command::Command& command, std::span<const std::string_view> args,
                        std::span<const std::size_t> secrets, const command::Session& session) const;
  /// A command that is shown behind what it has done, with its slots still locked: monitors see those of one slot in
  /// the order in which they ran.
  void show_behind(const Execution& run, const command::Command& command, std::span<const std::string_view> args,
                   const command::Session& session) const;
  /// The inbox of the loop that is to be told when what this command reads changes; nullptr: nobody is.
  [[nodiscard]] static Inbox* reader_of(const command::Command& command, command::Session& session);
  void remember_reads(const command::Command& command, std::span<const keyspace::KeyRef> keys,
                      command::Session& session) const;
  void note_local_expiries(keyspace::Db& db, std::span<const keyspace::KeyRef> keys, const command::Session& session);
  void count_error(Execution& run, std::string_view reply_line);
  [[nodiscard]] std::optional<Outcome> redirect(Execution& run, const command::Command& command, command::Flag flags,
                                                command::Session& session, resp::Encoder& reply);
  [[nodiscard]] bool counts_slots() const noexcept;
  /// Counts a command of a client for the slot of its keys, or of the commands inside it.
  void count_slot(const Execution& run, std::span<const keyspace::KeyRef> keys, const command::Session& session,
                  Ticks spent, std::size_t bytes_in, std::size_t bytes_out) const;
  void note(const Execution& run, const command::Command& command, std::span<const std::string_view> args,
            std::span<const std::size_t> secrets, const command::Session& session, Ticks spent,
            std::size_t reply_bytes) const;

  Parts parts_;
  command::Router* router_ = nullptr;
  cluster::SlotStats* slot_stats_ = nullptr;
  Redirects redirects_;
  std::atomic<std::uint64_t> arrivals_{0};
  command::Permissions* permissions_ = nullptr;
  std::function<std::string_view()> busy_text_;
  std::vector<std::uint32_t> gates_of_;  // by Command::index
  std::vector<std::uint16_t> only_key_;  // by Command::index: argument of its single key, 0 for all others
  /// A command that reaches none of these is noted nowhere. ~0: never.
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  std::atomic<Ticks> noteworthy_ticks_{kNever};
  std::atomic<std::uint64_t> noteworthy_request_{kNever};
  std::atomic<std::uint64_t> noteworthy_reply_{kNever};
  std::atomic<std::uint64_t> slow_micros_{kNever};
  AddressOf address_of_ = nullptr;
  ScriptFlags script_flags_;
  LocalExpiries local_expiries_;
  std::atomic<bool> all_in_scripts_{false};
  Ticks long_;  // a command that takes so long has moved the clock
};

/// "unknown command ..." as Redis words it.
[[nodiscard]] Error unknown_command(const command::CommandTable& table, std::span<const std::string_view> args);

}  // namespace ashlar::server
