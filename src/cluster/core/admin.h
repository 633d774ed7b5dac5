/// The CLUSTER commands that change something. Private to cluster/core; texts as Redis 7.2 gives them.
#pragma once

#include "cluster/core/effects.h"
#include "cluster/core/events.h"
#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Carries out one command and returns its answer.
[[nodiscard]] Result<AdminValue> run_admin(Step& step, const AdminCommand& command);

// The group that is about slots (admin_slots.cc).
[[nodiscard]] Result<AdminValue> run(Step& step, const AddSlots& command);
[[nodiscard]] Result<AdminValue> run(Step& step, const DelSlots& command);
[[nodiscard]] Result<AdminValue> run(Step& step, const FlushSlots& command);
[[nodiscard]] Result<AdminValue> run(Step& step, const SetSlotMigrating& command);
[[nodiscard]] Result<AdminValue> run(Step& step, const SetSlotImporting& command);
[[nodiscard]] Result<AdminValue> run(Step& step, const SetSlotStable& command);
[[nodiscard]] Result<AdminValue> run(Step& step, const SetSlotNode& command);

/// The member that an administrator typed, or nullopt.
[[nodiscard]] std::optional<NodeIndex> find_typed(const Step& step, const std::string& id);
/// Slots with keys after loading: takes those without owner, opens the others for import.
void adopt_loaded_slots(Step& step, const SlotBitmap& with_keys);

}  // namespace ashlar::cluster
