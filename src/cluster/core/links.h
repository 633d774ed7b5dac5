/// Links to members: connecting, reconnecting, handshakes that end, addresses that change.
/// Private to cluster/core. Thread: the cluster loop.
#pragma once

#include "cluster/core/events.h"
#include "cluster/core/message.h"
#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Each tick: connects to members without link, drops handshakes that took too long, counts the suspected.
void tend_links(Step& step);
/// Each tick: closes links on which a ping went unanswered for half the node timeout; they are made anew.
void close_stuck_links(Step& step);
void on_link_up(Step& step, LinkId link);
void on_link_lost(Step& step, const LinkLost& lost);

/// Takes in a node of which only the numeric address is known, and asks it who it is; no effect when that is under way.
/// `greeting`: kMeet so that it takes us in too (CLUSTER MEET), kPing when it has met us already.
void start_handshake(Step& step, NodeAddress address, HeartbeatKind greeting);
/// Takes over the address a member shows in a message that came over another link than ours. True if it changed; our
/// link is closed then.
bool update_address(Step& step, NodeIndex index, const BusMessage& event);
/// The address a sender announces, or else the one it is seen under; empty ip when neither is known.
[[nodiscard]] NodeAddress sender_address(const Step& step, const BusMessage& event);

/// Keeps a forgotten node out until `until`.
void blacklist(Step& step, const NodeId& id, MonoTime until);
[[nodiscard]] bool is_blacklisted(Step& step, const NodeId& id);

}  // namespace ashlar::cluster
