#include "cli/cluster/node_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/bytes.h"

namespace ashlar::cli::cluster {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  const auto number = parse_u64(text);
  if (!number || *number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

/// host:port[@bus][,hostname[,more]]. The host may hold colons of its own (IPv6).
bool parse_address(std::string_view text, NodeInfo& node) {
  const auto parts = split(text, ',');
  if (parts.size() > 1) node.hostname = parts[1];
  std::string_view address = parts[0];
  if (const std::size_t at = address.rfind('@'); at != std::string_view::npos) {
    const auto bus = parse_port(address.substr(at + 1));
    if (!bus) return false;
    node.bus_port = *bus;
    address = address.substr(0, at);
  }
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = parse_port(address.substr(colon + 1));
  if (!port) return false;
  node.port = *port;
  node.host = address.substr(0, colon);
  return true;
}

/// "5-10", "7", "[93->-id]" or "[77-<-id]".
bool parse_slot_token(std::string_view token, NodeInfo& node) {
  if (!token.starts_with('[')) {
    const auto range = parse_slot_range(token);
    if (!range) return false;
    node.slots.push_back(*range);
    return true;
  }
  if (!token.ends_with(']')) return false;
  const std::string_view inner = token.substr(1, token.size() - 2);
  const std::size_t mark = inner.find('-');
  if (mark == std::string_view::npos || inner.size() < mark + 3 || inner[mark + 2] != '-') return false;
  const auto slot = parse_slot_range(inner.substr(0, mark));
  const auto peer = NodeId::from_hex(inner.substr(mark + 3));
  if (!slot || !peer) return false;
  const char direction = inner[mark + 1];
  if (direction != '>' && direction != '<') return false;
  (direction == '>' ? node.migrating : node.importing).push_back({slot->first, *peer});
  return true;
}

std::optional<std::string_view> parse_line(std::string_view line, NodeInfo& node) {
  const auto fields = split(line, ' ');
  if (fields.size() < 8) return "fewer than eight fields";
  const auto id = NodeId::from_hex(fields[0]);
  if (!id) return "the node id is not 40 hex digits";
  node.id = *id;
  if (!parse_address(fields[1], node)) return "the address is not host:port@bus";
  for (const std::string_view flag : split(fields[2], ',')) node.flags.emplace_back(flag);
  const bool replica = node.has_flag("slave") || node.has_flag("replica");
  node.role = replica ? Role::kReplica : Role::kMaster;
  if (fields[3] != "-") {
    node.master = NodeId::from_hex(fields[3]);
    if (!node.master) return "the master's id is not 40 hex digits";
  }
  const auto epoch = parse_u64(fields[6]);
  if (!epoch) return "the epoch is no number";
  node.config_epoch = *epoch;
  node.link_up = fields[7] == "connected";
  for (std::size_t i = 8; i < fields.size(); ++i) {
    if (!fields[i].empty() && !parse_slot_token(fields[i], node)) return "a slot is malformed";
  }
  return std::nullopt;
}

}  // namespace

std::string NodeInfo::address() const { return fmt::format("{}:{}", host, port); }

bool NodeInfo::has_flag(std::string_view flag) const noexcept {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

Result<std::vector<NodeInfo>> parse_cluster_nodes(std::string_view text) {
  std::vector<NodeInfo> out;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    NodeInfo node;
    if (const auto wrong = parse_line(line, node))
      return fail(ErrorCode::kCorrupt, fmt::format("CLUSTER NODES, line {}: {}", number, *wrong));
    out.push_back(std::move(node));
  }
  return out;
}

const NodeInfo* find_myself(std::span<const NodeInfo> view) noexcept {
  const auto it = std::find_if(view.begin(), view.end(), [](const NodeInfo& node) { return node.has_flag("myself"); });
  return it == view.end() ? nullptr : &*it;
}

std::string config_signature(std::span<const NodeInfo> view) {
  std::vector<std::string> owners;
  for (const NodeInfo& node : view) {
    if (node.slots.empty()) continue;
    owners.push_back(fmt::format("{}:{}", node.id.hex(), SlotSet(node.slots).table_text()));
  }
  std::sort(owners.begin(), owners.end());
  return fmt::format("{}", fmt::join(owners, "|"));
}

}  // namespace ashlar::cli::cluster
