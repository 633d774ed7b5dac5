/// SUBSCRIBE, PUBLISH, PUBSUB and their kin. Thread: any loop.
#pragma once

#include <functional>

#include "cluster/admin/slot_stats.h"
#include "command/table.h"
#include "server/client.h"
#include "server/pubsub/hub.h"
#include "server/worker_pool.h"

namespace ashlar::server::pubsub {

class PubSubCommands {
 public:
  /// Carries a message to the other nodes of the cluster. Thread: any.
  using Broadcast = std::function<void(Hub::Scope, std::string_view channel, std::string_view message)>;

  /// `hub` must outlive the family.
  explicit PubSubCommands(Hub& hub) : hub_(hub) {}
  /// In a cluster messages go over its bus, otherwise down the replication stream. Before the loops start.
  void set_broadcast(Broadcast broadcast) { broadcast_ = std::move(broadcast); }
  /// Who counts what slots cost; before the loops start.
  void set_slot_stats(cluster::SlotStats& stats) noexcept { slot_stats_ = &stats; }
  void register_in(command::CommandTable& table);

  void subscribe(command::Context& ctx);
  void unsubscribe(command::Context& ctx);
  void psubscribe(command::Context& ctx);
  void punsubscribe(command::Context& ctx);
  void ssubscribe(command::Context& ctx);
  void sunsubscribe(command::Context& ctx);
  void publish(command::Context& ctx);
  void spublish(command::Context& ctx);
  void channels(command::Context& ctx);
  void numsub(command::Context& ctx);
  void numpat(command::Context& ctx);
  void shardchannels(command::Context& ctx);
  void shardnumsub(command::Context& ctx);
  void help(command::Context& ctx);

 private:
  void publish_in(command::Context& ctx, Hub::Scope scope);
  void list_names(command::Context& ctx, Kind kind);
  void list_counts(command::Context& ctx, Kind kind);

  Hub& hub_;
  Broadcast broadcast_;
  cluster::SlotStats* slot_stats_ = nullptr;
};

/// Ends the subscriptions of clients of `worker` to shard channels of slots for which `left` is true, and tells them.
/// Thread: the loop's.
void leave_shard_channels(Worker& worker, const std::function<bool(SlotId)>& left);

}  // namespace ashlar::server::pubsub
