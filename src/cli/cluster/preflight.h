/// Whether a node may join a cluster, asked before anything is changed.
///
/// Thread: one.
#pragma once

#include <string>

#include "base/error.h"
#include "cli/cluster/node_info.h"
#include "cli/cluster/session.h"

namespace ashlar::cli::cluster {

/// What a node that may join says of itself.
struct Newcomer {
  Endpoint endpoint;
  NodeId id;
  std::uint16_t bus_port = 0;  // 0: not told
};

/// Errors, each naming the node: cannot be reached; is no cluster node; knows other nodes; serves slots; holds keys.
[[nodiscard]] Result<Newcomer> inspect_newcomer(Links& links, const Endpoint& node);

/// The address of a host in digits, which is what CLUSTER MEET wants. Errors: kIo - the name does not resolve.
[[nodiscard]] Result<std::string> resolve_host(const std::string& host);

/// Makes `joining` meet `member`. Errors: of the link and the command.
[[nodiscard]] Result<void> meet(Links& links, const Endpoint& joining, const Endpoint& member,
                                std::uint16_t member_bus_port);

}  // namespace ashlar::cli::cluster
