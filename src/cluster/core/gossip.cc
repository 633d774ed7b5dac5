#include "cluster/core/gossip.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "cluster/core/failure_detection.h"
#include "cluster/core/links.h"
#include "cluster/core/roles.h"

namespace ashlar::cluster {
namespace {

/// A sign of life from up to this far in the future is believed. Source: Redis Cluster, clusterProcessGossipSection.
constexpr Millis kClockTolerance{500};
/// Longest time a peer can make us keep a node out.
constexpr Seconds kBlacklistTtlMax{24 * 3600};

NodeAddress address_of(const Step& step, const GossipEntry& entry) {
  return from_wire(step.options(), entry.ip, {entry.port, entry.other_port}, entry.bus_port);
}

bool looks_down(const GossipEntry& entry) { return entry.flags.health != Health::kOnline; }

/// Others' pongs spare us pings: take over a later one unless there is any doubt about the node.
void take_sign_of_life(Step& step, NodeIndex index, const GossipEntry& entry) {
  const Node& node = step.node(index);
  if (looks_down(entry) || node.ping_sent || count_failure_reports(step, index) > 0) return;
  const Micros since_epoch = Seconds(entry.pong_received);
  const MonoTime at(since_epoch - step.view().wall_offset());
  if (at > step.now.mono + kClockTolerance) return;
  if (node.pong_received && at <= *node.pong_received) return;
  step.edit.edit(index).pong_received = at;
  step.touch();
}

/// A node that we cannot reach and the sender can: perhaps it moved.
void take_address(Step& step, NodeIndex index, const GossipEntry& entry) {
  const Node& node = step.node(index);
  if (node.health == Health::kOnline || looks_down(entry) || entry.flags.no_address) return;
  NodeAddress address = address_of(step, entry);
  const NodeAddress& old = node.address;
  if (iequals(old.ip, address.ip) && old.port == address.port && old.tls_port == address.tls_port &&
      old.bus_port == address.bus_port) {
    return;
  }
  if (const auto link = step.peer(index).link) step.close_link(*link);
  Node& changed = step.edit.edit(index);
  changed.address = std::move(address);
  changed.no_address = false;
  step.save(Save::kLater);
  if (step.me().primary_id() == changed.id) refresh_following(step);
}

/// A node we never heard of: take it in under the id the sender knows. A handshake with its address would not do, for
/// somebody else, of another cluster, may live there by now.
void take_in(Step& step, const GossipEntry& entry) {
  if (entry.flags.no_address || entry.flags.handshake || entry.id.is_zero() || entry.ip.empty()) return;
  if (is_blacklisted(step, entry.id)) return;
  Node node;
  node.id = entry.id;
  node.shard = draw_node_id(step.rng);
  node.address = address_of(step, entry);
  if (entry.flags.role == RoleFlag::kPrimary) node.role = Primary{};
  if (entry.flags.role == RoleFlag::kReplica) node.role = ReplicaOf{};
  if (step.add_node(std::move(node))) step.save(Save::kLater);
}

void forget_too(Step& step, const NodeId& sender, const ForgottenNodeExtension& forgotten) {
  const auto index = step.view().index_of(forgotten.id);
  if (!index || *index == step.view().my_index() || forgotten.id == sender) return;
  if (step.me().primary_id() == forgotten.id) return;
  blacklist(step, forgotten.id, step.now.mono + std::clamp(forgotten.ttl, Seconds{0}, kBlacklistTtlMax));
  step.remove_node(*index);
  step.save(Save::kLater);
  step.evaluate_state = true;
}

void set_names(Step& step, NodeIndex index, const std::string& hostname, const std::string& human_name) {
  if (step.node(index).hostname == hostname && step.node(index).human_name == human_name) return;
  Node& node = step.edit.edit(index);
  node.hostname = hostname;
  node.human_name = human_name;
  step.save(Save::kLater);
}

}  // namespace

void read_gossip(Step& step, NodeIndex sender, const Heartbeat& beat) {
  for (const GossipEntry& entry : beat.gossip) {
    const auto index = step.view().index_of(entry.id);
    if (!index) {
      take_in(step, entry);
      continue;
    }
    if (*index == step.view().my_index()) continue;
    if (step.node(sender).is_primary())
      note_report(step, *index, sender, looks_down(entry) ? Report::kDown : Report::kUp);
    take_sign_of_life(step, *index, entry);
    take_address(step, *index, entry);
  }
}

void read_extensions(Step& step, const NodeId& sender, const Heartbeat& beat) {
  std::string hostname;
  std::string human_name;
  std::optional<NodeId> shard;
  for (const Extension& extension : beat.extensions) {
    if (const auto* host = std::get_if<HostnameExtension>(&extension)) hostname = host->hostname;
    if (const auto* human = std::get_if<HumanNodeNameExtension>(&extension)) human_name = human->name;
    if (const auto* id = std::get_if<ShardIdExtension>(&extension)) shard = id->shard;
    if (const auto* forgotten = std::get_if<ForgottenNodeExtension>(&extension)) forget_too(step, sender, *forgotten);
  }
  const auto index = step.view().index_of(sender);
  if (!index) return;
  set_names(step, *index, hostname, human_name);
  if (shard) {
    step.peer(*index).full_extensions = true;
  } else if (const auto primary = step.node(*index).primary_id()) {
    // Before 7.2 nodes know no shards: a replica's is its primary's.
    const Node* found = step.view().find(*primary);
    if (found != nullptr) shard = found->shard;
  }
  if (shard) set_shard(step, *index, *shard);
}

}  // namespace ashlar::cluster
