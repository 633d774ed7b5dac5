#include "cli/cluster/topology.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::cli::cluster {

std::string short_id(const NodeId& id) { return id.hex().substr(0, 8); }

const ClusterNode* Topology::find(const NodeId& id) const noexcept {
  const auto it = std::find_if(nodes.begin(), nodes.end(), [&](const ClusterNode& n) { return n.info.id == id; });
  return it == nodes.end() ? nullptr : &*it;
}

ClusterNode* Topology::find(const NodeId& id) noexcept {
  const auto it = std::find_if(nodes.begin(), nodes.end(), [&](const ClusterNode& n) { return n.info.id == id; });
  return it == nodes.end() ? nullptr : &*it;
}

Result<const ClusterNode*> Topology::find_prefix(std::string_view prefix) const {
  const std::string wanted = to_lower(prefix);
  const ClusterNode* found = nullptr;
  for (const ClusterNode& node : nodes) {
    if (wanted.empty() || !node.info.id.hex().starts_with(wanted)) continue;
    if (found != nullptr) return fail(ErrorCode::kNotFound, fmt::format("several node IDs begin with {}", prefix));
    found = &node;
  }
  if (found == nullptr) return fail(ErrorCode::kNotFound, fmt::format("no node ID begins with {}", prefix));
  return found;
}

std::vector<const ClusterNode*> Topology::masters() const {
  std::vector<const ClusterNode*> out;
  for (const ClusterNode& node : nodes) {
    if (node.info.is_master()) out.push_back(&node);
  }
  return out;
}

std::size_t Topology::replica_count(const NodeId& id) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(nodes.begin(), nodes.end(), [&](const ClusterNode& n) { return n.info.master == id; }));
}

const ClusterNode* Topology::master_with_fewest_replicas(std::optional<NodeId> except) const noexcept {
  const ClusterNode* best = nullptr;
  const auto better = [&](const ClusterNode& a, const ClusterNode& b) {
    if (a.slots.empty() != b.slots.empty()) return b.slots.empty();
    return replica_count(a.info.id) < replica_count(b.info.id);
  };
  for (const ClusterNode& node : nodes) {
    if (!node.info.is_master() || node.info.id == except) continue;
    if (best == nullptr || better(node, *best)) best = &node;
  }
  return best;
}

SlotSet Topology::covered() const {
  SlotSet out;
  for (const ClusterNode& node : nodes) {
    if (node.info.is_master()) out.add(node.slots);
  }
  return out;
}

std::size_t Topology::unreachable_masters() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(unreachable.begin(), unreachable.end(), [](const NodeInfo& node) { return node.is_master(); }));
}

bool Topology::agree() const noexcept {
  return std::all_of(nodes.begin(), nodes.end(),
                     [&](const ClusterNode& node) { return node.signature == nodes.front().signature; });
}

}  // namespace ashlar::cli::cluster
