#include "server/root/server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <set>

#include "base/bytes.h"
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
#include "server/acl/describe.h"
#include "server/commands/client_line.h"
#include "server/commands/register.h"
#include "server/info_sections.h"
#include "snapshot/dump_payload.h"
#include "snapshot/function_payload.h"

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

/// In a cluster `databases` says nothing.
std::uint32_t databases_of(const config::Config& config) {
  return config.cluster.enabled ? config.cluster.databases : config.process.databases;
}

acl::ChannelDefault channels_of(const config::Config& config) {
  return config.security.pubsub_default == config::PubSubDefault::kAllChannels ? acl::ChannelDefault::kAll
                                                                               : acl::ChannelDefault::kNone;
}

/// maxmemory-clients in bytes; a share of no limit is no limit.
std::uint64_t client_limit(const config::Config& config) {
  const config::MemoryShare& share = config.clients.memory_limit;
  if (share.unit == config::MemoryShare::Unit::kBytes) return share.amount;
  return config.memory.max_memory / 100 * share.amount;
}

/// A session in the log of refusals.
std::string describe(const command::Session& session, const Clock& clock) {
  const auto* client = dynamic_cast<const Client*>(&session);
  return client == nullptr ? "" : client_line(*client, clock.mono());
}

std::string address_of(const command::Session& session) {
  const auto* client = dynamic_cast<const Client*>(&session);
  return client == nullptr ? "" : client->peer_address();
}

/// For DEBUG SET-SKIP-CHECKSUM-VALIDATION: the payload with the checksum that its bytes have.
std::string with_own_checksum(std::string_view payload) {
  std::string fixed(payload);
  constexpr std::size_t kChecksum = 8;
  if (fixed.size() > kChecksum) {
    const std::size_t body = fixed.size() - kChecksum;
    store_le(fixed.data() + body, crc64(0, std::string_view(fixed).substr(0, body)));
  }
  return fixed;
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
    // Shells start background jobs with SIGINT ignored.
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
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
      keyspace_(databases_of(*config_.get())),
      gatekeeper_(denials_, clock, &describe),
      oom_score_(files),
      memory_(keyspace_, [this] { return exempt_memory(); }),
      control_(clock),
      acceptor_(control_, workers_, config_, users_),
      config_service_(config_, files),
      shutdown_(control_),
      persistence_({keyspace_, clock, files, log_, config_, gates_, latency_, state_,
                    [this] { return replication_ ? replication_->at_cut() : std::nullopt; }}),
      persistence_commands_(persistence_),
      connection_({config_, workers_, users_, gatekeeper_, keyspace_.databases(),
                   [this] { return gates_.closed(Gate::kReplica) ? "replica" : "master"; },
                   [this] {
                     using Mode = ConnectionCommands::Parts::Mode;
                     return config_.get()->cluster.enabled ? Mode::kCluster : Mode::kStandalone;
                   }}),
      generic_({[](const keyspace::Entry& entry) { return snapshot::dump_value(entry); },
                [this](std::string_view payload, const keyspace::EncodingLimits& limits) {
                  const snapshot::RdbLimits bounds{.encoding = limits};
                  return state_.trust_checksums ? snapshot::restore_value(with_own_checksum(payload), bounds)
                                                : snapshot::restore_value(payload, bounds);
                }},
               config_.get()->cluster.enabled ? commands::ServerMode::kCluster : commands::ServerMode::kStandalone,
               [this] {  // so that a crash does not bring the data back
                 if (!config_.get()->snapshot.save_points.empty()) persistence_.schedule_save();
               }),
      scripts_({clock,
                config_.get()->cluster.enabled ? script::ScriptCommands::Mode::kCluster
                                               : script::ScriptCommands::Mode::kStandalone,
                &snapshot::dump_functions, &snapshot::restore_functions}),
      admin_({info_, config_service_, shutdown_, [this] { reset_statistics(); },
              [this] {
                return scripts_.running().any_overdue() ? std::optional(std::string(scripts_.running().busy_text()))
                                                        : std::nullopt;
              },
              [this](std::function<void()> done) { control_.post(std::move(done)); }}),
      pause_(gates_, workers_, control_),
      accounts_(memory_parts()),
      own_({.table = table_,
            .workers = workers_,
            .pause = pause_,
            .gates = gates_,
            .end_keep_wait =
                [this](ClientId client, Worker::WaitEnd how, std::function<void(bool)> done) {
                  using Early = replication::Waiters::Early;
                  const Early early = how == Worker::WaitEnd::kTimeout ? Early::kAsTimeout : Early::kAsError;
                  replication_->end_wait(client, early, std::move(done));
                },
            .end_links =
                [this](ClientFilter::Kind kind, const ClientCommands::PleasesAddress& which,
                       std::function<void(std::size_t)> done) {
                  using Peers = replication::Replication::Peers;
                  const Peers peers = kind == ClientFilter::Kind::kPrimary ? Peers::kPrimary : Peers::kReplicas;
                  replication_->end_links(peers, which, std::move(done));
                },
            .log = command_log_,
            .acl = {users_, denials_, table_, config_, files},
            .memory = accounts_,
            .latency = {latency_, stats_, table_, rate_},
            .debug = {keyspace_, log_, persistence_, state_, config_,
                      [this] { return config_service_.rewrite(config::Extent::kAll); },
                      [this](const DebugCommands::LinkCut& cut) { cut_cluster_links(cut); }}}),
      sampler_({control_, stats_, state_, [this] { return replication_->traffic().in.load(std::memory_order_relaxed); },
                [this] { return replication_->traffic().out.load(std::memory_order_relaxed); }}) {
  keyspace_.set_functions(&scripts_);
  scripts_.while_overdue([this](command::Session& session) {
    keyspace_.safe_point().announce_busy();
    if (auto* client = dynamic_cast<Client*>(&session)) client->worker().serve_while_busy();
  });
  scripts_.staleness([this] {
    using Staleness = script::ScriptCommands::Staleness;
    return gates_.closed(Gate::kStale) ? Staleness::kStale : Staleness::kFresh;
  });
  scripts_.permissions([this](command::Session& session, std::span<const std::string_view> args) -> Result<bool> {
    const command::Command* command = table_.find(args[0]);
    if (command != nullptr && command->spec.is(command::Flag::kHasSubcommands) && args.size() > 1) {
      command = command::CommandTable::find_sub(*command, args[1]);
    }
    if (command == nullptr) return fail("no such command");
    return !session.restricted() || !session.user()->check(*command, args);
  });
  state_.run_id = random_node_id();
  state_.started = clock.mono();
  state_.started_wall = clock.wall();
  signals_ = std::make_unique<Signals>(*this);  // before any thread: each inherits what is blocked
  keyspace_.free_in_background();
}

Server::~Server() = default;

void Server::apply_settings(const config::Config& config) {
  log::set_level(config.log.level);
  command_log_.set_length(CommandLog::Kind::kSlow, config.monitor.slow_log_length);
  command_log_.set_length(CommandLog::Kind::kLargeRequest, config.monitor.large_request_length);
  command_log_.set_length(CommandLog::Kind::kLargeReply, config.monitor.large_reply_length);
  users_.set_channel_default(channels_of(config));
  denials_.set_length(config.security.acl_log_length);
  latency_.set_threshold(config.monitor.latency_threshold);
  dispatcher_->observe(config.monitor);
  memory_.set_limit(config.memory.max_memory);
  ledger_.set_limit(client_limit(config));
  workers_.broadcast([](Worker& worker) { worker.evict(); });
  memory_.set_samples(config.memory.samples);
  keyspace_.access().policy = policy_of(config.memory.policy);
  keyspace_.access().lfu_log_factor = config.memory.lfu_log_factor;
  keyspace_.access().lfu_decay_minutes = config.memory.lfu_decay_minutes;
  scripts_.set_busy_threshold(config.process.busy_reply_threshold);
  apply_encoding(config.encoding, keyspace_.limits());
  strings_.set_max_bytes(config.clients.max_bulk_length);
  notifications_.set(config.monitor.events);
  tracking_.set_limit(config.clients.tracking_table_max_keys);
  persistence_.apply(config);
  if (cluster_) cluster_->apply(config);
  config.replication.import_mode ? gates_.close(Gate::kImporting) : gates_.open(Gate::kImporting);
  log_.set_expiry_word(config.memory.lazy_expire ? changelog::ChangeLog::ExpiryWord::kUnlink
                                                 : changelog::ChangeLog::ExpiryWord::kDel);
  replication_->configure(replication_settings(config));
}

Result<void> Server::start_users(const config::Config& config) {
  const config::SecurityConfig& security = config.security;
  users_.start(channels_of(config));
  if (!security.password.empty()) users_.set_default_password(security.password);
  if (!security.acl_file.empty() && !security.users.empty()) {
    return fail(
        "There are both `user` lines and an `aclfile`. Users stand either in the configuration or in an ACL "
        "file, not in both.");
  }
  std::set<std::string_view> declared;
  for (const config::UserLine& line : security.users) {
    if (!declared.insert(line.words[1]).second) {
      return fail(
          fmt::format("{}, line {}: Error in user declaration '{}': Duplicate user found. A user can only be "
                      "defined once in config files",
                      line.where.source, line.where.line, line.words[1]));
    }
    if (auto done = users_.configure(line.words); !done) {
      return fail(fmt::format("{}, line {}: {}", line.where.source, line.where.line, done.error().text()));
    }
  }
  if (!security.acl_file.empty()) ASH_TRY_VOID(users_.load_file(files_, security.acl_file));
  config_service_.on_change("requirepass", [this](const config::Config& now) -> Result<void> {
    users_.set_default_password(now.security.password);
    return {};
  });
  config_service_.before_rewrite([this](config::Config& now) {
    now.security.users.clear();
    if (!now.security.acl_file.empty()) return;
    for (const auto& user : users_.all()) {
      now.security.users.push_back({{"user", user->name(), acl::user_text(user->rules())}, {}});
    }
  });
  users_.on_change([this] { workers_.broadcast([](Worker& worker) { worker.refresh_users(); }); });
  dispatcher_->set_permissions(&gatekeeper_);
  dispatcher_->set_busy_text([this] { return scripts_.running().busy_text(); });
  return {};
}

void Server::start_replication(const config::Config& config) {
  applier_->attach(*dispatcher_);
  info_.add("Replication", Info::Shown::kByDefault,
            [this](InfoWriter& out) { write_replication_info(*replication_, out); });
  replication_host_.connect({.dataset_replaced =
                                 [this] {
                                   persistence_.dataset_replaced();
                                   const keyspace::SafePoint::Exclusive all(keyspace_.safe_point(), nullptr);
                                   tracking_.flushed();
                                 },
                             .log = [this] { return persistence_.log_positions(); },
                             .hold_writes = [this](replication::Host::Hold hold) { hold_writes(hold); }});
  replication_host_.on_acknowledged([this] { workers_.release_acknowledged(); });
  replication_host_.on_role_change([this](ReplicationHost::Role role) { role_changed(role); });
  dispatcher_->set_redirects([this](const command::Session& session) { return redirect(session); });
  info_.add("Stats", Info::Shown::kByDefault, [this](InfoWriter& out) {
    const replication::SyncCounts& counts = replication_->sync_counts();
    out.field("sync_full", counts.full.load(std::memory_order_relaxed));
    out.field("sync_partial_ok", counts.resumed.load(std::memory_order_relaxed));
    out.field("sync_partial_err", counts.not_resumed.load(std::memory_order_relaxed));
  });
  replication_->start();
  if (const auto& upstream = config.replication.upstream; upstream && !config.cluster.enabled) {
    replication_->follow({upstream->host, upstream->port});
  }
}

Result<void> Server::apply_oom_score(const config::Config& config) {
  const auto value = [&](std::string_view name) { return format_value(config, *config::find_directive(name)); };
  const auto role = gates_.closed(Gate::kReplica) ? OomScore::Role::kReplica : OomScore::Role::kPrimary;
  auto done = oom_score_.apply(oom_wish(value("oom-score-adj"), value("oom-score-adj-values")), role);
  if (done) return {};
  log::warning("Unable to write oom_score_adj: {}", done.error().text());
  return fail("Failed to apply new oom_score_adj configuration, check server logs.");
}

void Server::role_changed(ReplicationHost::Role role) {
  (void)apply_oom_score(*config_.get());  // logged; the role changes all the same
  if (role == ReplicationHost::Role::kReplica) {
    workers_.broadcast([](Worker& worker) { worker.end_all_waits(); });
  } else {  // those who waited to be redirected
    workers_.broadcast([](Worker& worker) { worker.unpause(); });
  }
}

Redirection Server::redirect(const command::Session& session) const {
  using Kind = Redirection::Kind;
  const auto* client = dynamic_cast<const Client*>(&session);
  if (client == nullptr || !client->follows_redirects) return {};
  const auto role = replication_->role();
  if (!role.replica()) return {};
  // Until the heir has taken over it is a replica, too, and would send the client back.
  if (role.failover == replication::Failover::State::kInProgress) return {Kind::kWaits, {}};
  return {Kind::kGoes, fmt::format("{}:{}", role.link.primary->address, role.link.primary->port)};
}

void Server::cut_cluster_links(const DebugCommands::LinkCut& cut) {
  if (cluster_) cluster_->driver().cut_links(cut.node, cut.ends);
}

void Server::connect_shutdown() {
  using Hold = Shutdown::Parts::Hold;
  using ReplicationHold = replication::Host::Hold;
  shutdown_.connect({.finish = [this](const ShutdownRequest& request) { return finish(request); },
                     .lagging_replicas = [this] { return replication_->in_step().behind; },
                     .timeout = [this] { return config_.get()->process.shutdown_timeout; },
                     .hold_writes =
                         [this](Hold hold) {
                           hold_writes(hold == Hold::kBegins ? ReplicationHold::kBegins : ReplicationHold::kEnds);
                         }});
}

void Server::hold_writes(replication::Host::Hold hold) {
  using Holder = ClientPause::Holder;
  if (hold == replication::Host::Hold::kEnds) return pause_.unpause(Holder::kFailover);
  constexpr auto kWithoutEnd = std::chrono::hours(24 * 365);
  pause_.pause(Holder::kFailover, ClientPause::Scope::kWrites, clock_.mono() + kWithoutEnd);
  // Every loop passes a safe point: then no write that came before the pause is under way any more.
  const keyspace::SafePoint::Exclusive all(keyspace_.safe_point(), nullptr);
}

std::uint64_t Server::exempt_memory() const {
  std::uint64_t sum = persistence_.aof_buffer();
  if (!replication_) return sum;
  return sum + replication_->lag_memory();
}

MemoryAccounts::Parts Server::memory_parts() {
  return {.keyspace = keyspace_,
          .state = state_,
          .clients = [this] { return ledger_.bytes(); },
          .backlog = [this]() -> std::uint64_t {
            if (!replication_) return 0;
            const auto role = replication_->role();
            return role.stream_active ? role.history.backlog_capacity : 0;
          },
          .replicas = [this] { return replication_ ? replication_->lag_memory() : 0; },
          .aof_buffer = [this] { return persistence_.aof_buffer(); }};
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
  denials_.reset_totals();
  replication::SyncCounts& syncs = replication_->sync_counts();
  replication::Traffic& traffic = replication_->traffic();
  for (auto* count : {&syncs.full, &syncs.resumed, &syncs.not_resumed, &traffic.in, &traffic.out}) {
    count->store(0, std::memory_order_relaxed);
  }
  stats_.reset();
  if (const auto* reclaimer = keyspace_.reclaimer()) state_.lazy_freed_before = reclaimer->freed();
  if (cluster_) cluster_->slot_stats().reset();
  acceptor_.reset_counters();
  for (auto counter : {&keyspace::Counters::hits, &keyspace::Counters::misses, &keyspace::Counters::expired,
                       &keyspace::Counters::evicted}) {
    keyspace_.reset(counter);
  }
}

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
  const auto cluster_connections = [this]() -> std::uint64_t {
    if (!cluster_) return 0;
    // One from us to each other node, and one from it to us.
    const auto view = cluster_->driver().view().get();
    return 2 * (std::uint64_t{view->size()} - 1);
  };
  register_info_sections(
      info_, {clock_, rate_, config_, config_service_, table_, stats_, keyspace_, acceptor_, ledger_, accounts_,
              memory_, denials_, state_, hub_, tracking_, scripts_,
              [this] { return replication_->traffic().in.load(std::memory_order_relaxed); },
              [this] { return replication_->traffic().out.load(std::memory_order_relaxed); }, cluster_connections});
  replication_commands_->register_in(table_);
}

void Server::arm_timer() {
  (void)control_.call_after(Millis(100), [this] {
    tick();
    arm_timer();
  });
}

void Server::tick() {
  if (!state_.cron_paused) persistence_.tick();
  migrate_->close_idle(clock_.mono());
  if (cluster_ && cluster_->slot_stats().counting()) {
    cluster_->slot_stats().set_replicas(static_cast<std::uint32_t>(replication_->role().replicas.size()));
  }
}

Result<void> Server::start() {
  const auto config = config_.get();
  if (config->cluster.enabled) {
    cluster_ = std::make_unique<ClusterService>(
        ClusterService::Parts{control_, files_, keyspace_, log_, gates_, workers_, cluster_hooks(), hub_}, *config);
    pubsub_.set_broadcast([this](pubsub::Hub::Scope scope, std::string_view channel, std::string_view message) {
      cluster_->broadcast(scope, channel, message);
    });
    pubsub_.set_slot_stats(cluster_->slot_stats());
  }
  cluster_commands_ = std::make_unique<cluster::ClusterCommands>(cluster::ClusterCommands::Parts{
      cluster_ ? &cluster_->driver() : nullptr, keyspace_, [this] { return endpoint_kind(*config_.get()); },
      [this] { return replication_->offset().value; }, cluster_ ? &cluster_->slot_stats() : nullptr, rate_,
      [](const command::Session& session) {
        const auto* client = dynamic_cast<const Client*>(&session);
        return client != nullptr && client->follows_redirects;
      }});
  slot_flush_ = std::make_unique<cluster::SlotFlush>(cluster_ ? &cluster_->driver() : nullptr);
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
  info_.add("Stats", Info::Shown::kByDefault, [this](InfoWriter& out) {
    out.field("migrate_cached_sockets", migrate_->cached_connections());
    out.field("slave_expires_tracked_keys", dispatcher_->local_expiries());
  });
  for (const config::RenamedCommand& renamed : config->security.renamed_commands) {
    ASH_TRY_VOID(table_.rename(renamed.from, renamed.to));
  }
  dispatcher_ =
      std::make_unique<Dispatcher>(Dispatcher::Parts{keyspace_, log_, table_, stats_, command_log_, latency_, gates_,
                                                     rate_, persistence_, notifications_, monitors_, tracking_});
  dispatcher_->set_address_of(&address_of);
  dispatcher_->set_script_flags([this](const command::CommandSpec& spec, std::span<const std::string_view> args) {
    return scripts_.flags_of(spec, args);
  });
  ASH_TRY_VOID(start_users(*config));
  apply_settings(*config);
  config_service_.after_change([this](const config::Config& now) { apply_settings(now); });
  ASH_TRY_VOID(signals_->watch(control_));
  control_run_ = dispatcher_->make_execution();
  migrate_->start(*dispatcher_);
  own_.start(*dispatcher_);
  const auto loaded = persistence_.load(*dispatcher_, *control_run_);
  if (!loaded) return std::unexpected(loaded.error());
  ASH_TRY_VOID(persistence_.start());
  for (const char* directive : {"oom-score-adj", "oom-score-adj-values"}) {
    config_service_.on_change(directive, [this](const config::Config& now) { return apply_oom_score(now); });
  }
  config_service_.on_change("port", [this](const config::Config& now) -> Result<void> {
    const auto done = acceptor_.listen(now);
    if (done) return {};
    log::warning("{}", done.error().text());
    return fail("Unable to listen on this port. Check server logs.");
  });
  config_service_.on_change("bind", [this](const config::Config& now) -> Result<void> {
    const auto done = acceptor_.listen(now);
    if (done) return {};
    log::warning("{}", done.error().text());
    return fail("Failed to bind to specified addresses.");
  });
  config_service_.on_change("appendonly", [this](const config::Config& now) { return persistence_.switch_aof(now); });
  connect_shutdown();
  if (loaded->replication) replication_->loaded(*loaded->replication);
  start_replication(*config);
  if (cluster_) {
    ASH_TRY_VOID(cluster_->start(*control_run_));
    dispatcher_->set_router(&cluster_->router());
    dispatcher_->set_slot_stats(&cluster_->slot_stats());
  }
  replication_->settle();
  arm_timer();
  ASH_TRY_VOID(acceptor_.listen(*config));
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
                  .workers = config->process.threads,
                  .on_client_gone = [this](ClientId id) {
                    acceptor_.client_gone();
                    replication_->client_gone(id);
                  }});
  (void)apply_oom_score(*config);  // logged: the server runs without it
  state_.startup_memory = memory_used();
  sampler_.start();
  log::notice("Ready to accept connections tcp");
  return {};
}

Result<void> Server::finish(const ShutdownRequest& request) {
  gates_.close(Gate::kAllPaused);
  // What is not saved need not be awaited: a script that goes on for ever would.
  if (request.save == ShutdownRequest::Save::kNoSave && scripts_.running().any_overdue()) scripts_.abandon_all();
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
