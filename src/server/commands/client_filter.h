/// Which connections CLIENT LIST shows and CLIENT KILL ends. Thread: parsed on one loop, then read by all.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "replication/link_facts.h"
#include "server/acl/users.h"
#include "server/client.h"

namespace ashlar::server {

struct ClientFilter {
  enum class Kind : std::uint8_t { kNormal, kPrimary, kReplica, kPubSub };
  std::vector<std::uint64_t> ids;  // empty: any
  std::optional<Kind> kind;
  std::optional<std::string> address;
  std::optional<std::string> local_address;
  std::optional<std::string> user;
  std::optional<ClientId> spared;  // SKIPME

  [[nodiscard]] bool matches(const Client& client) const;
  /// The same of a link to a replica or a primary, which nobody's user is bound to.
  [[nodiscard]] bool matches(const replication::LinkFacts& link, Kind link_kind) const;
};

/// TYPE's word. Errors: an unknown one, named.
[[nodiscard]] Result<ClientFilter::Kind> parse_client_kind(std::string_view word);
/// Options of CLIENT LIST (behind the subcommand).
[[nodiscard]] Result<ClientFilter> parse_list_filter(std::span<const std::string_view> options);
/// Options of CLIENT KILL in its newer form; `caller` is spared unless told otherwise.
[[nodiscard]] Result<ClientFilter> parse_kill_filter(std::span<const std::string_view> options, ClientId caller,
                                                     const acl::Users& users);

}  // namespace ashlar::server
