#include "cluster/core/view.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace ashlar::cluster {

std::optional<NodeId> Node::primary_id() const noexcept {
  if (!role) return std::nullopt;
  const auto* replica = std::get_if<ReplicaOf>(&*role);
  if (replica == nullptr || replica->primary.is_zero()) return std::nullopt;
  return replica->primary;
}

View::View(Node myself) {
  ASH_CHECK(myself.role.has_value());
  myself.linked = true;
  nodes_.emplace_back(Cow<Node>(std::move(myself)));
  order_.push_back(NodeIndex{0});
}

std::optional<NodeIndex> View::index_of(const NodeId& id) const noexcept {
  const auto at = std::ranges::lower_bound(order_, id, {}, [this](NodeIndex i) -> const NodeId& { return node(i).id; });
  if (at == order_.end() || node(*at).id != id) return std::nullopt;
  return *at;
}

const Node* View::find(const NodeId& id) const noexcept {
  const auto index = index_of(id);
  return index ? &node(*index) : nullptr;
}

std::optional<NodeIndex> View::owner_index(SlotId slot) const noexcept {
  const std::uint16_t cell = (*owners_)[slot.value()];
  if (cell == 0) return std::nullopt;
  return NodeIndex{static_cast<std::uint16_t>(cell - 1)};
}

const Node* View::owner(SlotId slot) const noexcept {
  const auto index = owner_index(slot);
  return index ? &node(*index) : nullptr;
}

SlotState View::slot_state(SlotId slot) const {
  if (open_->empty()) return Stable{};
  const auto at = open_->find(slot);
  return at == open_->end() ? SlotState{Stable{}} : at->second;
}

namespace {

std::optional<std::string> check_members(const View& view) {
  const Node& me = view.myself();
  if (!me.role || me.handshake || !me.linked) return "myself has no role, no link or is in handshake";
  for (std::size_t i = 0; i < view.size(); ++i) {
    const Node& n = view.nth(i);
    if (i > 0 && view.nth(i - 1).id >= n.id) return fmt::format("members out of order at {}", n.id.hex());
    if (n.slots.count() != n.slot_count) return fmt::format("slot count of {} is wrong", n.id.hex());
    if (n.slot_count > 0 && (n.is_replica() || n.handshake)) return fmt::format("{} may own no slots", n.id.hex());
    if (n.config_epoch > view.current_epoch()) return fmt::format("config epoch of {} is ahead", n.id.hex());
    if (const auto primary = n.primary_id()) {
      if (*primary == n.id) return fmt::format("{} replicates itself", n.id.hex());
      if (view.find(*primary) == nullptr) return fmt::format("primary of {} is no member", n.id.hex());
    }
  }
  if (view.last_vote_epoch() > view.current_epoch()) return "last vote is ahead of the current epoch";
  return std::nullopt;
}

std::optional<std::string> check_slots(const View& view) {
  std::size_t owned = 0;
  for (std::uint32_t s = 0; s < kSlotCount; ++s) {
    const Node* owner = view.owner(SlotId::wrap(s));
    if (owner == nullptr) continue;
    ++owned;
    if (!owner->slots.test(SlotId::wrap(s))) return fmt::format("slot {} is not in its owner's bitmap", s);
  }
  std::size_t claimed = 0;
  for (const Node& n : view) claimed += n.slot_count;
  if (owned != claimed) return fmt::format("{} slots owned, {} claimed", owned, claimed);
  for (const auto& [slot, state] : view.open_slots()) {
    const auto* to = std::get_if<MigratingTo>(&state);
    const auto* from = std::get_if<ImportingFrom>(&state);
    if (to == nullptr && from == nullptr) return fmt::format("slot {} is open but stable", slot.value());
    if (view.find(to != nullptr ? to->target : from->source) == nullptr) {
      return fmt::format("peer of open slot {} is no member", slot.value());
    }
    if (view.is_mine(slot) != (to != nullptr)) return fmt::format("slot {} is open on the wrong side", slot.value());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> View::check_invariants() const {
  if (auto broken = check_members(*this)) return broken;
  return check_slots(*this);
}

std::vector<const Node*> replicas_of(const View& view, const NodeId& primary) {
  std::vector<const Node*> out;
  for (const Node& n : view) {
    if (n.primary_id() == primary) out.push_back(&n);
  }
  return out;
}

const Node& slots_holder(const View& view, const Node& node) {
  const auto primary = node.primary_id();
  const Node* found = primary ? view.find(*primary) : nullptr;
  return found != nullptr ? *found : node;
}

ConfigEpoch max_epoch(const View& view) {
  ConfigEpoch max = view.current_epoch();
  for (const Node& n : view) max = std::max(max, n.config_epoch);
  return max;
}

}  // namespace ashlar::cluster
