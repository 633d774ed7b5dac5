#include "cluster/admin/cluster_router.h"

#include <fmt/format.h>

#include <algorithm>

namespace ashlar::cluster {

using command::Flag;
using command::Refuse;
using command::Route;
using command::Serve;
using keyspace::KeyRef;

Route Router::route(Flag flags, std::span<const KeyRef> keys, const command::Session& session, keyspace::Db& db) {
  const SlotId slot = keys[0].slot;
  if (slots_.of(slot) == SlotService::kMine) [[likely]] {
    for (const KeyRef& key : keys.subspan(1)) {
      if (key.slot != slot) return Refuse{{ErrorCode::kCrossSlot, {}}};
    }
    return Serve{};
  }
  return route_slow(flags, keys, session, db);
}

Refuse Router::redirect(ErrorCode code, SlotId slot, const Node& to, const Rules& rules) const {
  return Refuse{{code, fmt::format("{} {}:{}", slot.value(), endpoint_of(to, rules.endpoint), to.address.port)}};
}

Route Router::route_slow(Flag flags, std::span<const KeyRef> keys, const command::Session& session,
                         keyspace::Db& db) const {
  const SlotId slot = keys[0].slot;
  const auto view = view_.get();
  const auto rules = rules_.get();
  const bool writes = has(flags, Flag::kWrite);
  const Node* owner = view->owner(slot);
  if (owner == nullptr) {
    return Refuse{{ErrorCode::kClusterDown, "Hash slot not served"}};
  }
  for (const KeyRef& key : keys.subspan(1)) {
    if (key.slot != slot) return Refuse{{ErrorCode::kCrossSlot, {}}};
  }
  // Shard channels are named like keys but hold no data: nothing can be missing, and replicas take part.
  const bool channels = has(flags, Flag::kPubSub);
  if (view->state() != ClusterState::kOk && channels) {
    if (!rules->allow_shard_pubsub_when_down) return Refuse{{ErrorCode::kClusterDown, {}}};
  } else if (view->state() != ClusterState::kOk) {
    if (!rules->allow_reads_when_down) return Refuse{{ErrorCode::kClusterDown, {}}};
    if (writes) return Refuse{{ErrorCode::kClusterDown, "The cluster is down and only accepts read commands"}};
  }

  const SlotState state = view->slot_state(slot);
  if (has(flags, Flag::kServesOpenSlot) && !std::holds_alternative<Stable>(state)) return Serve{};
  const auto missing = [&]() -> std::size_t {
    if (channels) return 0;
    return static_cast<std::size_t>(std::ranges::count_if(
        keys, [&](const KeyRef& key) { return db.find(key, keyspace::Access::kPeek) == nullptr; }));
  };
  if (const auto* migrating = std::get_if<MigratingTo>(&state)) {
    const std::size_t absent = missing();
    if (absent == 0) return Serve{};
    if (absent < keys.size()) return Refuse{{ErrorCode::kTryAgain, {}}};
    const Node* target = view->find(migrating->target);
    if (target != nullptr) return redirect(ErrorCode::kAsk, slot, *target, *rules);
    return Serve{};
  }
  const bool restores = has(flags, Flag::kAsking);
  if (std::holds_alternative<ImportingFrom>(state) && (session.asking || restores)) {
    // A key that is named twice is one.
    const bool several = std::ranges::any_of(keys, [&](const KeyRef& key) { return key.text != keys[0].text; });
    if (several && !restores && missing() > 0) return Refuse{{ErrorCode::kTryAgain, {}}};
    return Serve{};
  }
  if (view->is_mine(slot)) return Serve{};
  const auto primary = view->myself().primary_id();
  const bool reads_here = (session.cluster_readonly || channels) && !writes;
  if (primary && owner->id == *primary && reads_here) return Serve{};
  return redirect(ErrorCode::kMoved, slot, *owner, *rules);
}

}  // namespace ashlar::cluster
