#include "cluster/core/links.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "cluster/core/heartbeat.h"
#include "cluster/core/roles.h"

namespace ashlar::cluster {
namespace {

/// A handshake lives for the node timeout, one second at least. Source: Redis Cluster, clusterCron.
constexpr Millis kHandshakeTimeoutMin{1'000};

/// Links die with nodes during the walk, so it goes over a copy of the handles.
std::vector<NodeIndex> others(const Step& step) {
  std::vector<NodeIndex> out;
  out.reserve(step.view().size());
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    if (step.view().nth_index(i) != step.view().my_index()) out.push_back(step.view().nth_index(i));
  }
  return out;
}

void connect(Step& step, NodeIndex to) {
  const LinkId link{step.s.next_link++};
  step.s.links[link] = Link{.node = to, .outbound = true, .up = false};
  step.peer(to).link = link;
  step.peer(to).link_since = step.now.mono;
  const Node& node = step.node(to);
  step.fx.connects.push_back({link, node.address.ip, node.address.bus_port, node.handshake ? NodeId() : node.id});
}

bool handshake_under_way(const Step& step, const NodeAddress& address) {
  const PortPair wanted = wire_ports(step.options(), address);
  return std::any_of(step.view().begin(), step.view().end(), [&](const Node& node) {
    return node.handshake && iequals(node.address.ip, address.ip) && node.address.bus_port == address.bus_port &&
           wire_ports(step.options(), node.address).base == wanted.base;
  });
}

}  // namespace

void tend_links(Step& step) {
  const Micros handshake_timeout = std::max(step.options().node_timeout, kHandshakeTimeoutMin);
  step.s.suspected = 0;
  for (const NodeIndex index : others(step)) {
    const Node& node = step.node(index);
    if (node.no_address) continue;
    if (node.health == Health::kSuspected) ++step.s.suspected;
    if (node.handshake && step.now.mono - step.peer(index).created > handshake_timeout) {
      step.remove_node(index);
      continue;
    }
    if (!step.peer(index).link) connect(step, index);
  }
}

void close_stuck_links(Step& step) {
  const Micros timeout = step.options().node_timeout;
  for (const NodeIndex index : others(step)) {
    const Node& node = step.node(index);
    const Peer& peer = step.peer(index);
    if (node.no_address || node.handshake || !peer.link || !node.ping_sent) continue;
    const bool fresh_link = step.now.mono - peer.link_since <= timeout;
    const bool fresh_ping = step.now.mono - *node.ping_sent <= timeout / 2;
    const bool fresh_data = peer.data_received && step.now.mono - *peer.data_received <= timeout / 2;
    if (!fresh_link && !fresh_ping && !fresh_data) step.close_link(*peer.link);
  }
}

void on_link_up(Step& step, LinkId link) {
  const auto at = step.s.links.find(link);
  if (at == step.s.links.end() || !at->second.outbound || !at->second.node) return;
  const NodeIndex index = *at->second.node;
  at->second.up = true;
  step.peer(index).refused_since.reset();
  const auto waiting_since = step.node(index).ping_sent;
  const bool meet = std::exchange(step.peer(index).meet, false);
  step.edit.edit(index).linked = true;
  ping(step, index, meet ? HeartbeatKind::kMeet : HeartbeatKind::kPing);
  // An earlier ping without answer keeps its age, or reconnecting would hide a dead peer.
  if (waiting_since) step.edit.edit(index).ping_sent = waiting_since;
}

void on_link_lost(Step& step, const LinkLost& lost) {
  const auto at = step.s.links.find(lost.link);
  if (at == step.s.links.end()) return;
  if (at->second.outbound && at->second.node && lost.how == LinkEnd::kRefused) {
    Peer& peer = step.peer(*at->second.node);
    if (!peer.refused_since) peer.refused_since = step.now.mono;
  }
  step.forget_link(lost.link);
}

void start_handshake(Step& step, NodeAddress address, HeartbeatKind greeting) {
  if (handshake_under_way(step, address)) return;
  Node node;
  do {
    node.id = draw_node_id(step.rng);
  } while (step.view().index_of(node.id));
  node.shard = draw_node_id(step.rng);
  node.address = std::move(address);
  node.handshake = true;
  if (const auto index = step.add_node(std::move(node))) step.peer(*index).meet = greeting == HeartbeatKind::kMeet;
}

NodeAddress sender_address(const Step& step, const BusMessage& event) {
  const MessageHeader& header = event.message->header;
  std::string ip = header.announced_ip.empty() ? event.peer_ip : header.announced_ip;
  return from_wire(step.options(), std::move(ip), {header.port, header.other_port}, header.bus_port);
}

bool update_address(Step& step, NodeIndex index, const BusMessage& event) {
  // Over our own link it answers from where we reached it; that says nothing about another address.
  if (step.peer(index).link == event.link || index == step.view().my_index()) return false;
  NodeAddress address = sender_address(step, event);
  if (address.ip.empty() || address == step.node(index).address) return false;
  if (const auto link = step.peer(index).link) step.close_link(*link);
  Node& node = step.edit.edit(index);
  node.address = std::move(address);
  node.no_address = false;
  step.log(LogLevel::kNotice, fmt::format("Address updated for node {}, now {}:{}", label(node), node.address.ip,
                                          wire_ports(step.options(), node.address).base));
  step.save(Save::kLater);
  step.evaluate_state = true;
  if (step.me().primary_id() == step.node(index).id) refresh_following(step);
  return true;
}

void blacklist(Step& step, const NodeId& id, MonoTime until) {
  std::erase_if(step.s.blacklist, [&](const auto& entry) { return entry.second <= step.now.mono; });
  if (!step.options().faults.forget_blacklist) step.s.blacklist[id] = until;
}

bool is_blacklisted(Step& step, const NodeId& id) {
  std::erase_if(step.s.blacklist, [&](const auto& entry) { return entry.second <= step.now.mono; });
  return step.s.blacklist.contains(id);
}

}  // namespace ashlar::cluster
