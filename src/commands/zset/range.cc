#include <algorithm>
#include <limits>

#include "command/arg_parser.h"
#include "commands/zset/intervals.h"
#include "commands/zset/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Owned;
using keyspace::SortedSet;

namespace {

enum class Order : std::uint8_t { kUnset, kAscending, kDescending };
enum class By : std::uint8_t { kUnset, kRank, kScore, kLex };
enum class Target : std::uint8_t { kReply, kKey };

/// What a range command asks for.
struct RangeQuery {
  By by = By::kUnset;
  Order order = Order::kUnset;
  Shape shape = Shape::kMembers;
  std::int64_t offset = 0;  // negative: nothing
  std::int64_t limit = -1;  // negative: no limit
  std::int64_t first = 0;   // kRank
  std::int64_t last = 0;
  Interval interval = {ds::FrontCut{}, ds::BackCut{}};  // kScore and kLex
};

/// Options behind the two bounds; those that the command's name has decided are not allowed.
Result<void> parse_range_options(ArgParser& in, Target target, RangeQuery& query) {
  while (in.more()) {
    if (target == Target::kReply && in.take("WITHSCORES")) {
      query.shape = Shape::kWithScores;
    } else if (in.left() >= 3 && in.take("LIMIT")) {
      query.offset = in.integer();
      query.limit = in.integer();
    } else if (query.order == Order::kUnset && in.take("REV")) {
      query.order = Order::kDescending;
    } else if (query.by == By::kUnset && in.take("BYLEX")) {
      query.by = By::kLex;
    } else if (query.by == By::kUnset && in.take("BYSCORE")) {
      query.by = By::kScore;
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  if (query.order == Order::kUnset) query.order = Order::kAscending;
  if (query.by == By::kUnset) query.by = By::kRank;
  if (query.limit != -1 && query.by == By::kRank) {
    return fail("syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
  }
  if (query.shape == Shape::kWithScores && query.by == By::kLex) {
    return fail("syntax error, WITHSCORES not supported in combination with BYLEX");
  }
  return {};
}

/// Reads `min max [options]`, min standing at `at`. `preset` holds what the command's name decides.
Result<RangeQuery> parse_range(std::span<const std::string_view> args, std::size_t at, Target target,
                               RangeQuery preset) {
  RangeQuery query = preset;
  ArgParser in(args, at + 2);
  ASH_TRY_VOID(parse_range_options(in, target, query));
  std::string_view min = args[at];
  std::string_view max = args[at + 1];
  if (query.by == By::kRank) {
    const auto first = parse_i64(min);
    const auto last = parse_i64(max);
    if (!first || !last) return fail(ErrorCode::kNotInteger);
    query.first = *first;
    query.last = *last;
    return query;
  }
  if (query.order == Order::kDescending) std::swap(min, max);
  ASH_TRY(query.interval, query.by == By::kScore ? parse_score_interval(min, max) : parse_lex_interval(min, max));
  return query;
}

/// Visits the elements between the cuts in the order asked for; returns how many.
template <typename Visit>
std::uint64_t walk_interval(const SortedSet& set, const RangeQuery& query, Visit&& visit) {
  if (query.offset < 0) return 0;
  const auto offset = static_cast<std::uint64_t>(query.offset);
  const std::uint64_t limit =
      query.limit < 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(query.limit);
  std::uint64_t n = 0;
  if (query.order == Order::kAscending) {
    auto at = offset == 0
                  ? set.behind(query.interval.low)
                  : set.at_rank(std::min(set.size(), set.rank(query.interval.low) + std::min(offset, set.size())));
    for (; n < limit && !at.at_end(); at.forward(), ++n) {
      const auto element = at.element();
      if (!stands_before(element.score, element.member, query.interval.high)) break;
      visit(element);
    }
    return n;
  }
  const std::uint64_t before = offset == 0 ? 0 : set.rank(query.interval.high);
  auto at =
      offset == 0 ? set.before(query.interval.high) : set.at_rank(before > offset ? before - 1 - offset : set.size());
  for (; n < limit && !at.at_end(); at.backward(), ++n) {
    const auto element = at.element();
    if (stands_before(element.score, element.member, query.interval.low)) break;
    visit(element);
  }
  return n;
}

template <typename Visit>
void walk_ranks(const SortedSet& set, const RankRange& ranks, Order order, Visit&& visit) {
  if (ranks.first >= ranks.end) return;
  std::uint64_t left = ranks.end - ranks.first;
  if (order == Order::kAscending) {
    for (auto at = set.at_rank(ranks.first); left > 0; --left, at.forward()) visit(at.element());
  } else {
    for (auto at = set.at_rank(set.size() - 1 - ranks.first); left > 0; --left, at.backward()) visit(at.element());
  }
}

void reply_range(Context& ctx, const Result<RangeQuery>& query) {
  if (!query) return ctx.error(query.error());
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.array(0);
  ElementReply reply(ctx.reply, query->shape);
  const auto put = [&](const SortedSet::Element& e) { reply.put(e); };
  if (query->by == By::kRank) {
    const RankRange ranks = clamp_ranks(query->first, query->last, (*set)->size());
    reply.begin(ranks.end - ranks.first);
    return walk_ranks(**set, ranks, query->order, put);
  }
  const resp::Deferred header = reply.begin();
  reply.end(header, walk_interval(**set, *query, put));
}

void range_by_name(Context& ctx, By by, Order order) {
  reply_range(ctx, parse_range(ctx.args, 2, Target::kReply, {.by = by, .order = order}));
}

constexpr CommandSpec kZrange{.name = "zrange",
                              .arity = at_least(4),
                              .flags = Flag::kReadOnly,
                              .group = Group::kSortedSet,
                              .categories = Category::kSortedSet,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "1.2.0",
                              .complexity = "O(log(N)+M) for M elements returned from a sorted set of N.",
                              .summary = "Returns the members between two ranks, scores or members, in either order.",
                              .syntax = "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]"};
void zrange(Context& ctx) { range_by_name(ctx, By::kUnset, Order::kUnset); }

constexpr CommandSpec kZrevRange{.name = "zrevrange",
                                 .arity = at_least(4),
                                 .flags = Flag::kReadOnly,
                                 .group = Group::kSortedSet,
                                 .categories = Category::kSortedSet,
                                 .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                 .since = "1.2.0",
                                 .complexity = "O(log(N)+M) for M elements returned from a sorted set of N.",
                                 .summary = "Returns the members between two ranks, counted from the highest score.",
                                 .syntax = "key start stop [WITHSCORES]",
                                 .replaced_by = "`ZRANGE` with the `REV` argument",
                                 .deprecated_since = "6.2.0"};
void zrevrange(Context& ctx) { range_by_name(ctx, By::kRank, Order::kDescending); }

constexpr CommandSpec kZrangeByScore{.name = "zrangebyscore",
                                     .arity = at_least(4),
                                     .flags = Flag::kReadOnly,
                                     .group = Group::kSortedSet,
                                     .categories = Category::kSortedSet,
                                     .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                     .since = "1.0.5",
                                     .complexity = "O(log(N)+M) for M elements returned from a sorted set of N.",
                                     .summary = "Returns the members whose scores lie in an interval.",
                                     .syntax = "key min max [WITHSCORES] [LIMIT offset count]",
                                     .replaced_by = "`ZRANGE` with the `BYSCORE` argument",
                                     .deprecated_since = "6.2.0"};
void zrangebyscore(Context& ctx) { range_by_name(ctx, By::kScore, Order::kAscending); }

constexpr CommandSpec kZrevRangeByScore{
    .name = "zrevrangebyscore",
    .arity = at_least(4),
    .flags = Flag::kReadOnly,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "2.2.0",
    .complexity = "O(log(N)+M) for M elements returned from a sorted set of N.",
    .summary = "Returns the members whose scores lie in an interval, the highest first.",
    .syntax = "key max min [WITHSCORES] [LIMIT offset count]",
    .replaced_by = "`ZRANGE` with the `REV` and `BYSCORE` arguments",
    .deprecated_since = "6.2.0"};
void zrevrangebyscore(Context& ctx) { range_by_name(ctx, By::kScore, Order::kDescending); }

constexpr CommandSpec kZrangeByLex{.name = "zrangebylex",
                                   .arity = at_least(4),
                                   .flags = Flag::kReadOnly,
                                   .group = Group::kSortedSet,
                                   .categories = Category::kSortedSet,
                                   .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                   .since = "2.8.9",
                                   .complexity = "O(log(N)+M) for M elements returned from a sorted set of N.",
                                   .summary = "Returns the members that lie in an interval of the byte order.",
                                   .syntax = "key min max [LIMIT offset count]",
                                   .replaced_by = "`ZRANGE` with the `BYLEX` argument",
                                   .deprecated_since = "6.2.0"};
void zrangebylex(Context& ctx) { range_by_name(ctx, By::kLex, Order::kAscending); }

constexpr CommandSpec kZrevRangeByLex{
    .name = "zrevrangebylex",
    .arity = at_least(4),
    .flags = Flag::kReadOnly,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "2.8.9",
    .complexity = "O(log(N)+M) for M elements returned from a sorted set of N.",
    .summary = "Returns the members that lie in an interval of the byte order, the highest first.",
    .syntax = "key max min [LIMIT offset count]",
    .replaced_by = "`ZRANGE` with the `REV` and `BYLEX` arguments",
    .deprecated_since = "6.2.0"};
void zrevrangebylex(Context& ctx) { range_by_name(ctx, By::kLex, Order::kDescending); }

constexpr CommandSpec kZrangeStore{
    .name = "zrangestore",
    .arity = at_least(5),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate), one_key(2, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "6.2.0",
    .complexity = "O(log(N)+M) for M elements stored from a sorted set of N.",
    .summary = "Stores the members between two ranks, scores or members in another key.",
    .syntax = "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]"};
void zrangestore(Context& ctx) {
  const auto query = parse_range(ctx.args, 3, Target::kKey, {});
  if (!query) return ctx.error(query.error());
  const auto set = ctx.db.read<SortedSet>(ctx.keys[1], ctx.read_access());
  if (!set) return ctx.error(set.error());
  Owned<SortedSet> result(new SortedSet());
  if (*set != nullptr) {
    const auto keep = [&](const SortedSet::Element& e) { result->add(e.member, e.score, {}, ctx.limits()); };
    if (query->by == By::kRank) {
      walk_ranks(**set, clamp_ranks(query->first, query->last, (*set)->size()), query->order, keep);
    } else {
      walk_interval(**set, *query, keep);
    }
  }
  store_sorted_set(ctx, ctx.keys[0], std::move(result), "zrangestore");
}

}  // namespace

void register_zset_ranges(CommandTable& table) {
  table.add(kZrange, &zrange);
  table.add(kZrevRange, &zrevrange);
  table.add(kZrangeByScore, &zrangebyscore);
  table.add(kZrevRangeByScore, &zrevrangebyscore);
  table.add(kZrangeByLex, &zrangebylex);
  table.add(kZrevRangeByLex, &zrevrangebylex);
  table.add(kZrangeStore, &zrangestore);
}

}  // namespace ashlar::commands
