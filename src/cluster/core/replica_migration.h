/// Spare replicas move to primaries that lost theirs. Private to cluster/core.
/// Source: Redis Cluster specification, "Replica migration algorithm".
#pragma once

#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Each tick, on a replica: moves to an orphaned primary if that is called for and this replica is the one to go.
void consider_migration(Step& step);

}  // namespace ashlar::cluster
