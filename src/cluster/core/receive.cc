#include "cluster/core/receive.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cluster/core/election.h"
#include "cluster/core/failure_detection.h"
#include "cluster/core/gossip.h"
#include "cluster/core/heartbeat.h"
#include "cluster/core/links.h"
#include "cluster/core/manual_failover.h"
#include "cluster/core/roles.h"
#include "cluster/core/slot_claims.h"
#include "cluster/core/voting.h"

namespace ashlar::cluster {
namespace {

/// The known member that sent `event`, oneself excepted. Ties an accepted link to it at the first message.
std::optional<NodeIndex> find_sender(Step& step, const BusMessage& event) {
  const auto sender = step.view().index_of(event.message->header.sender);
  if (!sender || *sender == step.view().my_index()) return std::nullopt;
  Link& link = step.s.links[event.link];
  if (!link.outbound && link.node != sender) {
    if (link.node) step.peer(*link.node).inbound.reset();
    // Two accepted links from one member: it lost the older one, even if we have not noticed.
    if (const auto older = step.peer(*sender).inbound) step.close_link(*older);
    step.s.links[event.link].node = sender;
    step.peer(*sender).inbound = event.link;
  }
  return sender;
}

/// Epochs and offset, which every message carries.
void learn_from_header(Step& step, NodeIndex sender, const MessageHeader& header) {
  Peer& peer = step.peer(sender);
  peer.data_received = step.now.mono;
  if (header.extensions && !step.node(sender).extensions) step.edit.edit(sender).extensions = true;
  // redis-server 7.0 sets the bit of the header for a hostname, but knows no node flag for extensions.
  if (header.flags.extensions) peer.full_extensions = true;
  if (step.node(sender).handshake) return;
  // A peer's config epoch is never above its current one; should it be, believe the greater.
  if (step.edit.raise_current_epoch(std::max(header.current_epoch, header.config_epoch))) {
    step.save(Save::kBeforeSending);
  }
  if (header.config_epoch > step.node(sender).config_epoch) {
    step.edit.edit(sender).config_epoch = header.config_epoch;
    step.save(Save::kLater);
  }
  if (step.node(sender).offset != header.offset) {
    step.edit.edit(sender).offset = header.offset;
    step.touch();
  }
  note_paused_offset(step, sender, header);
}

/// Other nodes reach us where they introduce themselves, so that is our address unless one is announced.
void learn_own_address(Step& step, const BusMessage& event, HeartbeatKind kind) {
  if (!step.options().announce_ip.empty() || event.local_ip.empty()) return;
  // The first heartbeat after a start may show that we have moved; Redis waits for a MEET.
  const bool first = !std::exchange(step.s.own_address_seen, true);
  const std::string& ip = step.me().address.ip;
  if (ip == event.local_ip || (kind != HeartbeatKind::kMeet && !ip.empty() && !first)) return;
  step.edit.edit(step.view().my_index()).address.ip = event.local_ip;
  step.log(LogLevel::kNotice, fmt::format("IP address for this node updated to {}", event.local_ip));
  step.save(Save::kLater);
}

/// A stranger introduces itself: shake hands the other way round, which tells us who it is.
void take_in_stranger(Step& step, const BusMessage& event) {
  if (event.message->header.sender == step.me().id) return;
  NodeAddress address = sender_address(step, event);
  if (address.ip.empty() || address.bus_port == 0) return;
  start_handshake(step, std::move(address), HeartbeatKind::kPing);
  step.save(Save::kLater);
}

enum class LinkVerdict : std::uint8_t { kKeep, kGone };

/// The first answer on one of our links shows who is there; a later one must come from the same node.
LinkVerdict identify_outbound(Step& step, const BusMessage& event, std::optional<NodeIndex> sender) {
  const auto at = step.s.links.find(event.link);
  if (at == step.s.links.end() || !at->second.outbound || !at->second.node) return LinkVerdict::kKeep;
  const NodeIndex index = *at->second.node;
  const MessageHeader& header = event.message->header;
  if (step.node(index).handshake) {
    if (sender || header.sender == step.me().id || header.sender.is_zero()) {
      if (sender) update_address(step, *sender, event);
      step.remove_node(index);
      return LinkVerdict::kGone;
    }
    step.edit.rename(index, header.sender);
    Node& node = step.edit.edit(index);
    node.handshake = false;
    node.role = header.flags.role == RoleFlag::kReplica ? Role{ReplicaOf{}} : Role{Primary{}};
    step.save(Save::kLater);
    return LinkVerdict::kKeep;
  }
  if (step.node(index).id == header.sender) return LinkVerdict::kKeep;
  // Somebody else lives at this address now.
  Node& node = step.edit.edit(index);
  node.no_address = true;
  node.address = {};
  step.close_link(event.link);
  step.save(Save::kLater);
  return LinkVerdict::kGone;
}

void note_pong(Step& step, const BusMessage& event) {
  const auto at = step.s.links.find(event.link);
  if (at == step.s.links.end() || !at->second.outbound || !at->second.node) return;
  const NodeIndex index = *at->second.node;
  Node& node = step.edit.edit(index);
  node.pong_received = step.now.mono;
  node.ping_sent.reset();
  step.touch();
  clear_failure_after_pong(step, index);
}

/// The sender says whether it is a primary and, if not, whose replica.
void learn_role(Step& step, NodeIndex sender, const MessageHeader& header) {
  const auto* replica = std::get_if<ReplicaOf>(&header.role);
  if (replica == nullptr) {
    set_as_primary(step, sender);
    return;
  }
  if (!step.node(sender).is_replica()) set_as_replica(step, sender);
  const auto primary = step.view().index_of(replica->primary);
  if (!primary || *primary == sender || step.node(sender).primary_id() == replica->primary) return;
  join_primary(step, sender, *primary);
  step.save(Save::kLater);
}

/// Differences between the slots a sender claims, for itself or its primary, and those we know: the newer side wins.
void compare_slots(Step& step, NodeIndex sender, const MessageHeader& header) {
  const Node& holder = slots_holder(step.view(), step.node(sender));
  if (step.node(sender).is_replica() && !step.node(sender).primary_id()) return;
  if (holder.slots == header.slots) return;
  if (step.node(sender).is_primary()) apply_claim(step, sender, header.config_epoch, header.slots);
  send_updates(step, sender, header.config_epoch, header.slots);
}

void on_heartbeat(Step& step, const BusMessage& event, const Heartbeat& beat, std::optional<NodeIndex> sender) {
  if (beat.kind != HeartbeatKind::kPong) {
    learn_own_address(step, event, beat.kind);
    if (!sender && beat.kind == HeartbeatKind::kMeet) take_in_stranger(step, event);
    send_heartbeat(step, event.link, HeartbeatKind::kPong);
  }
  if (identify_outbound(step, event, sender) == LinkVerdict::kGone) return;
  const MessageHeader& header = event.message->header;
  if (sender && step.node(*sender).no_failover != header.flags.no_failover) {
    step.edit.edit(*sender).no_failover = header.flags.no_failover;
    step.save(Save::kLater);
  }
  if (sender && beat.kind == HeartbeatKind::kPing && !step.node(*sender).handshake) {
    update_address(step, *sender, event);
  }
  if (beat.kind == HeartbeatKind::kPong) note_pong(step, event);
  if (!sender || step.node(*sender).handshake) return;
  learn_role(step, *sender, header);
  compare_slots(step, *sender, header);
  resolve_collision(step, *sender, header.config_epoch);
  read_gossip(step, *sender, beat);
  read_extensions(step, header.sender, beat);
}

void on_update(Step& step, const Update& update) {
  if (step.options().faults.ignore_update) return;
  const auto index = step.view().index_of(update.id);
  if (!index || *index == step.view().my_index() || step.node(*index).handshake) return;
  if (step.node(*index).config_epoch >= update.config_epoch) return;
  if (!step.node(*index).is_primary()) set_as_primary(step, *index);
  step.edit.edit(*index).config_epoch = update.config_epoch;
  if (step.edit.raise_current_epoch(update.config_epoch)) step.save(Save::kBeforeSending);
  step.save(Save::kLater);
  apply_claim(step, *index, update.config_epoch, update.slots);
}

struct BodyVisitor {
  Step& step;
  const BusMessage& event;
  std::optional<NodeIndex> sender;

  void operator()(const Heartbeat& beat) const { on_heartbeat(step, event, beat, sender); }
  void operator()(const FailNotice& notice) const {
    if (sender) on_fail_notice(step, *sender, notice.id);
  }
  void operator()(const Publish& publish) const {
    if (sender) step.fx.deliveries.push_back(publish);
  }
  void operator()(const AuthRequest&) const {
    if (sender) on_auth_request(step, *sender, event.message->header);
  }
  void operator()(const AuthAck&) const {
    if (sender) on_auth_ack(step, *sender, event.message->header.current_epoch);
  }
  void operator()(const Update& update) const {
    if (sender) on_update(step, update);
  }
  void operator()(const ManualFailoverStart&) const {
    if (sender) on_manual_failover_start(step, *sender);
  }
  void operator()(const ModuleMessage&) const {}
};

}  // namespace

void receive(Step& step, const BusMessage& event) {
  auto& links = step.s.links;
  if (!links.contains(event.link)) {
    if (event.link.value < kFirstAcceptedLink) return;  // ours, closed while this was on its way
    links[event.link] = Link{.outbound = false, .up = true};
  }
  const auto sender = find_sender(step, event);
  if (sender) learn_from_header(step, *sender, event.message->header);
  std::visit(BodyVisitor{step, event, sender}, event.message->body);
}

}  // namespace ashlar::cluster
