#include "cluster/core/heartbeat.h"

#include <algorithm>
#include <utility>

namespace ashlar::cluster {
namespace {

/// Gossip entries per heartbeat: a tenth of the members, three at least. Source: Redis Cluster, clusterSendPing.
constexpr std::size_t kGossipShare = 10;
constexpr std::size_t kGossipMin = 3;
/// Random draws per wanted entry before giving up.
constexpr std::size_t kDrawsPerEntry = 3;
/// Members looked at before the oldest is pinged.
constexpr int kPingSample = 5;

NodeFlags flags_of(const Node& node, const NodeId& me) {
  NodeFlags flags;
  if (node.role) flags.role = is_primary(*node.role) ? RoleFlag::kPrimary : RoleFlag::kReplica;
  flags.health = node.health;
  flags.myself = node.id == me;
  flags.handshake = node.handshake;
  flags.no_address = node.no_address;
  flags.migrate_to = node.migrate_to;
  flags.no_failover = node.no_failover;
  flags.extensions = flags.myself || node.extensions;
  return flags;
}

std::uint32_t unix_seconds_of(const Step& step, std::optional<MonoTime> at) {
  if (!at) return 0;
  const auto since_epoch = at->time_since_epoch() + step.view().wall_offset();
  const auto seconds = std::chrono::floor<Seconds>(since_epoch).count();
  return seconds < 0 ? 0U : static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, UINT32_MAX));
}

GossipEntry entry_of(const Step& step, const Node& node) {
  GossipEntry entry;
  entry.id = node.id;
  entry.ping_sent = unix_seconds_of(step, node.ping_sent);
  entry.pong_received = unix_seconds_of(step, node.pong_received);
  entry.ip = node.address.ip;
  const PortPair ports = wire_ports(step.options(), node.address);
  entry.port = ports.base;
  entry.other_port = ports.other;
  entry.bus_port = node.address.bus_port;
  entry.flags = flags_of(node, step.me().id);
  return entry;
}

/// A few random members that are worth telling about, then all that I suspect, so that reports add up fast.
std::vector<GossipEntry> make_gossip(Step& step) {
  const View& view = step.view();
  const std::uint64_t round = ++step.s.heartbeats;
  std::vector<GossipEntry> gossip;
  // Neither the sender nor the receiver is worth an entry.
  std::size_t fresh = view.size() > 2 ? view.size() - 2 : 0;
  const std::size_t wanted = std::min(std::max(kGossipMin, view.size() / kGossipShare), fresh);
  for (std::size_t draws = wanted * kDrawsPerEntry; draws > 0 && fresh > 0 && gossip.size() < wanted; --draws) {
    const NodeIndex index = view.nth_index(step.rng.below(view.size()));
    const Node& node = step.node(index);
    if (index == view.my_index() || node.health == Health::kSuspected) continue;
    if (node.handshake || node.no_address || (!step.peer(index).link && node.slot_count == 0)) {
      --fresh;
      continue;
    }
    if (step.peer(index).last_gossiped == round) continue;
    step.peer(index).last_gossiped = round;
    gossip.push_back(entry_of(step, node));
    --fresh;
  }
  if (step.s.suspected == 0) return gossip;
  for (const Node& node : view) {
    if (node.health == Health::kSuspected && !node.handshake && !node.no_address) {
      gossip.push_back(entry_of(step, node));
    }
  }
  return gossip;
}

/// What goes to a receiver that understands extensions; redis-server 7.0 knows the hostname only and complains of
/// others.
std::vector<Extension> make_extensions(Step& step, std::optional<NodeIndex> to) {
  std::vector<Extension> out;
  if (!to || !step.node(*to).extensions) return out;
  const Node& me = step.me();
  if (!me.hostname.empty()) out.emplace_back(HostnameExtension{me.hostname});
  if (!step.peer(*to).full_extensions) return out;
  if (!me.human_name.empty()) out.emplace_back(HumanNodeNameExtension{me.human_name});
  for (const auto& [id, until] : step.s.blacklist) {
    if (until > step.now.mono) {
      out.emplace_back(ForgottenNodeExtension{id, std::chrono::ceil<Seconds>(until - step.now.mono)});
    }
  }
  out.emplace_back(ShardIdExtension{me.shard});
  return out;
}

}  // namespace

MessageHeader make_header(const Step& step) {
  const Node& me = step.me();
  const Node& holder = slots_holder(step.view(), me);
  const NodeAddress announced = step.options().announced_address();
  const PortPair ports = wire_ports(step.options(), announced);
  MessageHeader header;
  header.sender = me.id;
  header.current_epoch = step.view().current_epoch();
  header.config_epoch = holder.config_epoch;
  header.offset = step.s.replication.offset;
  header.slots = holder.slots;
  header.role = *me.role;
  header.announced_ip = announced.ip;
  header.port = ports.base;
  header.other_port = ports.other;
  header.bus_port = announced.bus_port;
  header.flags = flags_of(me, me.id);
  header.state = step.view().state();
  header.paused = me.is_primary() && step.s.manual.paused;
  return header;
}

std::shared_ptr<const Message> make_message(const Step& step, Body body) {
  return std::make_shared<const Message>(Message{make_header(step), std::move(body)});
}

void broadcast(Step& step, Body body) {
  const auto message = make_message(step, std::move(body));
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    const NodeIndex to = step.view().nth_index(i);
    if (to != step.view().my_index() && !step.node(to).handshake) step.send_to(to, message);
  }
}

void send_heartbeat(Step& step, LinkId link, HeartbeatKind kind) {
  const auto at = step.s.links.find(link);
  const std::optional<NodeIndex> to = at == step.s.links.end() ? std::nullopt : at->second.node;
  Heartbeat beat{kind, make_gossip(step), make_extensions(step, to)};
  step.send_on(link, make_message(step, std::move(beat)));
}

void ping(Step& step, NodeIndex to, HeartbeatKind kind) {
  const auto link = step.peer(to).link;
  if (!link) return;
  // A ping on a link that still connects leaves once it is up (LinkUp), but its clock runs from here: a peer that
  // cannot be connected to must time out like one that does not answer.
  if (step.s.links.at(*link).up) send_heartbeat(step, *link, kind);
  step.edit.edit(to).ping_sent = step.now.mono;
  step.touch();
}

void broadcast_pong(Step& step, Audience audience) {
  const auto mine = step.me().primary_id().value_or(step.me().id);
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    const NodeIndex to = step.view().nth_index(i);
    const auto link = step.peer(to).link;
    if (!link || !step.s.links.at(*link).up || step.node(to).handshake) continue;
    if (audience == Audience::kMyShard && step.node(to).primary_id() != mine) continue;
    send_heartbeat(step, *link, HeartbeatKind::kPong);
  }
}

void ping_random_member(Step& step) {
  std::optional<NodeIndex> oldest;
  for (int i = 0; i < kPingSample; ++i) {
    const NodeIndex index = step.view().nth_index(step.rng.below(step.view().size()));
    const Node& node = step.node(index);
    if (!node.linked || node.ping_sent || node.handshake || index == step.view().my_index()) continue;
    if (!oldest || node.pong_received < step.node(*oldest).pong_received) oldest = index;
  }
  if (oldest) ping(step, *oldest, HeartbeatKind::kPing);
}

void ping_silent_members(Step& step) {
  const Micros interval =
      step.options().ping_interval > Millis{0} ? step.options().ping_interval : step.options().node_timeout / 2;
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    const NodeIndex index = step.view().nth_index(i);
    const Node& node = step.node(index);
    if (index == step.view().my_index() || node.no_address || node.handshake || !step.peer(index).link) continue;
    const bool silent = !node.pong_received || step.now.mono - *node.pong_received > interval;
    // The replica of a manual failover waits for my offset, so it hears from me at every tick.
    const bool awaited = step.me().is_primary() && step.s.manual.paused && step.s.manual.replica == node.id;
    if ((silent && !node.ping_sent) || (awaited && node.linked)) ping(step, index, HeartbeatKind::kPing);
  }
}

}  // namespace ashlar::cluster
