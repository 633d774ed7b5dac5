#include "cluster/core/roles.h"

#include "base/check.h"
#include "cluster/core/manual_failover.h"

namespace ashlar::cluster {

void leave_primary(Step& step, NodeIndex replica) {
  const auto primary = step.node(replica).primary_id();
  if (!primary) return;
  step.edit.edit(replica).role = ReplicaOf{};
  const auto index = step.view().index_of(*primary);
  if (index && replicas_of(step.view(), *primary).empty()) step.edit.edit(*index).migrate_to = false;
}

void join_primary(Step& step, NodeIndex replica, NodeIndex primary) {
  ASH_CHECK(replica != primary);
  leave_primary(step, replica);
  step.edit.edit(replica).role = ReplicaOf{step.node(primary).id};
  step.edit.edit(primary).migrate_to = true;
}

void set_as_primary(Step& step, NodeIndex index) {
  if (step.node(index).is_primary()) return;
  const bool had_primary = step.node(index).primary_id().has_value();
  leave_primary(step, index);
  const bool myself = index == step.view().my_index();
  Node& node = step.edit.edit(index);
  node.role = Primary{};
  if (had_primary && !myself) node.migrate_to = true;
  step.save(myself ? Save::kBeforeSending : Save::kLater);
  step.evaluate_state = true;
}

void set_as_replica(Step& step, NodeIndex index) {
  step.edit.unassign_all(index);
  Node& node = step.edit.edit(index);
  node.role = ReplicaOf{};
  node.migrate_to = false;
  step.save(Save::kLater);
  step.evaluate_state = true;
}

void replicate_from(Step& step, NodeIndex primary) {
  const NodeIndex self = step.view().my_index();
  ASH_CHECK(primary != self && step.me().slot_count == 0);
  if (step.me().is_primary()) {
    step.edit.close_all_slots();
    step.edit.edit(self).migrate_to = false;
    step.edit.edit(self).role = ReplicaOf{};
  }
  join_primary(step, self, primary);
  step.edit.edit(self).shard = step.node(primary).shard;
  step.s.election = Election{};  // what was voted for was the place of another
  refresh_following(step);
  reset_manual_failover(step);
  step.save(Save::kBeforeSending);
  step.evaluate_state = true;
}

void refresh_following(Step& step) {
  const auto id = step.me().primary_id();
  const Node* primary = id ? step.view().find(*id) : nullptr;
  if (primary == nullptr) return;
  FollowPrimary follow{*id, primary->address};
  if (step.s.following == follow) return;
  step.s.following = follow;
  step.fx.role = std::move(follow);
}

void set_shard(Step& step, NodeIndex index, const NodeId& shard) {
  if (step.node(index).shard != shard) {
    step.edit.edit(index).shard = shard;
    step.save(Save::kLater);
  }
  if (step.me().primary_id() == step.node(index).id && step.me().shard != shard) {
    step.edit.edit(step.view().my_index()).shard = shard;
    step.save(Save::kBeforeSending);
  }
}

}  // namespace ashlar::cluster
