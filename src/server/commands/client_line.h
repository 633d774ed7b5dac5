/// A connection as a line of CLIENT LIST. Thread: the loop of the client.
#pragma once

#include <string>

#include "base/time.h"
#include "replication/link_facts.h"
#include "server/client.h"
#include "server/commands/client_filter.h"

namespace ashlar::server {

/// "id=1 addr=127.0.0.1:50000 ..." without a line end. Source: the fields of CLIENT LIST of Redis 7.2.
[[nodiscard]] std::string client_line(const Client& client, MonoTime now);
/// The same of a link to a replica or a primary, which has left the loops. Thread: any.
[[nodiscard]] std::string link_line(const replication::LinkFacts& link, ClientFilter::Kind kind, MonoTime now);

}  // namespace ashlar::server
