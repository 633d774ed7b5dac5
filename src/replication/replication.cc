#include "replication/replication.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace ashlar::replication {

using StreamSource = changelog::ChangeLog::StreamSource;

namespace {

std::string_view failover_name(Failover::State state) {
  switch (state) {
    case Failover::State::kNone: return "no-failover";
    case Failover::State::kWaitForSync: return "waiting-for-sync";
    case Failover::State::kInProgress: return "failover-in-progress";
  }
  return "unknown";
}

}  // namespace

Replication::Replication(const Parts& parts, const Settings& settings)
    : parts_(parts),
      settings_(std::make_shared<Settings>(settings)),
      current_(settings),
      stream_(random_node_id(), settings.backlog_size, [this] { parts_.loop.post([this] { replicas_.feed(); }); }),
      replicas_({parts.loop, parts.log, parts.snapshots, parts.files, stream_, traffic_, parts.commands,
                 [this] { return primary_ ? parts_.applier.selected() : DbIndex{0}; }, [this] { replicas_changed(); }}),
      failover_({parts.loop, parts.host, replicas_, stream_,
                 [this](const net::Endpoint& heir) { follow(heir, PrimaryLink::Intent::kHandOver, Data::kSame); },
                 [this] { promote(); }}),
      waiters_(parts.loop, replicas_, parts.host),
      link_({parts.loop, parts.log, parts.snapshots, parts.files, stream_, parts.applier, parts.host, traffic_,
             [this](const std::string& why) { replicas_.drop_all(why); }, [this] { show_role(); },
             [this](Failover::Answer answer) { failover_.answered(answer); }}) {
  replicas_.configure(settings);
  link_.configure(settings);
}

Replication::~Replication() = default;

void Replication::loaded(const snapshot::ReplicationAux& at) {
  stream_.restart(at.history, at.offset.value);
  parts_.applier.select(at.stream_db);
  replicas_.attach_stream();
  attached_ = true;
  loaded_ = true;
}

void Replication::settle() {
  if (!loaded_ || primary_) return;
  stream_.rename(random_node_id());
}

std::optional<snapshot::ReplicationAux> Replication::at_cut() const {
  if (!attached_.load(std::memory_order_relaxed)) return std::nullopt;
  const bool follows = follows_.load(std::memory_order_relaxed);
  if (follows && !link_.data_is_whole()) return std::nullopt;
  const History history = stream_.history();
  return snapshot::ReplicationAux{follows ? parts_.applier.selected() : parts_.log.replication_db(), history.id,
                                  ReplOffset{history.end}};
}

Replication::InStep Replication::in_step() const {
  InStep result;
  const std::int64_t end = stream_.end();
  for (const ReplicaStatus& replica : replicas_.status()) {
    ++result.replicas;
    if (replica.offset < end) ++result.behind;
  }
  return result;
}

void Replication::start() {
  show_role();
  arm_timer();
}

void Replication::arm_timer() {
  (void)parts_.loop.call_after(Millis(100), [this] {  // lives as long as the loop
    tick();
    arm_timer();
  });
}

void Replication::tick() {
  link_.tick();
  failover_.tick();
  if (!waiters_.empty()) waiters_.check();
  if (++ticks_ % 10 == 0) {
    const bool ours = !primary_ && !parts_.host.writes_paused();
    replicas_.tick(ours ? Replicas::Pings::kWhenDue : Replicas::Pings::kNone);
  }
  attached_ = replicas_.stream_attached();
  show_role();
}

void Replication::configure(const Settings& settings) {
  settings_.set(std::make_shared<Settings>(settings));
  parts_.loop.post([this] {
    current_ = *settings_.get();
    stream_.resize_backlog(static_cast<std::size_t>(current_.backlog_size));
    replicas_.configure(current_);
    link_.configure(current_);
    note_acknowledged(0);  // what was enough may be too little now
    replicas_changed();
  });
}

void Replication::switch_source(StreamSource source) {
  const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), nullptr);
  parts_.log.set_stream_source(source);
  note_acknowledged(0);  // offsets of another history
  if (source == StreamSource::kOurs) {
    stream_.rename(random_node_id());
    parts_.log.forget_replication_db();
  }
  show_role();
}

void Replication::announce(const net::Endpoint& primary) {
  link_.announce(primary);
  shown_ = {};
  shown_.replica = true;
  shown_.read_only = current_.read_only;
  parts_.host.show(shown_);
}

void Replication::follow(const net::Endpoint& primary, Data data) {
  follow(primary, PrimaryLink::Intent::kFollow, data);
}

void Replication::follow(const net::Endpoint& primary, PrimaryLink::Intent intent, Data data) {
  if (primary_ == primary) {
    if (data == Data::kOther) link_.expect_other_data();
    return;
  }
  const bool was_primary = !primary_;
  primary_ = primary;
  follows_ = true;
  replicas_.attach_stream();
  attached_ = true;
  if (was_primary) {
    switch_source(StreamSource::kPrimary);
    waiters_.cancel();
    log::set_role(log::Role::kReplica);
    log::notice(
        "Before turning into a replica, using my own master parameters to synthesize a cached master: I may be "
        "able to synchronize with the new master with just a partial transfer.");
  }
  parts_.host.remember_upstream(primary_);
  link_.follow(primary, intent, data);
  show_role();
}

void Replication::promote() {
  if (!primary_) return;
  link_.stop();
  primary_.reset();
  follows_ = false;
  switch_source(StreamSource::kOurs);
  replicas_.drop_all("the history has a new name");
  log::set_role(log::Role::kPrimary);
  parts_.host.remember_upstream(std::nullopt);
  log::notice("MASTER MODE enabled");
  show_role();
}

void Replication::replicas_changed() {
  show_role();
  if (!waiters_.empty()) waiters_.check();
  if (current_.ack_replicas == 0) return;
  const auto where = current_.ack_on_disk ? Replicas::Kept::kOnDisk : Replicas::Kept::kInMemory;
  if (const auto offset = replicas_.shared_by(current_.ack_replicas, where)) note_acknowledged(*offset);
}

void Replication::note_acknowledged(std::int64_t offset) {
  acknowledged_.store(offset);
  parts_.host.acknowledged();
}

void Replication::want_acks() {
  if (acks_wanted_.exchange(true)) return;
  parts_.loop.post([this] {
    acks_wanted_ = false;
    replicas_.ask_for_acks();
  });
}

void Replication::show_role() {
  RoleFacts facts;
  facts.replica = primary_.has_value();
  facts.read_only = facts.replica && current_.read_only;
  facts.stale = facts.replica && !current_.serve_stale_data && link_.phase() != PrimaryLink::Phase::kConnected;
  const bool few_good = current_.min_replicas > 0 && current_.min_replicas_max_lag.count() > 0 &&
                        replicas_.good() < current_.min_replicas;
  // What cannot be acknowledged is better not begun.
  facts.few_replicas = !facts.replica && (few_good || replicas_.online() < current_.ack_replicas);
  if (facts == shown_) return;
  shown_ = facts;
  parts_.host.show(facts);
}

Replication::Role Replication::role() const {
  return {stream_.history(), replicas_.status(), link_.status(), attached_.load(std::memory_order_relaxed),
          failover_.state()};
}

ReplOffset Replication::whole_until() const noexcept {
  const bool whole = !follows_.load(std::memory_order_relaxed) || link_.data_is_whole();
  return whole ? offset() : ReplOffset{};
}

std::optional<MonoTime> Replication::last_contact() const {
  return link_.data_is_whole() ? link_.status().contact : std::nullopt;
}

std::vector<std::pair<std::string, std::string>> Replication::info() const {
  const Role role = this->role();
  const std::shared_ptr<const Settings> settings = settings_.get();
  const MonoTime now = parts_.loop.clock().mono();
  const auto seconds_since = [&](MonoTime then) {
    return std::max<std::int64_t>(0, std::chrono::floor<Seconds>(now - then).count());
  };
  std::vector<std::pair<std::string, std::string>> out;
  const auto add = [&](std::string name, const auto& value) {
    out.emplace_back(std::move(name), fmt::format("{}", value));
  };
  add("role", role.replica() ? "slave" : "master");
  if (role.replica()) {
    using Phase = PrimaryLink::Phase;
    const PrimaryLink::Status& link = role.link;
    const bool up = link.phase == Phase::kConnected;
    add("master_host", link.primary->address);
    add("master_port", link.primary->port);
    add("master_link_status", up ? "up" : "down");
    add("master_last_io_seconds_ago", up && link.last_io ? seconds_since(*link.last_io) : -1);
    add("master_sync_in_progress", link.phase == Phase::kReceiving ? 1 : 0);
    add("slave_read_repl_offset", role.history.end + static_cast<std::int64_t>(link.unapplied));
    add("slave_repl_offset", role.history.end);
    if (link.phase == Phase::kReceiving) {
      add("master_sync_total_bytes", link.sync_total);
      add("master_sync_read_bytes", link.sync_received);
      add("master_sync_left_bytes", link.sync_total - std::min(link.sync_total, link.sync_received));
      add("master_sync_last_io_seconds_ago", link.last_io ? seconds_since(*link.last_io) : 0);
    }
    if (!up) add("master_link_down_since_seconds", link.down_since ? seconds_since(*link.down_since) : -1);
    add("slave_priority", settings->priority);
    add("slave_read_only", settings->read_only ? 1 : 0);
    add("replica_announced", settings->announced ? 1 : 0);
  }
  add("connected_slaves", role.replicas.size());
  if (settings->min_replicas > 0 && settings->min_replicas_max_lag.count() > 0) {
    add("min_slaves_good_slaves", std::ranges::count_if(role.replicas, [&](const ReplicaStatus& replica) {
          return replica.announced && now - replica.last_ack <= settings->min_replicas_max_lag;
        }));
  }
  for (std::size_t i = 0; i < role.replicas.size(); ++i) {
    const ReplicaStatus& replica = role.replicas[i];
    add(fmt::format("slave{}", i), fmt::format("ip={},port={},state={},offset={},lag={}", replica.address, replica.port,
                                               replica.state, replica.offset, seconds_since(replica.last_ack)));
  }
  const History& history = role.history;
  add("master_failover_state", failover_name(role.failover));
  add("master_replid", history.id.hex());
  add("master_replid2", history.second_id.hex());
  add("master_repl_offset", history.end);
  add("second_repl_offset", history.second_offset);
  add("repl_backlog_active", role.stream_active ? 1 : 0);
  add("repl_backlog_size", history.backlog_capacity);
  // What waits for a replica that lags serves others, too.
  const std::int64_t oldest = std::min(history.backlog_begin, replicas_.holds_from());
  add("repl_backlog_first_byte_offset", role.stream_active ? oldest + 1 : 0);
  add("repl_backlog_histlen", role.stream_active ? history.end - oldest : 0);
  return out;
}

Result<void> Replication::note_traits(ClientId client, std::string_view option, std::string_view value) {
  MutexLock lock(mutex_);
  ReplicaTraits& traits = traits_[client.value];
  traits_count_ = traits_.size();
  return take_replconf(traits, option, value);
}

ReplicaTraits Replication::take_traits(ClientId client) {
  MutexLock lock(mutex_);
  const auto it = traits_.find(client.value);
  if (it == traits_.end()) return {};
  ReplicaTraits traits = std::move(it->second);
  traits_.erase(it);
  traits_count_ = traits_.size();
  return traits;
}

void Replication::client_gone(ClientId client) {
  if (traits_count_.load(std::memory_order_relaxed) != 0) (void)take_traits(client);
  if (waits_.load(std::memory_order_relaxed)) {
    parts_.loop.post([this, client] { waiters_.forget(client); });
  }
}

void Replication::take(TakenSocket socket, const SyncRequest& request, ReplicaTraits traits) {
  parts_.loop.post([this, socket = std::move(socket), request, traits = std::move(traits)]() mutable {
    replicas_.take(std::move(socket), request, std::move(traits));
    attached_ = true;
  });
}

std::int64_t Replication::offset_of(ReplOffset last_write) const {
  return stream_.offset_of(static_cast<std::uint64_t>(last_write.value));
}

void Replication::wait_for(ClientId client, const KeepGoal& goal, Millis timeout, command::Completion done) {
  waits_ = true;
  parts_.loop.post([this, client, goal, timeout, done = std::move(done)]() mutable {
    std::optional<MonoTime> deadline;
    if (timeout.count() > 0) deadline = parts_.loop.now() + timeout;
    replicas_.ask_for_acks();
    waiters_.add(client, goal, deadline, std::move(done));
  });
}

void Replication::log_advanced() {
  if (waiters_.wait_for_log()) parts_.loop.post([this] { waiters_.check(); });
}

void Replication::end_links(Peers peers, std::function<bool(const LinkFacts&)> which,
                            std::function<void(std::size_t)> done) {
  parts_.loop.post([this, peers, which = std::move(which), done = std::move(done)] {
    constexpr const char* kWhy = "ended by CLIENT KILL";
    if (peers == Peers::kReplicas) return done(replicas_.drop(which, kWhy));
    const PrimaryLink::Status primary = link_.status();
    const bool ends = primary.link && primary.phase == PrimaryLink::Phase::kConnected && which(*primary.link);
    if (ends) link_.end(kWhy);
    done(ends ? 1 : 0);
  });
}

std::vector<LinkFacts> Replication::links(Peers peers) const {
  std::vector<LinkFacts> found;
  if (peers == Peers::kPrimary) {
    if (auto link = link_.status().link) found.push_back(std::move(*link));
  } else {
    for (ReplicaStatus& replica : replicas_.status()) found.push_back(std::move(replica.link));
  }
  return found;
}

void Replication::end_wait(ClientId client, Waiters::Early how, std::function<void(bool)> done) {
  parts_.loop.post([this, client, how, done = std::move(done)] { done(waiters_.end(client, how)); });
}

void Replication::dataset_emptied() {
  if (!sends_snapshot()) return;
  parts_.loop.post([this] { replicas_.restart_transfers("the dataset was emptied: a snapshot of it is of no use"); });
}

std::optional<std::uint64_t> Replication::log_position() const {
  const auto log = parts_.host.log_positions();
  if (!log) return std::nullopt;
  return log->appended;
}

}  // namespace ashlar::replication
