// CLUSTER SLOT-STATS.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "cluster/admin/cluster_commands.h"
#include "cluster/admin/slot_stats.h"
#include "keyspace/slot_guard.h"

namespace ashlar::cluster {

using command::Context;

namespace {

enum class Metric : std::uint8_t { kKeys, kCpu, kBytesIn, kBytesOut };
/// Order of the reply; keys come first, for they are told even when nothing is counted.
constexpr std::array<std::string_view, 4> kMetricNames = {"key-count", "cpu-usec", "network-bytes-in",
                                                          "network-bytes-out"};

/// The figures of one slot, by Metric.
struct SlotFigures {
  SlotId slot;
  std::array<std::uint64_t, 4> values{};
};

std::optional<SlotId> read_slot(Context& ctx, std::string_view text) {
  const auto n = parse_i64(text);
  const auto slot = n ? SlotId::from(*n) : std::nullopt;
  if (!slot) ctx.error("Invalid or out of range slot");
  return slot;
}

/// ORDERBY metric [LIMIT count] [ASC | DESC].
struct OrderBy {
  Metric metric = Metric::kKeys;
  std::size_t limit = kSlotCount;
  enum class Direction : std::uint8_t { kDescending, kAscending } direction = Direction::kDescending;
};

Result<OrderBy> parse_order(std::span<const std::string_view> args, std::size_t metrics) {
  const auto name = std::ranges::find_if(kMetricNames, [&](std::string_view known) { return iequals(known, args[3]); });
  const auto index = static_cast<std::size_t>(name - kMetricNames.begin());
  if (index >= metrics) return fail("Unrecognized sort metric for ORDERBY.");
  OrderBy order{.metric = static_cast<Metric>(index)};
  int limits = 0;
  int directions = 0;
  for (std::size_t i = 4; i < args.size(); ++i) {
    if (iequals(args[i], "LIMIT") && i + 1 < args.size()) {
      const auto limit = parse_i64(args[++i]);
      if (!limit || *limit < 1 || *limit > static_cast<std::int64_t>(kSlotCount)) {
        return fail("Limit has to lie in between 1 and 16384 (maximum number of slots).");
      }
      order.limit = static_cast<std::size_t>(*limit);
      ++limits;
    } else if (iequals(args[i], "ASC") || iequals(args[i], "DESC")) {
      order.direction = iequals(args[i], "ASC") ? OrderBy::Direction::kAscending : OrderBy::Direction::kDescending;
      ++directions;
    } else {
      return fail(ErrorCode::kSyntax);
    }
    if (limits > 1 || directions > 1) return fail("Multiple filters of the same type are disallowed.");
  }
  return order;
}

void sort(std::vector<SlotFigures>& all, const OrderBy& order) {
  const auto at = static_cast<std::size_t>(order.metric);
  // Equal figures keep the order of the slots, whatever the direction.
  std::ranges::stable_sort(all, [&](const SlotFigures& a, const SlotFigures& b) {
    return order.direction == OrderBy::Direction::kAscending ? a.values[at] < b.values[at]
                                                             : a.values[at] > b.values[at];
  });
  if (all.size() > order.limit) all.resize(order.limit);
}

}  // namespace

std::uint64_t ClusterCommands::count_slot(SlotId slot, std::optional<DbIndex> db) const {
  const keyspace::SlotGuard guard(parts_.keyspace, slot);
  keyspace::Slot& data = parts_.keyspace.slot(slot);
  if (db) {
    const keyspace::SlotDb* found = data.find(db->value);
    return found == nullptr ? 0 : found->table.size();
  }
  std::uint64_t keys = 0;
  data.for_each_db([&](const keyspace::SlotDb& db) { keys += db.table.size(); });
  return keys;
}

void ClusterCommands::slot_stats(Context& ctx) {
  if (!enabled(ctx)) return;
  SlotStats& stats = *parts_.slot_stats;
  const auto view = parts_.driver->view().get();
  const SlotBitmap& ours = slots_holder(*view, view->myself()).slots;
  stats.follow(ours);
  const std::size_t metrics = stats.counting() ? kMetricNames.size() : 1;

  SlotRange range{SlotId::wrap(0), SlotId::wrap(kSlotCount - 1)};
  std::optional<OrderBy> order;
  if (ctx.args.size() == 5 && iequals(ctx.args[2], "SLOTSRANGE")) {
    const auto first = read_slot(ctx, ctx.args[3]);
    if (!first) return;
    const auto last = read_slot(ctx, ctx.args[4]);
    if (!last) return;
    if (*last < *first) {
      return ctx.error(
          fmt::format("Start slot number {} is greater than end slot number {}", first->value(), last->value()));
    }
    range = {*first, *last};
  } else if (iequals(ctx.args[2], "ORDERBY")) {
    const auto parsed = parse_order(ctx.args, metrics);
    if (!parsed) return ctx.error(parsed.error());
    order = *parsed;
  } else {
    return ctx.error(
        fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try CLUSTER HELP.", ctx.args[1]));
  }

  std::vector<SlotFigures> all;
  for (std::uint32_t i = range.first.value(); i <= range.last.value(); ++i) {
    const SlotId slot = SlotId::wrap(i);
    if (!ours.test(slot)) continue;
    const SlotStats::Costs costs = stats.of(slot);
    all.push_back(
        {slot, {count_slot(slot, std::nullopt), parts_.rate.micros(costs.ticks), costs.bytes_in, costs.bytes_out}});
  }
  if (order) sort(all, *order);
  ctx.reply.array(all.size());
  for (const SlotFigures& figures : all) {
    ctx.reply.array(2);
    ctx.reply.integer(figures.slot.value());
    ctx.reply.map(metrics);
    for (std::size_t m = 0; m < metrics; ++m) {
      ctx.reply.bulk(kMetricNames[m]);
      ctx.reply.integer(static_cast<std::int64_t>(figures.values[m]));
    }
  }
}

}  // namespace ashlar::cluster
