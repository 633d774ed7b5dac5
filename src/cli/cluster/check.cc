#include "cli/cluster/check.h"

namespace ashlar::cli::cluster {
namespace {

std::vector<SlotId> slots_of(const std::vector<OpenSlot>& open) {
  std::vector<SlotId> out;
  for (const OpenSlot& o : open) out.push_back(o.slot);
  return out;
}

}  // namespace

std::size_t Findings::problems() const noexcept {
  return (agree ? 0U : 1U) + (open.empty() ? 0U : 1U) + (uncovered.empty() ? 0U : 1U);
}

Findings check_topology(const Topology& topology) {
  Findings out;
  out.agree = topology.agree();
  SlotSet seen;
  SlotSet twice;
  for (const ClusterNode& node : topology.nodes) {
    OpenReport report{node.info.id, slots_of(node.info.migrating), slots_of(node.info.importing)};
    for (const SlotId slot : report.migrating) out.open.add(slot);
    for (const SlotId slot : report.importing) out.open.add(slot);
    if (!report.migrating.empty() || !report.importing.empty()) out.open_reports.push_back(std::move(report));
    if (!node.info.is_master()) continue;
    for (const SlotId slot : node.slots.slots()) {
      if (seen.contains(slot)) twice.add(slot);
      seen.add(slot);
    }
  }
  out.uncovered = seen.complement();
  for (const SlotId slot : twice.slots()) {
    ContestedSlot contested{slot, {}};
    for (const ClusterNode* master : topology.masters()) {
      if (master->slots.contains(slot)) contested.owners.push_back(master->info.id);
    }
    out.contested.push_back(std::move(contested));
  }
  return out;
}

}  // namespace ashlar::cli::cluster
