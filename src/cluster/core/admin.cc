#include "cluster/core/admin.h"

#include <utility>

#include <fmt/format.h>

#include "base/ip_text.h"
#include "cluster/core/failure_detection.h"
#include "cluster/core/heartbeat.h"
#include "cluster/core/links.h"
#include "cluster/core/manual_failover.h"
#include "cluster/core/roles.h"
#include "cluster/core/slot_claims.h"

namespace ashlar::cluster {
namespace {

/// How long CLUSTER FORGET keeps a node out. Source: CLUSTER_BLACKLIST_TTL.
constexpr Seconds kBlacklistTtl{60};

std::unexpected<Error> refuse(std::string text) { return fail(std::move(text)); }

std::optional<std::uint16_t> port_from(std::int64_t value) {
  if (value <= 0 || value > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

Result<AdminValue> run(Step& step, const Meet& command) {
  const auto ip = canonical_ip(command.ip);
  const auto port = port_from(command.port);
  // Not `port + offset` before the port is known to be small: it comes unchecked.
  const auto bus = command.bus_port ? port_from(*command.bus_port)
                                    : (port ? port_from(std::int64_t{*port} + kBusPortOffset) : std::nullopt);
  if (!ip || !port || !bus) {
    return refuse(fmt::format("Invalid node address specified: {}:{}", command.ip, command.port));
  }
  start_handshake(step, from_wire(step.options(), *ip, {*port, 0}, *bus), HeartbeatKind::kMeet);
  return Ok{};
}

Result<AdminValue> run(Step& step, const Forget& command) {
  const auto index = find_typed(step, command.node);
  if (!index) {
    // A peer's gossip may have been faster; forgetting twice is no mistake.
    const auto id = NodeId::from_hex(command.node);
    if (id && is_blacklisted(step, *id)) return Ok{};
    return refuse(fmt::format("Unknown node {}", command.node));
  }
  if (*index == step.view().my_index()) return refuse("I tried hard but I can't forget myself...");
  if (step.me().primary_id() == step.node(*index).id) return refuse("Can't forget my master!");
  blacklist(step, step.node(*index).id, step.now.mono + kBlacklistTtl);
  step.remove_node(*index);
  step.save(Save::kLater);
  step.evaluate_state = true;
  return Ok{};
}

Result<AdminValue> run(Step& step, const Replicate& command) {
  const auto index = find_typed(step, command.primary);
  if (!index) return refuse(fmt::format("Unknown node {}", command.primary));
  if (*index == step.view().my_index()) return refuse("Can't replicate myself");
  if (step.node(*index).is_replica()) return refuse("I can only replicate a master, not a replica.");
  if (step.me().is_primary() && (step.me().slot_count != 0 || command.keyspace == Keys::kSome)) {
    return refuse("To set a master the node must be empty and without assigned slots.");
  }
  replicate_from(step, *index);
  return Ok{};
}

Result<AdminValue> run(Step& step, const Failover& command) {
  if (step.me().is_primary()) return refuse("You should send CLUSTER FAILOVER to a replica");
  const auto id = step.me().primary_id();
  const Node* primary = id ? step.view().find(*id) : nullptr;
  if (primary == nullptr) return refuse("I'm a replica but my master is unknown to me");
  if (command.mode == FailoverMode::kDefault && (primary->failed() || !primary->linked)) {
    return refuse("Master is down or failed, please use CLUSTER FAILOVER FORCE");
  }
  start_manual_failover(step, command.mode);
  return Ok{};
}

void forget_everybody(Step& step) {
  for (std::size_t i = step.view().size(); i > 0; --i) {
    const NodeIndex index = step.view().nth_index(i - 1);
    if (index != step.view().my_index()) step.remove_node(index);
  }
}

Result<AdminValue> run(Step& step, const Reset& command) {
  if (step.me().is_primary() && command.keyspace == Keys::kSome) {
    return refuse("CLUSTER RESET can't be called with master nodes containing keys");
  }
  const NodeIndex self = step.view().my_index();
  if (step.me().is_replica()) {
    set_as_primary(step, self);
    step.s.following.reset();
    step.fx.flush_keyspace = true;
    step.fx.role = BecomePrimary{};
  }
  step.edit.close_all_slots();
  reset_manual_failover(step);
  step.s.election = Election{};
  for (std::uint32_t s = 0; s < kSlotCount; ++s) step.edit.unassign(SlotId::wrap(s));
  step.s.owner_not_claiming = SlotBitmap{};
  forget_everybody(step);
  step.edit.edit(self).migrate_to = false;
  if (command.mode == ResetMode::kHard) {
    step.edit.set_current_epoch(ConfigEpoch{});
    step.edit.set_last_vote_epoch(ConfigEpoch{});
    step.edit.edit(self).config_epoch = ConfigEpoch{};
    step.edit.rename(self, draw_node_id(step.rng));
    step.edit.edit(self).shard = draw_node_id(step.rng);
    step.log(LogLevel::kNotice, fmt::format("Node hard reset, now I'm {}", step.me().id.hex()));
  }
  step.save(Save::kBeforeSending);
  step.evaluate_state = true;
  return Ok{};
}

Result<AdminValue> run(Step& step, const BumpEpoch&) {
  const Bump bump = bump_epoch(step);
  return fmt::format("{} {}", bump == Bump::kMoved ? "BUMPED" : "STILL", step.me().config_epoch.value);
}

Result<AdminValue> run(Step& step, const SetConfigEpoch& command) {
  if (command.epoch < 0) return refuse(fmt::format("Invalid config epoch specified: {}", command.epoch));
  if (step.view().size() > 1) {
    return refuse("The user can assign a config epoch only when the node does not know any other node.");
  }
  if (step.me().config_epoch.value != 0) return refuse("Node config epoch is already non-zero");
  const ConfigEpoch epoch{static_cast<std::uint64_t>(command.epoch)};
  step.edit.edit(step.view().my_index()).config_epoch = epoch;
  step.edit.raise_current_epoch(epoch);
  step.save(Save::kBeforeSending);
  step.evaluate_state = true;
  step.log(LogLevel::kNotice, fmt::format("configEpoch set to {} via CLUSTER SET-CONFIG-EPOCH", epoch.value));
  return Ok{};
}

Result<AdminValue> run(Step& step, const CountFailureReports& command) {
  const auto index = find_typed(step, command.node);
  if (!index) return refuse(fmt::format("Unknown node {}", command.node));
  return static_cast<std::int64_t>(count_failure_reports(step, *index));
}

Result<AdminValue> run(Step& step, const SaveConfig&) {
  // As a promise, so that the answer waits for the disk.
  step.save(Save::kBeforeSending);
  return Ok{};
}

Result<AdminValue> run(Step& step, const PublishOut& command) {
  if (command.publish.kind == ChannelKind::kGlobal) {
    broadcast(step, command.publish);
    return Ok{};
  }
  const auto message = make_message(step, command.publish);
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    const NodeIndex to = step.view().nth_index(i);
    const Node& node = step.node(to);
    if (to != step.view().my_index() && !node.handshake && node.shard == step.me().shard) step.send_to(to, message);
  }
  return Ok{};
}

}  // namespace

std::optional<NodeIndex> find_typed(const Step& step, const std::string& id) {
  const auto parsed = NodeId::from_hex(id);
  return parsed ? step.view().index_of(*parsed) : std::nullopt;
}

Result<AdminValue> run_admin(Step& step, const AdminCommand& command) {
  return std::visit([&](const auto& one) -> Result<AdminValue> { return run(step, one); }, command);
}

}  // namespace ashlar::cluster
