/// The cluster as its reachable nodes describe themselves, and the questions the manager asks of it.
///
/// Thread: values, any; one at a time for changes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/cluster/node_info.h"
#include "cli/cluster/slot_set.h"

namespace ashlar::cli::cluster {

/// A node that answered.
struct ClusterNode {
  NodeInfo info;               // its own line of its own view; the host is the one by which it was reached
  SlotSet slots;               // what it claims
  std::string signature;       // of its whole view
  std::string announced_host;  // by which other nodes reach it; empty: not known to itself
  std::size_t known = 0;       // nodes in its view whose handshake is over
  std::size_t handshakes = 0;  // nodes in its view that it is still getting to know
};

/// Invariant: the first node is the one through which the cluster was entered.
struct Topology {
  std::vector<ClusterNode> nodes;
  /// Known by the entry node, but failed or not to be reached; seen with its eyes.
  std::vector<NodeInfo> unreachable;

  /// Null when nobody has that id. Lives until `nodes` changes.
  [[nodiscard]] const ClusterNode* find(const NodeId& id) const noexcept;
  [[nodiscard]] ClusterNode* find(const NodeId& id) noexcept;
  /// The one node whose id begins with `prefix` (letters of either case). Errors: kNotFound - none, or several, do.
  [[nodiscard]] Result<const ClusterNode*> find_prefix(std::string_view prefix) const;
  [[nodiscard]] std::vector<const ClusterNode*> masters() const;
  /// Reachable replicas of `id`.
  [[nodiscard]] std::size_t replica_count(const NodeId& id) const noexcept;
  /// The master with slots that has fewest replicas, the first of equals; a master without slots only when there is no
  /// other. `except` is passed over. Null when no master is left.
  [[nodiscard]] const ClusterNode* master_with_fewest_replicas(std::optional<NodeId> except = {}) const noexcept;
  /// Slots that some reachable master claims.
  [[nodiscard]] SlotSet covered() const;
  /// Masters among `unreachable`, those without slots too: such a one may have keys of the first slot that it gets.
  [[nodiscard]] std::size_t unreachable_masters() const noexcept;
  /// True when all reachable nodes give the slots to the same nodes.
  [[nodiscard]] bool agree() const noexcept;
};

/// First eight hex digits of an id, for people.
[[nodiscard]] std::string short_id(const NodeId& id);

}  // namespace ashlar::cli::cluster
