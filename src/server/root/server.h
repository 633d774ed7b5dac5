/// The composition root: makes every part, wires them, starts and stops them. Knows everybody; nobody knows it.
///
/// Threads: main() runs the control loop (accepting, signals, timers, replication, cluster bus); `threads` workers run
/// clients' commands; background threads write files.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/ticks.h"
#include "changelog/change_log.h"
#include "cluster/admin/slot_flush.h"
#include "command/table.h"
#include "commands/generic/commands.h"
#include "commands/string/commands.h"
#include "keyspace/keyspace.h"
#include "net/event_loop.h"
#include "replication/commands.h"
#include "replication/replication.h"
#include "script/commands.h"
#include "server/acceptor.h"
#include "server/acl/gatekeeper.h"
#include "server/acl/users.h"
#include "server/client_ledger.h"
#include "server/client_pause.h"
#include "server/cluster_service.h"
#include "server/command_log.h"
#include "server/command_stats.h"
#include "server/commands/migrate.h"
#include "server/commands/own_commands.h"
#include "server/commands/persistence_commands.h"
#include "server/commands/register.h"
#include "server/commands/tracking.h"
#include "server/config/settings.h"
#include "server/config_service.h"
#include "server/dispatcher.h"
#include "server/info.h"
#include "server/latency_monitor.h"
#include "server/memory_guard.h"
#include "server/memory_report.h"
#include "server/oom_score.h"
#include "server/persistence.h"
#include "server/pubsub_commands.h"
#include "server/replication_adapter.h"
#include "server/run_state.h"
#include "server/sampler.h"
#include "server/shutdown.h"
#include "server/startup.h"
#include "server/worker_pool.h"
#include "snapshot/slot_snapshot.h"

namespace ashlar::server {

class Server {
 public:
  Server(config::Config config, const Clock& clock, FileSystem& files);
  ~Server();

  /// Opens the sockets and starts the loops, which answer LOADING until the data is loaded. A server that is told to
  /// stop meanwhile has started, too. Errors: the text to log before exit(1).
  [[nodiscard]] Result<void> start();
  /// Serves until told to stop; returns the exit code of the process.
  [[nodiscard]] int run();

 private:
  class Signals;
  enum class Phase : std::uint8_t { kLoading, kGivenUp, kServing };  // kGivenUp: stopped while it was loading
  [[nodiscard]] Result<void> make_parts(const config::Config& config);
  void make_cluster(const config::Config& config);
  void connect_settings();
  void connect_replication();
  [[nodiscard]] Result<void> open_doors(const config::Config& config);
  void close_doors();
  [[nodiscard]] Result<void> watch_signals();
  [[nodiscard]] Result<void> load();
  void register_commands();
  void reset_statistics();
  void apply_settings(const config::Config& config);
  [[nodiscard]] Result<void> start_users(const config::Config& config);
  void arm_timer();
  void tick();
  [[nodiscard]] Shutdown::Parts::Script script_state() const;
  void log_figures();
  [[nodiscard]] Result<void> finish(const ShutdownRequest& request);
  void connect_shutdown();
  void hold_writes(replication::Host::Hold hold);
  [[nodiscard]] Result<void> apply_oom_score(const config::Config& config);
  void role_changed(ReplicationHost::Role role);
  [[nodiscard]] Redirection redirect(const command::Session& session) const;
  void cut_cluster_links(const DebugCommands::LinkCut& cut);
  [[nodiscard]] ClusterService::Replication cluster_hooks();
  [[nodiscard]] MemoryAccounts::Parts memory_parts();
  [[nodiscard]] std::uint64_t exempt_memory() const;
  [[nodiscard]] std::uint64_t cluster_connections() const;

  Phase phase_ = Phase::kLoading;  // the control thread's
  MonoTime figures_logged_;        // the same's
  const Clock& clock_;
  FileSystem& files_;
  TickRate rate_;
  Published<config::Config> config_;
  Gates gates_;
  RunState state_;
  keyspace::Keyspace keyspace_;
  changelog::ChangeLog log_;
  command::CommandTable table_;
  acl::Users users_{table_};
  acl::DenialLog denials_;
  acl::Gatekeeper gatekeeper_;
  StatsRegistry stats_;
  CommandLog command_log_;
  LatencyMonitor latency_;
  Info info_;
  OomScore oom_score_;
  MemoryGuard memory_;
  ClientLedger ledger_;
  net::EventLoop control_;
  pubsub::Hub hub_;  // before the loops, which join it
  Monitors monitors_;
  pubsub::Notifications notifications_{hub_};
  tracking::Table tracking_{keyspace_};
  ClientDirectory directory_;
  WorkerPool workers_;
  ClientPause pause_{gates_, workers_, control_};
  Acceptor acceptor_;
  ConfigService config_service_;
  Shutdown shutdown_;
  Persistence persistence_;
  PersistenceCommands persistence_commands_;
  std::unique_ptr<MigrateCommand> migrate_;
  std::unique_ptr<ClusterService> cluster_;
  std::unique_ptr<cluster::ClusterCommands> cluster_commands_;
  std::unique_ptr<cluster::SlotFlush> slot_flush_;
  ConnectionCommands connection_;
  commands::StringCommands strings_;
  commands::GenericCommands generic_;
  script::ScriptCommands scripts_;
  AdminCommands admin_;
  MemoryAccounts accounts_;
  OwnCommands own_;
  pubsub::PubSubCommands pubsub_{hub_};
  tracking::TrackingCommands tracking_commands_;
  Sampler sampler_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Execution> control_run_;  // for commands that the control thread runs
  std::unique_ptr<Signals> signals_;
  std::optional<PidFile> pid_file_;  // while the doors are open

  // Replication: last, for it uses the others.
  ClientTakeover takeover_;
  ReplicationHost replication_host_{gates_, memory_, config_service_, config_};
  std::unique_ptr<StreamApplier> applier_;
  std::unique_ptr<replication::Replication> replication_;
  std::unique_ptr<replication::ReplicationCommands> replication_commands_;
};

}  // namespace ashlar::server
