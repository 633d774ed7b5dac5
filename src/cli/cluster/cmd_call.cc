#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/cluster/commands.h"
#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster {
namespace {

bool wanted(const ClusterNode& node, CallTarget target) noexcept {
  return target == CallTarget::kAll || node.info.is_master() == (target == CallTarget::kMasters);
}

/// A reply without decoration; the elements of an aggregate in a line each.
std::string plain_text(const resp::Value& value) {
  if (value.is_aggregate()) {
    std::string out;
    for (const resp::Value& item : value.items()) {
      if (!out.empty()) out += '\n';
      out += plain_text(item);
    }
    return out;
  }
  if (value.kind() == resp::ValueKind::kInteger) return std::to_string(value.number());
  if (value.kind() == resp::ValueKind::kBool) return value.number() != 0 ? "(true)" : "(false)";
  return std::string(value.text());
}

}  // namespace

Result<Outcome> run_call(Session& session) {
  ASH_TRY(const Topology topology, load_topology(session.links, session.options.entry));
  const std::vector<std::string>& command = session.options.arguments;
  session.terminal.line(Style::kHeading, fmt::format(">>> Calling {}", fmt::join(command, " ")));
  Outcome outcome = Outcome::kDone;
  for (const ClusterNode& node : topology.nodes) {
    if (!wanted(node, session.options.call_target)) continue;
    const auto reply = session.links.ask(endpoint_of(node.info), command);
    if (!reply) outcome = Outcome::kFailed;
    session.terminal.line(
        fmt::format("{}: {}", node.info.address(), reply ? plain_text(*reply) : std::string(reply.error().text())));
  }
  for (const NodeInfo& node : topology.unreachable) {
    if (session.options.call_target != CallTarget::kAll &&
        node.is_master() != (session.options.call_target == CallTarget::kMasters))
      continue;
    session.terminal.line(fmt::format("{}: (does not answer)", node.address()));
    outcome = Outcome::kFailed;
  }
  return outcome;
}

Result<Outcome> run_set_timeout(Session& session) {
  constexpr std::uint64_t kLeast = 100;
  const std::string& text = session.options.arguments.front();
  const auto timeout = parse_u64(text);
  if (!timeout) return fail(ErrorCode::kSyntax, fmt::format("'{}' is no timeout: a number of milliseconds is", text));
  if (*timeout < kLeast)
    return fail(fmt::format("Setting a node timeout of less than {} milliseconds is a bad idea.", kLeast));
  ASH_TRY(const Topology topology, load_topology(session.links, session.options.entry));
  session.terminal.line(Style::kHeading, ">>> Reconfiguring node timeout in every cluster node...");
  std::size_t done = 0;
  for (const ClusterNode& node : topology.nodes) {
    const Endpoint endpoint = endpoint_of(node.info);
    auto reply = session.links.ask(endpoint, {"CONFIG", "SET", "cluster-node-timeout", text});
    if (reply) reply = session.links.ask(endpoint, {"CONFIG", "REWRITE"});
    if (reply) {
      ++done;
      session.terminal.line(fmt::format("*** New timeout set for {}", node.info.address()));
    } else {
      session.terminal.line(
          Style::kBad, fmt::format("ERR setting node-timeout for {}: {}", node.info.address(), reply.error().text()));
    }
  }
  for (const NodeInfo& node : topology.unreachable)
    session.terminal.line(Style::kBad, fmt::format("ERR setting node-timeout for {}: does not answer", node.address()));
  const std::size_t failed = topology.nodes.size() - done + topology.unreachable.size();
  session.terminal.line(Style::kHeading, fmt::format(">>> New node timeout set. {} OK, {} ERR.", done, failed));
  return failed == 0 ? Outcome::kDone : Outcome::kFailed;
}

}  // namespace ashlar::cli::cluster
