/// Cluster mode of this server: the driver with what it needs of the other parts. Thread: control, except where noted.
#pragma once

#include <functional>
#include <memory>

#include "cluster/admin/cluster_commands.h"
#include "cluster/admin/cluster_router.h"
#include "cluster/admin/slot_stats.h"
#include "cluster/driver/driver.h"
#include "server/client_pause.h"
#include "server/config/settings.h"
#include "server/dispatcher.h"
#include "server/pubsub/hub.h"
#include "server/worker_pool.h"

namespace ashlar::server {

class ClusterService final : public cluster::Host {
 public:
  /// What replication does for the cluster.
  struct Replication {
    std::function<cluster::ReplicationStatus()> status;
    std::function<void(const cluster::RoleChange&)> change_role;
    std::function<std::int64_t()> offset;
  };
  struct Parts {
    net::EventLoop& control;
    FileSystem& files;
    keyspace::Keyspace& keyspace;
    changelog::ChangeLog& log;
    ClientPause& pause;
    WorkerPool& workers;
    Replication replication;
    pubsub::Hub& hub;
  };
  ClusterService(Parts parts, const config::Config& config);
  ~ClusterService() override;

  /// Reads who we are and takes the port of the bus; nobody is answered there yet. `run`: the control thread's
  /// execution. Before clients come.
  [[nodiscard]] Result<void> open(Execution& run);
  /// Takes part in the cluster. After the data is loaded.
  [[nodiscard]] Result<void> start();
  void apply(const config::Config& config);

  [[nodiscard]] command::Router& router() noexcept { return *router_; }
  [[nodiscard]] cluster::Driver& driver() noexcept { return driver_; }
  /// Thread: any.
  [[nodiscard]] cluster::SlotStats& slot_stats() noexcept { return slot_stats_; }

  void view_changed() override;
  cluster::ReplicationStatus replication_status() override;
  void change_role(const cluster::RoleChange& change) override;
  void flush_keyspace() override;
  void drop_slots(const std::vector<cluster::SlotRange>& slots) override;
  void pause_writes(MonoTime until, std::function<void(ReplOffset)> paused) override;
  void resume_writes() override;
  void deliver(const cluster::Publish& publish) override;
  /// Sends a published message to the other nodes. Thread: any.
  void broadcast(pubsub::Hub::Scope scope, std::string_view channel, std::string_view message);

 private:
  [[nodiscard]] cluster::SlotBitmap slots_with_keys() const;
  void drop_slot(SlotId slot);
  void leave_shard_channels(const cluster::View& view);

  Parts parts_;
  cluster::SlotTable slots_;
  cluster::SlotStats slot_stats_;
  const std::uint16_t bus_port_;  // where the bus listens, whatever becomes of `port`
  cluster::Driver driver_;
  std::unique_ptr<cluster::Router> router_;
  cluster::Router::Rules rules_;
  Execution* run_ = nullptr;
  std::uint64_t seen_version_ = 0;
  cluster::SlotBitmap shard_slots_;  // of our shard, in the view seen last
};

[[nodiscard]] cluster::Options cluster_options(const config::Config& config);
[[nodiscard]] cluster::EndpointKind endpoint_kind(const config::Config& config);

}  // namespace ashlar::server
