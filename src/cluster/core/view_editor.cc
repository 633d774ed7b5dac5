#include "cluster/core/view_editor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ashlar::cluster {
namespace {

bool names(const SlotState& state, const NodeId& id) {
  if (const auto* to = std::get_if<MigratingTo>(&state)) return to->target == id;
  if (const auto* from = std::get_if<ImportingFrom>(&state)) return from->source == id;
  return false;
}

}  // namespace

std::optional<NodeIndex> ViewEditor::add(Node node) {
  ASH_CHECK(!view_.index_of(node.id) && node.slot_count == 0);
  if (view_.size() >= kMaxNodes) return std::nullopt;
  const auto free = std::ranges::find_if(view_.nodes_, [](const auto& n) { return !n.has_value(); });
  const NodeIndex index{static_cast<std::uint16_t>(free - view_.nodes_.begin())};
  const auto place = std::ranges::lower_bound(view_.order_, node.id, {},
                                              [this](NodeIndex i) -> const NodeId& { return view_.node(i).id; });
  const auto offset = place - view_.order_.begin();
  if (free == view_.nodes_.end()) {
    view_.nodes_.emplace_back(Cow<Node>(std::move(node)));
  } else {
    free->emplace(std::move(node));
  }
  view_.order_.insert(view_.order_.begin() + offset, index);
  return index;
}

void ViewEditor::remove(NodeIndex index) {
  ASH_CHECK(index != view_.myself_);
  unassign_all(index);
  const NodeId id = view_.node(index).id;
  if (std::ranges::any_of(*view_.open_, [&](const auto& open) { return names(open.second, id); })) {
    std::erase_if(view_.open_.edit(), [&](const auto& open) { return names(open.second, id); });
  }
  for (const NodeIndex other : view_.order_) {
    if (view_.node(other).primary_id() == id) edit(other).role = ReplicaOf{};
  }
  std::erase(view_.order_, index);
  view_.nodes_[index.value].reset();
}

void ViewEditor::rename(NodeIndex index, const NodeId& id) {
  ASH_CHECK(!view_.index_of(id));
  const NodeId old = view_.node(index).id;
  edit(index).id = id;
  for (const NodeIndex other : view_.order_) {
    if (view_.node(other).primary_id() == old) edit(other).role = ReplicaOf{id};
  }
  std::ranges::sort(view_.order_, {}, [this](NodeIndex i) -> const NodeId& { return view_.node(i).id; });
}

void ViewEditor::detach_slot(SlotId slot) {
  const auto owner = view_.owner_index(slot);
  if (!owner) return;
  Node& node = edit(*owner);
  node.slots.reset(slot);
  --node.slot_count;
  view_.owners_.edit()[slot.value()] = 0;
}

void ViewEditor::close_if_misplaced(SlotId slot) {
  if (view_.open_->empty()) return;
  const auto at = view_.open_->find(slot);
  if (at == view_.open_->end()) return;
  if (view_.is_mine(slot) != std::holds_alternative<MigratingTo>(at->second)) view_.open_.edit().erase(slot);
}

void ViewEditor::assign(SlotId slot, NodeIndex to) {
  ASH_CHECK(!view_.node(to).is_replica());
  detach_slot(slot);
  Node& node = edit(to);
  node.slots.set(slot);
  ++node.slot_count;
  view_.owners_.edit()[slot.value()] = static_cast<std::uint16_t>(to.value + 1);
  close_if_misplaced(slot);
}

void ViewEditor::unassign(SlotId slot) {
  detach_slot(slot);
  close_if_misplaced(slot);
}

void ViewEditor::unassign_all(NodeIndex index) {
  const SlotBitmap slots = view_.node(index).slots;
  for (const SlotRange& range : slots.ranges()) {
    for (std::uint32_t s = range.first.value(); s <= range.last.value(); ++s) unassign(SlotId::wrap(s));
  }
}

void ViewEditor::set_slot_state(SlotId slot, const SlotState& state) {
  if (std::holds_alternative<Stable>(state)) {
    if (view_.open_->contains(slot)) view_.open_.edit().erase(slot);
    return;
  }
  ASH_CHECK(view_.is_mine(slot) == std::holds_alternative<MigratingTo>(state));
  view_.open_.edit()[slot] = state;
}

void ViewEditor::close_all_slots() {
  if (!view_.open_->empty()) view_.open_.edit().clear();
}

bool ViewEditor::raise_current_epoch(ConfigEpoch epoch) noexcept {
  if (epoch <= view_.current_epoch_) return false;
  view_.current_epoch_ = epoch;
  return true;
}

}  // namespace ashlar::cluster
