/// What is wrong with a cluster: disagreement, open slots, uncovered slots, slots with several owners.
///
/// Pure. Thread: values, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "cli/cluster/slot_set.h"
#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster {

/// A node that has slots on their way.
struct OpenReport {
  NodeId node;
  std::vector<SlotId> migrating;
  std::vector<SlotId> importing;
};

/// A slot that several masters claim.
struct ContestedSlot {
  SlotId slot;
  std::vector<NodeId> owners;
};

struct Findings {
  bool agree = true;
  std::vector<OpenReport> open_reports;  // in the order of the nodes
  SlotSet open;                          // all slots of open_reports
  SlotSet uncovered;
  std::vector<ContestedSlot> contested;

  /// Kinds of trouble found; contested slots are told, not counted, for they show as disagreement too.
  [[nodiscard]] std::size_t problems() const noexcept;
  [[nodiscard]] bool healthy() const noexcept { return problems() == 0; }
};

/// Looks at the reachable nodes only. Cost: one pass over all slots of all masters.
[[nodiscard]] Findings check_topology(const Topology& topology);

}  // namespace ashlar::cli::cluster
