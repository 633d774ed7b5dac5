#include "server/root/server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <ranges>
#include <set>

#include "base/bytes.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/acl/describe.h"
#include "server/commands/client_line.h"
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
replication::Replication::Peers peers_of(ClientFilter::Kind kind) {
  using Peers = replication::Replication::Peers;
  return kind == ClientFilter::Kind::kPrimary ? Peers::kPrimary : Peers::kReplicas;
}

std::string describe(const command::Session& session, const Clock& clock) {
  const auto* client = dynamic_cast<const Client*>(&session);
  return client == nullptr ? "" : client_line(*client, clock.mono());
}

/// shutdown-on-sigint and shutdown-on-sigterm.
ShutdownRequest request_of(std::uint8_t flags) {
  using Flag = config::ShutdownFlag;
  using Save = ShutdownRequest::Save;
  const auto has = [flags](Flag flag) { return (flags & static_cast<std::uint8_t>(flag)) != 0; };
  ShutdownRequest request;
  request.save = has(Flag::kSave) ? Save::kSave : has(Flag::kNoSave) ? Save::kNoSave : Save::kAsConfigured;
  request.now = has(Flag::kNow);
  request.force = has(Flag::kForce);
  return request;
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
      const auto config = server_.config_.get();
      server_.shutdown_.request(
          request_of(info.ssi_signo == SIGINT ? config->process.on_sigint : config->process.on_sigterm));
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
      gatekeeper_(users_, denials_, clock, &describe),
      oom_score_(files),
      memory_(keyspace_, [this] { return exempt_memory(); }),
      control_(clock),
      acceptor_(control_, workers_, config_, users_),
      config_service_(config_, files),
      shutdown_(control_),
      persistence_({keyspace_, clock, files, log_, config_, gates_, latency_, state_,
                    [this] { return replication_ ? replication_->at_cut() : std::nullopt; },
                    [this] { return replication_ && replication_->sends_snapshot(); }}),
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
                 persistence_.dataset_emptied();
                 if (!config_.get()->snapshot.save_points.empty()) persistence_.schedule_save();
                 replication_->dataset_emptied();
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
              [this](std::function<void()> done) { control_.post(std::move(done)); }, gates_}),
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
                [this](ClientFilter::Kind kind, const ClientCommands::PicksLink& which,
                       std::function<void(std::size_t)> done) {
                  replication_->end_links(peers_of(kind), which, std::move(done));
                },
            .links = [this](ClientFilter::Kind kind) { return replication_->links(peers_of(kind)); },
            .log = command_log_,
            .acl = {users_, denials_, table_, config_, files},
            .memory = accounts_,
            .latency = {latency_, stats_, table_, rate_},
            .debug = {keyspace_, log_, persistence_, state_, config_,
                      [this] { return config_service_.rewrite(config::Extent::kAll); },
                      [this] { workers_.broadcast([](Worker& worker) { worker.attend_waiters(); }); },
                      [this](const DebugCommands::LinkCut& cut) { cut_cluster_links(cut); },
                      [this](std::optional<std::int64_t> type) {
                        if (cluster_) cluster_->driver().drop_arriving(type);
                      }}}),
      sampler_({control_, stats_, state_, [this] { return replication_->traffic().in.load(std::memory_order_relaxed); },
                [this] { return replication_->traffic().out.load(std::memory_order_relaxed); }}) {
  keyspace_.set_functions(&scripts_);
  scripts_.while_overdue([this](command::Session& session) {
    keyspace_.safe_point().announce_busy();
    if (auto* client = dynamic_cast<Client*>(&session)) client->worker().serve_while_busy();
  });
  scripts_.after_overdue([this] { keyspace_.safe_point().end_busy(); });
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

Server::~Server() {  // these use parts that go before them
  migrate_.reset();
  persistence_.stop();
}

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
  workers_.broadcast([](Worker& worker) { worker.take_settings(); });
  memory_.set_samples(config.memory.samples);
  keyspace_.access().policy = policy_of(config.memory.policy);
  keyspace_.access().lfu_log_factor = config.memory.lfu_log_factor;
  keyspace_.access().lfu_decay_minutes = config.memory.lfu_decay_minutes;
  scripts_.set_busy_threshold(config.process.busy_reply_threshold);
  apply_encoding(config.encoding, keyspace_.limits());
  strings_.set_max_bytes(config.clients.max_bulk_length);
  generic_.set_freeing(config.memory.lazy_user_flush ? keyspace::Keyspace::Freeing::kInBackground
                                                     : keyspace::Keyspace::Freeing::kNow);
  notifications_.set(config.monitor.events);
  tracking_.set_limit(config.clients.tracking_table_max_keys);
  persistence_.apply(config);
  if (cluster_) cluster_->apply(config);
  config.replication.import_mode ? gates_.close(Gate::kImporting) : gates_.open(Gate::kImporting);
  log_.set_expiry_word(config.memory.lazy_expire ? changelog::ChangeLog::ExpiryWord::kUnlink
                                                 : changelog::ChangeLog::ExpiryWord::kDel);
  control_.post([this] { replication_host_.apply_settings(); });
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
      config::UserLine line{{"user", user->name()}, {}};
      const std::string rules = acl::user_text(user->rules());
      for (const auto rule : std::views::split(rules, ' ')) line.words.emplace_back(rule.begin(), rule.end());
      now.security.users.push_back(std::move(line));
    }
  });
  users_.on_change([this] { workers_.broadcast([](Worker& worker) { worker.refresh_users(); }); });
  dispatcher_->set_permissions(&gatekeeper_);
  dispatcher_->set_busy_text([this] { return scripts_.running().busy_text(); });
  return {};
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

void Server::hold_writes(replication::Host::Hold hold) {
  using Holder = ClientPause::Holder;
  if (hold == replication::Host::Hold::kEnds) return pause_.unpause(Holder::kFailover);
  constexpr auto kWithoutEnd = std::chrono::hours(24 * 365);
  pause_.pause(Holder::kFailover, ClientPause::Scope::kWrites, clock_.mono() + kWithoutEnd);
  // Every loop passes a safe point: then no write that came before the pause is under way any more.
  const keyspace::SafePoint::Exclusive all(keyspace_.safe_point(), nullptr);
}

std::uint64_t Server::exempt_memory() const {
  std::uint64_t sum = persistence_.aof_buffer() + persistence_.host().copied_bytes() + ledger_.spare();
  if (const auto* reclaimer = keyspace_.reclaimer()) sum += reclaimer->pending_bytes();
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
            return role.stream_active ? role.history.backlog_size : 0;
          },
          .replicas = [this] { return replication_ ? replication_->lag_memory() : 0; },
          .aof_buffer = [this] { return persistence_.aof_buffer(); }};
}

ClusterService::Replication Server::cluster_hooks() {
  return {.status =
              [this] { return cluster::ReplicationStatus{replication_->whole_until(), replication_->last_contact()}; },
          .change_role =
              [this](const cluster::RoleChange& change) {
                if (const auto* follow = std::get_if<cluster::FollowPrimary>(&change)) {
                  const bool same = follow->data == cluster::FollowPrimary::Data::kSame;
                  if (follow->address.ip.empty() || follow->address.port == 0) {
                    if (!same) replication_->expect_other_data();
                    return;
                  }
                  replication_->follow({follow->address.ip, follow->address.port},
                                       same ? replication::Data::kSame : replication::Data::kOther);
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
  sampler_.forget_rates();
  memory_.reset_exceeded();
  persistence_.reset_counters();
  if (const auto* reclaimer = keyspace_.reclaimer()) state_.lazy_freed_before = reclaimer->freed();
  if (cluster_) cluster_->slot_stats().reset();
  acceptor_.reset_counters();
  for (auto counter : {&keyspace::Counters::hits, &keyspace::Counters::misses, &keyspace::Counters::expired,
                       &keyspace::Counters::evicted}) {
    keyspace_.reset(counter);
  }
}

void Server::arm_timer() {
  (void)control_.call_after(Millis(100), [this] {
    tick();
    arm_timer();
  });
}

Shutdown::Parts::Script Server::script_state() const {
  using Script = Shutdown::Parts::Script;
  constexpr Millis kLong{100};
  if (scripts_.running().any_overdue()) return Script::kOverdue;
  const auto oldest = scripts_.running().oldest();
  return oldest != nullptr && clock_.mono() - oldest->started > kLong ? Script::kLong : Script::kNone;
}

/// For who watches a server by its log.
void Server::log_figures() {
  constexpr Seconds kPeriod{5};
  if (!log::enabled(log::Level::kVerbose) || clock_.mono() - figures_logged_ < kPeriod) return;
  figures_logged_ = clock_.mono();
  std::uint32_t db = 0;
  for (const keyspace::Keyspace::Size& size : keyspace_.sizes()) {
    if (size.keys > 0) log::verbose("DB {}: {} keys ({} volatile)", db, size.keys, size.expires);
    ++db;
  }
  log::debug("{} clients connected ({} replicas), {} bytes in use", acceptor_.connected(),
             replication_->role().replicas.size(), memory_used());
}

void Server::tick() {
  log_figures();
  using Cuts = Persistence::Cuts;
  const bool cut = script_state() == Shutdown::Parts::Script::kNone;
  if (!state_.cron_paused) persistence_.tick(cut ? Cuts::kNow : Cuts::kLater);
  migrate_->close_idle(clock_.mono());
  if (cluster_ && cluster_->slot_stats().counting()) {
    cluster_->slot_stats().set_replicas(static_cast<std::uint32_t>(replication_->role().replicas.size()));
  }
}

Result<void> Server::finish(const ShutdownRequest& request) {
  if (phase_ == Phase::kLoading) {  // there is nothing to save: the files are as they were
    phase_ = Phase::kGivenUp;
    return {};
  }
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

Result<void> Server::watch_signals() { return signals_->watch(control_); }

void Server::close_doors() {
  acceptor_.close();
  workers_.stop();
  pid_file_.reset();
}

int Server::run() {
  control_.run();
  close_doors();
  log::warning("Ashlar is now ready to exit, bye bye...");
  return 0;
}

}  // namespace ashlar::server
