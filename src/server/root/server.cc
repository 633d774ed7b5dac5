#include "server/root/server.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

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
#include "commands/zset/commands.h"
#include "server/commands/register.h"
#include "server/info_sections.h"
#include "snapshot/dump_payload.h"

namespace ashlar::server {
namespace {

keyspace::EvictionPolicy policy_of(config::EvictionPolicy policy) {
  switch (policy) {
    case config::EvictionPolicy::kVolatileLru: return keyspace::EvictionPolicy::kVolatileLru;
    case config::EvictionPolicy::kVolatileLfu: return keyspace::EvictionPolicy::kVolatileLfu;
    case config::EvictionPolicy::kVolatileRandom: return keyspace::EvictionPolicy::kVolatileRandom;
    case config::EvictionPolicy::kVolatileTtl: return keyspace::EvictionPolicy::kVolatileTtl;
    case config::EvictionPolicy::kAllKeysLru: return keyspace::EvictionPolicy::kAllKeysLru;
    case config::EvictionPolicy::kAllKeysLfu: return keyspace::EvictionPolicy::kAllKeysLfu;
    case config::EvictionPolicy::kAllKeysRandom: return keyspace::EvictionPolicy::kAllKeysRandom;
    case config::EvictionPolicy::kNone: return keyspace::EvictionPolicy::kNoEviction;
  }
  return keyspace::EvictionPolicy::kNoEviction;
}

void apply_encoding(const config::EncodingConfig& from, keyspace::EncodingLimits& to) {
  to.hash_listpack_entries = from.hash_max_listpack_entries;
  to.hash_listpack_value = from.hash_max_listpack_value;
  to.set_intset_entries = from.set_max_intset_entries;
  to.set_listpack_entries = from.set_max_listpack_entries;
  to.set_listpack_value = from.set_max_listpack_value;
  to.zset_listpack_entries = from.zset_max_listpack_entries;
  to.zset_listpack_value = from.zset_max_listpack_value;
  to.list_listpack_size = from.list_max_listpack_size;
  to.list_compress_depth = from.list_compress_depth;
  to.stream_node_bytes = from.stream_node_max_bytes;
  to.stream_node_entries = from.stream_node_max_entries;
  to.hll_sparse_bytes = from.hll_sparse_max_bytes;
}

std::string address_of(const command::Session& session) {
  const auto* client = dynamic_cast<const Client*>(&session);
  return client == nullptr ? "" : client->peer_address();
}

}  // namespace

/// SIGTERM and SIGINT as events of the control loop. They are blocked in every thread, so no handler interrupts
/// anything.
class Server::Signals final : public net::IoHandler {
 public:
  explicit Signals(Server& server) : server_(server) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    fd_ = Fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  }
  [[nodiscard]] Result<void> watch(net::EventLoop& loop) {
    ASH_TRY(watch_, loop.watch(fd_.get(), net::Interest::kRead, *this));
    return {};
  }
  void on_ready(net::Readiness) noexcept override {
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
      log::warning("Received {} scheduling shutdown...", info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
      server_.shutdown_.request({});
    }
  }

 private:
  Server& server_;
  Fd fd_;
  net::Watch watch_;
};

Server::Server(config::Config config, const Clock& clock, FileSystem& files)
    : clock_(clock),
      files_(files),
      rate_(clock),
      config_(std::make_shared<config::Config>(std::move(config))),
      keyspace_(config_.get()->process.databases),
      memory_(keyspace_, [] { return std::uint64_t{0}; }),
      control_(clock),
      acceptor_(control_, workers_, config_),
      config_service_(config_, files),
      shutdown_(control_),
      persistence_({keyspace_, clock, files, log_, config_, gates_, {}}),
      persistence_commands_(persistence_),
      connection_({config_, workers_, config_.get()->process.databases,
                   [this] { return gates_.closed(Gate::kReplica) ? "replica" : "master"; },
                   [this] {
                     using Mode = ConnectionCommands::Parts::Mode;
                     return config_.get()->cluster.enabled ? Mode::kCluster : Mode::kStandalone;
                   }}),
      generic_({[](const keyspace::Entry& entry) { return snapshot::dump_value(entry); },
                [](std::string_view payload, const keyspace::EncodingLimits& limits) {
                  return snapshot::restore_value(payload, {.encoding = limits});
                }},
               config_.get()->cluster.enabled ? commands::ServerMode::kCluster : commands::ServerMode::kStandalone),
      admin_({info_, config_service_, shutdown_, [this] { reset_statistics(); }}),
      pause_(gates_, workers_, control_),
      own_({.table = table_, .workers = workers_, .pause = pause_}),
      sampler_({control_, stats_, state_}) {
  state_.run_id = random_node_id();
  state_.started = clock.mono();
  state_.started_wall = clock.wall();
  signals_ = std::make_unique<Signals>(*this);
}

Server::~Server() = default;

void Server::apply_settings(const config::Config& config) {
  log::set_level(config.log.level);
  slow_log_.set_length(config.monitor.slow_log_length);
  dispatcher_->set_slow_threshold(config.monitor.slow_log_threshold);
  memory_.set_limit(config.memory.max_memory);
  memory_.set_samples(config.memory.samples);
  keyspace_.access().policy = policy_of(config.memory.policy);
  keyspace_.access().lfu_log_factor = config.memory.lfu_log_factor;
  keyspace_.access().lfu_decay_minutes = config.memory.lfu_decay_minutes;
  apply_encoding(config.encoding, keyspace_.limits());
  strings_.set_max_bytes(config.clients.max_bulk_length);
  notifications_.set(config.monitor.events);
  tracking_.set_limit(config.clients.tracking_table_max_keys);
  persistence_.apply(config);
  if (cluster_) cluster_->apply(config);
  log_.set_expiry_word(config.memory.lazy_expire ? changelog::ChangeLog::ExpiryWord::kUnlink
                                                 : changelog::ChangeLog::ExpiryWord::kDel);
  replication_->configure(replication_settings(config));
}

void Server::start_replication(const config::Config& config) {
  applier_->attach(*dispatcher_);
  info_.add("Replication", Info::Shown::kByDefault,
            [this](InfoWriter& out) { write_replication_info(*replication_, out); });
  replication_host_.on_dataset_replaced([this] { persistence_.schedule_rewrite(); });
  replication_->start();
  if (const auto& upstream = config.replication.upstream; upstream && !config.cluster.enabled) {
    replication_->follow({upstream->host, upstream->port});
  }
}

ClusterService::Replication Server::cluster_hooks() {
  return {.status = [this] { return cluster::ReplicationStatus{replication_->offset(), replication_->last_contact()}; },
          .change_role =
              [this](const cluster::RoleChange& change) {
                if (const auto* follow = std::get_if<cluster::FollowPrimary>(&change)) {
                  if (follow->address.ip.empty() || follow->address.port == 0) return;
                  replication_->follow({follow->address.ip, follow->address.port});
                } else {
                  replication_->promote();
                }
              },
          .offset = [this] { return replication_->offset().value; }};
}

void Server::reset_statistics() {
  stats_.reset();
  acceptor_.reset_counters();
  for (auto counter : {&keyspace::Counters::hits, &keyspace::Counters::misses, &keyspace::Counters::expired,
                       &keyspace::Counters::evicted}) {
    keyspace_.reset(counter);
  }
}

void Server::register_commands() {
  strings_.register_in(table_);
  generic_.register_in(table_);
  commands::register_list_commands(table_);
  commands::register_hash_commands(table_);
  commands::register_set_commands(table_);
  commands::register_zset_commands(table_);
  commands::register_stream_commands(table_);
  commands::register_geo_commands(table_);
  commands::register_hll_commands(table_);
  commands::register_bitmap_commands(table_);
  register_connection_commands(table_, connection_);
  register_admin_commands(table_, admin_);
  persistence_commands_.register_in(table_);
  migrate_->register_in(table_);
  cluster_commands_->register_in(table_);
  own_.register_all();
  pubsub_.register_in(table_);
  tracking_commands_.register_in(table_);
  register_info_sections(
      info_, {clock_, rate_, config_, config_service_, table_, stats_, keyspace_, acceptor_, state_, hub_, tracking_});
  replication_commands_->register_in(table_);
}

void Server::arm_timer() {
  (void)control_.call_after(Millis(100), [this] {
    tick();
    arm_timer();
  });
}

void Server::tick() { persistence_.tick(); }

Result<void> Server::start() {
  const auto config = config_.get();
  if (config->cluster.enabled) {
    cluster_ = std::make_unique<ClusterService>(
        ClusterService::Parts{control_, files_, keyspace_, log_, gates_, workers_, cluster_hooks(), hub_}, *config);
    pubsub_.set_broadcast([this](pubsub::Hub::Scope scope, std::string_view channel, std::string_view message) {
      cluster_->broadcast(scope, channel, message);
    });
  }
  cluster_commands_ = std::make_unique<cluster::ClusterCommands>(cluster::ClusterCommands::Parts{
      cluster_ ? &cluster_->driver() : nullptr, keyspace_, [this] { return endpoint_kind(*config_.get()); },
      [this] { return replication_->offset().value; }});
  using Mode = MigrateCommand::Parts::Mode;
  migrate_ = std::make_unique<MigrateCommand>(MigrateCommand::Parts{
      keyspace_, log_, clock_, gates_, workers_, config->cluster.enabled ? Mode::kCluster : Mode::kStandalone});
  applier_ = std::make_unique<StreamApplier>(persistence_);
  replication_ = std::make_unique<replication::Replication>(
      replication::Replication::Parts{control_, keyspace_, log_, snapshots_, files_, *applier_, replication_host_},
      replication_settings(*config));
  replication_commands_ = std::make_unique<replication::ReplicationCommands>(
      *replication_, takeover_,
      config->cluster.enabled ? replication::ReplicationCommands::Mode::kCluster
                              : replication::ReplicationCommands::Mode::kStandalone);
  register_commands();
  persistence_.add_info(info_);
  for (const config::RenamedCommand& renamed : config->security.renamed_commands) {
    ASH_TRY_VOID(table_.rename(renamed.from, renamed.to));
  }
  dispatcher_ = std::make_unique<Dispatcher>(Dispatcher::Parts{keyspace_, log_, table_, stats_, slow_log_, gates_,
                                                               rate_, persistence_, notifications_, monitors_,
                                                               tracking_, key_listener_});
  dispatcher_->set_address_of(&address_of);
  apply_settings(*config);
  config_service_.after_change([this](const config::Config& now) { apply_settings(now); });
  ASH_TRY_VOID(signals_->watch(control_));
  control_run_ = dispatcher_->make_execution();
  migrate_->start(dispatcher_->make_execution());
  const auto loaded = persistence_.load(*dispatcher_, *control_run_);
  if (!loaded) return std::unexpected(loaded.error());
  ASH_TRY_VOID(persistence_.start());
  config_service_.on_change("appendonly", [this](const config::Config& now) { return persistence_.switch_aof(now); });
  shutdown_.set_finish([this](const ShutdownRequest& request) { return finish(request); });
  start_replication(*config);
  if (cluster_) {
    ASH_TRY_VOID(cluster_->start(*control_run_));
    dispatcher_->set_router(&cluster_->router());
  }
  arm_timer();
  ASH_TRY_VOID(acceptor_.listen(*config));
  workers_.start({.clock = clock_,
                  .dispatcher = *dispatcher_,
                  .config = config_,
                  .durability = persistence_,
                  .memory = memory_,
                  .hub = hub_,
                  .monitors = monitors_,
                  .tracking = tracking_,
                  .directory = directory_,
                  .active_expiry = state_.active_expiry,
                  .workers = config->process.threads,
                  .on_client_gone = [this](ClientId id) {
                    acceptor_.client_gone();
                    replication_->client_gone(id);
                  }});
  state_.startup_memory = memory_used();
  sampler_.start();
  log::notice("Ready to accept connections tcp");
  return {};
}

Result<void> Server::finish(const ShutdownRequest& request) {
  gates_.close(Gate::kAllPaused);
  {
    const keyspace::SafePoint::Exclusive quiet(keyspace_.safe_point(), nullptr);
  }
  // No command runs from here on: what is saved now is all there is.
  auto finished = persistence_.finish(request);
  if (!finished && !request.force) {
    gates_.open(Gate::kAllPaused);
    workers_.broadcast([](Worker& worker) { worker.unpause(); });
  }
  return finished;
}

int Server::run() {
  control_.run();
  acceptor_.close();
  workers_.stop();
  log::warning("Ashlar is now ready to exit, bye bye...");
  return 0;
}

}  // namespace ashlar::server
