#include <optional>
#include <vector>

#include "command/arg_parser.h"
#include "commands/zset/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::ScoreRule;
using keyspace::SortedSet;

namespace {

enum class Counted : std::uint8_t { kAdded, kChanged };

struct AddOptions {
  ScoreRule rule;
  Counted counted = Counted::kAdded;
  std::size_t first_pair = 2;
};

Result<AddOptions> parse_add_options(std::span<const std::string_view> args) {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
  bool increment = false;
  AddOptions options;
  ArgParser in(args, 2);
  for (;;) {
    if (in.take("NX")) {
      nx = true;
    } else if (in.take("XX")) {
      xx = true;
    } else if (in.take("GT")) {
      gt = true;
    } else if (in.take("LT")) {
      lt = true;
    } else if (in.take("CH")) {
      options.counted = Counted::kChanged;
    } else if (in.take("INCR")) {
      increment = true;
    } else {
      break;
    }
  }
  if (in.left() == 0 || in.left() % 2 != 0) return fail(ErrorCode::kSyntax);
  if (nx && xx) return fail("XX and NX options at the same time are not compatible");
  if ((gt && nx) || (lt && nx) || (gt && lt)) {
    return fail("GT, LT, and/or NX options at the same time are not compatible");
  }
  if (increment && in.left() > 2) return fail("INCR option supports a single increment-element pair");
  options.first_pair = args.size() - in.left();
  if (nx) options.rule.presence = ScoreRule::Presence::kOnlyNew;
  if (xx) options.rule.presence = ScoreRule::Presence::kOnlyPresent;
  if (gt) options.rule.direction = ScoreRule::Direction::kOnlyGreater;
  if (lt) options.rule.direction = ScoreRule::Direction::kOnlyLess;
  if (increment) options.rule.meaning = ScoreRule::Meaning::kIncrement;
  return options;
}

/// The set to add to; a null pointer when it is missing and nothing may be new.
Result<SortedSet*> set_for(Context& ctx, const ScoreRule& rule) {
  if (rule.presence == ScoreRule::Presence::kOnlyPresent) return ctx.db.edit<SortedSet>(ctx.keys[0]);
  return ctx.db.edit_or_create<SortedSet>(ctx.keys[0]);
}

/// ZADD ... INCR and ZINCRBY: one member, and its score is the reply.
void add_increment(Context& ctx, const ScoreRule& rule, double increment, std::string_view member) {
  const auto set = set_for(ctx, rule);
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.null();
  const SortedSet::Added added = (*set)->add(member, increment, rule, ctx.limits());
  switch (added.outcome) {
    case SortedSet::Outcome::kNotANumber: return ctx.error("resulting score is not a number (NaN)");
    case SortedSet::Outcome::kRefused: return ctx.reply.null();
    case SortedSet::Outcome::kSame: break;
    default: ctx.changed(ctx.keys[0], EventClass::kSortedSet, "zincr");
  }
  ctx.reply.number(added.score);
}

constexpr CommandSpec kZadd{
    .name = "zadd",
    .arity = at_least(4),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
    .since = "1.2.0",
    .complexity = "O(log(N)) for each member, where N is the size of the sorted set.",
    .summary = "Adds members with scores to a sorted set, or gives members new scores; creates the key if missing.",
    .syntax = "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]"};
void zadd(Context& ctx) {
  const auto options = parse_add_options(ctx.args);
  if (!options) return ctx.error(options.error());
  const auto pairs = ctx.args.subspan(options->first_pair);
  std::vector<double> more;  // scores behind the first: mostly there are none
  const auto first = parse_double(pairs[0]);
  if (!first) return ctx.error(ErrorCode::kNotFloat);
  for (std::size_t i = 2; i < pairs.size(); i += 2) {
    const auto score = parse_double(pairs[i]);
    if (!score) return ctx.error(ErrorCode::kNotFloat);
    more.push_back(*score);
  }
  if (options->rule.meaning == ScoreRule::Meaning::kIncrement) {
    return add_increment(ctx, options->rule, *first, pairs[1]);
  }
  const auto set = set_for(ctx, options->rule);
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.integer(0);
  std::uint64_t added = 0;
  std::uint64_t moved = 0;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const double score = i == 0 ? *first : more[i / 2 - 1];
    const auto outcome = (*set)->add(pairs[i + 1], score, options->rule, ctx.limits()).outcome;
    if (outcome == SortedSet::Outcome::kAdded) ++added;
    if (outcome == SortedSet::Outcome::kMoved) ++moved;
  }
  if (added + moved > 0) ctx.changed(ctx.keys[0], EventClass::kSortedSet, "zadd", added + moved);
  ctx.reply.integer(static_cast<std::int64_t>(options->counted == Counted::kChanged ? added + moved : added));
}

constexpr CommandSpec kZincrBy{.name = "zincrby",
                               .arity = exactly(4),
                               .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                               .group = Group::kSortedSet,
                               .categories = Category::kSortedSet,
                               .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate)},
                               .since = "1.2.0",
                               .complexity = "O(log(N)) where N is the size of the sorted set.",
                               .summary = "Adds a number to the score of a member, which starts at 0 when it is new.",
                               .syntax = "key increment member"};
void zincrby(Context& ctx) {
  const auto increment = parse_double(ctx.args[2]);
  if (!increment) return ctx.error(ErrorCode::kNotFloat);
  add_increment(ctx, {.meaning = ScoreRule::Meaning::kIncrement}, *increment, ctx.args[3]);
}

constexpr CommandSpec kZrem{.name = "zrem",
                            .arity = at_least(3),
                            .flags = Flag::kWrite | Flag::kFast,
                            .group = Group::kSortedSet,
                            .categories = Category::kSortedSet,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                            .since = "1.2.0",
                            .complexity = "O(M*log(N)) for M members to remove from a sorted set of N.",
                            .summary = "Removes members from a sorted set; the key goes with the last one.",
                            .syntax = "key member [member ...]"};
void zrem(Context& ctx) {
  const auto set = ctx.db.edit<SortedSet>(ctx.keys[0]);
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.integer(0);
  std::uint64_t removed = 0;
  for (const std::string_view member : ctx.args.subspan(2)) removed += (*set)->erase(member) ? 1U : 0U;
  if (removed > 0) {
    const bool emptied = (*set)->empty();
    ctx.changed(ctx.keys[0], EventClass::kSortedSet, "zrem", removed);
    if (emptied) ctx.erase_emptied(ctx.keys[0]);
  }
  ctx.reply.integer(static_cast<std::int64_t>(removed));
}

}  // namespace

void register_zset_writes(CommandTable& table) {
  table.add(kZadd, &zadd);
  table.add(kZincrBy, &zincrby);
  table.add(kZrem, &zrem);
}

}  // namespace ashlar::commands
