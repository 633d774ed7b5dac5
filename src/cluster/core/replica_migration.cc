#include "cluster/core/replica_migration.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "cluster/core/roles.h"

namespace ashlar::cluster {
namespace {

/// A primary must be orphaned this long, so that replicas of a failed primary can follow its successor first.
/// Source: CLUSTER_SLAVE_MIGRATION_DELAY.
constexpr Millis kMigrationDelay{5'000};

struct Tally {
  std::size_t working = 0;         // replicas that have not failed
  std::optional<NodeId> smallest;  // id among all its replicas
};

std::map<NodeId, Tally> tally_replicas(const View& view) {
  std::map<NodeId, Tally> out;
  for (const Node& node : view) {
    const auto primary = node.primary_id();
    if (!primary) continue;
    Tally& tally = out[*primary];
    if (!node.failed()) ++tally.working;
    if (!tally.smallest || node.id < *tally.smallest) tally.smallest = node.id;
  }
  return out;
}

/// Replicas of my primary that are neither failed nor suspected, myself included.
std::size_t healthy_siblings(const View& view, const NodeId& primary) {
  const auto replicas = replicas_of(view, primary);
  return static_cast<std::size_t>(
      std::ranges::count_if(replicas, [](const Node* node) { return node->health == Health::kOnline; }));
}

/// Keeps the clocks of orphaned primaries and returns the first with slots.
std::optional<NodeIndex> find_orphan(Step& step, const std::map<NodeId, Tally>& tallies) {
  std::optional<NodeIndex> target;
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    const NodeIndex index = step.view().nth_index(i);
    const Node& node = step.node(index);
    const auto tally = tallies.find(node.id);
    const bool alone = tally == tallies.end() || tally->second.working == 0;
    const bool orphaned = node.is_primary() && !node.failed() && node.migrate_to && alone;
    auto& since = step.peer(index).orphaned;
    if (!orphaned) {
      since.reset();
    } else {
      if (!since) since = step.now.mono;
      if (!target && node.slot_count > 0) target = index;
    }
  }
  return target;
}

}  // namespace

void consider_migration(Step& step) {
  const auto mine = step.me().primary_id();
  if (!mine || !step.options().allow_replica_migration || step.view().state() != ClusterState::kOk) return;
  const auto tallies = tally_replicas(step.view());

  // Only from the primaries with most replicas, two at least, and so that enough stay behind.
  std::size_t most = 0;
  for (const Node& node : step.view()) {
    const auto tally = tallies.find(node.id);
    if (node.is_primary() && !node.failed() && tally != tallies.end()) most = std::max(most, tally->second.working);
  }
  const auto my_tally = tallies.find(*mine);
  const std::size_t here = my_tally == tallies.end() ? 0 : my_tally->second.working;
  const auto target = find_orphan(step, tallies);
  if (!target || most < 2 || here != most) return;
  if (healthy_siblings(step.view(), *mine) <= step.options().migration_barrier) return;

  // Of all replicas there, the one with the smallest id goes, so that no two do.
  for (const Node& node : step.view()) {
    const auto tally = tallies.find(node.id);
    if (!node.is_primary() || tally == tallies.end() || tally->second.working != most) continue;
    if (*tally->second.smallest < step.me().id) return;
  }
  const auto since = step.peer(*target).orphaned;
  if (!since || step.now.mono - *since <= kMigrationDelay) return;
  step.log(LogLevel::kNotice, fmt::format("Migrating to orphaned master {}", label(step.node(*target))));
  replicate_from(step, *target);
}

}  // namespace ashlar::cluster
