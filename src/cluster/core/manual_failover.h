/// Handing over to a replica on request, without losing writes: the primary pauses, the replica catches up, then is
/// elected at once. Private to cluster/core. Source: Redis Cluster specification, "Manual failover"; CLUSTER FAILOVER.
#pragma once

#include "cluster/core/events.h"
#include "cluster/core/message.h"
#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Replica: starts a failover of the given kind. The caller has checked that it may.
void start_manual_failover(Step& step, FailoverMode mode);
/// Primary: the replica `from` asks me to pause.
void on_manual_failover_start(Step& step, NodeIndex from);
/// Primary: writes have stopped at `offset`; from now on messages say so.
void on_writes_paused(Step& step, ReplOffset offset);
/// Replica: takes the offset at which my paused primary stands from any of its messages.
void note_paused_offset(Step& step, NodeIndex sender, const MessageHeader& header);
/// Replica: starts the election once I have all that my paused primary wrote.
void advance_manual_failover(Step& step);
/// Each tick: gives up after five seconds.
void expire_manual_failover(Step& step);
/// Ends a manual failover, done or not; a paused primary goes on.
void reset_manual_failover(Step& step);

}  // namespace ashlar::cluster
