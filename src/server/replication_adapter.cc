#include "server/replication_adapter.h"

#include <array>

#include "base/log.h"
#include "server/client.h"
#include "server/run_state.h"

namespace ashlar::server {

replication::Settings replication_settings(const config::Config& config) {
  const config::ReplicationConfig& from = config.replication;
  const config::OutputBufferLimit& limit = config.clients.output_limit(config::ClientClass::kReplica);
  replication::Settings to;
  to.user = from.user;
  to.password = from.password;
  to.serve_stale_data = from.serve_stale_data;
  to.read_only = from.read_only;
  to.announced = from.announced;
  to.priority = from.priority;
  to.announce_ip = from.announce_ip;
  to.source_address = config.network.bind_source;
  to.port = from.announce_port != 0 ? from.announce_port : config.network.port;
  to.diskless_sync = from.diskless_sync;
  to.diskless_sync_delay = from.diskless_sync_delay;
  to.diskless_sync_max_replicas = from.diskless_sync_max_replicas;
  using Load = replication::Settings::DisklessLoad;
  switch (from.diskless_load) {
    case config::DisklessLoad::kDisabled: to.diskless_load = Load::kNever; break;
    case config::DisklessLoad::kOnEmptyDatabase: to.diskless_load = Load::kWhenEmpty; break;
    case config::DisklessLoad::kSwap: to.diskless_load = Load::kBeside; break;
  }
  to.lazy_flush = from.lazy_flush;
  to.nodelay = !from.disable_tcp_nodelay;
  to.ping_period = from.ping_period;
  to.timeout = from.timeout;
  to.backlog_size = from.backlog_size;
  to.backlog_ttl = from.backlog_ttl;
  to.min_replicas = from.min_replicas_to_write;
  to.min_replicas_max_lag = from.min_replicas_max_lag;
  to.ack_replicas = from.min_replicas_ack;
  to.ack_on_disk = from.min_replicas_ack_fsync;
  to.output_hard = limit.hard;
  to.output_soft = limit.soft;
  to.output_soft_for = limit.soft_for;
  to.compression = config.snapshot.compress ? snapshot::Compression::kLzf : snapshot::Compression::kNone;
  to.checksum = config.snapshot.checksum ? snapshot::Checksum::kCrc64 : snapshot::Checksum::kNone;
  to.redis_version = kRedisVersion;
  return to;
}

void write_replication_info(const replication::Replication& replication, InfoWriter& out) {
  for (const auto& [name, value] : replication.info()) out.field(name, value);
}

void StreamApplier::attach(Dispatcher& dispatcher) {
  dispatcher_ = &dispatcher;
  run_ = dispatcher.make_execution();
}

namespace {
constexpr std::array<std::string_view, 1> kTransactionBegins = {"MULTI"};
constexpr std::array<std::string_view, 1> kTransactionEnds = {"EXEC"};
}  // namespace

void StreamApplier::begin(WallTime now, Run run) {
  const Dispatcher::Parts& parts = dispatcher_->parts();
  how_ = run;
  if (run != Run::kOneByOne) {
    alone_.emplace(parts.keyspace.safe_point(), nullptr);
    run_->alone = true;
    if (run == Run::kAsOne) parts.log.record(session_.db, kTransactionBegins, changelog::Target::kAofOnly);
  } else {
    run_->participant.enter();
  }
  dispatcher_->begin_batch(*run_, now, command::Origin::kPrimary);
}

void StreamApplier::end() {
  if (run_->alone) {
    if (how_ == Run::kAsOne)
      dispatcher_->parts().log.record(session_.db, kTransactionEnds, changelog::Target::kAofOnly);
    run_->alone = false;
    alone_.reset();
    // Who waits sees the whole transaction or nothing of it.
    const keyspace::Batch inside(run_->participant);
    if (run_->interests.any_ready()) dispatcher_->serve_ready(*run_);
  } else {
    run_->participant.leave();
  }
}

void StreamApplier::settle() {
  if (run_->wrote) {
    run_->wrote = false;
    (void)durability_.settle(Durability::Turn::kWrote);
    durability_.sync();  // our primary is told by acknowledgements, which ask the log
  }
  Dispatcher::deliver(*run_);
}

replication::Applier::Applied StreamApplier::apply(std::span<const std::string_view> args) {
  constexpr std::size_t kShown = 256;
  const Located located = dispatcher_->look_up(*run_, args);
  if (!run_->alone && located.command != nullptr && dispatcher_->needs_all(*located.command, args)) {
    return Applied::kNeedsAll;
  }
  (void)dispatcher_->run(*run_, located, args, session_, encoder_);  // a primary's commands are never postponed
  if (!replies_.empty() && replies_.view().front() == '-') {
    log::warning(
        "== CRITICAL == This replica is sending an error to its master: '{}' after processing the command '{}'",
        replies_.view().substr(1, kShown), located.command == nullptr ? "<unknown>" : located.command->spec.name);
  }
  replies_.clear();
  if (replies_.capacity() > 1024 * 1024) replies_ = ByteBuffer();
  return Applied::kDone;
}

replication::Takeover::Answer ClientTakeover::take(command::Session& session,
                                                   std::function<void(replication::TakenSocket)> taker) {
  auto* client = dynamic_cast<Client*>(&session);
  if (client == nullptr) return Answer::kNoClient;
  client->depart([taker = std::move(taker)](Departed departed) {
    taker({std::move(departed.fd), std::move(departed.unread), departed.id, std::move(departed.peer_address),
           std::move(departed.local_address)});
  });
  return Answer::kTaken;
}

void ReplicationHost::show(const replication::RoleFacts& facts) {
  const bool changed = facts.replica != gates_.closed(Gate::kReplica);
  set(Gate::kReplica, facts.replica);
  set(Gate::kRedirect, facts.replica && !config_.get()->cluster.enabled);
  set(Gate::kReadOnlyReplica, facts.read_only);
  set(Gate::kStale, facts.stale);
  set(Gate::kFewReplicas, facts.few_replicas);
  apply_settings();
  if (changed && role_observer_) role_observer_(facts.replica ? Role::kReplica : Role::kPrimary);
}

void ReplicationHost::apply_settings() noexcept {
  const bool ignores = gates_.closed(Gate::kReplica) && config_.get()->replication.ignore_max_memory;
  memory_.set_duty(ignores ? MemoryGuard::Duty::kIgnoreLimit : MemoryGuard::Duty::kEvict);
}

void ReplicationHost::loading(Loading state) {
  set(Gate::kAsyncLoading, state == Loading::kBeginsBeside);
  const bool begins = state == Loading::kBegins;
  if (loading_.exchange(begins) != begins) set(Gate::kLoading, begins);
}

void ReplicationHost::dataset_goes() {
  if (dataset_goes_) dataset_goes_();
}

void ReplicationHost::dataset_replaced() {
  if (dataset_observer_) dataset_observer_();
}

void ReplicationHost::remember_upstream(const std::optional<net::Endpoint>& upstream) {
  if (config_.get()->cluster.enabled) return;
  service_.update([&](config::Config& config) {
    config.replication.upstream.reset();
    if (upstream) config.replication.upstream = config::Upstream{upstream->address, upstream->port};
  });
}

void ReplicationHost::hold_writes(Hold hold) {
  if (hold_) hold_(hold);
}

bool ReplicationHost::writes_paused() const {
  return gates_.closed(Gate::kWritesPaused) || gates_.closed(Gate::kAllPaused);
}

}  // namespace ashlar::server
