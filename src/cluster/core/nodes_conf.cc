#include "cluster/core/nodes_conf.h"

#include <fmt/format.h>

#include <iterator>

namespace ashlar::cluster {
namespace {

enum class Detail : std::uint8_t { kClient, kFile };

void append_flags(std::string& out, const Node& node, const NodeId& me) {
  const std::size_t start = out.size();
  const auto add = [&](bool wanted, std::string_view name) {
    if (!wanted) return;
    if (out.size() > start) out += ',';
    out += name;
  };
  add(node.id == me, "myself");
  add(node.is_primary(), "master");
  add(node.is_replica(), "slave");
  add(node.health == Health::kSuspected, "fail?");
  add(node.health == Health::kFailed, "fail");
  add(node.handshake, "handshake");
  add(node.no_address, "noaddr");
  add(node.no_failover, "nofailover");
  if (out.size() == start) out += "noflags";
}

std::int64_t unix_ms(const View& view, std::optional<MonoTime> at) {
  if (!at) return 0;
  return std::chrono::floor<Millis>(at->time_since_epoch() + view.wall_offset()).count();
}

void append_address(std::string& out, const Node& node, ClientKind kind, Detail detail) {
  const bool tls = kind == ClientKind::kTls;
  fmt::format_to(std::back_inserter(out), "{}:{}@{}", node.address.ip, tls ? node.address.tls_port : node.address.port,
                 node.address.bus_port);
  if (!node.hostname.empty() || detail == Detail::kFile) fmt::format_to(std::back_inserter(out), ",{}", node.hostname);
  if (detail == Detail::kClient) return;
  fmt::format_to(std::back_inserter(out), ",{}={}", tls ? "tcp-port" : "tls-port",
                 tls ? node.address.port : node.address.tls_port);
  if (!node.human_name.empty()) fmt::format_to(std::back_inserter(out), ",nodename={}", node.human_name);
  fmt::format_to(std::back_inserter(out), ",shard-id={}", node.shard.hex());
}

void append_node(std::string& out, const View& view, const Node& node, ClientKind kind, Detail detail) {
  out += node.id.hex();
  out += ' ';
  append_address(out, node, kind, detail);
  out += ' ';
  append_flags(out, node, view.myself().id);
  const auto primary = node.primary_id();
  fmt::format_to(std::back_inserter(out), " {} {} {} {} {}", primary ? primary->hex() : "-",
                 unix_ms(view, node.ping_sent), unix_ms(view, node.pong_received),
                 slots_holder(view, node).config_epoch.value, node.linked ? "connected" : "disconnected");
  for (const SlotRange& range : node.slots.ranges()) {
    if (range.first == range.last) {
      fmt::format_to(std::back_inserter(out), " {}", range.first.value());
    } else {
      fmt::format_to(std::back_inserter(out), " {}-{}", range.first.value(), range.last.value());
    }
  }
  if (node.id != view.myself().id) return;
  for (const auto& [slot, state] : view.open_slots()) {
    if (const auto* to = std::get_if<MigratingTo>(&state)) {
      fmt::format_to(std::back_inserter(out), " [{}->-{}]", slot.value(), to->target.hex());
    } else if (const auto* from = std::get_if<ImportingFrom>(&state)) {
      fmt::format_to(std::back_inserter(out), " [{}-<-{}]", slot.value(), from->source.hex());
    }
  }
}

}  // namespace

std::string format_nodes_conf(const View& view, const Options& options) {
  std::string out;
  const ClientKind kind = options.tls_bus ? ClientKind::kTls : ClientKind::kPlain;
  for (const Node& node : view) {
    if (node.handshake) continue;
    append_node(out, view, node, kind, Detail::kFile);
    out += '\n';
  }
  fmt::format_to(std::back_inserter(out), "vars currentEpoch {} lastVoteEpoch {}\n", view.current_epoch().value,
                 view.last_vote_epoch().value);
  return out;
}

std::string describe_node(const View& view, const Node& node, ClientKind kind) {
  std::string out;
  append_node(out, view, node, kind, Detail::kClient);
  return out;
}

std::string describe_nodes(const View& view, ClientKind kind) {
  std::string out;
  for (const Node& node : view) {
    append_node(out, view, node, kind, Detail::kClient);
    out += '\n';
  }
  return out;
}

std::string describe_cluster(const View& view) {
  std::size_t assigned = 0;
  std::size_t suspected = 0;
  std::size_t failed = 0;
  for (const Node& node : view) {
    assigned += node.slot_count;
    if (node.health == Health::kSuspected) suspected += node.slot_count;
    if (node.health == Health::kFailed) failed += node.slot_count;
  }
  return fmt::format(
      "cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\ncluster_slots_pfail:{}\r\n"
      "cluster_slots_fail:{}\r\ncluster_known_nodes:{}\r\ncluster_size:{}\r\ncluster_current_epoch:{}\r\n"
      "cluster_my_epoch:{}\r\n",
      view.state() == ClusterState::kOk ? "ok" : "fail", assigned, assigned - suspected - failed, suspected, failed,
      view.size(), view.voters(), view.current_epoch().value, slots_holder(view, view.myself()).config_epoch.value);
}

}  // namespace ashlar::cluster
