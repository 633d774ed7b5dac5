#include "cli/cluster/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace ashlar::cli::cluster {
namespace {

std::string join_slots(const std::vector<SlotId>& slots) {
  std::string out;
  for (const SlotId slot : slots) {
    if (!out.empty()) out += ',';
    out += std::to_string(slot.value());
  }
  return out;
}

bool known_to(const Topology& topology, const NodeId& id) {
  return topology.find(id) != nullptr || std::any_of(topology.unreachable.begin(), topology.unreachable.end(),
                                                     [&](const NodeInfo& node) { return node.id == id; });
}

}  // namespace

std::string node_text(const Topology& topology, const ClusterNode& node, std::size_t indent) {
  const std::string blanks(indent, ' ');
  const bool master = node.info.is_master();
  std::string out = fmt::format("{}{}: {} {}\n", blanks, master ? 'M' : 'S', node.info.id.hex(), node.info.address());
  out += fmt::format("{}   slots:{}{} ({} slots) {}\n", blanks, node.slots.empty() ? " " : "", node.slots.table_text(),
                     node.slots.size(), master ? "master" : "slave");
  if (node.info.master) out += fmt::format("{}   replicates {}\n", blanks, node.info.master->hex());
  if (const std::size_t replicas = topology.replica_count(node.info.id); replicas != 0)
    out += fmt::format("{}   {} additional replica(s)\n", blanks, replicas);
  return out;
}

void show_nodes(Terminal& terminal, const Topology& topology) {
  for (const ClusterNode& node : topology.nodes) terminal.print(node_text(topology, node));
  for (const ClusterNode& node : topology.nodes) {
    if (node.info.master && !known_to(topology, *node.info.master))
      terminal.line(Style::kWarning, fmt::format("*** WARNING: {} claims to be slave of unknown node ID {}.",
                                                 node.info.address(), node.info.master->hex()));
  }
  for (const NodeInfo& node : topology.unreachable) {
    terminal.line(Style::kWarning,
                  fmt::format("*** WARNING: {} {} ({}) does not answer; slots it had: {}.",
                              node.is_master() ? "master" : "replica", node.host.empty() ? "?" : node.address(),
                              node.id.hex(), SlotSet(node.slots).size()));
  }
}

Result<void> show_info(Session& session, const Topology& topology) {
  std::int64_t keys = 0;
  const auto masters = topology.masters();
  for (const ClusterNode* master : masters) {
    ASH_TRY(const std::int64_t count, count_keys(session.links, endpoint_of(master->info)));
    keys += count;
    session.terminal.line(fmt::format("{} ({}...) -> {} keys | {} slots | {} slaves.", master->info.address(),
                                      short_id(master->info.id), count, master->slots.size(),
                                      topology.replica_count(master->info.id)));
  }
  session.terminal.line(Style::kGood, fmt::format("[OK] {} keys in {} masters.", keys, masters.size()));
  session.terminal.line(fmt::format("{:.2f} keys per slot on average.", static_cast<double>(keys) / kSlotCount));
  return {};
}

void show_agreement(Terminal& terminal, const Findings& findings) {
  if (findings.agree) {
    terminal.line(Style::kGood, "[OK] All nodes agree about slots configuration.");
  } else {
    terminal.line(Style::kBad, "[ERR] Nodes don't agree about configuration!");
  }
}

void show_open_slots(Terminal& terminal, const Topology& topology, const Findings& findings) {
  terminal.line(Style::kHeading, ">>> Check for open slots...");
  for (const OpenReport& report : findings.open_reports) {
    const std::string address = topology.find(report.node)->info.address();
    if (!report.migrating.empty())
      terminal.line(Style::kWarning, fmt::format("[WARNING] Node {} has slots in migrating state {}.", address,
                                                 join_slots(report.migrating)));
    if (!report.importing.empty())
      terminal.line(Style::kWarning, fmt::format("[WARNING] Node {} has slots in importing state {}.", address,
                                                 join_slots(report.importing)));
  }
  if (!findings.open.empty())
    terminal.line(Style::kWarning,
                  fmt::format("[WARNING] The following slots are open: {}.", join_slots(findings.open.slots())));
}

void show_coverage(Terminal& terminal, const Findings& findings) {
  terminal.line(Style::kHeading, ">>> Check slots coverage...");
  if (findings.uncovered.empty()) {
    terminal.line(Style::kGood, fmt::format("[OK] All {} slots covered.", kSlotCount));
    return;
  }
  terminal.line(Style::kBad, fmt::format("[ERR] Not all {} slots are covered by nodes.", kSlotCount));
  terminal.line(
      fmt::format("    {} slots have no owner: {}", findings.uncovered.size(), findings.uncovered.table_text()));
}

void show_contested(Terminal& terminal, const Topology& topology, const Findings& findings) {
  terminal.line(Style::kHeading, ">>> Check for multiple slot owners...");
  for (const ContestedSlot& contested : findings.contested) {
    terminal.line(Style::kWarning,
                  fmt::format("[WARNING] Slot {} has {} owners:", contested.slot.value(), contested.owners.size()));
    for (const NodeId& owner : contested.owners)
      terminal.line(Style::kWarning, fmt::format("    {}", topology.find(owner)->info.address()));
  }
  if (findings.contested.empty()) terminal.line(Style::kGood, "[OK] No multiple owners found.");
}

Findings show_check(Session& session, const Topology& topology, Tables tables) {
  Terminal& terminal = session.terminal;
  terminal.line(Style::kHeading,
                fmt::format(">>> Performing Cluster Check (using node {})", topology.nodes.front().info.address()));
  if (tables == Tables::kShow) show_nodes(terminal, topology);
  Findings findings = check_topology(topology);
  show_agreement(terminal, findings);
  show_open_slots(terminal, topology, findings);
  show_coverage(terminal, findings);
  if (session.options.search_multiple_owners) show_contested(terminal, topology, findings);
  return findings;
}

}  // namespace ashlar::cli::cluster
