#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "cli/cluster/commands.h"
#include "cli/cluster/move_plan.h"
#include "cli/cluster/move_run.h"
#include "cli/cluster/report.h"

namespace ashlar::cli::cluster {
namespace {

/// Weights by node; those that are not named weigh 1.
Result<std::vector<MasterLoad>> master_loads(Session& session, const Topology& topology) {
  std::map<NodeId, double> weights;
  for (const auto& [name, weight] : session.options.weights) {
    const auto node = topology.find_prefix(name);
    if (!node) return fail(ErrorCode::kNotFound, fmt::format("No such master node {}", name));
    if (!(*node)->info.is_master()) {  // it may have been one when the command was written
      session.terminal.line(Style::kWarning, fmt::format("[WARNING] {} is a replica: its weight does not count.",
                                                         (*node)->info.address()));
    }
    weights[(*node)->info.id] = weight;
  }
  std::vector<MasterLoad> out;
  for (const ClusterNode* master : topology.masters()) {
    const auto it = weights.find(master->info.id);
    out.push_back({master->info.id, master->slots.size(), it == weights.end() ? 1.0 : it->second});
  }
  return out;
}

/// The moves of one transfer. Its source gives its lowest slots.
Result<std::vector<SlotMove>> moves_of(const Topology& topology, const Transfer& transfer) {
  const std::array source = {SlotSource{transfer.from, topology.find(transfer.from)->slots}};
  return plan_reshard(source, transfer.slots);
}

Result<Outcome> carry_out(Session& session, Topology& topology, const RebalancePlan& plan) {
  std::size_t total = 0;
  for (const Transfer& transfer : plan.transfers) total += transfer.slots;
  Progress progress(total, ProgressUnit::kSlots, session.clock.mono());
  for (const Transfer& transfer : plan.transfers) {
    session.terminal.line(fmt::format("Moving {} slots from {} to {}", transfer.slots,
                                      topology.find(transfer.from)->info.address(),
                                      topology.find(transfer.to)->info.address()));
    ASH_TRY(const std::vector<SlotMove> moves, moves_of(topology, transfer));
    if (session.options.simulate) {
      for (const SlotMove& move : moves) {
        topology.find(transfer.from)->slots.remove(move.slot);
        topology.find(transfer.to)->slots.add(move.slot);
      }
      if (!session.terminal.live()) session.terminal.print(std::string(moves.size(), '#'));
    } else if (move_slots(session, topology, moves, transfer.to, MoveLog::kMarks, progress) == Outcome::kFailed) {
      return Outcome::kFailed;
    }
    if (!session.terminal.live()) session.terminal.print("\n");
  }
  if (session.options.simulate) return Outcome::kDone;
  if (session.terminal.live())
    session.terminal.line(Style::kGood, fmt::format("[OK] Moved {}.", progress.summary(session.clock.mono())));
  ASH_TRY_VOID(wait_for_agreement(session));
  return Outcome::kDone;
}

}  // namespace

Result<Outcome> run_rebalance(Session& session) {
  ASH_TRY(Topology topology, load_settled(session, session.options.entry, Seconds(10)));
  ASH_TRY(const std::vector<MasterLoad> loads, master_loads(session, topology));
  if (!show_check(session, topology, Tables::kHide).healthy()) {
    session.terminal.line(Style::kBad, "*** Please fix your cluster problems before rebalancing");
    return Outcome::kFailed;
  }
  const EmptyMasters empty = session.options.use_empty_masters ? EmptyMasters::kUse : EmptyMasters::kSkip;
  ASH_TRY(const RebalancePlan plan, plan_rebalance(loads, session.options.threshold, empty));
  if (plan.transfers.empty()) {
    session.terminal.line(Style::kWarning,
                          fmt::format("*** No rebalancing needed! All nodes are within the {:.2f}% threshold.",
                                      session.options.threshold));
    return Outcome::kDone;
  }
  session.terminal.line(Style::kHeading, fmt::format(">>> Rebalancing across {} nodes. Total weight = {:.2f}",
                                                     plan.involved, plan.total_weight));
  return carry_out(session, topology, plan);
}

}  // namespace ashlar::cli::cluster
