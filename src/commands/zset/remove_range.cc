#include <algorithm>

#include "commands/zset/intervals.h"
#include "commands/zset/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::SortedSet;

namespace {

/// Removes the elements of ranks first..end-1 and replies how many they were.
void remove(Context& ctx, SortedSet& set, std::uint64_t first, std::uint64_t end, std::string_view event) {
  if (first >= end) return ctx.reply.integer(0);
  set.erase_range(first, end - first);
  const bool emptied = set.empty();
  ctx.changed(ctx.keys[0], EventClass::kSortedSet, event, end - first);
  if (emptied) ctx.erase_emptied(ctx.keys[0]);
  ctx.reply.integer(static_cast<std::int64_t>(end - first));
}

void remove_interval(Context& ctx, const Result<Interval>& interval, std::string_view event) {
  if (!interval) return ctx.error(interval.error());
  const auto set = ctx.db.edit<SortedSet>(ctx.keys[0]);
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.integer(0);
  remove(ctx, **set, (*set)->rank(interval->low), (*set)->rank(interval->high), event);
}

constexpr CommandSpec kByScore{.name = "zremrangebyscore",
                               .arity = exactly(4),
                               .flags = Flag::kWrite,
                               .group = Group::kSortedSet,
                               .categories = Category::kSortedSet,
                               .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                               .since = "1.2.0",
                               .complexity = "O(log(N)+M) for M elements removed from a sorted set of N.",
                               .summary = "Removes the members whose scores lie in an interval.",
                               .syntax = "key min max"};
void by_score(Context& ctx) {
  remove_interval(ctx, parse_score_interval(ctx.args[2], ctx.args[3]), "zremrangebyscore");
}

constexpr CommandSpec kByLex{.name = "zremrangebylex",
                             .arity = exactly(4),
                             .flags = Flag::kWrite,
                             .group = Group::kSortedSet,
                             .categories = Category::kSortedSet,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                             .since = "2.8.9",
                             .complexity = "O(log(N)+M) for M elements removed from a sorted set of N.",
                             .summary = "Removes the members that lie in an interval of the byte order.",
                             .syntax = "key min max"};
void by_lex(Context& ctx) { remove_interval(ctx, parse_lex_interval(ctx.args[2], ctx.args[3]), "zremrangebylex"); }

constexpr CommandSpec kByRank{.name = "zremrangebyrank",
                              .arity = exactly(4),
                              .flags = Flag::kWrite,
                              .group = Group::kSortedSet,
                              .categories = Category::kSortedSet,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                              .since = "2.0.0",
                              .complexity = "O(log(N)+M) for M elements removed from a sorted set of N.",
                              .summary = "Removes the members between two ranks; negative ranks count from the end.",
                              .syntax = "key start stop"};
void by_rank(Context& ctx) {
  const auto first = parse_i64(ctx.args[2]);
  const auto last = parse_i64(ctx.args[3]);
  if (!first || !last) return ctx.error(ErrorCode::kNotInteger);
  const auto set = ctx.db.edit<SortedSet>(ctx.keys[0]);
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.integer(0);
  const RankRange ranks = clamp_ranks(*first, *last, (*set)->size());
  remove(ctx, **set, ranks.first, ranks.end, "zremrangebyrank");
}

}  // namespace

void register_zset_range_removals(CommandTable& table) {
  table.add(kByScore, &by_score);
  table.add(kByLex, &by_lex);
  table.add(kByRank, &by_rank);
}

}  // namespace ashlar::commands
