#include "sim/topology.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cluster/core/nodes_conf.h"
#include "cluster/core/view_editor.h"

namespace ashlar::sim {

using cluster::SlotRange;

namespace {

std::size_t total(const Shape& shape) { return shape.primaries * (1 + shape.replicas_each) + shape.spare_replicas; }

/// The primary of host `i`.
HostIndex primary_of(const Shape& shape, HostIndex i) { return i % shape.primaries; }

SlotRange slots_of(const Shape& shape, std::size_t primary) {
  const auto start = [&](std::size_t p) {
    if (shape.slots_of_first == 0) return p * kSlotCount / shape.primaries;
    return p == 0 ? 0 : shape.slots_of_first + (p - 1) * (kSlotCount - shape.slots_of_first) / (shape.primaries - 1);
  };
  const std::size_t first = start(primary);
  const std::size_t last = start(primary + 1) - 1;
  return {SlotId::wrap(static_cast<std::uint32_t>(first)), SlotId::wrap(static_cast<std::uint32_t>(last))};
}

void must(const Result<cluster::AdminValue>& answer) { ASH_CHECK(answer.has_value()); }

}  // namespace

void build_by_commands(World& world, const Shape& shape) {
  const std::size_t count = total(shape);
  for (HostIndex i = 0; i < count; ++i) world.add_host();
  for (HostIndex i = 0; i < count; ++i) {
    must(world.command(i, cluster::SetConfigEpoch{static_cast<std::int64_t>(i) + 1}));
    if (i < shape.primaries) must(world.command(i, cluster::AddSlots{{slots_of(shape, i)}}));
  }
  for (HostIndex i = 1; i < count; ++i) must(world.command(i, cluster::Meet{world.ip(0), 6379, std::nullopt}));
  const auto acquainted = [&] {
    for (HostIndex i = 0; i < count; ++i) {
      const cluster::View& view = world.view(i);
      if (view.size() != count || std::any_of(view.begin(), view.end(), [](const auto& n) { return n.handshake; })) {
        return false;
      }
    }
    return true;
  };
  ASH_CHECK(world.run_until(acquainted, Seconds{60}));
  for (HostIndex i = shape.primaries; i < count; ++i) {
    must(world.command(i, cluster::Replicate{world.id(primary_of(shape, i)).hex()}));
  }
  ASH_CHECK(world.run_until([&] { return !world.why_not_settled(); }, Seconds{60}));
}

void build_from_files(World& world, const Shape& shape) {
  const std::size_t count = total(shape);
  std::vector<cluster::Node> nodes(count);
  for (HostIndex i = 0; i < count; ++i) {
    world.add_host();
    cluster::Node& node = nodes[i];
    node.id = world.id(i);
    node.address = {world.ip(i), 6379, 0, 6379 + cluster::kBusPortOffset};
    const HostIndex primary = primary_of(shape, i);
    node.shard = world.id(primary);
    node.role = cluster::Primary{};
    if (i < shape.primaries) {
      node.config_epoch = ConfigEpoch{i + 1};
    } else {
      node.role = cluster::ReplicaOf{world.id(primary)};
    }
  }
  for (HostIndex i = 0; i < count; ++i) {
    cluster::View view(nodes[i]);
    cluster::ViewEditor edit(view);
    for (HostIndex other = 0; other < count; ++other) {
      if (other != i) edit.add(nodes[other]);
    }
    for (HostIndex p = 0; p < shape.primaries; ++p) {
      const SlotRange slots = slots_of(shape, p);
      for (std::uint32_t s = slots.first.value(); s <= slots.last.value(); ++s) {
        edit.assign(SlotId::wrap(s), *view.index_of(nodes[p].id));
      }
    }
    edit.raise_current_epoch(ConfigEpoch{shape.primaries});
    std::string file = cluster::format_nodes_conf(view, cluster::Options{});
    world.crash(i, Power::kProcessDown);
    world.set_disk(i, std::move(file));
  }
  for (HostIndex i = 0; i < count; ++i) world.restart(i);
  ASH_CHECK(world.run_until([&] { return !world.why_not_settled(); }, Seconds{60}));
}

}  // namespace ashlar::sim
