#include "cli/cluster/fix_plan.h"

#include <algorithm>
#include <tuple>

namespace ashlar::cli::cluster {
namespace {

bool listed(const std::vector<NodeId>& nodes, const NodeId& id) {
  return std::find(nodes.begin(), nodes.end(), id) != nodes.end();
}

class Planner {
 public:
  explicit Planner(std::span<const SlotView> views) : views_(views) {}

  FixPlan run() {
    choose_owner();
    gather();
    // The claim comes after the others let go: a master that learns of a newer owner while it still claims the slot
    // deletes the keys that it has of it.
    if (plan_.owner_chosen) add(FixAction::kClaim, owner_->node);
    decide();
    return std::move(plan_);
  }

 private:
  void add(FixAction action, const NodeId& node, const NodeId& peer = {}) {
    plan_.steps.push_back({action, node, peer});
  }

  void choose_owner() {
    const auto owners = std::count_if(views_.begin(), views_.end(), [](const SlotView& v) { return v.owns; });
    owner_ = &views_.front();
    const auto rank = [&](const SlotView& v) {
      // Among several owners one of them keeps the slot; with no owner anybody may get it.
      return std::tuple(owners == 0 || v.owns, v.keys, v.config_epoch);
    };
    for (const SlotView& v : views_) {
      if (rank(v) > rank(*owner_)) owner_ = &v;
    }
    plan_.owner = owner_->node;
    plan_.owner_chosen = owners != 1;
  }

  /// Sorts the others into those that wait for keys and those that have keys to give back, and makes the latter able
  /// to.
  void gather() {
    for (const SlotView& v : views_) {
      // A claim closes the slot on the owner: what it was doing before has no meaning any more.
      const bool is_owner = &v == owner_;
      if (v.migrating_to && !(is_owner && plan_.owner_chosen)) plan_.migrating.push_back(v.node);
      if (is_owner) continue;
      if (v.owns) add(FixAction::kDisown, v.node);
      if (v.importing_from && !v.owns) {
        plan_.importing.push_back(v.node);
      } else if (v.owns || v.keys != 0) {
        if (!v.owns) plan_.stray.push_back(v.node);
        add(FixAction::kMarkImporting, v.node, plan_.owner);
        plan_.importing.push_back(v.node);
      } else if (v.migrating_to) {
        add(FixAction::kClose, v.node);
      }
    }
  }

  void decide() {
    const bool leaving = owner_->migrating_to.has_value() && !plan_.owner_chosen;
    const auto& importing = plan_.importing;
    if (importing.empty()) {
      if (leaving || owner_->importing_from) close_owner();
      return;
    }
    if (!leaving) {
      plan_.kind = FixCase::kReturnKeys;
      if (owner_->importing_from && !plan_.owner_chosen) add(FixAction::kClose, owner_->node);
      return_keys_to(plan_.owner, {});
      return;
    }
    const NodeId target = *owner_->migrating_to;
    if (importing.size() == 1 && (importing.front() == target || !listed(plan_.stray, importing.front()))) {
      plan_.kind = FixCase::kFinishMove;
      add(FixAction::kMoveSlot, plan_.owner, importing.front());
      return;
    }
    plan_.kind = FixCase::kManyImport;
    if (listed(importing, target)) {
      add(FixAction::kMoveSlot, plan_.owner, target);
      return_keys_to(target, target);
    } else {
      // An owner from which a slot is leaving refuses keys that it does not have.
      add(FixAction::kClose, plan_.owner);
      return_keys_to(plan_.owner, {});
    }
  }

  void close_owner() {
    if (!plan_.owner_chosen) add(FixAction::kClose, owner_->node);
    plan_.kind = FixCase::kClose;
  }

  void return_keys_to(const NodeId& owner, const NodeId& except) {
    for (const NodeId& node : plan_.importing) {
      if (node == except) continue;
      add(FixAction::kMoveKeys, node, owner);
      add(FixAction::kClose, node);
    }
  }

  std::span<const SlotView> views_;
  const SlotView* owner_ = nullptr;
  FixPlan plan_;
};

}  // namespace

Result<FixPlan> plan_slot_fix(std::span<const SlotView> views) {
  if (views.empty()) return fail(ErrorCode::kNotFound, "there is no master that could own the slot");
  return Planner(views).run();
}

Result<std::vector<Cover>> plan_cover(const SlotSet& uncovered, std::span<const Candidate> candidates) {
  if (candidates.empty()) return fail(ErrorCode::kNotFound, "there is no master that could own the slots");
  std::vector<Candidate> order(candidates.begin(), candidates.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const Candidate& a, const Candidate& b) { return a.slots < b.slots; });
  const std::vector<SlotId> slots = uncovered.slots();
  std::vector<Cover> out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < order.size() && next < slots.size(); ++i) {
    const std::size_t left = order.size() - i;
    const std::size_t share = (slots.size() - next + left - 1) / left;
    Cover cover{order[i].node, {}};
    for (std::size_t k = 0; k < share; ++k) cover.slots.add(slots[next++]);
    out.push_back(std::move(cover));
  }
  return out;
}

}  // namespace ashlar::cli::cluster
