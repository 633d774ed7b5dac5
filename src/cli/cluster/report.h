/// The texts about a cluster that people and tools read: node tables, key counts, findings.
///
/// The shapes are those of redis-cli 7, because scripts parse them. Thread: one.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"
#include "cli/cluster/check.h"
#include "cli/cluster/session.h"
#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster {

/// "M: id host:port", then its slots and its replicas or its master, each line after `indent` blanks; ends with a line
/// end.
[[nodiscard]] std::string node_text(const Topology& topology, const ClusterNode& node, std::size_t indent = 0);
/// node_text of all nodes; and one warning for each node that did not answer or that follows an unknown master.
void show_nodes(Terminal& terminal, const Topology& topology);
/// One line a master with keys, slots and replicas, then the sums. Errors: of the links.
[[nodiscard]] Result<void> show_info(Session& session, const Topology& topology);

void show_agreement(Terminal& terminal, const Findings& findings);
/// With the heading.
void show_open_slots(Terminal& terminal, const Topology& topology, const Findings& findings);
/// With the heading.
void show_coverage(Terminal& terminal, const Findings& findings);
/// With the heading.
void show_contested(Terminal& terminal, const Topology& topology, const Findings& findings);

enum class Tables : std::uint8_t { kHide, kShow };
/// The whole check, shown. Result: what was found.
[[nodiscard]] Findings show_check(Session& session, const Topology& topology, Tables tables);

}  // namespace ashlar::cli::cluster
