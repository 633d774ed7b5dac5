/// Whose slots are whose: claims under epochs, news for stale nodes, epochs that collide. Private to cluster/core.
/// Source: Redis Cluster specification, "Hash slots configuration propagation" and "Configuration epoch conflicts
/// resolution algorithm".
#pragma once

#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Hands `slot` to a member that is no replica.
void assign_slot(Step& step, SlotId slot, NodeIndex to);
/// The member `claimant` serves `slots` under `epoch`: rebinds those whose owner has a smaller epoch. Left without
/// slots, I become its replica; otherwise slots that I lost are named in Effects::slots_lost.
void apply_claim(Step& step, NodeIndex claimant, ConfigEpoch epoch, const SlotBitmap& slots);
/// Sends the member `stale` an UPDATE about every member that owns some of `slots` under a greater epoch than `epoch`.
void send_updates(Step& step, NodeIndex stale, ConfigEpoch epoch, const SlotBitmap& slots);
/// True if nobody owns `slot`, or the owner stopped claiming it.
[[nodiscard]] bool is_unclaimed(const Step& step, SlotId slot);

/// Another primary has my epoch: the one with the smaller id moves on.
void resolve_collision(Step& step, NodeIndex other, ConfigEpoch epoch);
enum class Bump : std::uint8_t { kMoved, kStill };
/// Gives me a new greatest epoch without asking anybody, unless I have the greatest. Source: CLUSTER BUMPEPOCH.
Bump bump_epoch(Step& step);

}  // namespace ashlar::cluster
