/// What every command of the manager works with, and how it learns about the cluster.
///
/// Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "base/time.h"
#include "cli/cluster/links.h"
#include "cli/cluster/node_info.h"
#include "cli/cluster/options.h"
#include "cli/cluster/terminal.h"
#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster {

/// How a command ended when it did not fail with an Error.
enum class Outcome : std::uint8_t {
  kDone,
  kFailed,  // and the user was told why
};

struct Session {
  const Options& options;
  Links& links;
  Terminal& terminal;
  const Clock& clock;
  Rng& rng;
};

/// Where the manager reaches a node.
[[nodiscard]] Endpoint endpoint_of(const NodeInfo& node);

/// What `node` says about the whole cluster. Errors: of the link; kGeneric "Node h:p is not configured as a cluster
/// node."; kCorrupt.
[[nodiscard]] Result<std::vector<NodeInfo>> load_view(Links& links, const Endpoint& node);
/// All nodes that the entry node knows, each asked about itself. Those that do not answer end up in `unreachable`.
/// Errors: of the entry node only.
[[nodiscard]] Result<Topology> load_topology(Links& links, const Endpoint& entry);
/// The same, loaded again until all nodes agree about the slots and no handshake is under way, for at most `limit`.
/// Result: the last one loaded, agreeing or not.
[[nodiscard]] Result<Topology> load_settled(Session& session, const Endpoint& entry, Millis limit);

/// Calls `done` until it is true, with pauses, for at most `limit`; its errors end the wait. False: the time is over.
[[nodiscard]] Result<bool> wait_until(const Clock& clock, Millis limit, Millis pause,
                                      const std::function<Result<bool>()>& done);

/// Keys in database 0. Errors: of the link.
[[nodiscard]] Result<std::int64_t> count_keys(Links& links, const Endpoint& node);
/// The value of `field` in a reply of INFO or CLUSTER INFO; nullopt when it is not there.
[[nodiscard]] std::optional<std::string_view> info_field(std::string_view info, std::string_view field) noexcept;

/// "question (type 'yes' to accept): ". True at once with --cluster-yes. The end of the input is a no.
[[nodiscard]] bool confirm(Session& session, std::string_view question);

}  // namespace ashlar::cli::cluster
