#include "cli/cluster/move_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ashlar::cli::cluster {
namespace {

struct Balance {
  NodeId node;
  double weight = 0;
  std::size_t slots = 0;
  std::int64_t surplus = 0;  // slots beyond the fair number; negative: missing
};

bool over_threshold(const Balance& b, std::int64_t expected, double threshold) {
  if (b.slots == 0) return expected > 0;
  const double off = 100.0 * std::fabs(static_cast<double>(b.surplus)) / static_cast<double>(b.slots);
  return off > threshold;
}

/// Fair numbers are rounded down; hands out the slots that this leaves over, so that the surpluses sum up to nothing.
void hand_out_rest(std::vector<Balance>& balances) {
  std::int64_t rest = 0;
  for (const Balance& b : balances) rest += b.surplus;
  bool progress = true;
  while (rest > 0 && progress) {
    progress = false;
    for (Balance& b : balances) {
      if (rest == 0 || b.weight == 0 || b.surplus > 0) continue;
      --b.surplus;
      --rest;
      progress = true;
    }
  }
}

std::vector<Transfer> pair_up(std::vector<Balance> balances) {
  std::stable_sort(balances.begin(), balances.end(),
                   [](const Balance& a, const Balance& b) { return a.surplus < b.surplus; });
  std::vector<Transfer> out;
  std::size_t to = 0;
  std::size_t from = balances.size();
  while (to + 1 < from) {
    Balance& poor = balances[to];
    Balance& rich = balances[from - 1];
    if (poor.surplus >= 0 || rich.surplus <= 0) break;
    const std::int64_t count = std::min(-poor.surplus, rich.surplus);
    out.push_back({rich.node, poor.node, static_cast<std::size_t>(count)});
    poor.surplus += count;
    rich.surplus -= count;
    if (poor.surplus == 0) ++to;
    if (rich.surplus == 0) --from;
  }
  return out;
}

}  // namespace

Result<std::vector<SlotMove>> plan_reshard(std::span<const SlotSource> sources, std::size_t count) {
  std::vector<const SlotSource*> order;
  std::size_t total = 0;
  for (const SlotSource& source : sources) {
    order.push_back(&source);
    total += source.slots.size();
  }
  if (total < count)
    return fail(ErrorCode::kOutOfRange,
                fmt::format("{} slots are asked for, but the source nodes have only {}", count, total));
  if (count == 0) return std::vector<SlotMove>{};
  std::stable_sort(order.begin(), order.end(),
                   [](const SlotSource* a, const SlotSource* b) { return a->slots.size() > b->slots.size(); });

  std::vector<std::size_t> take;
  std::size_t rest = count;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t product = count * order[i]->slots.size();
    const std::size_t share = i == 0 ? (product + total - 1) / total : product / total;
    take.push_back(std::min(share, rest));
    rest -= take.back();
  }
  while (rest != 0) {
    for (std::size_t i = 0; i < order.size() && rest != 0; ++i) {
      if (take[i] == order[i]->slots.size()) continue;
      ++take[i];
      --rest;
    }
  }
  std::vector<SlotMove> out;
  out.reserve(count);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::vector<SlotId> slots = order[i]->slots.slots();
    for (std::size_t k = 0; k < take[i]; ++k) out.push_back({slots[k], order[i]->node});
  }
  return out;
}

Result<RebalancePlan> plan_rebalance(std::span<const MasterLoad> masters, double threshold, EmptyMasters empty) {
  RebalancePlan plan;
  std::vector<Balance> balances;
  for (const MasterLoad& master : masters) {
    if (!std::isfinite(master.weight) || master.weight < 0)
      return fail(ErrorCode::kOutOfRange, "a weight is a number from 0 up");
    if (empty == EmptyMasters::kSkip && master.slots == 0) continue;
    balances.push_back({master.node, master.weight, master.slots});
    plan.total_weight += master.weight;
  }
  plan.involved = balances.size();
  if (!(plan.total_weight > 0) || !std::isfinite(plan.total_weight))
    return fail(ErrorCode::kOutOfRange, "at least one master must have a weight above 0");

  bool needed = false;
  for (Balance& b : balances) {
    const auto expected = static_cast<std::int64_t>(kSlotCount / plan.total_weight * b.weight);
    b.surplus = static_cast<std::int64_t>(b.slots) - expected;
    needed = needed || over_threshold(b, expected, threshold);
  }
  if (!needed) return plan;
  hand_out_rest(balances);
  plan.transfers = pair_up(std::move(balances));
  return plan;
}

}  // namespace ashlar::cli::cluster
