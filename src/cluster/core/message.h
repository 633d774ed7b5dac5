/// Every message of the Redis Cluster bus, protocol version 1, as typed values. The byte form is the codec's
/// (cluster/bus). Thread: any; messages are plain values.
/// Source: Redis 7.0/7.2 cluster bus (clusterMsg); field names of the C structures stand in parentheses.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "cluster/core/types.h"

namespace ashlar::cluster {

/// What precedes every body.
struct MessageHeader {
  NodeId sender;                 // (sender)
  ConfigEpoch current_epoch;     // (currentEpoch) highest epoch the sender knows
  ConfigEpoch config_epoch;      // (configEpoch) the sender's, or its primary's when it is a replica
  ReplOffset offset;             // (offset) replication offset: processed by a replica, produced by a primary
  SlotBitmap slots;              // (myslots) the sender's, or its primary's when it is a replica
  Role role = Primary{};         // (slaveof) zero id = Primary on the wire
  std::string announced_ip;      // (myip) empty: use the address seen on the connection
  std::uint16_t port = 0;        // (port) the base port: TLS port when the bus uses TLS, else the plain one
  std::uint16_t other_port = 0;  // (pport) the port of the other kind, 0 if none
  std::uint16_t bus_port = 0;    // (cport)
  NodeFlags flags;               // (flags) the sender's own
  ClusterState state = ClusterState::kFail;  // (state)
  bool paused = false;                       // (mflags[0] bit 0) primary has paused writes for a manual failover
  bool force_ack = false;                    // (mflags[0] bit 1) AuthRequest: grant even if my primary looks healthy
  bool extensions = true;  // (mflags[0] bit 2) the sender understands ping extensions; may be set with none present
  bool operator==(const MessageHeader&) const = default;
};

/// One line of a gossip section: what the sender knows of a third node.
struct GossipEntry {
  NodeId id;
  std::uint32_t ping_sent = 0;      // (ping_sent) Unix seconds, 0 = no ping under way
  std::uint32_t pong_received = 0;  // (pong_received) Unix seconds, 0 = never
  std::string ip;
  std::uint16_t port = 0;        // base port, as in the header
  std::uint16_t other_port = 0;  // (pport)
  std::uint16_t bus_port = 0;    // (cport)
  NodeFlags flags;
  bool operator==(const GossipEntry&) const = default;
};

/// Ping extensions (CLUSTERMSG_EXT_TYPE_*). The codec drops types it does not know.
struct HostnameExtension {  // type 0
  std::string hostname;     // empty: the sender has none (any more)
  bool operator==(const HostnameExtension&) const = default;
};
struct HumanNodeNameExtension {  // type 1
  std::string name;
  bool operator==(const HumanNodeNameExtension&) const = default;
};
struct ForgottenNodeExtension {  // type 2
  NodeId id;
  Seconds ttl{0};  // (ttl) how long the node shall not be taken in again
  bool operator==(const ForgottenNodeExtension&) const = default;
};
struct ShardIdExtension {  // type 3
  NodeId shard;            // 40 hex digits on the wire, like a node id
  bool operator==(const ShardIdExtension&) const = default;
};
using Extension = std::variant<HostnameExtension, HumanNodeNameExtension, ForgottenNodeExtension, ShardIdExtension>;

enum class HeartbeatKind : std::uint8_t { kPing, kPong, kMeet };

/// PING (type 0), PONG (1), MEET (2).
struct Heartbeat {
  HeartbeatKind kind = HeartbeatKind::kPing;
  std::vector<GossipEntry> gossip;    // at most 65535
  std::vector<Extension> extensions;  // at most 65535; not empty only with header.extensions
  bool operator==(const Heartbeat&) const = default;
};
/// FAIL (3): the sender, with a majority behind it, declares a node failed.
struct FailNotice {
  NodeId id;
  bool operator==(const FailNotice&) const = default;
};
/// PUBLISH (4) or, for shard channels, PUBLISHSHARD (10).
enum class ChannelKind : std::uint8_t { kGlobal, kShard };
struct Publish {
  ChannelKind kind = ChannelKind::kGlobal;
  std::string channel;
  std::string message;
  bool operator==(const Publish&) const = default;
};
/// FAILOVER_AUTH_REQUEST (5): vote for me.
struct AuthRequest {
  bool operator==(const AuthRequest&) const = default;
};
/// FAILOVER_AUTH_ACK (6): you have my vote for header.current_epoch.
struct AuthAck {
  bool operator==(const AuthAck&) const = default;
};
/// UPDATE (7): a newer slot claim than the receiver holds.
struct Update {
  ConfigEpoch config_epoch;
  NodeId id;
  SlotBitmap slots;
  bool operator==(const Update&) const = default;
};
/// MFSTART (8): a replica asks its primary to pause for a manual failover.
struct ManualFailoverStart {
  bool operator==(const ManualFailoverStart&) const = default;
};
/// MODULE (9), and nothing else that is unknown: carried so that the frame is consumed, then ignored.
struct ModuleMessage {
  bool operator==(const ModuleMessage&) const = default;
};

using Body =
    std::variant<Heartbeat, FailNotice, Publish, AuthRequest, AuthAck, Update, ManualFailoverStart, ModuleMessage>;

struct Message {
  MessageHeader header;
  Body body;
  bool operator==(const Message&) const = default;
};

}  // namespace ashlar::cluster
