#include <fmt/format.h>

#include "cluster/core/admin.h"
#include "cluster/core/heartbeat.h"
#include "cluster/core/roles.h"
#include "cluster/core/slot_claims.h"

namespace ashlar::cluster {
namespace {

std::unexpected<Error> refuse(std::string text) { return fail(std::move(text)); }

enum class Wanted : std::uint8_t { kAssigned, kUnassigned };

/// All slots of `ranges`, each once and in the wanted state.
Result<SlotBitmap> collect(const View& view, const std::vector<SlotRange>& ranges, Wanted wanted) {
  SlotBitmap out;
  for (const SlotRange& range : ranges) {
    for (std::uint32_t s = range.first.value(); s <= range.last.value(); ++s) {
      const SlotId slot = SlotId::wrap(s);
      const bool assigned = view.owner_index(slot).has_value();
      if (wanted == Wanted::kAssigned && !assigned) return refuse(fmt::format("Slot {} is already unassigned", s));
      if (wanted == Wanted::kUnassigned && assigned) return refuse(fmt::format("Slot {} is already busy", s));
      if (out.test(slot)) return refuse(fmt::format("Slot {} specified multiple times", s));
      out.set(slot);
    }
  }
  return out;
}

void unassign(Step& step, SlotId slot) {
  const bool mine = step.view().is_mine(slot);
  step.edit.unassign(slot);
  step.save(mine ? Save::kBeforeSending : Save::kLater);
  step.evaluate_state = true;
}

template <typename Each>
void for_each_slot(const SlotBitmap& slots, Each each) {
  for (const SlotRange& range : slots.ranges()) {
    for (std::uint32_t s = range.first.value(); s <= range.last.value(); ++s) each(SlotId::wrap(s));
  }
}

/// The other side of a migration; `slot_is_mine` says on which side we are.
Result<NodeIndex> migration_peer(const Step& step, const std::string& typed) {
  const auto index = find_typed(step, typed);
  if (!index) return refuse(fmt::format("I don't know about node {}", typed));
  if (step.node(*index).is_replica()) return refuse("Target node is not a master");
  return *index;
}

Result<void> must_be_primary(const Step& step) {
  if (step.me().is_replica()) return refuse("Please use SETSLOT only with masters.");
  return {};
}

}  // namespace

Result<AdminValue> run(Step& step, const AddSlots& command) {
  ASH_TRY(const SlotBitmap slots, collect(step.view(), command.ranges, Wanted::kUnassigned));
  // Redis lets a replica own slots here and then aborts; that is no state we can be in.
  if (step.me().is_replica()) return refuse("A replica can't own slots.");
  for_each_slot(slots, [&](SlotId slot) {
    step.edit.set_slot_state(slot, Stable{});
    assign_slot(step, slot, step.view().my_index());
  });
  return Ok{};
}

Result<AdminValue> run(Step& step, const DelSlots& command) {
  ASH_TRY(const SlotBitmap slots, collect(step.view(), command.ranges, Wanted::kAssigned));
  for_each_slot(slots, [&](SlotId slot) {
    step.edit.set_slot_state(slot, Stable{});
    unassign(step, slot);
  });
  return Ok{};
}

Result<AdminValue> run(Step& step, const FlushSlots& command) {
  if (command.keyspace == Keys::kSome) return refuse("DB must be empty to perform CLUSTER FLUSHSLOTS.");
  const SlotBitmap mine = step.me().slots;
  for_each_slot(mine, [&](SlotId slot) { unassign(step, slot); });
  return Ok{};
}

Result<AdminValue> run(Step& step, const SetSlotMigrating& command) {
  ASH_TRY_VOID(must_be_primary(step));
  if (!step.view().is_mine(command.slot)) {
    return refuse(fmt::format("I'm not the owner of hash slot {}", command.slot.value()));
  }
  ASH_TRY(const NodeIndex target, migration_peer(step, command.target));
  step.edit.set_slot_state(command.slot, MigratingTo{step.node(target).id});
  step.save(Save::kLater);
  return Ok{};
}

Result<AdminValue> run(Step& step, const SetSlotImporting& command) {
  ASH_TRY_VOID(must_be_primary(step));
  if (step.view().is_mine(command.slot)) {
    return refuse(fmt::format("I'm already the owner of hash slot {}", command.slot.value()));
  }
  ASH_TRY(const NodeIndex source, migration_peer(step, command.source));
  step.edit.set_slot_state(command.slot, ImportingFrom{step.node(source).id});
  step.save(Save::kLater);
  return Ok{};
}

Result<AdminValue> run(Step& step, const SetSlotStable& command) {
  ASH_TRY_VOID(must_be_primary(step));
  step.edit.set_slot_state(command.slot, Stable{});
  step.save(Save::kLater);
  return Ok{};
}

Result<AdminValue> run(Step& step, const SetSlotNode& command) {
  ASH_TRY_VOID(must_be_primary(step));
  const auto owner = find_typed(step, command.owner);
  if (!owner) return refuse(fmt::format("Unknown node {}", command.owner));
  if (step.node(*owner).is_replica()) return refuse("Target node is not a master");
  const NodeIndex self = step.view().my_index();
  const bool was_mine = step.view().is_mine(command.slot);
  if (was_mine && *owner != self && command.in_slot == Keys::kSome) {
    return refuse(
        fmt::format("Can't assign hashslot {} to a different node while I still hold keys for this hash slot.",
                    command.slot.value()));
  }
  const SlotState state = step.view().slot_state(command.slot);
  const bool migrated_away = std::holds_alternative<MigratingTo>(state) && command.in_slot == Keys::kNone;
  if (migrated_away) step.edit.set_slot_state(command.slot, Stable{});
  assign_slot(step, command.slot, *owner);
  step.s.owner_not_claiming.reset(command.slot);
  // A slot that is given away need not be so on disk before the answer: after a crash the claim of the new owner, whose
  // epoch is higher, takes it again.
  step.save(Save::kLater);
  if (was_mine && *owner != self && step.me().slot_count == 0 && step.options().allow_replica_migration) {
    step.log(LogLevel::kNotice, fmt::format("Configuration change detected. Reconfiguring myself as a replica of {}",
                                            label(step.node(*owner))));
    replicate_from(step, *owner);
  }
  if (*owner == self && std::holds_alternative<ImportingFrom>(state)) {
    // A new greatest epoch lets the claim win everywhere without a vote.
    if (bump_epoch(step) == Bump::kMoved) {
      step.log(LogLevel::kNotice, fmt::format("configEpoch updated after importing slot {}", command.slot.value()));
    }
    broadcast_pong(step, Audience::kAll);
  }
  return Ok{};
}

void adopt_loaded_slots(Step& step, const SlotBitmap& with_keys) {
  if (step.me().is_replica()) return;
  for_each_slot(with_keys, [&](SlotId slot) {
    if (step.view().is_mine(slot) || !std::holds_alternative<Stable>(step.view().slot_state(slot))) return;
    if (const Node* owner = step.view().owner(slot)) {
      step.log(LogLevel::kNotice, fmt::format("I have keys for slot {}, but the slot is assigned to another node. "
                                              "Setting it to importing state.",
                                              slot.value()));
      step.edit.set_slot_state(slot, ImportingFrom{owner->id});
      step.save(Save::kLater);
    } else {
      step.log(LogLevel::kNotice,
               fmt::format("I have keys for unassigned slot {}. Taking responsibility for it.", slot.value()));
      assign_slot(step, slot, step.view().my_index());
    }
  });
}

}  // namespace ashlar::cluster
