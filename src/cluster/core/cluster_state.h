/// Whether this node may serve queries. Private to cluster/core.
#pragma once

#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Counts the electorate and decides between ok and fail: coverage of slots, a majority of primaries in reach, and the
/// delays that keep a primary from serving stale slots after a restart or a partition.
/// Source: Redis Cluster, clusterUpdateState.
void evaluate_cluster_state(Step& step);

}  // namespace ashlar::cluster
