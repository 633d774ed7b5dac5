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
  using Data = FollowPrimary::Data;
  const NodeIndex self = step.view().my_index();
  ASH_CHECK(primary != self && step.me().slot_count == 0);
  const bool heir = step.me().is_replica() && step.me().shard == step.node(primary).shard;
  if (step.me().is_primary()) {
    step.edit.close_all_slots();
    step.edit.edit(self).migrate_to = false;
    step.edit.edit(self).role = ReplicaOf{};
  }
  join_primary(step, self, primary);
  step.edit.edit(self).shard = step.node(primary).shard;
  step.s.election = Election{};  // what was voted for was the place of another
  refresh_following(step, heir ? Data::kSame : Data::kOther);
  reset_manual_failover(step);
  step.save(Save::kBeforeSending);
  step.evaluate_state = true;
}

void refresh_following(Step& step, FollowPrimary::Data data) {
  const auto id = step.me().primary_id();
  const Node* primary = id ? step.view().find(*id) : nullptr;
  if (primary == nullptr) return;
  std::optional<FollowPrimary>& known = step.s.following;
  const bool moved = known && known->primary == *id;
  if (moved && known->address == primary->address) return;
  const auto* before = step.fx.role ? std::get_if<FollowPrimary>(&*step.fx.role) : nullptr;
  if (moved) data = FollowPrimary::Data::kSame;
  if (before != nullptr && before->data == FollowPrimary::Data::kOther) data = FollowPrimary::Data::kOther;
  known = FollowPrimary{*id, primary->address, data};
  step.fx.role = known;
  if (data == FollowPrimary::Data::kOther) step.s.replication.last_contact.reset();  // until the driver says more
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
