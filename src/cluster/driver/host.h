/// What the cluster needs of the server it lives in. Implemented by the composition root.
/// Thread: all calls come from the control thread.
#pragma once

#include <functional>
#include <vector>

#include "cluster/core/effects.h"
#include "cluster/core/events.h"

namespace ashlar::cluster {

class Host {
 public:
  virtual ~Host() = default;
  /// There is a new view (Driver::view()): loops route by it before anybody is told of the change.
  virtual void view_changed() = 0;
  /// How replication stands, for elections and PONGs.
  [[nodiscard]] virtual ReplicationStatus replication_status() = 0;
  /// Serve as primary, or replicate from another node.
  virtual void change_role(const RoleChange& change) = 0;
  /// Drop all keys (CLUSTER RESET of a replica).
  virtual void flush_keyspace() = 0;
  /// Delete the keys of these slots: another primary's now.
  virtual void drop_slots(const std::vector<SlotRange>& slots) = 0;
  /// Hold back writes until `until`; call `paused` with the replication offset once that is so everywhere.
  virtual void pause_writes(MonoTime until, std::function<void(ReplOffset)> paused) = 0;
  virtual void resume_writes() = 0;
  /// Another node's message, for the subscribers here.
  virtual void deliver(const Publish& publish) = 0;
};

}  // namespace ashlar::cluster
