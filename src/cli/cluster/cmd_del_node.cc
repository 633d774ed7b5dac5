#include <fmt/format.h>

#include <algorithm>

#include "cli/cluster/commands.h"
#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster {
namespace {

class Removal {
 public:
  explicit Removal(Session& session) : session_(session), terminal_(session.terminal) {}

  Result<Outcome> run() {
    const std::string& wanted = session_.options.arguments.front();
    terminal_.line(Style::kHeading,
                   fmt::format(">>> Removing node {} from cluster {}", wanted, session_.options.entry.text()));
    ASH_TRY(topology_, load_topology(session_.links, session_.options.entry));
    ASH_TRY_VOID(find(wanted));
    if (!victim_.slots.empty()) {
      terminal_.line(Style::kBad,
                     fmt::format("[ERR] Node {} is not empty! Reshard data away and try again.", victim_.address()));
      return Outcome::kFailed;
    }
    ASH_TRY_VOID(move_replicas());
    ASH_TRY_VOID(forget());
    return reset();
  }

 private:
  Result<void> find(const std::string& wanted) {
    const auto id = NodeId::from_hex(wanted);
    if (id) {
      if (const ClusterNode* node = topology_.find(*id)) {
        victim_ = node->info;
        return {};
      }
      const auto it = std::find_if(topology_.unreachable.begin(), topology_.unreachable.end(),
                                   [&](const NodeInfo& node) { return node.id == *id; });
      if (it != topology_.unreachable.end()) {
        victim_ = *it;
        reachable_ = false;
        return {};
      }
    }
    return fail(ErrorCode::kNotFound, fmt::format("No such node ID {}", wanted));
  }

  /// A node does not forget its own master.
  Result<void> move_replicas() {
    for (ClusterNode& node : topology_.nodes) {
      if (node.info.master != victim_.id) continue;
      const ClusterNode* master = topology_.master_with_fewest_replicas(victim_.id);
      if (master == nullptr) return fail(fmt::format("No other master is left for {}", node.info.address()));
      terminal_.line(Style::kHeading,
                     fmt::format(">>> {} as replica of {}", node.info.address(), master->info.address()));
      const std::string id = master->info.id.hex();
      ASH_TRY([[maybe_unused]] const resp::Value ok,
              session_.links.ask(endpoint_of(node.info), {"CLUSTER", "REPLICATE", id}));
      node.info.master = master->info.id;
    }
    return {};
  }

  Result<void> forget() {
    terminal_.line(Style::kHeading, ">>> Sending CLUSTER FORGET messages to the cluster...");
    const std::string id = victim_.id.hex();
    std::string failed;
    for (const ClusterNode& node : topology_.nodes) {
      if (node.info.id == victim_.id) continue;
      const auto reply = session_.links.ask(endpoint_of(node.info), {"CLUSTER", "FORGET", id});
      if (reply || reply.error().detail.find("Unknown node") != std::string::npos) continue;
      failed += fmt::format("\n    {}: {}", node.info.address(), reply.error().text());
    }
    if (failed.empty()) return {};
    return fail(
        fmt::format("These nodes still know {}, and will tell the others in a minute:{}\n    Run the same "
                    "command again once they are in order.",
                    id, failed));
  }

  Result<Outcome> reset() {
    if (!reachable_) {
      terminal_.line(Style::kWarning,
                     fmt::format("[WARNING] {} does not answer: it is forgotten, but still believes to be a member. "
                                 "Send it CLUSTER RESET before it is started again beside this cluster.",
                                 victim_.address()));
      return Outcome::kDone;
    }
    terminal_.line(Style::kHeading, ">>> Sending CLUSTER RESET SOFT to the deleted node.");
    const auto reply = session_.links.ask(endpoint_of(victim_), {"CLUSTER", "RESET", "SOFT"});
    if (reply) return Outcome::kDone;
    return fail(fmt::format("{} was removed from the cluster, but could not be reset: {}", victim_.address(),
                            reply.error().text()));
  }

  Session& session_;
  Terminal& terminal_;
  Topology topology_;
  NodeInfo victim_;
  bool reachable_ = true;
};

}  // namespace

Result<Outcome> run_del_node(Session& session) { return Removal(session).run(); }

}  // namespace ashlar::cli::cluster
