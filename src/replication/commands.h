/// REPLICAOF, SLAVEOF, FAILOVER, ROLE, REPLCONF, PSYNC, SYNC, WAIT, WAITAOF. Thread: any loop.
#pragma once

#include "command/table.h"
#include "replication/replication.h"

namespace ashlar::replication {

class ReplicationCommands {
 public:
  enum class Mode : std::uint8_t { kStandalone, kCluster };
  /// Both must outlive the object.
  ReplicationCommands(Replication& replication, Takeover& takeover, Mode mode) noexcept
      : replication_(replication), takeover_(takeover), mode_(mode) {}
  void register_in(command::CommandTable& table);

  void replicaof(command::Context& ctx);
  void role(command::Context& ctx);
  void replconf(command::Context& ctx);
  void psync(command::Context& ctx);
  void sync(command::Context& ctx);
  void wait(command::Context& ctx);
  void waitaof(command::Context& ctx);
  void failover(command::Context& ctx);

 private:
  void wait_until_kept(command::Context& ctx, const KeepGoal& goal, Millis timeout);
  void take_over(command::Context& ctx, const SyncRequest& request);
  void begin_sync(command::Context& ctx, const SyncRequest& request);
  Replication& replication_;
  Takeover& takeover_;
  Mode mode_;
};

}  // namespace ashlar::replication
