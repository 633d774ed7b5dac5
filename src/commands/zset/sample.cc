#include <limits>
#include <unordered_set>

#include "base/double_text.h"
#include "command/arg_parser.h"
#include "commands/shared/element_scan.h"
#include "commands/zset/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::SortedSet;

namespace {

/// One reply does not repeat more members than this: Redis would fill its memory instead.
constexpr std::uint64_t kRepeatsMax = std::uint64_t{1} << 24;

/// `n` different elements, n < size, each as likely as the others.
void reply_distinct(const SortedSet& set, std::uint64_t n, Rng& rng, ElementReply& reply) {
  const std::uint64_t size = set.size();
  if (n > size / 3) {  // one walk, each element taken with the chance that is left
    auto at = set.first();
    for (std::uint64_t seen = 0; n > 0; ++seen, at.forward()) {
      if (rng.below(size - seen) >= n) continue;
      reply.put(at.element());
      --n;
    }
    return;
  }
  std::unordered_set<std::uint64_t> ranks;
  while (ranks.size() < n) {
    const std::uint64_t rank = rng.below(size);
    if (ranks.insert(rank).second) reply.put(set.at_rank(rank).element());
  }
}

void reply_many(Context& ctx, const SortedSet& set, std::int64_t count, Shape shape) {
  ElementReply reply(ctx.reply, shape);
  Rng& rng = *ctx.db.context().rng;
  if (count < 0) {
    const std::uint64_t n = 0 - static_cast<std::uint64_t>(count);
    if (n > kRepeatsMax) return ctx.error("value is out of range");
    reply.begin(n);
    for (std::uint64_t i = 0; i < n; ++i) reply.put(set.at_rank(rng.below(set.size())).element());
    return;
  }
  const auto n = static_cast<std::uint64_t>(count);
  if (n >= set.size()) {
    reply.begin(set.size());
    for (auto at = set.first(); !at.at_end(); at.forward()) reply.put(at.element());
    return;
  }
  reply.begin(n);
  reply_distinct(set, n, rng, reply);
}

constexpr CommandSpec kZrandMember{
    .name = "zrandmember",
    .arity = at_least(2),
    .flags = Flag::kReadOnly,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "6.2.0",
    .complexity = "O(M*log(N)) for M members drawn from a sorted set of N.",
    .summary = "Returns members drawn at random: different ones, or with a negative count any.",
    .syntax = "key [count [WITHSCORES]]",
    .tips = "nondeterministic_output"};
void zrandmember(Context& ctx) {
  Shape shape = Shape::kMembers;
  std::int64_t count = 0;
  const bool counted = ctx.args.size() > 2;
  if (counted) {
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    ArgParser in(ctx.args, 2);
    count = in.integer();
    if (!in.failed() && count < -kMax) {
      in.fail_with({ErrorCode::kGeneric,
                    "value is out of range, value must between -9223372036854775807 and 9223372036854775807"});
    }
    if (in.more()) {
      if (in.left() > 1 || !in.take("WITHSCORES")) in.reject();
      if (count < -(kMax / 2) || count > kMax / 2) in.fail_with({ErrorCode::kGeneric, "value is out of range"});
      shape = Shape::kWithScores;
    }
    if (in.failed()) return ctx.error(in.error());
  }
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  if (!counted) {
    if (*set == nullptr) return ctx.reply.null();
    return ctx.reply.bulk((*set)->at_rank(ctx.db.context().rng->below((*set)->size())).element().member);
  }
  if (*set == nullptr || count == 0) return ctx.reply.array(0);
  reply_many(ctx, **set, count, shape);
}

constexpr CommandSpec kZscan{.name = "zscan",
                             .arity = at_least(3),
                             .flags = Flag::kReadOnly,
                             .group = Group::kSortedSet,
                             .categories = Category::kSortedSet,
                             .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                             .since = "2.8.0",
                             .complexity = "O(1) a call, O(N) for a whole scan of N members.",
                             .summary = "Walks through the members and scores of a sorted set, some at a time.",
                             .syntax = "key cursor [MATCH pattern] [COUNT count]",
                             .tips = "nondeterministic_output"};
void zscan(Context& ctx) {
  const auto position = parse_scan_cursor(ctx.args[2]);
  if (!position) return ctx.error(position.error());
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return reply_empty_scan(ctx);
  const auto options = parse_element_scan(ctx.args, ScanParts::kElements);
  if (!options) return ctx.error(options.error());
  ElementScanReply reply(ctx);
  const std::uint64_t next = (*set)->scan(*position, options->count, [&](const SortedSet::Element& e) {
    if (!options->fits(e.member)) return;
    DoubleBuffer digits;
    reply.elements().bulk(e.member);
    reply.elements().bulk(format_double(e.score, digits));
    reply.added(2);
  });
  reply.finish(next);
}

}  // namespace

void register_zset_samples(CommandTable& table) {
  table.add(kZrandMember, &zrandmember);
  table.add(kZscan, &zscan);
}

}  // namespace ashlar::commands
