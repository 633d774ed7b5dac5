/// How a replica gets itself elected when its primary has failed. Private to cluster/core.
/// Source: Redis Cluster specification, "Replica election and promotion".
#pragma once

#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Goes on with the election: schedules it, asks for votes, takes over once elected. Harmless at any time.
void advance_election(Step& step);
/// A vote came in, cast in `epoch`.
void on_auth_ack(Step& step, NodeIndex voter, ConfigEpoch epoch);
/// Turns me into the primary of my primary's slots under the config epoch I already hold, and tells everybody.
void take_over(Step& step);

}  // namespace ashlar::cluster
