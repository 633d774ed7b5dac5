#include "cli/cluster/session.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::cli::cluster {
namespace {

void sleep_for(Millis duration) noexcept { ::poll(nullptr, 0, static_cast<int>(duration.count())); }

bool known_to_be_gone(const NodeInfo& node) noexcept {
  return node.has_flag("noaddr") || node.has_flag("fail") || node.host.empty() || node.port == 0;
}

/// The node as its own view shows it.
Result<ClusterNode> describe(const std::vector<NodeInfo>& view, const Endpoint& reached) {
  const NodeInfo* myself = find_myself(view);
  if (myself == nullptr)
    return fail(ErrorCode::kCorrupt, fmt::format("CLUSTER NODES of {} has no line for itself", reached.text()));
  ClusterNode out;
  out.info = *myself;
  out.announced_host = myself->host;
  out.info.host = reached.host;
  out.info.port = reached.port;
  out.slots = SlotSet(myself->slots);
  out.signature = config_signature(view);
  out.known = static_cast<std::size_t>(
      std::count_if(view.begin(), view.end(), [](const NodeInfo& node) { return !node.has_flag("handshake"); }));
  out.handshakes = view.size() - out.known;
  return out;
}

}  // namespace

Endpoint endpoint_of(const NodeInfo& node) {
  Endpoint out;
  out.host = node.host;
  out.port = node.port;
  return out;
}

Result<std::vector<NodeInfo>> load_view(Links& links, const Endpoint& node) {
  auto reply = links.ask(node, {"CLUSTER", "NODES"});
  if (!reply) {
    if (reply.error().detail.find("cluster support disabled") != std::string::npos)
      return fail(fmt::format("Node {} is not configured as a cluster node.", node.text()));
    return std::unexpected(std::move(reply.error()));
  }
  return parse_cluster_nodes(reply->text());
}

Result<Topology> load_topology(Links& links, const Endpoint& entry) {
  ASH_TRY(const std::vector<NodeInfo> view, load_view(links, entry));
  Topology out;
  ASH_TRY(ClusterNode first, describe(view, entry));
  out.nodes.push_back(std::move(first));
  for (const NodeInfo& friend_node : view) {
    if (friend_node.has_flag("myself") || friend_node.has_flag("handshake")) continue;
    if (known_to_be_gone(friend_node)) {
      out.unreachable.push_back(friend_node);
      continue;
    }
    const Endpoint address = endpoint_of(friend_node);
    const auto friend_view = load_view(links, address);
    auto node = friend_view ? describe(*friend_view, address) : std::unexpected(friend_view.error());
    if (node) {
      out.nodes.push_back(std::move(*node));
    } else {
      out.unreachable.push_back(friend_node);
    }
  }
  return out;
}

Result<Topology> load_settled(Session& session, const Endpoint& entry, Millis limit) {
  Topology out;
  ASH_TRY([[maybe_unused]] const bool settled, wait_until(session.clock, limit, Millis(200), [&]() -> Result<bool> {
            ASH_TRY(out, load_topology(session.links, entry));
            const bool shaking = std::any_of(out.nodes.begin(), out.nodes.end(),
                                             [](const ClusterNode& node) { return node.handshakes != 0; });
            return out.agree() && !shaking;
          }));
  return out;
}

Result<bool> wait_until(const Clock& clock, Millis limit, Millis pause, const std::function<Result<bool>()>& done) {
  const MonoTime end = clock.mono() + limit;
  while (true) {
    ASH_TRY(const bool is_done, done());
    if (is_done) return true;
    if (clock.mono() >= end) return false;
    sleep_for(pause);
  }
}

Result<std::int64_t> count_keys(Links& links, const Endpoint& node) {
  ASH_TRY(const resp::Value reply, links.ask(node, {"DBSIZE"}));
  return reply.number();
}

std::optional<std::string_view> info_field(std::string_view info, std::string_view field) noexcept {
  while (!info.empty()) {
    const std::size_t end = std::min(info.find('\n'), info.size());
    std::string_view line = info.substr(0, end);
    info.remove_prefix(std::min(end + 1, info.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > field.size() && line.starts_with(field) && line[field.size()] == ':')
      return line.substr(field.size() + 1);
  }
  return std::nullopt;
}

bool confirm(Session& session, std::string_view question) {
  if (session.options.yes) return true;
  const auto answer = session.terminal.ask(fmt::format("{} (type 'yes' to accept): ", question));
  if (!answer) session.terminal.print("\n");
  return answer && iequals(*answer, "yes");
}

}  // namespace ashlar::cli::cluster
