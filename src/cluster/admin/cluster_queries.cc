#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/key_slot.h"
#include "cluster/admin/cluster_commands.h"
#include "cluster/core/nodes_conf.h"
#include "keyspace/slot_guard.h"

namespace ashlar::cluster {

using command::Context;

bool ClusterCommands::enabled(Context& ctx) const {
  if (parts_.driver != nullptr) return true;
  ctx.error("This instance has cluster support disabled");
  return false;
}

void ClusterCommands::info(Context& ctx) {
  if (!enabled(ctx)) return;
  std::string text = describe_cluster(*parts_.driver->view().get());
  const auto counts = parts_.driver->counts().get();
  const auto list = [&](const std::map<std::string, std::uint64_t>& by_kind, std::string_view direction) {
    std::uint64_t total = 0;
    for (const auto& [kind, n] : by_kind) {
      text += fmt::format("cluster_stats_messages_{}_{}:{}\r\n", kind, direction, n);
      total += n;
    }
    text += fmt::format("cluster_stats_messages_{}:{}\r\n", direction, total);
  };
  list(counts->sent, "sent");
  list(counts->received, "received");
  text += fmt::format("total_cluster_links_buffer_limit_exceeded:{}\r\n", counts->links_over_limit);
  ctx.reply.verbatim("txt", text);
}

void ClusterCommands::nodes(Context& ctx) {
  if (!enabled(ctx)) return;
  ctx.reply.verbatim("txt", describe_nodes(*parts_.driver->view().get(), ClientKind::kPlain));
}

void ClusterCommands::reply_node_endpoint(Context& ctx, const Node& node) const {
  const EndpointKind kind = parts_.endpoint();
  ctx.reply.array(4);
  if (kind == EndpointKind::kUnknown) {
    ctx.reply.null();
  } else {
    ctx.reply.bulk(endpoint_of(node, kind));
  }
  ctx.reply.integer(node.address.port);
  ctx.reply.bulk(node.id.hex());
  const bool show_ip = kind != EndpointKind::kIp;
  const bool show_host = kind != EndpointKind::kHostname && !node.hostname.empty();
  ctx.reply.map((show_ip ? 1U : 0U) + (show_host ? 1U : 0U));
  if (show_ip) {
    ctx.reply.bulk("ip");
    ctx.reply.bulk(node.address.ip);
  }
  if (show_host) {
    ctx.reply.bulk("hostname");
    ctx.reply.bulk(node.hostname);
  }
}

std::int64_t ClusterCommands::offset_of(const View& view, const Node& node) const {
  return node.id == view.myself().id ? parts_.replication_offset() : node.offset.value;
}

void ClusterCommands::slots(Context& ctx) {
  if (!enabled(ctx)) return;
  const auto view = parts_.driver->view().get();
  struct Run {
    SlotRange range;
    const Node* owner;
  };
  std::vector<Run> runs;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    const SlotId slot = SlotId::wrap(i);
    const Node* owner = view->owner(slot);
    if (owner == nullptr) continue;
    if (!runs.empty() && runs.back().owner == owner && runs.back().range.last.value() + 1 == slot.value()) {
      runs.back().range.last = slot;
    } else {
      runs.push_back({{slot, slot}, owner});
    }
  }
  ctx.reply.array(runs.size());
  for (const Run& run : runs) {
    std::vector<const Node*> replicas = replicas_of(*view, run.owner->id);
    // Offset 0: it has no data yet, or loads.
    std::erase_if(replicas, [&](const Node* n) { return n->failed() || offset_of(*view, *n) == 0; });
    ctx.reply.array(3 + replicas.size());
    ctx.reply.integer(run.range.first.value());
    ctx.reply.integer(run.range.last.value());
    reply_node_endpoint(ctx, *run.owner);
    for (const Node* replica : replicas) reply_node_endpoint(ctx, *replica);
  }
}

void ClusterCommands::reply_shard_node(Context& ctx, const View& view, const Node& node) const {
  const bool named = !node.hostname.empty();
  ctx.reply.map(named ? 8 : 7);
  const auto text = [&](std::string_view name, std::string_view value) {
    ctx.reply.bulk(name);
    ctx.reply.bulk(value);
  };
  text("id", node.id.hex());
  ctx.reply.bulk("port");
  ctx.reply.integer(node.address.port);
  text("ip", node.address.ip);
  text("endpoint", endpoint_of(node, parts_.endpoint()));
  if (named) text("hostname", node.hostname);
  text("role", node.is_replica() ? "replica" : "master");
  ctx.reply.bulk("replication-offset");
  const std::int64_t offset = offset_of(view, node);
  ctx.reply.integer(offset);
  text("health", node.failed() ? "fail" : node.is_replica() && offset == 0 ? "loading" : "online");
}

void ClusterCommands::shards(Context& ctx) {
  if (!enabled(ctx)) return;
  const auto view = parts_.driver->view().get();
  std::map<NodeId, std::vector<const Node*>> shards;
  for (const Node& node : *view) {
    if (!node.handshake) shards[slots_holder(*view, node).id].push_back(&node);
  }
  ctx.reply.array(shards.size());
  for (auto& [holder, members] : shards) {
    const Node* primary = view->find(holder);
    std::ranges::stable_sort(members, {}, [&](const Node* n) { return n != primary; });
    ctx.reply.map(2);
    ctx.reply.bulk("slots");
    const auto ranges = primary->slots.ranges();
    ctx.reply.array(ranges.size() * 2);
    for (const SlotRange& range : ranges) {
      ctx.reply.integer(range.first.value());
      ctx.reply.integer(range.last.value());
    }
    ctx.reply.bulk("nodes");
    ctx.reply.array(members.size());
    for (const Node* node : members) reply_shard_node(ctx, *view, *node);
  }
}

void ClusterCommands::replicas(Context& ctx) {
  if (!enabled(ctx)) return;
  const auto view = parts_.driver->view().get();
  const auto id = NodeId::from_hex(ctx.args[2]);
  const Node* node = id ? view->find(*id) : nullptr;
  if (node == nullptr) return ctx.error(fmt::format("Unknown node {}", ctx.args[2]));
  if (node->is_replica()) return ctx.error("The specified node is not a master");
  const auto replicas = replicas_of(*view, node->id);
  ctx.reply.array(replicas.size());
  for (const Node* replica : replicas) ctx.reply.bulk(describe_node(*view, *replica, ClientKind::kPlain));
}

void ClusterCommands::links(Context& ctx) {
  if (!enabled(ctx)) return;
  const auto complete = ctx.session.defer();
  Driver& driver = *parts_.driver;
  driver.loop().post([&driver, complete] {
    complete([links = driver.links()](resp::Encoder& reply) {
      reply.array(links.size());
      for (const auto& link : links) {
        reply.map(6);
        reply.bulk("direction");
        reply.bulk(link.outgoing ? "to" : "from");
        reply.bulk("node");
        reply.bulk(link.node.hex());
        reply.bulk("create-time");
        reply.integer(link.created_unix_ms);
        reply.bulk("events");
        reply.bulk(link.events);
        reply.bulk("send-buffer-allocated");
        reply.integer(static_cast<std::int64_t>(link.send_buffer_allocated));
        reply.bulk("send-buffer-used");
        reply.integer(static_cast<std::int64_t>(link.send_buffer_used));
      }
    });
  });
}

void ClusterCommands::myid(Context& ctx) {
  if (enabled(ctx)) ctx.reply.bulk(parts_.driver->view().get()->myself().id.hex());
}
void ClusterCommands::myshardid(Context& ctx) {
  if (enabled(ctx)) ctx.reply.bulk(parts_.driver->view().get()->myself().shard.hex());
}
void ClusterCommands::keyslot(Context& ctx) {
  if (enabled(ctx)) ctx.reply.integer(key_slot(ctx.args[2]).value());
}

namespace {

std::optional<SlotId> slot_argument(std::string_view text) {
  const auto n = parse_i64(text);
  return n ? SlotId::from(*n) : std::nullopt;
}

}  // namespace

void ClusterCommands::count_keys(Context& ctx) {
  if (!enabled(ctx)) return;
  const auto slot = slot_argument(ctx.args[2]);
  if (!slot) return ctx.error("Invalid slot");
  ctx.reply.integer(static_cast<std::int64_t>(count_slot(*slot, ctx.db.index())));
}

void ClusterCommands::get_keys(Context& ctx) {
  if (!enabled(ctx)) return;
  const auto slot = slot_argument(ctx.args[2]);
  const auto most = parse_i64(ctx.args[3]);
  if (!slot || !most || *most < 0) return ctx.error("Invalid slot or number of keys");
  const keyspace::SlotGuard guard(parts_.keyspace, *slot);
  const keyspace::SlotDb* db = parts_.keyspace.slot(*slot).find(ctx.db.index().value);
  if (db == nullptr) return ctx.reply.array(0);
  const keyspace::EntryTable& table = db->table;
  const std::uint64_t count = std::min<std::uint64_t>(table.size(), static_cast<std::uint64_t>(*most));
  ctx.reply.array(count);
  std::uint64_t left = count;
  if (left == 0) return;
  table.for_each([&](const keyspace::EntryTable::Word& word) {
    if (left == 0) return;
    --left;
    ctx.reply.bulk(word.record()->key());
  });
}

}  // namespace ashlar::cluster
