#include "commands/set/parts.h"
#include "commands/shared/element_scan.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr CommandSpec kSismember{.name = "sismember",
                                 .arity = exactly(3),
                                 .flags = Flag::kReadOnly | Flag::kFast,
                                 .group = Group::kSet,
                                 .categories = Category::kSet,
                                 .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone)},
                                 .since = "1.0.0",
                                 .complexity = "O(1)",
                                 .summary = "Tells whether a set has a member.",
                                 .syntax = "key member"};
void sismember(Context& ctx) {
  const auto set = ctx.db.read<Set>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  ctx.reply.integer(*set != nullptr && (*set)->contains(SetMember(ctx.args[2])) ? 1 : 0);
}

constexpr CommandSpec kSmismember{.name = "smismember",
                                  .arity = at_least(3),
                                  .flags = Flag::kReadOnly | Flag::kFast,
                                  .group = Group::kSet,
                                  .categories = Category::kSet,
                                  .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                  .since = "6.2.0",
                                  .complexity = "O(N) where N is the number of members asked for.",
                                  .summary = "Tells of several members at once whether a set has them.",
                                  .syntax = "key member [member ...]"};
void smismember(Context& ctx) {
  const auto set = ctx.db.read<Set>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  const auto members = ctx.args.subspan(2);
  ctx.reply.array(members.size());
  for (const std::string_view text : members) {
    ctx.reply.integer(*set != nullptr && (*set)->contains(SetMember(text)) ? 1 : 0);
  }
}

constexpr CommandSpec kScard{.name = "scard",
                             .arity = exactly(2),
                             .flags = Flag::kReadOnly | Flag::kFast,
                             .group = Group::kSet,
                             .categories = Category::kSet,
                             .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone)},
                             .since = "1.0.0",
                             .complexity = "O(1)",
                             .summary = "Counts the members of a set.",
                             .syntax = "key"};
void scard(Context& ctx) {
  const auto set = ctx.db.read<Set>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  ctx.reply.integer(*set == nullptr ? 0 : static_cast<std::int64_t>((*set)->size()));
}

constexpr CommandSpec kSmembers{.name = "smembers",
                                .arity = exactly(2),
                                .flags = Flag::kReadOnly,
                                .group = Group::kSet,
                                .categories = Category::kSet,
                                .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                .since = "1.0.0",
                                .complexity = "O(N) where N is the number of members.",
                                .summary = "Lists all members of a set.",
                                .syntax = "key",
                                .tips = "nondeterministic_output_order"};
void smembers(Context& ctx) {
  const auto set = ctx.db.read<Set>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.set(0);
  ctx.reply.set((*set)->size());
  (*set)->for_each([&](const ds::PackedValue& member) { reply_member(ctx.reply, member); });
}

constexpr CommandSpec kSscan{
    .name = "sscan",
    .arity = at_least(3),
    .flags = Flag::kReadOnly,
    .group = Group::kSet,
    .categories = Category::kSet,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "2.8.0",
    .complexity = "O(1) for every call; O(N) for a whole round, where N is the number of members.",
    .summary = "Walks over the members of a set, some at a time.",
    .syntax = "key cursor [MATCH pattern] [COUNT count]",
    .tips = "nondeterministic_output"};
void sscan(Context& ctx) {
  const auto position = parse_scan_cursor(ctx.args[2]);
  if (!position) return ctx.error(position.error());
  const auto set = ctx.db.read<Set>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return reply_empty_scan(ctx);
  const auto options = parse_element_scan(ctx.args, ScanParts::kElements);
  if (!options) return ctx.error(options.error());
  ElementScanReply reply(ctx);
  const std::uint64_t next = (*set)->scan(*position, options->count, [&](const ds::PackedValue& member) {
    DecimalBuffer digits;
    if (!options->fits(member.text(digits))) return;
    reply_member(reply.elements(), member);
    reply.added();
  });
  reply.finish(next);
}

}  // namespace

void register_set_reads(CommandTable& table) {
  table.add(kSismember, &sismember);
  table.add(kSmismember, &smismember);
  table.add(kScard, &scard);
  table.add(kSmembers, &smembers);
  table.add(kSscan, &sscan);
}

}  // namespace ashlar::commands
