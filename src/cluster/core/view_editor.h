/// The only way to change a View. Each function keeps the view's invariants, given its stated preconditions.
#pragma once

#include <optional>

#include "cluster/core/view.h"

namespace ashlar::cluster {

/// Edits `view` in place. Thread: the view's. References from View::node() may go stale with any edit.
class ViewEditor {
 public:
  explicit ViewEditor(View& view) noexcept : view_(view) {}

  /// Takes in `node`, whose id must be new, without slots. nullopt when the view is full (kMaxNodes).
  std::optional<NodeIndex> add(Node node);
  /// Removes another member: its slots become unassigned, its replicas lose their primary, open slots with it close.
  void remove(NodeIndex index);
  /// Gives a member its real id; `id` must be new.
  void rename(NodeIndex index, const NodeId& id);
  /// The member for changing anything but id, slots and slot_count.
  [[nodiscard]] Node& edit(NodeIndex index) { return view_.nodes_[index.value]->edit(); }

  /// Hands `slot` to a member that is no replica. A slot open on the wrong side is closed.
  void assign(SlotId slot, NodeIndex to);
  /// Leaves `slot` without owner.
  void unassign(SlotId slot);
  /// Leaves every slot of `index` without owner.
  void unassign_all(NodeIndex index);
  /// Opens or closes a slot; MigratingTo only for slots that are mine, ImportingFrom only for others.
  void set_slot_state(SlotId slot, const SlotState& state);
  void close_all_slots();

  /// Raises the current epoch to at least `epoch`. True if it moved.
  bool raise_current_epoch(ConfigEpoch epoch) noexcept;
  /// Sets epochs outright: loading, CLUSTER RESET HARD, votes.
  void set_current_epoch(ConfigEpoch epoch) noexcept { view_.current_epoch_ = epoch; }
  void set_last_vote_epoch(ConfigEpoch epoch) noexcept { view_.last_vote_epoch_ = epoch; }
  void set_state(ClusterState state) noexcept { view_.state_ = state; }
  void set_voters(std::size_t voters) noexcept { view_.voters_ = voters; }
  void set_wall_offset(Micros offset) noexcept { view_.wall_offset_ = offset; }

 private:
  void detach_slot(SlotId slot);
  void close_if_misplaced(SlotId slot);

  View& view_;
};

}  // namespace ashlar::cluster
