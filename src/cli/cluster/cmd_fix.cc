#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/cluster/commands.h"
#include "cli/cluster/databases.h"
#include "cli/cluster/fix_plan.h"
#include "cli/cluster/report.h"
#include "cli/cluster/slot_mover.h"

namespace ashlar::cli::cluster {
namespace {

std::optional<NodeId> peer_of(const std::vector<OpenSlot>& open, SlotId slot) {
  const auto it = std::find_if(open.begin(), open.end(), [&](const OpenSlot& o) { return o.slot == slot; });
  return it == open.end() ? std::nullopt : std::optional(it->peer);
}

/// What all masters know of some slots, by slot.
using Views = std::map<SlotId, std::vector<SlotView>>;

class Repair {
 public:
  explicit Repair(Session& session) : session_(session), terminal_(session.terminal) {}

  Result<Outcome> run() {
    ASH_TRY(topology_, load_topology(session_.links, session_.options.entry));
    ASH_TRY_VOID(show_info(session_, topology_));
    terminal_.line(Style::kHeading,
                   fmt::format(">>> Performing Cluster Check (using node {})", topology_.nodes.front().info.address()));
    show_nodes(terminal_, topology_);
    Findings findings = check_topology(topology_);
    show_agreement(terminal_, findings);

    show_open_slots(terminal_, topology_, findings);
    if (!findings.open.empty()) {
      if (!allowed("open slots")) return Outcome::kFailed;
      ASH_TRY_VOID(fix_slots(findings.open, ">>> Fixing open slot {}"));
      ASH_TRY(findings, look_again());
    }
    show_coverage(terminal_, findings);
    if (!findings.uncovered.empty()) {
      if (!allowed("slots coverage")) return Outcome::kFailed;
      ASH_TRY_VOID(fix_coverage(findings.uncovered));
      ASH_TRY(findings, look_again());
    }
    if (session_.options.search_multiple_owners) {
      show_contested(terminal_, topology_, findings);
      SlotSet contested;
      for (const ContestedSlot& c : findings.contested) contested.add(c.slot);
      ASH_TRY_VOID(fix_slots(contested, ">>> Fixing multiple owners for slot {}..."));
    }
    return verdict();
  }

 private:
  std::string address(const NodeId& id) const { return topology_.find(id)->info.address(); }
  std::string addresses(const std::vector<NodeId>& ids) const {
    std::string out;
    for (const NodeId& id : ids) out += (out.empty() ? "" : ", ") + address(id);
    return out;
  }

  bool allowed(std::string_view what) {
    const std::size_t gone = topology_.unreachable_masters();
    if (gone == 0 || session_.options.fix_with_unreachable_masters) return true;
    terminal_.line(Style::kBad,
                   fmt::format("*** Fixing {} with {} unreachable masters is dangerous: their slots would be given to "
                               "other nodes, and the keys that only they have would be lost. Bring them back, wait "
                               "for their replicas to take over, or remove with --cluster del-node those that are gone "
                               "for good. To go on all the same, give --cluster-fix-with-unreachable-masters.",
                               what, gone));
    return false;
  }

  Result<Findings> look_again() {
    ASH_TRY(topology_, load_topology(session_.links, session_.options.entry));
    return check_topology(topology_);
  }

  /// Counts the keys of `slots` at every master.
  Result<Views> views_of(const SlotSet& slots) {
    Views out;
    const std::vector<SlotId> list = slots.slots();
    std::vector<Words> commands;
    for (const SlotId slot : list) commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot.value())});
    for (const ClusterNode* master : topology_.masters()) {
      const Endpoint endpoint = endpoint_of(master->info);
      std::vector<std::uint64_t> keys(list.size());
      ASH_TRY(const std::vector<std::uint32_t> databases, databases_of(session_.links, endpoint));
      for (const std::uint32_t database : databases) {
        ASH_TRY(const std::vector<resp::Value> counts, ask_all_in(session_.links, endpoint, database, commands));
        for (std::size_t i = 0; i < list.size(); ++i) {
          if (counts[i].is_error()) return fail(fmt::format("{}: {}", master->info.address(), counts[i].text()));
          keys[i] += static_cast<std::uint64_t>(std::max<std::int64_t>(counts[i].number(), 0));
        }
      }
      for (std::size_t i = 0; i < list.size(); ++i) {
        out[list[i]].push_back({.node = master->info.id,
                                .owns = master->slots.contains(list[i]),
                                .migrating_to = peer_of(master->info.migrating, list[i]),
                                .importing_from = peer_of(master->info.importing, list[i]),
                                .keys = keys[i],
                                .config_epoch = master->info.config_epoch});
      }
    }
    return out;
  }

  Result<void> fix_slots(const SlotSet& slots, std::string_view title) {
    if (slots.empty()) return {};
    ASH_TRY(const Views views, views_of(slots));
    for (const auto& [slot, slot_views] : views) {
      terminal_.line(Style::kHeading, fmt::format(fmt::runtime(title), slot.value()));
      ASH_TRY_VOID(fix_slot(slot, slot_views));
    }
    return {};
  }

  Result<void> fix_slot(SlotId slot, const std::vector<SlotView>& views) {
    ASH_TRY(const FixPlan plan, plan_slot_fix(views));
    for (const NodeId& node : plan.stray)
      terminal_.line(Style::kWarning,
                     fmt::format("*** Found keys about slot {} in node {}!", slot.value(), address(node)));
    if (!plan.migrating.empty()) terminal_.line("Set as migrating in: " + addresses(plan.migrating));
    if (!plan.importing.empty()) terminal_.line("Set as importing in: " + addresses(plan.importing));
    if (plan.owner_chosen) {
      terminal_.line(Style::kHeading, ">>> No single clear owner for the slot, selecting an owner by # of keys...");
      terminal_.line(Style::kWarning, fmt::format("*** Configuring {} as the slot owner", address(plan.owner)));
    }
    show_case(slot, plan);
    for (const FixStep& step : plan.steps) ASH_TRY_VOID(apply(slot, step));
    return {};
  }

  void show_case(SlotId slot, const FixPlan& plan) {
    const std::string owner = address(plan.owner);
    switch (plan.kind) {
      case FixCase::kNothing: return;
      case FixCase::kFinishMove:
        terminal_.line(Style::kHeading, fmt::format(">>> Case 1: Moving slot {} from {} to {}", slot.value(), owner,
                                                    address(plan.steps.back().peer)));
        return;
      case FixCase::kReturnKeys:
        terminal_.line(Style::kHeading,
                       fmt::format(">>> Case 2: Moving all the {} slot keys to its owner {}", slot.value(), owner));
        return;
      case FixCase::kManyImport:
        terminal_.line(Style::kHeading,
                       fmt::format(">>> Case 3: Bringing the keys of slot {} to one node and closing it on {}",
                                   slot.value(), addresses(plan.importing)));
        return;
      case FixCase::kClose:
        terminal_.line(Style::kHeading, fmt::format(">>> Case 4: Closing slot {} on {}", slot.value(), owner));
        return;
    }
  }

  Result<void> apply(SlotId slot, const FixStep& step) {
    const std::string number = std::to_string(slot.value());
    const Endpoint node = endpoint_of(topology_.find(step.node)->info);
    switch (step.action) {
      case FixAction::kClaim: {
        SlotSet one;
        one.add(slot);
        return claim(step.node, one);
      }
      case FixAction::kDisown: {
        ASH_TRY([[maybe_unused]] const resp::Value ok, session_.links.ask(node, {"CLUSTER", "DELSLOTS", number}));
        topology_.find(step.node)->slots.remove(slot);
        return {};
      }
      case FixAction::kMarkImporting: {
        const std::string peer = step.peer.hex();
        ASH_TRY([[maybe_unused]] const resp::Value told,
                session_.links.ask(node, {"CLUSTER", "SETSLOT", number, "NODE", peer}));
        ASH_TRY([[maybe_unused]] const resp::Value ok,
                session_.links.ask(node, {"CLUSTER", "SETSLOT", number, "IMPORTING", peer}));
        return {};
      }
      case FixAction::kClose: {
        terminal_.line(Style::kHeading, fmt::format(">>> Setting {} as STABLE in {}", number, address(step.node)));
        ASH_TRY([[maybe_unused]] const resp::Value ok,
                session_.links.ask(node, {"CLUSTER", "SETSLOT", number, "STABLE"}));
        return {};
      }
      case FixAction::kMoveSlot:
      case FixAction::kMoveKeys: return move(slot, step);
    }
    return {};
  }

  Result<void> move(SlotId slot, const FixStep& step) {
    terminal_.print(
        fmt::format("Moving slot {} from {} to {}: ", slot.value(), address(step.node), address(step.peer)));
    SlotMover mover(session_, topology_);
    const auto dots = [&](std::size_t keys) { terminal_.print(std::string(keys, '.')); };
    auto moved = step.action == FixAction::kMoveSlot ? mover.move_slot(slot, step.node, step.peer, dots)
                                                     : mover.move_keys(slot, step.node, step.peer, dots);
    terminal_.print("\n");
    if (!moved)
      return fail(fmt::format("Slot {} could not be moved and stays open: {}", slot.value(), moved.error().text()));
    return {};
  }

  /// Makes a node the owner of slots that nobody else claims any more, with an epoch that wins everywhere.
  Result<void> claim(const NodeId& id, const SlotSet& slots) {
    ClusterNode* node = topology_.find(id);
    const Endpoint endpoint = endpoint_of(node->info);
    std::vector<Words> forget;
    Words add = {"CLUSTER", "ADDSLOTS"};
    for (const SlotId slot : slots.slots()) {
      const std::string number = std::to_string(slot.value());
      forget.push_back({"CLUSTER", "SETSLOT", number, "STABLE"});
      if (node->slots.contains(slot)) continue;
      // It may still think that the slot belongs to a node that is gone; having no such thought is an error too.
      forget.push_back({"CLUSTER", "DELSLOTS", number});
      add.push_back(number);
    }
    ASH_TRY([[maybe_unused]] const std::vector<resp::Value> ignored, session_.links.ask_all(endpoint, forget));
    if (add.size() > 2) {
      ASH_TRY([[maybe_unused]] const resp::Value ok, session_.links.ask(endpoint, add));
    }
    node->slots.add(slots);
    ASH_TRY([[maybe_unused]] const resp::Value epoch, session_.links.ask(endpoint, {"CLUSTER", "BUMPEPOCH"}));
    return {};
  }

  Result<void> fix_coverage(const SlotSet& uncovered) {
    terminal_.line(Style::kHeading, ">>> Fixing slots coverage...");
    ASH_TRY(const Views views, views_of(uncovered));
    SlotSet nobody;
    SlotSet one;
    SlotSet several;
    for (const auto& [slot, slot_views] : views) {
      const auto holders =
          std::count_if(slot_views.begin(), slot_views.end(), [](const SlotView& v) { return v.keys != 0; });
      (holders == 0 ? nobody : holders == 1 ? one : several).add(slot);
    }
    ASH_TRY_VOID(cover_empty(nobody));
    ASH_TRY_VOID(cover_held(one, views, "The following uncovered slots have keys in just one node:",
                            "Fix these slots by covering with those nodes?"));
    return cover_held(several, views, "The following uncovered slots have keys in multiple nodes:",
                      "Fix these slots by moving keys into a single node?");
  }

  bool offer(const SlotSet& slots, std::string_view what, std::string_view question) {
    if (slots.empty()) return false;
    terminal_.line(what);
    terminal_.line(slots.table_text());
    return confirm(session_, question);
  }

  Result<void> cover_empty(const SlotSet& slots) {
    if (!offer(slots, "The following uncovered slots have no keys across the cluster:",
               "Fix these slots by sharing them out among the masters?"))
      return {};
    std::vector<Candidate> candidates;
    for (const ClusterNode* master : topology_.masters()) candidates.push_back({master->info.id, master->slots.size()});
    ASH_TRY(const std::vector<Cover> covers, plan_cover(slots, candidates));
    for (const Cover& cover : covers) {
      terminal_.line(Style::kHeading,
                     fmt::format(">>> Covering slot {} with {}", cover.slots.table_text(), address(cover.node)));
      ASH_TRY_VOID(claim(cover.node, cover.slots));
    }
    return {};
  }

  Result<void> cover_held(const SlotSet& slots, const Views& views, std::string_view what, std::string_view question) {
    if (!offer(slots, what, question)) return {};
    for (const SlotId slot : slots.slots()) {
      terminal_.line(Style::kHeading, fmt::format(">>> Covering slot {}", slot.value()));
      ASH_TRY_VOID(fix_slot(slot, views.at(slot)));
    }
    return {};
  }

  Result<Outcome> verdict() {
    ASH_TRY(topology_, load_settled(session_, session_.options.entry, Seconds(20)));
    const Findings findings = check_topology(topology_);
    if (findings.healthy()) {
      terminal_.line(Style::kGood, "[OK] Nothing is left to fix.");
      return Outcome::kDone;
    }
    terminal_.line(Style::kBad,
                   fmt::format("[ERR] Not everything is fixed: {}{}{}. See --cluster check {}.",
                               findings.agree ? "" : "nodes disagree about slots; ",
                               findings.open.empty() ? "" : "slots are open; ",
                               findings.uncovered.empty() ? "" : "slots have no owner", session_.options.entry.text()));
    return Outcome::kFailed;
  }

  Session& session_;
  Terminal& terminal_;
  Topology topology_;
};

}  // namespace

Result<Outcome> run_fix(Session& session) { return Repair(session).run(); }

}  // namespace ashlar::cli::cluster
