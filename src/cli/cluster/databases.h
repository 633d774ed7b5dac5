/// The databases of cluster nodes: most have one, those with directive cluster-databases have several. Thread: one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/cluster/links.h"

namespace ashlar::cli::cluster {

/// The databases with keys in the text of INFO ("db0:keys=12,..."), ascending. Pure.
[[nodiscard]] std::vector<std::uint32_t> databases_in(std::string_view info);

/// The databases of a node that may hold keys, 0 always among them. A node that does not tell has one. Errors: of the
/// connection.
[[nodiscard]] Result<std::vector<std::uint32_t>> databases_of(Links& links, const Endpoint& node);

/// Commands in a database; the replies in their order, error replies among them. Errors: of the connection; an error
/// reply to SELECT.
[[nodiscard]] Result<std::vector<resp::Value>> ask_all_in(Links& links, const Endpoint& node, std::uint32_t database,
                                                          std::vector<Words> commands);
/// One command in a database. Errors: as Links::ask().
[[nodiscard]] Result<resp::Value> ask_in(Links& links, const Endpoint& node, std::uint32_t database,
                                         const Words& command);

}  // namespace ashlar::cli::cluster
