/// Heartbeats out: message headers, PING, PONG and MEET with their gossip sections, and when to ping whom.
/// Private to cluster/core. Source: Redis Cluster specification, "Heartbeat and gossip messages".
#pragma once

#include <memory>

#include "cluster/core/message.h"
#include "cluster/core/state.h"

namespace ashlar::cluster {

/// The header of a message sent now: my slots and epoch, or my primary's when I am a replica.
[[nodiscard]] MessageHeader make_header(const Step& step);
/// A message with that header.
[[nodiscard]] std::shared_ptr<const Message> make_message(const Step& step, Body body);
/// Sends `body` to every member we have a link to, handshakes excepted.
void broadcast(Step& step, Body body);

/// Pings a member over our link and notes when; `kind` kPing or kMeet. Needs an outbound link.
void ping(Step& step, NodeIndex to, HeartbeatKind kind);
/// Sends a heartbeat of `kind` on any link.
void send_heartbeat(Step& step, LinkId link, HeartbeatKind kind);
enum class Audience : std::uint8_t { kAll, kMyShard };
/// Announces my configuration by a PONG nobody asked for. kMyShard: the replicas of my primary, or mine.
void broadcast_pong(Step& step, Audience audience);

/// Once a second: pings the one of five random members whose last sign of life is oldest.
void ping_random_member(Step& step);
/// Each tick: pings every member that was silent for half the node timeout.
void ping_silent_members(Step& step);

}  // namespace ashlar::cluster
