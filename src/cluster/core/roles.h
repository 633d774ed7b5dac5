/// Who copies whom: the changes of role that rules and commands make, with what follows from them.
/// Private to cluster/core. Thread: the cluster loop.
#pragma once

#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Takes a replica away from its primary, if it has one; a primary left without replicas is no migration target.
void leave_primary(Step& step, NodeIndex replica);
/// Puts `replica` under `primary`, which becomes a migration target.
void join_primary(Step& step, NodeIndex replica, NodeIndex primary);
/// Makes a member, oneself included, a primary. No effect on one that is.
void set_as_primary(Step& step, NodeIndex index);
/// Makes a member that was a primary a replica of nobody yet; its slots become unassigned.
void set_as_replica(Step& step, NodeIndex index);
/// Makes me, without slots, a replica of another member, and tells the driver. Source: CLUSTER REPLICATE,
/// reconfiguration after a lost last slot, replica migration.
void replicate_from(Step& step, NodeIndex primary);
/// Tells the driver where my primary is, if I have one and the driver does not know it yet. `data`: of a primary that
/// is another than before.
void refresh_following(Step& step, FollowPrimary::Data data = FollowPrimary::Data::kOther);
/// Gives a member its shard; my own follows that of my primary.
void set_shard(Step& step, NodeIndex index, const NodeId& shard);

}  // namespace ashlar::cluster
