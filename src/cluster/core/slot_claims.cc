#include "cluster/core/slot_claims.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "cluster/core/heartbeat.h"
#include "cluster/core/roles.h"

namespace ashlar::cluster {
namespace {

bool any_replicas(const View& view) {
  return std::any_of(view.begin(), view.end(), [&](const Node& node) {
    const auto primary = node.primary_id();
    const Node* found = primary ? view.find(*primary) : nullptr;
    return found != nullptr && !found->is_replica();
  });
}

/// What a claim did to the slots of my shard.
struct Outcome {
  std::size_t claimed = 0;     // slots in the claim
  std::size_t from_shard = 0;  // of these, taken from me or my primary
  SlotBitmap from_me;
};

Outcome rebind(Step& step, NodeIndex claimant, ConfigEpoch epoch, const SlotBitmap& slots) {
  Outcome outcome;
  const NodeIndex self = step.view().my_index();
  const auto my_holder = step.view().index_of(slots_holder(step.view(), step.me()).id);
  for (std::uint32_t s = 0; s < kSlotCount; ++s) {
    const SlotId slot = SlotId::wrap(s);
    const auto owner = step.view().owner_index(slot);
    if (!slots.test(slot)) {
      // Unbinding it now could fail the cluster while the new owner's claim is on its way; but nobody else shall be
      // told that the old owner has it.
      if (owner == claimant) step.s.owner_not_claiming.set(slot);
      continue;
    }
    ++outcome.claimed;
    if (owner == claimant) {
      step.s.owner_not_claiming.reset(slot);
      continue;
    }
    // A slot being imported changes hands only by command.
    if (std::holds_alternative<ImportingFrom>(step.view().slot_state(slot))) continue;
    if (!is_unclaimed(step, slot) && step.node(*owner).config_epoch >= epoch) continue;
    if (owner == self) outcome.from_me.set(slot);
    if (owner && owner == my_holder) ++outcome.from_shard;
    assign_slot(step, slot, claimant);
    step.s.owner_not_claiming.reset(slot);
  }
  return outcome;
}

}  // namespace

bool is_unclaimed(const Step& step, SlotId slot) {
  return !step.view().owner_index(slot) || step.s.owner_not_claiming.test(slot);
}

void assign_slot(Step& step, SlotId slot, NodeIndex to) {
  step.edit.assign(slot, to);
  // The first slot makes a primary worth having replicas, where primaries have replicas at all.
  if (step.node(to).slot_count == 1 && !step.node(to).migrate_to && any_replicas(step.view())) {
    step.edit.edit(to).migrate_to = true;
  }
  step.save(to == step.view().my_index() ? Save::kBeforeSending : Save::kLater);
  step.evaluate_state = true;
}

void apply_claim(Step& step, NodeIndex claimant, ConfigEpoch epoch, const SlotBitmap& slots) {
  const NodeIndex self = step.view().my_index();
  if (claimant == self || step.node(claimant).is_replica() || step.node(claimant).handshake) return;
  const Outcome outcome = rebind(step, claimant, epoch, slots);
  if (!outcome.from_me.empty()) step.save(Save::kBeforeSending);

  const bool shard_emptied = outcome.from_shard > 0 && slots_holder(step.view(), step.me()).slot_count == 0;
  const bool whole_shard_moved = outcome.claimed == outcome.from_shard;
  if (shard_emptied && (step.options().allow_replica_migration || whole_shard_moved)) {
    step.log(LogLevel::kNotice, fmt::format("Configuration change detected. Reconfiguring myself as a replica of {}",
                                            label(step.node(claimant))));
    replicate_from(step, claimant);
    return;
  }
  // A replica of a replica would never be reconfigured by a claim: climb to the top.
  const auto primary = step.me().primary_id();
  const Node* above = primary ? step.view().find(*primary) : nullptr;
  const auto top = above != nullptr ? above->primary_id() : std::nullopt;
  if (top && *top != step.me().id) {
    step.log(LogLevel::kNotice, fmt::format("I'm a sub-replica! Reconfiguring myself as a replica of {}", top->hex()));
    replicate_from(step, *step.view().index_of(*top));
    return;
  }
  for (const SlotRange& range : outcome.from_me.ranges()) step.fx.slots_lost.push_back(range);
}

void send_updates(Step& step, NodeIndex stale, ConfigEpoch epoch, const SlotBitmap& slots) {
  std::set<NodeIndex> told;
  for (const SlotRange& range : slots.ranges()) {
    for (std::uint32_t s = range.first.value(); s <= range.last.value(); ++s) {
      const SlotId slot = SlotId::wrap(s);
      const auto owner = step.view().owner_index(slot);
      if (!owner || owner == stale || is_unclaimed(step, slot)) continue;
      const Node& newer = step.node(*owner);
      if (newer.config_epoch <= epoch || !told.insert(*owner).second) continue;
      step.log(LogLevel::kVerbose,
               fmt::format("Node {} has old slots configuration, sending an UPDATE message about {}",
                           label(step.node(stale)), label(newer)));
      Update update{newer.config_epoch, newer.id, newer.slots};
      for (const SlotRange& dubious : step.s.owner_not_claiming.ranges()) {
        for (std::uint32_t d = dubious.first.value(); d <= dubious.last.value(); ++d)
          update.slots.reset(SlotId::wrap(d));
      }
      step.send_to(stale, make_message(step, update));
    }
  }
}

void resolve_collision(Step& step, NodeIndex other, ConfigEpoch epoch) {
  if (step.options().faults.ignore_collision) return;
  const Node& peer = step.node(other);
  if (!step.me().is_primary() || !peer.is_primary()) return;
  if (epoch != step.me().config_epoch || peer.id <= step.me().id) return;
  step.edit.set_current_epoch(step.view().current_epoch().plus(1));
  step.edit.edit(step.view().my_index()).config_epoch = step.view().current_epoch();
  step.save(Save::kBeforeSending);
  step.log(LogLevel::kVerbose, fmt::format("configEpoch collision with node {}. configEpoch set to {}", label(peer),
                                           step.view().current_epoch().value));
}

Bump bump_epoch(Step& step) {
  const ConfigEpoch mine = step.me().config_epoch;
  if (mine.value != 0 && mine == max_epoch(step.view())) return Bump::kStill;
  step.edit.set_current_epoch(step.view().current_epoch().plus(1));
  step.edit.edit(step.view().my_index()).config_epoch = step.view().current_epoch();
  step.save(Save::kBeforeSending);
  step.log(LogLevel::kNotice, fmt::format("New configEpoch set to {}", step.view().current_epoch().value));
  return Bump::kMoved;
}

}  // namespace ashlar::cluster
