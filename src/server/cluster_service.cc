#include "server/cluster_service.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/log.h"
#include "keyspace/slot_guard.h"
#include "server/pubsub_commands.h"
#include "server/slot_costs.h"

namespace ashlar::server {

namespace {

constexpr std::uint16_t kBusPortOffset = 10'000;

std::uint16_t bus_port(const config::Config& config) {
  if (config.cluster.bus_port != 0) return config.cluster.bus_port;
  return static_cast<std::uint16_t>(config.network.port + kBusPortOffset);
}

cluster::Driver::Setup setup_of(const config::Config& config) {
  return {.options = cluster_options(config),
          .nodes_file = std::filesystem::path(config.snapshot.directory) / config.cluster.nodes_file,
          .bind = config.network.bind,
          .bus_listen_port = bus_port(config),
          .link_buffer_limit = config.cluster.link_buffer_limit};
}

}  // namespace

cluster::Options cluster_options(const config::Config& config) {
  cluster::Options options;
  const config::ClusterConfig& c = config.cluster;
  options.node_timeout = c.node_timeout;
  options.replica_validity_factor = c.replica_validity_factor;
  options.repl_ping_period = config.replication.ping_period;
  options.migration_barrier = c.migration_barrier;
  options.allow_replica_migration = c.allow_replica_migration;
  options.require_full_coverage = c.require_full_coverage;
  options.replica_no_failover = c.replica_no_failover;
  options.announce_ip = c.announce_ip;
  options.announce_hostname = c.announce_hostname;
  options.announce_human_name = c.announce_nodename;
  options.port = c.announce_port != 0 ? c.announce_port : config.network.port;
  options.tls_port = c.announce_tls_port;  // of something in front of us: this build has no TLS
  options.bus_port = c.announce_bus_port != 0 ? c.announce_bus_port : bus_port(config);
  return options;
}

cluster::EndpointKind endpoint_kind(const config::Config& config) {
  switch (config.cluster.preferred_endpoint) {
    case config::EndpointType::kIp: return cluster::EndpointKind::kIp;
    case config::EndpointType::kHostname: return cluster::EndpointKind::kHostname;
    case config::EndpointType::kUnknown: return cluster::EndpointKind::kUnknown;
  }
  return cluster::EndpointKind::kIp;
}

ClusterService::ClusterService(Parts parts, const config::Config& config)
    : parts_(std::move(parts)),
      bus_port_(bus_port(config)),
      driver_(parts_.control, parts_.files, *this, setup_of(config), random_seed()) {}

ClusterService::~ClusterService() = default;

Result<void> ClusterService::open(Execution& run) {
  run_ = &run;
  ASH_TRY_VOID(driver_.open());
  router_ = std::make_unique<cluster::Router>(driver_.view(), slots_);
  router_->set_rules(rules_);
  view_changed();
  return {};
}

Result<void> ClusterService::start() {
  ASH_TRY_VOID(driver_.start());
  parts_.control.on_turn_end([this] { view_changed(); });
  view_changed();
  driver_.loaded(slots_with_keys());
  return {};
}

cluster::SlotBitmap ClusterService::slots_with_keys() const {
  const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), nullptr);
  cluster::SlotBitmap with_keys;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    keyspace::Slot& slot = parts_.keyspace.slot(SlotId::wrap(i));
    bool any = false;
    slot.for_each_db([&](const keyspace::SlotDb& db) { any |= !db.table.empty(); });
    if (any) with_keys.set(SlotId::wrap(i));
  }
  return with_keys;
}

void ClusterService::apply(const config::Config& config) {
  config.cluster.slot_stats ? slot_stats_.start() : slot_stats_.stop();
  rules_ = {config.cluster.allow_reads_when_down, config.cluster.allow_shard_pubsub_when_down, endpoint_kind(config)};
  if (router_) {
    router_->set_rules(rules_);
    cluster::Options options = cluster_options(config);
    if (config.cluster.announce_bus_port == 0) options.bus_port = bus_port_;
    driver_.reconfigure(std::move(options));
    driver_.limit_links(config.cluster.link_buffer_limit);
  }
}

void ClusterService::view_changed() {
  const std::uint64_t version = driver_.view().version();
  if (version == seen_version_) return;
  seen_version_ = version;
  const auto view = driver_.view().get();
  slots_.update(*view);
  slot_stats_.follow(cluster::slots_holder(*view, view->myself()).slots);
  leave_shard_channels(*view);
  parts_.workers.broadcast([](Worker& worker) { worker.attend_waiters(); });
}

void ClusterService::leave_shard_channels(const cluster::View& view) {
  const cluster::Node& holder = cluster::slots_holder(view, view.myself());
  if (holder.slots == shard_slots_) return;
  // Shared by the loops; the last one to have looked frees it.
  auto lost = std::make_shared<cluster::SlotBitmap>();
  bool any = false;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    const SlotId slot = SlotId::wrap(i);
    if (!shard_slots_.test(slot) || holder.slots.test(slot)) continue;
    lost->set(slot);
    any = true;
  }
  shard_slots_ = holder.slots;
  if (!any || parts_.hub.count(pubsub::Kind::kShardChannel) == 0) return;
  parts_.workers.broadcast(
      [lost](Worker& worker) { pubsub::leave_shard_channels(worker, [&](SlotId slot) { return lost->test(slot); }); });
}

cluster::ReplicationStatus ClusterService::replication_status() {
  return parts_.replication.status ? parts_.replication.status() : cluster::ReplicationStatus{};
}

void ClusterService::change_role(const cluster::RoleChange& change) {
  if (parts_.replication.change_role) parts_.replication.change_role(change);
}

void ClusterService::flush_keyspace() {
  const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), &run_->participant);
  for (std::uint32_t db = 0; db < parts_.keyspace.databases(); ++db) parts_.keyspace.clear(DbIndex{db});
  run_->interests.flushed(std::nullopt);
  const std::array<std::string_view, 1> flush = {"FLUSHALL"};
  parts_.log.record(DbIndex{0}, flush);
}

void ClusterService::drop_slot(SlotId slot) {
  const keyspace::Batch inside(run_->participant);
  run_->access.now = parts_.control.wall_now();
  run_->access.counters = &run_->counters;
  run_->access.rng = &run_->rng;
  run_->access.expiry_role = keyspace::ExpiryRole::kApply;
  const keyspace::SlotGuard guard(parts_.keyspace, slot);
  for (std::uint32_t index = 0; index < parts_.keyspace.databases(); ++index) {
    keyspace::SlotDb* data = parts_.keyspace.slot(slot).find(index);
    if (data == nullptr) continue;
    std::vector<std::string> keys;
    data->table.for_each([&](const keyspace::EntryTable::Word& word) { keys.emplace_back(word.record()->key()); });
    keyspace::Db db(parts_.keyspace, DbIndex{index}, run_->access);
    for (const std::string& key : keys) {
      db.erase(parts_.keyspace.ref(key));
      const std::array<std::string_view, 2> del = {"DEL", key};
      parts_.log.record(DbIndex{index}, del);
    }
  }
}

void ClusterService::drop_slots(const std::vector<cluster::SlotRange>& slots) {
  for (const cluster::SlotRange& range : slots) {
    for (std::uint32_t i = range.first.value(); i <= range.last.value(); ++i) drop_slot(SlotId::wrap(i));
  }
  (void)run_->interests.take_ready();  // who waited for these keys has been sent away by view_changed()
  Dispatcher::deliver(*run_);
}

void ClusterService::pause_writes(MonoTime until, std::function<void(ReplOffset)> paused) {
  parts_.pause.pause(ClientPause::Holder::kFailover, ClientPause::Scope::kWrites, until);
  {
    const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), &run_->participant);
  }
  // Every loop has passed a safe point since the gate closed: no write is under way any more.
  parts_.control.post([this, paused = std::move(paused)] {
    paused(ReplOffset{parts_.replication.offset ? parts_.replication.offset() : 0});
  });
}

void ClusterService::deliver(const cluster::Publish& publish) {
  using Scope = pubsub::Hub::Scope;
  const bool shard = publish.kind == cluster::ChannelKind::kShard;
  const std::uint64_t receivers =
      parts_.hub.publish(shard ? Scope::kShard : Scope::kEverywhere, publish.channel, publish.message);
  if (shard) count_shard_message(slot_stats_, publish.channel, publish.message, receivers);
}

void ClusterService::broadcast(pubsub::Hub::Scope scope, std::string_view channel, std::string_view message) {
  const bool shard = scope == pubsub::Hub::Scope::kShard;
  cluster::Publish publish{shard ? cluster::ChannelKind::kShard : cluster::ChannelKind::kGlobal, std::string(channel),
                           std::string(message)};
  driver_.admin(cluster::PublishOut{std::move(publish)}, [](const Result<cluster::AdminValue>&) {});
}

void ClusterService::resume_writes() { parts_.pause.unpause(ClientPause::Holder::kFailover); }

}  // namespace ashlar::server
