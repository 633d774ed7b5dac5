/// Who is suspected, who has failed, and who is well again. Private to cluster/core.
/// Source: Redis Cluster specification, "Failure detection".
#pragma once

#include <cstddef>

#include "cluster/core/state.h"

namespace ashlar::cluster {

/// Each tick: members whose ping went unanswered for the node timeout become suspected.
void suspect_silent_members(Step& step);

enum class Report : std::uint8_t { kUp, kDown };
/// The primary `reporter` says how `about` looks from where it is; a majority of such reports fails a suspect.
void note_report(Step& step, NodeIndex about, NodeIndex reporter, Report report);
/// Primaries that called `about` failing within twice the node timeout.
[[nodiscard]] std::size_t count_failure_reports(Step& step, NodeIndex about);

/// A majority behind `sender` has failed the node.
void on_fail_notice(Step& step, NodeIndex sender, const NodeId& failed);
/// A member answered: it is no longer suspected and, if nothing forbids it, no longer failed.
void clear_failure_after_pong(Step& step, NodeIndex index);

}  // namespace ashlar::cluster
