#include "server/commands/client_filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::server {

bool ClientFilter::matches(const Client& client) const {
  if (!ids.empty() && std::ranges::find(ids, client.id.value) == ids.end()) return false;
  // Links of replicas and primaries have left the loops, so all that are found here are ordinary clients.
  if (kind && *kind != (client.subscribed ? Kind::kPubSub : Kind::kNormal)) return false;
  if (address && *address != client.peer_address()) return false;
  if (local_address && *local_address != client.local_address()) return false;
  if (user && *user != client.user_name()) return false;
  return !spared || *spared != client.id;
}

bool ClientFilter::matches(const replication::LinkFacts& link, Kind link_kind) const {
  if (!ids.empty() && std::ranges::find(ids, link.id.value) == ids.end()) return false;
  if (kind && *kind != link_kind) return false;
  if (address && *address != link.peer) return false;
  return !user && (!local_address || *local_address == link.local);
}

Result<ClientFilter::Kind> parse_client_kind(std::string_view word) {
  using Kind = ClientFilter::Kind;
  if (iequals(word, "normal")) return Kind::kNormal;
  if (iequals(word, "master")) return Kind::kPrimary;
  if (iequals(word, "replica") || iequals(word, "slave")) return Kind::kReplica;
  if (iequals(word, "pubsub")) return Kind::kPubSub;  // tidy: allow(command-name): a kind of client
  return fail(fmt::format("Unknown client type '{}'", word));
}

Result<ClientFilter> parse_list_filter(std::span<const std::string_view> options) {
  ClientFilter filter;
  if (options.empty()) return filter;
  if (options.size() == 2 && iequals(options[0], "type")) {
    ASH_TRY(filter.kind, parse_client_kind(options[1]));
    return filter;
  }
  if (options.size() < 2 || !iequals(options[0], "id")) return fail(ErrorCode::kSyntax);
  for (const std::string_view word : options.subspan(1)) {
    const auto id = parse_i64(word);
    if (!id) return fail("Invalid client ID");
    filter.ids.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(*id, 0)));  // nobody has 0
  }
  return filter;
}

Result<ClientFilter> parse_kill_filter(std::span<const std::string_view> options, ClientId caller,
                                       const acl::Users& users) {
  ClientFilter filter;
  filter.spared = caller;
  if (options.size() % 2 != 0) return fail(ErrorCode::kSyntax);
  for (std::size_t i = 0; i < options.size(); i += 2) {
    const std::string_view option = options[i];
    const std::string_view value = options[i + 1];
    if (iequals(option, "id")) {
      const auto id = parse_i64(value);
      if (!id || *id < 1) return fail("client-id should be greater than 0");
      filter.ids = {static_cast<std::uint64_t>(*id)};
    } else if (iequals(option, "type")) {
      ASH_TRY(filter.kind, parse_client_kind(value));
    } else if (iequals(option, "addr")) {
      filter.address = value;
    } else if (iequals(option, "laddr")) {
      filter.local_address = value;
    } else if (iequals(option, "user")) {
      if (users.find(value) == nullptr) return fail(fmt::format("No such user '{}'", value));
      filter.user = value;
    } else if (iequals(option, "skipme") && iequals(value, "yes")) {
      filter.spared = caller;
    } else if (iequals(option, "skipme") && iequals(value, "no")) {
      filter.spared.reset();
    } else {
      return fail(ErrorCode::kSyntax);
    }
  }
  return filter;
}

}  // namespace ashlar::server
