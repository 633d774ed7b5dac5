/// nodes.conf: the file in which a node remembers its cluster, in the format of Redis 7.
///
///   <id> <ip>:<port>@<bus port>,<hostname>,tls-port=<n>[,nodename=<name>],shard-id=<id> <flags> <primary or ->
///        <ping sent> <pong received> <config epoch> <connected|disconnected> <slots>...
///   vars currentEpoch <n> lastVoteEpoch <n>
///
/// one line each, space-separated; slots as "5", "7-9", "[12->-<id>]" (migrating) or "[12-<-<id>]" (importing).
/// Source: Redis 7.2, clusterGenNodeDescription and clusterLoadConfig; 7.0 writes no auxiliary fields.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cluster/core/options.h"
#include "cluster/core/view.h"

namespace ashlar::cluster {

/// The whole file. Members still in handshake are left out.
[[nodiscard]] std::string format_nodes_conf(const View& view, const Options& options);

/// The view that `text` holds. Trusts nothing: every id, number, range and reference is checked, and the closing `vars`
/// line with its line end must be there, so that no torn file passes for a whole one.
/// Errors: kCorrupt with "line <n>: <what>".
[[nodiscard]] Result<View> parse_nodes_conf(std::string_view text, const Options& options);

/// Which port of a node a client is shown: that of its own kind.
enum class ClientKind : std::uint8_t { kPlain, kTls };
/// The text of CLUSTER NODES: the same lines without auxiliary fields.
[[nodiscard]] std::string describe_nodes(const View& view, ClientKind kind);
/// One such line without line end, as CLUSTER REPLICAS lists them.
[[nodiscard]] std::string describe_node(const View& view, const Node& node, ClientKind kind);
/// The lines of CLUSTER INFO that come from the view ("cluster_state" to "cluster_my_epoch"), with CRLF.
[[nodiscard]] std::string describe_cluster(const View& view);

}  // namespace ashlar::cluster
