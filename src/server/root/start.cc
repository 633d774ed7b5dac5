#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "commands/bitmap/commands.h"
#include "commands/generic/commands.h"
#include "commands/geo/commands.h"
#include "commands/hash/commands.h"
#include "commands/hll/commands.h"
#include "commands/list/commands.h"
#include "commands/set/commands.h"
#include "commands/stream/commands.h"
#include "commands/string/commands.h"
#include "commands/transaction/commands.h"
#include "commands/zset/commands.h"
#include "server/commands/register.h"
#include "server/file_limit.h"
#include "server/info_sections.h"
#include "server/root/server.h"

/// How a server begins: its parts are made and know each other, the doors open, the data is loaded, then it serves.
namespace ashlar::server {
namespace {

std::string address_of(const command::Session& session) {
  const auto* client = dynamic_cast<const Client*>(&session);
  return client == nullptr ? "" : client->peer_address();
}

}  // namespace

void Server::register_commands() {
  strings_.register_in(table_);
  generic_.register_in(table_);
  scripts_.register_in(table_);
  commands::register_list_commands(table_);
  commands::register_hash_commands(table_);
  commands::register_set_commands(table_);
  commands::register_zset_commands(table_);
  commands::register_stream_commands(table_);
  commands::register_geo_commands(table_);
  commands::register_hll_commands(table_);
  commands::register_bitmap_commands(table_);
  commands::register_transaction_commands(table_);
  register_connection_commands(table_, connection_);
  register_admin_commands(table_, admin_);
  persistence_commands_.register_in(table_);
  migrate_->register_in(table_);
  cluster_commands_->register_in(table_);
  slot_flush_->register_in(table_);
  own_.register_all();
  pubsub_.register_in(table_);
  tracking_commands_.register_in(table_);
  register_info_sections(info_, {clock_,
                                 rate_,
                                 config_,
                                 config_service_,
                                 table_,
                                 stats_,
                                 keyspace_,
                                 acceptor_,
                                 ledger_,
                                 accounts_,
                                 memory_,
                                 denials_,
                                 state_,
                                 hub_,
                                 tracking_,
                                 scripts_,
                                 [this] { return replication_->traffic().in.load(std::memory_order_relaxed); },
                                 [this] { return replication_->traffic().out.load(std::memory_order_relaxed); },
                                 [this] { return cluster_connections(); },
                                 [this] { return shutdown_.waits_until(); }});
  replication_commands_->register_in(table_);
}

std::uint64_t Server::cluster_connections() const {
  if (!cluster_) return 0;
  // One from us to each other node, and one from it to us.
  const auto view = cluster_->driver().view().get();
  return 2 * (std::uint64_t{view->size()} - 1);
}

void Server::connect_replication() {
  applier_->attach(*dispatcher_);
  info_.add("Replication", Info::Shown::kByDefault,
            [this](InfoWriter& out) { write_replication_info(*replication_, out); });
  replication_host_.connect({.dataset_goes = [this] { persistence_.dataset_goes(); },
                             .dataset_replaced =
                                 [this] {
                                   persistence_.dataset_replaced();
                                   const keyspace::SafePoint::Exclusive all(keyspace_.safe_point(), nullptr);
                                   tracking_.flushed();
                                 },
                             .log = [this] { return persistence_.log_positions(); },
                             .hold_writes = [this](replication::Host::Hold hold) { hold_writes(hold); },
                             .new_connection_id = [this] { return acceptor_.new_id(); }});
  replication_host_.on_acknowledged([this] { workers_.release_acknowledged(); });
  replication_host_.on_role_change([this](ReplicationHost::Role role) { role_changed(role); });
  dispatcher_->set_redirects([this](const command::Session& session) { return redirect(session); });
  info_.add("Stats", Info::Shown::kByDefault, [this](InfoWriter& out) {
    const replication::SyncCounts& counts = replication_->sync_counts();
    out.field("sync_full", counts.full.load(std::memory_order_relaxed));
    out.field("sync_partial_ok", counts.resumed.load(std::memory_order_relaxed));
    out.field("sync_partial_err", counts.not_resumed.load(std::memory_order_relaxed));
  });
  const auto config = config_.get();
  if (const auto& upstream = config->replication.upstream; upstream && !config->cluster.enabled) {
    replication_->announce({upstream->host, upstream->port});
  }
}

void Server::connect_shutdown() {
  using Hold = Shutdown::Parts::Hold;
  using ReplicationHold = replication::Host::Hold;
  shutdown_.connect({.finish = [this](const ShutdownRequest& request) { return finish(request); },
                     .replicas =
                         [this] {
                           const auto step = replication_->in_step();
                           return Shutdown::Parts::Replicas{step.replicas, step.behind};
                         },
                     .timeout = [this] { return config_.get()->process.shutdown_timeout; },
                     .hold_writes =
                         [this](Hold hold) {
                           hold_writes(hold == Hold::kBegins ? ReplicationHold::kBegins : ReplicationHold::kEnds);
                         },
                     .script = [this] { return script_state(); }});
}

void Server::make_cluster(const config::Config& config) {
  if (config.cluster.enabled) {
    cluster_ = std::make_unique<ClusterService>(
        ClusterService::Parts{control_, files_, keyspace_, log_, pause_, workers_, cluster_hooks(), hub_}, config);
    pubsub_.set_broadcast([this](pubsub::Hub::Scope scope, std::string_view channel, std::string_view message) {
      cluster_->broadcast(scope, channel, message);
    });
    pubsub_.set_slot_stats(cluster_->slot_stats());
  }
  cluster_commands_ = std::make_unique<cluster::ClusterCommands>(cluster::ClusterCommands::Parts{
      cluster_ ? &cluster_->driver() : nullptr, keyspace_, [this] { return endpoint_kind(*config_.get()); },
      [this] { return replication_->whole_until().value; }, cluster_ ? &cluster_->slot_stats() : nullptr, rate_,
      [](const command::Session& session) {
        const auto* client = dynamic_cast<const Client*>(&session);
        return client != nullptr && client->follows_redirects;
      }});
  slot_flush_ = std::make_unique<cluster::SlotFlush>(cluster_ ? &cluster_->driver() : nullptr);
}

Result<void> Server::make_parts(const config::Config& config) {
  make_cluster(config);
  using Mode = MigrateCommand::Parts::Mode;
  migrate_ = std::make_unique<MigrateCommand>(MigrateCommand::Parts{
      keyspace_, log_, clock_, gates_, workers_, config.cluster.enabled ? Mode::kCluster : Mode::kStandalone});
  applier_ = std::make_unique<StreamApplier>(persistence_);
  replication_ = std::make_unique<replication::Replication>(
      replication::Replication::Parts{control_, keyspace_, log_, persistence_.host(), files_, *applier_,
                                      replication_host_, table_},
      replication_settings(config));
  replication_commands_ = std::make_unique<replication::ReplicationCommands>(
      *replication_, takeover_,
      config.cluster.enabled ? replication::ReplicationCommands::Mode::kCluster
                             : replication::ReplicationCommands::Mode::kStandalone);
  register_commands();
  persistence_.add_info(info_);
  info_.add("Stats", Info::Shown::kByDefault, [this](InfoWriter& out) {
    out.field("migrate_cached_sockets", migrate_->cached_connections());
    out.field("slave_expires_tracked_keys", dispatcher_->local_expiries());
  });
  for (const config::RenamedCommand& renamed : config.security.renamed_commands) {
    ASH_TRY_VOID(table_.rename(renamed.from, renamed.to));
  }
  dispatcher_ =
      std::make_unique<Dispatcher>(Dispatcher::Parts{keyspace_, log_, table_, stats_, command_log_, latency_, gates_,
                                                     rate_, persistence_, notifications_, monitors_, tracking_});
  dispatcher_->set_address_of(&address_of);
  dispatcher_->set_script_flags([this](const command::CommandSpec& spec, std::span<const std::string_view> args) {
    return scripts_.flags_of(spec, args);
  });
  return {};
}

void Server::connect_settings() {
  acceptor_.count_too([this] { return cluster_connections(); });
  config_service_.after_change([this](const config::Config& now) { apply_settings(now); });
  for (const char* directive : {"oom-score-adj", "oom-score-adj-values"}) {
    config_service_.on_change(directive, [this](const config::Config& now) { return apply_oom_score(now); });
  }
  config_service_.on_change("crash-log-enabled", [](const config::Config& now) -> Result<void> {
    now.log.crash_report ? crash::report() : crash::report_nothing();
    return {};
  });
  const auto listen = [this](const config::Config& now, const char* refusal) -> Result<void> {
    const auto done = acceptor_.listen(now);
    if (done) return {};
    log::warning("{}", done.error().text());
    return fail(refusal);
  };
  config_service_.on_change("port", [listen](const config::Config& now) {
    return listen(now, "Unable to listen on this port. Check server logs.");
  });
  config_service_.on_change(
      "bind", [listen](const config::Config& now) { return listen(now, "Failed to bind to specified addresses."); });
  config_service_.on_change("maxclients", [](const config::Config& now) -> Result<void> {
    const std::uint32_t room = make_room_for_clients(now.clients.max_clients, now.process.threads);
    if (room >= now.clients.max_clients) return {};
    return fail(
        fmt::format("The operating system is not able to handle the specified number of clients, try with {}", room));
  });
  persistence_.on_progress([this] { workers_.release_durable(); });
  persistence_.on_sync([this] { replication_->log_advanced(); });
  config_service_.on_change("dir", [this](const config::Config& now) -> Result<void> {
    if (::chdir(now.snapshot.directory.c_str()) != 0) return fail(std::strerror(errno));
    return persistence_.move_aof(now);
  });
  config_service_.on_change("appendonly", [this](const config::Config& now) { return persistence_.switch_aof(now); });
}

Result<void> Server::open_doors(const config::Config& config) {
  gates_.close(Gate::kLoading);
  ASH_TRY_VOID(acceptor_.listen(config));
  if (!acceptor_.listens()) return fail("Configured to not listen anywhere, exiting.");
  pid_file_.emplace(config);  // not before: another server may have the port, and the file
  // Tools that start servers look for the number of the process in this form, and connect when they have found it.
  log::notice("Running in mode {}, Port: {}, PID: {}", config.cluster.enabled ? "cluster" : "standalone",
              config.network.port, ::getpid());
  state_.startup_memory = memory_used();
  workers_.start({.clock = clock_,
                  .dispatcher = *dispatcher_,
                  .config = config_,
                  .durability = persistence_,
                  .memory = memory_,
                  .users = users_,
                  .ledger = ledger_,
                  .hub = hub_,
                  .monitors = monitors_,
                  .tracking = tracking_,
                  .directory = directory_,
                  .replication = *replication_,
                  .active_expiry = state_.active_expiry,
                  .cron_paused = state_.cron_paused,
                  .blocked_clients = state_.blocked_clients,
                  .workers = config.process.threads,
                  .on_client_gone = [this](ClientId id) {
                    log::verbose("Client id={} is gone", id.value);  // or a replica now
                    acceptor_.client_gone();
                    replication_->client_gone(id);
                  }});
  return {};
}

Result<void> Server::load() {
  const auto config = config_.get();
  const auto loaded = persistence_.load(*dispatcher_, *control_run_, [this]() -> Result<void> {
    // Who comes meanwhile is accepted, and hears from the loops that the data is being loaded.
    control_.run_turn(Micros(0));
    return phase_ == Phase::kGivenUp ? fail("the server was told to stop") : Result<void>{};
  });
  if (!loaded) return std::unexpected(loaded.error());
  control_run_->stats.reset();  // what was replayed, nobody has asked for
  phase_ = Phase::kServing;
  ASH_TRY_VOID(persistence_.start());
  if (loaded->replication) replication_->loaded(*loaded->replication);
  if (const auto& upstream = config->replication.upstream; upstream && !config->cluster.enabled) {
    replication_->follow({upstream->host, upstream->port}, replication::Data::kOther);
  }
  replication_->start();
  if (cluster_) ASH_TRY_VOID(cluster_->start());
  replication_->settle();
  return {};
}

Result<void> Server::start() {
  const auto config = config_.get();
  ASH_TRY_VOID(make_parts(*config));
  ASH_TRY_VOID(start_users(*config));
  apply_settings(*config);
  connect_settings();
  connect_replication();
  connect_shutdown();
  ASH_TRY_VOID(watch_signals());
  control_run_ = dispatcher_->make_execution();
  migrate_->start(*dispatcher_);
  own_.start(*dispatcher_);
  if (cluster_) {
    ASH_TRY_VOID(cluster_->open(*control_run_));
    dispatcher_->set_router(&cluster_->router());
    dispatcher_->set_slot_stats(&cluster_->slot_stats());
  }
  ASH_TRY_VOID(open_doors(*config));
  if (const auto done = load(); !done) {
    if (phase_ == Phase::kGivenUp) return {};  // run() ends at once
    close_doors();
    return done;
  }
  arm_timer();
  (void)apply_oom_score(*config);  // logged: the server runs without it
  sampler_.start();
  {  // What the loops do from here on comes behind all of the above.
    const keyspace::SafePoint::Exclusive all(keyspace_.safe_point(), nullptr);
    gates_.open(Gate::kLoading);
  }
  log::notice("Ready to accept connections tcp");
  return {};
}

}  // namespace ashlar::server
