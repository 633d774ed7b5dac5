#include <algorithm>
#include <limits>
#include <string>

#include "command/arg_parser.h"
#include "command/blocking.h"
#include "commands/zset/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::SortedSet;

namespace {

enum class PopEnd : std::uint8_t { kMin, kMax };

/// Removes `n` (1..size) elements from one end and replies them, the outermost first.
void pop(Context& ctx, const KeyRef& key, SortedSet& set, PopEnd end, std::uint64_t n, ElementReply& reply) {
  const std::uint64_t size = set.size();
  auto at = set.at_rank(end == PopEnd::kMin ? 0 : size - 1);
  for (std::uint64_t i = 0; i < n; ++i) {
    reply.put(at.element());
    if (end == PopEnd::kMin) {
      at.forward();
    } else {
      at.backward();
    }
  }
  set.erase_range(end == PopEnd::kMin ? 0 : size - n, n);
  ctx.changed(key, EventClass::kSortedSet, end == PopEnd::kMin ? "zpopmin" : "zpopmax", n);
  if (n == size) ctx.erase_emptied(key);
}

void pop_one_key(Context& ctx, PopEnd end) {
  if (ctx.args.size() > 3) return ctx.error(ErrorCode::kSyntax);
  const bool counted = ctx.args.size() == 3;
  std::uint64_t count = 1;
  if (counted) {
    const auto n = parse_i64(ctx.args[2]);
    if (!n || *n < 0) return ctx.error("value is out of range, must be positive");
    count = static_cast<std::uint64_t>(*n);
  }
  const auto set = ctx.db.edit<SortedSet>(ctx.keys[0]);
  if (!set) return ctx.error(set.error());
  if (*set == nullptr || count == 0) return ctx.reply.array(0);
  const std::uint64_t n = std::min(count, (*set)->size());
  ElementReply reply(ctx.reply, counted ? Shape::kWithScores : Shape::kFlat);
  reply.begin(n);
  pop(ctx, ctx.keys[0], **set, end, n, reply);
}

constexpr CommandSpec kZpopMin{.name = "zpopmin",
                               .arity = at_least(2),
                               .flags = Flag::kWrite | Flag::kFast,
                               .group = Group::kSortedSet,
                               .categories = Category::kSortedSet,
                               .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
                               .since = "5.0.0",
                               .complexity = "O(log(N)*M) for M elements popped from a sorted set of N.",
                               .summary = "Removes and returns the members with the lowest scores.",
                               .syntax = "key [count]"};
void zpopmin(Context& ctx) { pop_one_key(ctx, PopEnd::kMin); }

constexpr CommandSpec kZpopMax{.name = "zpopmax",
                               .arity = at_least(2),
                               .flags = Flag::kWrite | Flag::kFast,
                               .group = Group::kSortedSet,
                               .categories = Category::kSortedSet,
                               .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
                               .since = "5.0.0",
                               .complexity = "O(log(N)*M) for M elements popped from a sorted set of N.",
                               .summary = "Removes and returns the members with the highest scores.",
                               .syntax = "key [count]"};
void zpopmax(Context& ctx) { pop_one_key(ctx, PopEnd::kMax); }

struct ManyPop {
  PopEnd end = PopEnd::kMin;
  std::uint64_t count = 1;
};

/// `numkeys key [key ...] <MIN | MAX> [COUNT count]`, numkeys standing at `at`.
Result<ManyPop> parse_many_pop(std::span<const std::string_view> args, std::size_t at) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  ArgParser numbers(args, at);
  const std::int64_t keys = numbers.integer_in(1, kMax, {ErrorCode::kGeneric, "numkeys should be greater than 0"});
  if (numbers.failed()) return std::unexpected(numbers.error());
  if (static_cast<std::uint64_t>(keys) >= args.size() - at - 1) return fail(ErrorCode::kSyntax);
  ManyPop request;
  ArgParser in(args, at + 1 + static_cast<std::size_t>(keys));
  if (in.take("MAX")) {
    request.end = PopEnd::kMax;
  } else if (!in.take("MIN")) {
    return fail(ErrorCode::kSyntax);
  }
  bool counted = false;
  while (in.more()) {
    if (!counted && in.left() >= 2 && in.take("COUNT")) {
      counted = true;
      request.count =
          static_cast<std::uint64_t>(in.integer_in(1, kMax, {ErrorCode::kGeneric, "count should be greater than 0"}));
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return request;
}

constexpr std::string_view pop_name(PopEnd end) noexcept { return end == PopEnd::kMin ? "ZPOPMIN" : "ZPOPMAX"; }

/// Pops from the first key that has any. False when none has; nothing is replied then. Errors are replied.
bool pop_first(Context& ctx, const ManyPop& request) {
  for (const KeyRef& key : ctx.keys) {
    const auto set = ctx.db.edit<SortedSet>(key);
    if (!set) {
      ctx.error(set.error());
      return true;
    }
    if (*set == nullptr) continue;
    const std::uint64_t n = std::min(request.count, (*set)->size());
    ctx.reply.array(2);
    ctx.reply.bulk(key.text);
    ElementReply reply(ctx.reply, Shape::kPairs);
    reply.begin(n);
    pop(ctx, key, **set, request.end, n, reply);
    ctx.effects.instead({pop_name(request.end), key.text, std::to_string(n)});
    return true;
  }
  return false;
}

constexpr CommandSpec kZmpop{
    .name = "zmpop",
    .arity = at_least(4),
    .flags = Flag::kWrite,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {counted_keys(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "7.0.0",
    .complexity = "O(K) + O(M*log(N)) for K keys and M elements popped from a sorted set of N.",
    .summary = "Removes and returns members from one end of the first sorted set that is not empty.",
    .syntax = "numkeys key [key ...] <MIN | MAX> [COUNT count]"};
void zmpop(Context& ctx) {
  const auto request = parse_many_pop(ctx.args, 1);
  if (!request) return ctx.error(request.error());
  if (!pop_first(ctx, *request)) ctx.reply.null_array();
}

/// BZPOPMIN and BZPOPMAX: as pop_one_key() on the first key that has any, else waits for one.
void pop_or_wait(Context& ctx, PopEnd end) {
  const auto timeout = parse_timeout(ctx.args.back(), TimeoutUnit::kSeconds);
  if (!timeout) return ctx.error(timeout.error());
  for (const KeyRef& key : ctx.keys) {
    const auto set = ctx.db.edit<SortedSet>(key);
    if (!set) return ctx.error(set.error());
    if (*set == nullptr) continue;
    ctx.reply.array(3);
    ctx.reply.bulk(key.text);
    ElementReply reply(ctx.reply, Shape::kFlat);
    pop(ctx, key, **set, end, 1, reply);
    return ctx.effects.instead({pop_name(end), key.text});
  }
  if (!ctx.may_block()) return ctx.reply.null_array();
  ctx.block({.keys = ctx.keys, .type = keyspace::Type::kSortedSet, .timeout = *timeout});
}

constexpr CommandSpec kBzpopMin{
    .name = "bzpopmin",
    .arity = at_least(3),
    .flags = Flag::kWrite | Flag::kFast | Flag::kBlocking,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {key_range(1, -2, 1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "5.0.0",
    .complexity = "O(log(N)) where N is the size of the sorted set.",
    .summary =
        "Removes and returns the member with the lowest score of the first sorted set that has any; waits for one.",
    .syntax = "key [key ...] timeout"};
void bzpopmin(Context& ctx) { pop_or_wait(ctx, PopEnd::kMin); }

constexpr CommandSpec kBzpopMax{
    .name = "bzpopmax",
    .arity = at_least(3),
    .flags = Flag::kWrite | Flag::kFast | Flag::kBlocking,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {key_range(1, -2, 1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "5.0.0",
    .complexity = "O(log(N)) where N is the size of the sorted set.",
    .summary =
        "Removes and returns the member with the highest score of the first sorted set that has any; waits for one.",
    .syntax = "key [key ...] timeout"};
void bzpopmax(Context& ctx) { pop_or_wait(ctx, PopEnd::kMax); }

constexpr CommandSpec kBzmpop{
    .name = "bzmpop",
    .arity = at_least(5),
    .flags = Flag::kWrite | Flag::kBlocking,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {counted_keys(2, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "7.0.0",
    .complexity = "O(K) + O(M*log(N)) for K keys and M elements popped from a sorted set of N.",
    .summary = "Removes and returns members from one end of the first sorted set that has any; waits for one.",
    .syntax = "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]"};
void bzmpop(Context& ctx) {
  const auto request = parse_many_pop(ctx.args, 2);
  if (!request) return ctx.error(request.error());
  const auto timeout = parse_timeout(ctx.args[1], TimeoutUnit::kSeconds);
  if (!timeout) return ctx.error(timeout.error());
  if (pop_first(ctx, *request)) return;
  if (!ctx.may_block()) return ctx.reply.null_array();
  ctx.block({.keys = ctx.keys, .type = keyspace::Type::kSortedSet, .timeout = *timeout});
}

}  // namespace

void register_zset_pops(CommandTable& table) {
  table.add(kZpopMin, &zpopmin);
  table.add(kZpopMax, &zpopmax);
  table.add(kZmpop, &zmpop);
  table.add(kBzpopMin, &bzpopmin);
  table.add(kBzpopMax, &bzpopmax);
  table.add(kBzmpop, &bzmpop);
}

}  // namespace ashlar::commands
