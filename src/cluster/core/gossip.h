/// Heartbeats in: what others tell of third nodes, and the extensions with which they tell of themselves.
/// Private to cluster/core.
#pragma once

#include "cluster/core/message.h"
#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Reads the gossip section of a known sender: failure reports, fresher signs of life, new addresses, new members.
void read_gossip(Step& step, NodeIndex sender, const Heartbeat& beat);
/// Reads its extensions; the sender goes by id, for reading may remove members.
void read_extensions(Step& step, const NodeId& sender, const Heartbeat& beat);

}  // namespace ashlar::cluster
