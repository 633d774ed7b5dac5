/// What each message of the bus makes a node believe and do. Private to cluster/core.
#pragma once

#include "cluster/core/events.h"
#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Handles one message. Source: Redis Cluster, clusterProcessPacket (7.0 and 7.2).
void receive(Step& step, const BusMessage& event);

}  // namespace ashlar::cluster
