#include "cluster/core/cluster_state.h"

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::cluster {
namespace {

constexpr Millis kRejoinDelayMax{5'000};  // CLUSTER_MAX_REJOIN_DELAY
constexpr Millis kRejoinDelayMin{500};    // CLUSTER_MIN_REJOIN_DELAY
constexpr Millis kWritableDelay{2'000};   // CLUSTER_WRITABLE_DELAY

bool all_slots_served(const View& view) {
  std::size_t served = 0;
  for (const Node& node : view) {
    if (!node.failed()) served += node.slot_count;
  }
  return served == kSlotCount;
}

}  // namespace

void evaluate_cluster_state(Step& step) {
  State& s = step.s;
  if (!s.first_evaluation) s.first_evaluation = step.now.mono;

  // Counted even while the verdict below is delayed, for elections and failure reports rely on it.
  std::size_t voters = 0;
  std::size_t reachable = 0;
  for (const Node& node : step.view()) {
    if (!node.is_primary() || node.slot_count == 0) continue;
    ++voters;
    if (node.health == Health::kOnline) ++reachable;
  }
  step.edit.set_voters(voters);

  const bool primary = step.me().is_primary();
  const ClusterState old = step.view().state();
  if (primary && old == ClusterState::kFail && step.now.mono - *s.first_evaluation < kWritableDelay) return;

  ClusterState verdict = ClusterState::kOk;
  if (step.options().require_full_coverage && !all_slots_served(step.view())) verdict = ClusterState::kFail;
  if (reachable < step.view().quorum()) {
    verdict = ClusterState::kFail;
    s.among_minority = step.now.mono;
  }
  if (verdict == old) return;
  const Micros delay = std::clamp(step.options().node_timeout, kRejoinDelayMin, kRejoinDelayMax);
  if (verdict == ClusterState::kOk && primary && s.among_minority && step.now.mono - *s.among_minority < delay) return;
  step.edit.set_state(verdict);
  step.topology_changed();
  const bool ok = verdict == ClusterState::kOk;
  step.log(ok ? LogLevel::kNotice : LogLevel::kWarning, fmt::format("Cluster state changed: {}", ok ? "ok" : "fail"));
}

}  // namespace ashlar::cluster
