#include <fmt/format.h>

#include <algorithm>

#include "cli/cluster/commands.h"
#include "cli/cluster/preflight.h"
#include "cli/cluster/report.h"
#include "cli/cluster/slot_mover.h"

namespace ashlar::cli::cluster {
namespace {

constexpr Seconds kJoinLimit(60);

class Addition {
 public:
  explicit Addition(Session& session)
      : session_(session),
        terminal_(session.terminal),
        entry_(session.options.entry),
        joining_(session.options.nodes.front()) {}

  Result<Outcome> run() {
    terminal_.line(Style::kHeading, fmt::format(">>> Adding node {} to cluster {}", joining_.text(), entry_.text()));
    ASH_TRY(topology_, load_settled(session_, entry_, Seconds(10)));
    if (!show_check(session_, topology_, Tables::kShow).healthy()) {
      terminal_.line("Nothing was changed.");
      return Outcome::kFailed;
    }
    ASH_TRY_VOID(find_master());
    ASH_TRY(const Newcomer newcomer, inspect_newcomer(session_.links, joining_));
    id_ = newcomer.id;
    if (master_ == nullptr) ASH_TRY_VOID(copy_functions());
    ASH_TRY_VOID(join());
    if (master_ != nullptr) ASH_TRY_VOID(replicate());
    ASH_TRY_VOID(wait_until_known());
    terminal_.line(Style::kGood, "[OK] New node added correctly.");
    return Outcome::kDone;
  }

 private:
  bool as_replica() const { return session_.options.as_replica || session_.options.master_id; }

  Result<void> find_master() {
    if (!as_replica()) return {};
    if (const auto& id = session_.options.master_id) {
      auto node = topology_.find_prefix(*id);
      if (!node || !(*node)->info.is_master())
        return fail(ErrorCode::kNotFound, fmt::format("No such master ID {}", *id));
      master_ = *node;
      return {};
    }
    master_ = topology_.master_with_fewest_replicas();
    if (master_ == nullptr) return fail("There is no master to replicate");
    terminal_.line(fmt::format("Automatically selected master {}", master_->info.address()));
    return {};
  }

  /// A master must know the functions that the others know; a replica gets them with the data.
  Result<void> copy_functions() {
    terminal_.line(Style::kHeading, ">>> Getting functions from cluster");
    const auto dump = session_.links.ask(entry_, {"FUNCTION", "DUMP"});
    if (!dump) {
      terminal_.line(Style::kHeading,
                     fmt::format(">>> Failed retrieving Functions from the cluster, skip this step (error = '{}')",
                                 dump.error().text()));
      return {};
    }
    terminal_.line(Style::kHeading,
                   fmt::format(">>> Send FUNCTION LIST to {} to verify there is no functions in it", joining_.text()));
    ASH_TRY(const resp::Value list, session_.links.ask(joining_, {"FUNCTION", "LIST"}));
    if (!list.items().empty())
      return fail(
          fmt::format("Node {}: the node already contains functions and can not be added to the cluster. FUNCTION "
                      "FLUSH deletes them.",
                      joining_.text()));
    terminal_.line(Style::kHeading, fmt::format(">>> Send FUNCTION RESTORE to {}", joining_.text()));
    ASH_TRY([[maybe_unused]] const resp::Value ok, session_.links.ask(joining_, {"FUNCTION", "RESTORE", dump->text()}));
    return {};
  }

  Result<void> join() {
    terminal_.line(Style::kHeading,
                   fmt::format(">>> Send CLUSTER MEET to node {} to make it join the cluster.", joining_.text()));
    const ClusterNode& entry = topology_.nodes.front();
    return meet(session_.links, joining_, announced_endpoint(entry), entry.info.bus_port);
  }

  std::unexpected<Error> too_late(std::string_view what) const {
    return fail(
        fmt::format("{} within {} seconds. Can the nodes reach each other's cluster bus port (by default the "
                    "port + 10000)?",
                    what, kJoinLimit.count()));
  }

  Result<void> replicate() {
    terminal_.line("Waiting for the cluster to join");
    std::size_t round = 0;
    ASH_TRY(const bool knows, wait_until(session_.clock, kJoinLimit, Millis(100), [&]() -> Result<bool> {
              if (round++ % 10 == 9) terminal_.print(".");
              ASH_TRY(const std::vector<NodeInfo> view, load_view(session_.links, joining_));
              return std::any_of(view.begin(), view.end(), [&](const NodeInfo& node) {
                return node.id == master_->info.id && !node.has_flag("handshake");
              });
            }));
    terminal_.print("\n");
    if (!knows) return too_late(fmt::format("{} did not learn of its master", joining_.text()));
    terminal_.line(Style::kHeading, fmt::format(">>> Configure node as replica of {}.", master_->info.address()));
    const std::string id = master_->info.id.hex();
    ASH_TRY([[maybe_unused]] const resp::Value ok, session_.links.ask(joining_, {"CLUSTER", "REPLICATE", id}));
    return {};
  }

  /// True when `view` lists the new node in its final role.
  bool lists_newcomer(const std::vector<NodeInfo>& view) const {
    return std::any_of(view.begin(), view.end(), [&](const NodeInfo& node) {
      return node.id == id_ && !node.has_flag("handshake") && node.is_master() == (master_ == nullptr);
    });
  }

  /// So that whatever command comes next can count on the node.
  Result<void> wait_until_known() {
    ASH_TRY(const bool known, wait_until(session_.clock, kJoinLimit, Millis(100), [&]() -> Result<bool> {
              for (const ClusterNode& node : topology_.nodes) {
                ASH_TRY(const std::vector<NodeInfo> view, load_view(session_.links, endpoint_of(node.info)));
                if (!lists_newcomer(view)) return false;
              }
              ASH_TRY(const std::vector<NodeInfo> view, load_view(session_.links, joining_));
              return config_signature(view) == topology_.nodes.front().signature;
            }));
    if (!known) return too_late(fmt::format("{} was not accepted by all nodes", joining_.text()));
    return wait_until_serving();
  }

  Result<void> wait_until_serving() {
    ASH_TRY(const bool serving, wait_until(session_.clock, kJoinLimit, Millis(100), [&]() -> Result<bool> {
              ASH_TRY(const resp::Value info, session_.links.ask(joining_, {"CLUSTER", "INFO"}));
              return info_field(info.text(), "cluster_state") == "ok";
            }));
    if (!serving)
      terminal_.line(Style::kWarning, fmt::format("[WARNING] {} joined, but does not say cluster_state:ok; see CLUSTER "
                                                  "INFO there.",
                                                  joining_.text()));
    return {};
  }

  Session& session_;
  Terminal& terminal_;
  Endpoint entry_;
  Endpoint joining_;
  Topology topology_;
  NodeId id_;
  const ClusterNode* master_ = nullptr;  // null: the new node stays a master
};

}  // namespace

Result<Outcome> run_add_node(Session& session) { return Addition(session).run(); }

}  // namespace ashlar::cli::cluster
