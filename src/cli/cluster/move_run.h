/// A list of slot moves carried out and shown: one line a slot, or a progress line when somebody watches.
///
/// Thread: one.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "cli/cluster/move_plan.h"
#include "cli/cluster/progress.h"
#include "cli/cluster/session.h"
#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster {

/// What is written for a slot when the output is no terminal.
enum class MoveLog : std::uint8_t {
  kLines,  // "Moving slot 5 from a to b: ..." with a dot a key
  kMarks,  // "#"
};

/// Moves every slot to `to`, in order, and stops at the first failure, after telling the slot and the command that
/// brings the cluster in order. Updates `topology` and `progress`.
[[nodiscard]] Outcome move_slots(Session& session, Topology& topology, std::span<const SlotMove> moves,
                                 const NodeId& to, MoveLog log, Progress& progress);

/// Waits, for a bounded time, until all nodes have heard of what was moved; a warning when some have not.
[[nodiscard]] Result<void> wait_for_agreement(Session& session);

}  // namespace ashlar::cli::cluster
