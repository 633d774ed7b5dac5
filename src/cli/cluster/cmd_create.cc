#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/cluster/commands.h"
#include "cli/cluster/create_plan.h"
#include "cli/cluster/preflight.h"
#include "cli/cluster/report.h"

namespace ashlar::cli::cluster {
namespace {

/// Grows with the cluster: gossip reaches a large one in more rounds.
Millis join_limit(std::size_t nodes) { return Seconds(60) + Millis(500) * static_cast<Millis::rep>(nodes); }

class Creation {
 public:
  explicit Creation(Session& session) : session_(session), terminal_(session.terminal) {}

  Result<Outcome> run() {
    auto plan = plan_create(session_.options.nodes, session_.options.replicas);
    if (!plan) {
      show_arithmetic(plan.error());
      return Outcome::kFailed;
    }
    plan_ = std::move(*plan);
    if (!inspect_all()) return Outcome::kFailed;
    show_allocation();
    if (!confirm(session_, "Can I set the above configuration?")) {
      terminal_.line("Nothing was changed.");
      return Outcome::kFailed;
    }
    ASH_TRY_VOID(assign_slots());
    ASH_TRY_VOID(introduce());
    ASH_TRY(const bool joined, wait_for_join());
    if (!joined) return Outcome::kFailed;
    ASH_TRY_VOID(assign_masters());
    return finish();
  }

 private:
  void show_arithmetic(const Error& error) {
    terminal_.line(Style::kBad, "*** ERROR: Invalid configuration for cluster creation.");
    terminal_.line(Style::kBad, fmt::format("*** {}.", error.text()));
    terminal_.line(Style::kBad,
                   fmt::format("*** At least {} nodes are required.", kMinMasters * (session_.options.replicas + 1)));
  }

  /// Asks all nodes and tells everything that is in the way, not only the first thing.
  bool inspect_all() {
    bool fine = true;
    std::map<NodeId, std::string> seen;
    for (const PlannedNode& node : plan_.nodes) {
      auto newcomer = inspect_newcomer(session_.links, node.endpoint);
      if (!newcomer) {
        terminal_.line(Style::kBad, fmt::format("[ERR] {}", newcomer.error().text()));
        fine = false;
        continue;
      }
      const auto [it, fresh] = seen.try_emplace(newcomer->id, node.endpoint.text());
      if (!fresh) {
        terminal_.line(Style::kBad,
                       fmt::format("[ERR] {} and {} are the same node.", it->second, node.endpoint.text()));
        fine = false;
      }
      newcomers_.push_back(std::move(*newcomer));
    }
    if (!fine) terminal_.line("Nothing was changed.");
    return fine;
  }

  void show_allocation() {
    terminal_.line(Style::kHeading,
                   fmt::format(">>> Performing hash slots allocation on {} nodes...", plan_.nodes.size()));
    for (std::size_t i = 0; i < plan_.masters.size(); ++i) {
      const SlotRange& slots = *plan_.nodes[plan_.masters[i]].slots;
      terminal_.line(fmt::format("Master[{}] -> Slots {} - {}", i, slots.first.value(), slots.last.value()));
    }
    for (std::size_t i = 0; i < plan_.replicas.size(); ++i) {
      if (i + plan_.extra == plan_.replicas.size()) terminal_.line("Adding extra replicas...");
      const PlannedNode& replica = plan_.nodes[plan_.replicas[i]];
      terminal_.line(fmt::format("Adding replica {} to {}", replica.endpoint.text(),
                                 plan_.nodes[*replica.master].endpoint.text()));
    }
    if (!affinity_of(plan_).perfect()) {
      terminal_.line(Style::kHeading, ">>> Trying to optimize slaves allocation for anti-affinity");
      show_affinity(improve_affinity(plan_, session_.rng));
    }
    show_plan();
  }

  void show_affinity(const Affinity& affinity) {
    if (affinity.perfect()) {
      terminal_.line(Style::kGood, "[OK] Perfect anti-affinity obtained!");
    } else if (affinity.with_master != 0) {
      terminal_.line(Style::kWarning, "[WARNING] Some slaves are in the same host as their master");
    } else {
      terminal_.line(Style::kWarning, "[WARNING] Some slaves of the same master are in the same host");
    }
  }

  void show_plan() {
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const PlannedNode& node = plan_.nodes[i];
      terminal_.line(fmt::format("{}: {} {}", node.master ? 'S' : 'M', newcomers_[i].id.hex(), node.endpoint.text()));
      if (node.master) {
        terminal_.line(fmt::format("   replicates {}", newcomers_[*node.master].id.hex()));
      } else {
        const SlotRange& slots = *node.slots;
        terminal_.line(
            fmt::format("   slots:[{}-{}] ({} slots) master", slots.first.value(), slots.last.value(), slots.size()));
      }
    }
  }

  Result<void> assign_slots() {
    for (const std::size_t master : plan_.masters) {
      Words words = {"CLUSTER", "ADDSLOTS"};
      const SlotRange& slots = *plan_.nodes[master].slots;
      for (std::uint32_t s = slots.first.value(); s <= slots.last.value(); ++s) words.push_back(std::to_string(s));
      ASH_TRY([[maybe_unused]] const resp::Value ok, session_.links.ask(plan_.nodes[master].endpoint, words));
    }
    terminal_.line(Style::kHeading, ">>> Nodes configuration updated");
    terminal_.line(Style::kHeading, ">>> Assign a different config epoch to each node");
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const std::string epoch = std::to_string(i + 1);
      // A node that was in a cluster before has an epoch already; the nodes settle equal ones among themselves.
      static_cast<void>(session_.links.ask(plan_.nodes[i].endpoint, {"CLUSTER", "SET-CONFIG-EPOCH", epoch}));
    }
    return {};
  }

  Result<void> introduce() {
    terminal_.line(Style::kHeading, ">>> Sending CLUSTER MEET messages to join the cluster");
    for (std::size_t i = 1; i < plan_.nodes.size(); ++i) {
      ASH_TRY_VOID(
          meet(session_.links, plan_.nodes[i].endpoint, newcomers_.front().endpoint, newcomers_.front().bus_port));
    }
    return {};
  }

  /// Nodes that do not know all others yet, or see the slots differently from the first node.
  Result<std::vector<std::string>> laggards() {
    std::vector<std::string> out;
    std::string expected;
    for (const PlannedNode& node : plan_.nodes) {
      ASH_TRY(const std::vector<NodeInfo> view, load_view(session_.links, node.endpoint));
      const auto known = static_cast<std::size_t>(
          std::count_if(view.begin(), view.end(), [](const NodeInfo& n) { return !n.has_flag("handshake"); }));
      const std::string signature = config_signature(view);
      if (expected.empty()) expected = signature;
      if (known < plan_.nodes.size() || signature != expected)
        out.push_back(fmt::format("{} knows {} of {} nodes", node.endpoint.text(), known, plan_.nodes.size()));
    }
    return out;
  }

  Result<bool> wait_for_join() {
    terminal_.line("Waiting for the cluster to join");
    std::vector<std::string> late;
    std::size_t round = 0;
    const Millis limit = join_limit(plan_.nodes.size());
    ASH_TRY(const bool joined, wait_until(session_.clock, limit, Millis(100), [&]() -> Result<bool> {
              if (round++ % 10 == 9) terminal_.print(".");
              ASH_TRY(late, laggards());
              return late.empty();
            }));
    terminal_.print("\n");
    if (joined) return true;
    terminal_.line(Style::kBad, fmt::format("[ERR] The nodes did not all find each other within {} seconds:",
                                            std::chrono::duration_cast<Seconds>(limit).count()));
    for (const std::string& text : late) terminal_.line(fmt::format("    {}", text));
    terminal_.line(
        "Can every node reach the cluster bus port (by default the port + 10000) of every other? The slots are "
        "assigned; once the nodes reach each other, CLUSTER REPLICATE makes the replicas, or begin again after "
        "CLUSTER RESET on each node.");
    return false;
  }

  Result<void> assign_masters() {
    for (const std::size_t replica : plan_.replicas) {
      const std::string master = newcomers_[*plan_.nodes[replica].master].id.hex();
      ASH_TRY([[maybe_unused]] const resp::Value ok,
              session_.links.ask(plan_.nodes[replica].endpoint, {"CLUSTER", "REPLICATE", master}));
    }
    return {};
  }

  /// True when `node` says that the cluster works and knows every replica as one.
  Result<bool> ready(const Endpoint& node) {
    ASH_TRY(const resp::Value info, session_.links.ask(node, {"CLUSTER", "INFO"}));
    if (info_field(info.text(), "cluster_state") != "ok") return false;
    ASH_TRY(const std::vector<NodeInfo> view, load_view(session_.links, node));
    const auto replicas = std::count_if(view.begin(), view.end(), [](const NodeInfo& n) { return !n.is_master(); });
    return static_cast<std::size_t>(replicas) == plan_.replicas.size();
  }

  Result<Outcome> finish() {
    std::string late;
    const Millis limit = join_limit(plan_.nodes.size());
    ASH_TRY(const bool works, wait_until(session_.clock, limit, Millis(100), [&]() -> Result<bool> {
              for (const PlannedNode& node : plan_.nodes) {
                late = node.endpoint.text();
                ASH_TRY(const bool fine, ready(node.endpoint));
                if (!fine) return false;
              }
              return true;
            }));
    ASH_TRY(const Topology topology, load_topology(session_.links, plan_.nodes.front().endpoint));
    const Findings findings = show_check(session_, topology, Tables::kShow);
    if (!works) {
      terminal_.line(Style::kBad,
                     fmt::format("[ERR] {} does not say cluster_state:ok after {} seconds; see CLUSTER INFO and "
                                 "CLUSTER NODES there.",
                                 late, std::chrono::duration_cast<Seconds>(limit).count()));
    }
    return works && findings.healthy() ? Outcome::kDone : Outcome::kFailed;
  }

  Session& session_;
  Terminal& terminal_;
  CreatePlan plan_;
  std::vector<Newcomer> newcomers_;  // as CreatePlan::nodes
};

}  // namespace

Result<Outcome> run_create(Session& session) { return Creation(session).run(); }

}  // namespace ashlar::cli::cluster
