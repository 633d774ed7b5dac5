#include "cluster/admin/cluster_router.h"

#include <fmt/format.h>

namespace ashlar::cluster {

using command::Flag;
using command::Refuse;
using command::Route;
using command::Serve;
using command::Wait;
using keyspace::KeyRef;

Route Router::route(const command::CommandSpec& spec, std::span<const KeyRef> keys, const command::Session& session,
                    keyspace::Db& db) {
  const SlotId slot = keys[0].slot;
  if (slots_.of(slot) == SlotService::kMine) [[likely]] {
    for (const KeyRef& key : keys.subspan(1)) {
      if (key.slot != slot) return Refuse{{ErrorCode::kCrossSlot, {}}};
    }
    return Serve{};
  }
  return route_slow(spec, keys, session, db);
}

Refuse Router::redirect(ErrorCode code, SlotId slot, const Node& to, const Rules& rules) const {
  return Refuse{{code, fmt::format("{} {}:{}", slot.value(), endpoint_of(to, rules.endpoint), to.address.port)}};
}

Route Router::route_slow(const command::CommandSpec& spec, std::span<const KeyRef> keys,
                         const command::Session& session, keyspace::Db& db) const {
  const SlotId slot = keys[0].slot;
  const auto view = view_.get();
  const auto rules = rules_.get();
  const bool writes = spec.is(Flag::kWrite | Flag::kMayReplicate);
  const Node* owner = view->owner(slot);
  if (owner == nullptr) {
    return Refuse{{ErrorCode::kClusterDown, "Hash slot not served"}};
  }
  for (const KeyRef& key : keys.subspan(1)) {
    if (key.slot != slot) return Refuse{{ErrorCode::kCrossSlot, {}}};
  }
  // Shard channels are named like keys but hold no data: nothing can be missing, and replicas take part.
  const bool channels = spec.is(Flag::kPubSub);
  if (view->state() != ClusterState::kOk && channels) {
    if (!rules->allow_shard_pubsub_when_down) return Refuse{{ErrorCode::kClusterDown, {}}};
  } else if (view->state() != ClusterState::kOk) {
    if (!rules->allow_reads_when_down) return Refuse{{ErrorCode::kClusterDown, {}}};
    if (writes) return Refuse{{ErrorCode::kClusterDown, "The cluster is down and only accepts read commands"}};
  }
  if (channels) {
    const auto primary = view->myself().primary_id();
    if (view->is_mine(slot) || (primary && owner->id == *primary)) return Serve{};
    return redirect(ErrorCode::kMoved, slot, *owner, *rules);
  }
  if (slots_.of(slot) == SlotService::kHeld && writes) return Wait{};

  const SlotState state = view->slot_state(slot);
  if (spec.is(Flag::kServesOpenSlot) && !std::holds_alternative<Stable>(state)) return Serve{};
  const auto missing = [&] {
    std::size_t n = 0;
    for (const KeyRef& key : keys) n += db.find(key, keyspace::Access::kPeek) == nullptr ? 1 : 0;
    return n;
  };
  if (const auto* migrating = std::get_if<MigratingTo>(&state)) {
    const std::size_t absent = missing();
    if (absent == 0) return Serve{};
    if (absent < keys.size()) return Refuse{{ErrorCode::kTryAgain, {}}};
    const Node* target = view->find(migrating->target);
    if (target != nullptr) return redirect(ErrorCode::kAsk, slot, *target, *rules);
    return Serve{};
  }
  if (std::holds_alternative<ImportingFrom>(state) && (session.asking || spec.is(Flag::kAsking))) {
    if (keys.size() > 1 && missing() > 0 && !spec.is(Flag::kAsking)) return Refuse{{ErrorCode::kTryAgain, {}}};
    return Serve{};
  }
  if (view->is_mine(slot)) return Serve{};
  const auto primary = view->myself().primary_id();
  if (primary && owner->id == *primary && session.cluster_readonly && !writes) return Serve{};
  return redirect(ErrorCode::kMoved, slot, *owner, *rules);
}

}  // namespace ashlar::cluster
