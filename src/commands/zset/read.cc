#include "commands/zset/intervals.h"
#include "commands/zset/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::SortedSet;

namespace {

constexpr CommandSpec kZcard{.name = "zcard",
                             .arity = exactly(2),
                             .flags = Flag::kReadOnly | Flag::kFast,
                             .group = Group::kSortedSet,
                             .categories = Category::kSortedSet,
                             .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone)},
                             .since = "1.2.0",
                             .complexity = "O(1)",
                             .summary = "Returns the number of members of a sorted set.",
                             .syntax = "key"};
void zcard(Context& ctx) {
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  ctx.reply.integer(*set == nullptr ? 0 : static_cast<std::int64_t>((*set)->size()));
}

void count(Context& ctx, const Result<Interval>& interval) {
  if (!interval) return ctx.error(interval.error());
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.integer(0);
  const std::uint64_t first = (*set)->rank(interval->low);
  const std::uint64_t end = (*set)->rank(interval->high);
  ctx.reply.integer(end > first ? static_cast<std::int64_t>(end - first) : 0);
}

constexpr CommandSpec kZcount{.name = "zcount",
                              .arity = exactly(4),
                              .flags = Flag::kReadOnly | Flag::kFast,
                              .group = Group::kSortedSet,
                              .categories = Category::kSortedSet,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "2.0.0",
                              .complexity = "O(log(N)) where N is the size of the sorted set.",
                              .summary = "Counts the members whose scores lie in an interval.",
                              .syntax = "key min max"};
void zcount(Context& ctx) { count(ctx, parse_score_interval(ctx.args[2], ctx.args[3])); }

constexpr CommandSpec kZlexCount{.name = "zlexcount",
                                 .arity = exactly(4),
                                 .flags = Flag::kReadOnly | Flag::kFast,
                                 .group = Group::kSortedSet,
                                 .categories = Category::kSortedSet,
                                 .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                 .since = "2.8.9",
                                 .complexity = "O(log(N)) where N is the size of the sorted set.",
                                 .summary = "Counts the members that lie in an interval of the byte order.",
                                 .syntax = "key min max"};
void zlexcount(Context& ctx) { count(ctx, parse_lex_interval(ctx.args[2], ctx.args[3])); }

enum class From : std::uint8_t { kLowest, kHighest };

void reply_rank(Context& ctx, From from) {
  if (ctx.args.size() > 4)
    return ctx.error("wrong number of arguments for '" + std::string(ctx.spec.name) + "' command");
  const bool with_score = ctx.args.size() == 4;
  if (with_score && !iequals(ctx.args[3], "withscore")) return ctx.error(ErrorCode::kSyntax);
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  const auto found = *set == nullptr ? std::nullopt : (*set)->rank(ctx.args[2]);
  if (!found) return with_score ? ctx.reply.null_array() : ctx.reply.null();
  const std::uint64_t rank = from == From::kLowest ? found->rank : (*set)->size() - 1 - found->rank;
  if (with_score) ctx.reply.array(2);
  ctx.reply.integer(static_cast<std::int64_t>(rank));
  if (with_score) ctx.reply.number(found->score);
}

constexpr CommandSpec kZrank{.name = "zrank",
                             .arity = at_least(3),
                             .flags = Flag::kReadOnly | Flag::kFast,
                             .group = Group::kSortedSet,
                             .categories = Category::kSortedSet,
                             .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                             .since = "2.0.0",
                             .complexity = "O(log(N)) where N is the size of the sorted set.",
                             .summary = "Returns how many members stand before one, the lowest score first.",
                             .syntax = "key member [WITHSCORE]"};
void zrank(Context& ctx) { reply_rank(ctx, From::kLowest); }

constexpr CommandSpec kZrevRank{.name = "zrevrank",
                                .arity = at_least(3),
                                .flags = Flag::kReadOnly | Flag::kFast,
                                .group = Group::kSortedSet,
                                .categories = Category::kSortedSet,
                                .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                .since = "2.0.0",
                                .complexity = "O(log(N)) where N is the size of the sorted set.",
                                .summary = "Returns how many members stand before one, the highest score first.",
                                .syntax = "key member [WITHSCORE]"};
void zrevrank(Context& ctx) { reply_rank(ctx, From::kHighest); }

void reply_score(Context& ctx, const SortedSet* set, std::string_view member) {
  const auto score = set == nullptr ? std::nullopt : set->score(member);
  if (score) {
    ctx.reply.number(*score);
  } else {
    ctx.reply.null();
  }
}

constexpr CommandSpec kZscore{.name = "zscore",
                              .arity = exactly(3),
                              .flags = Flag::kReadOnly | Flag::kFast,
                              .group = Group::kSortedSet,
                              .categories = Category::kSortedSet,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "1.2.0",
                              .complexity = "O(1)",
                              .summary = "Returns the score of a member.",
                              .syntax = "key member"};
void zscore(Context& ctx) {
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  reply_score(ctx, *set, ctx.args[2]);
}

constexpr CommandSpec kZmscore{.name = "zmscore",
                               .arity = at_least(3),
                               .flags = Flag::kReadOnly | Flag::kFast,
                               .group = Group::kSortedSet,
                               .categories = Category::kSortedSet,
                               .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                               .since = "6.2.0",
                               .complexity = "O(N) where N is the number of members asked for.",
                               .summary = "Returns the scores of several members.",
                               .syntax = "key member [member ...]"};
void zmscore(Context& ctx) {
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  ctx.reply.array(ctx.args.size() - 2);
  for (const std::string_view member : ctx.args.subspan(2)) reply_score(ctx, *set, member);
}

}  // namespace

void register_zset_reads(CommandTable& table) {
  table.add(kZcard, &zcard);
  table.add(kZcount, &zcount);
  table.add(kZlexCount, &zlexcount);
  table.add(kZrank, &zrank);
  table.add(kZrevRank, &zrevrank);
  table.add(kZscore, &zscore);
  table.add(kZmscore, &zmscore);
}

}  // namespace ashlar::commands
