#include "commands/hash/parts.h"
#include "commands/shared/element_scan.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr KeySpec kReadKey = one_key(1, KeyAccess::kRO, KeyAction::kAccess);
constexpr KeySpec kSeenKey = one_key(1, KeyAccess::kRO, KeyAction::kNone);

void reply_value(Context& ctx, const Hash* hash, std::string_view field) {
  const auto item = hash == nullptr ? std::nullopt : hash->get(LookupText(field), ctx.db.fields_from_ms());
  item ? reply_packed(ctx.reply, item->value) : ctx.reply.null();
}

constexpr CommandSpec kHget{.name = "hget",
                            .arity = exactly(3),
                            .flags = Flag::kReadOnly | Flag::kFast,
                            .group = Group::kHash,
                            .categories = Category::kHash,
                            .keys = {kReadKey},
                            .since = "2.0.0",
                            .complexity = "O(1)",
                            .summary = "Reads the value of a field of a hash.",
                            .syntax = "key field"};
void hget(Context& ctx) {
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  reply_value(ctx, *hash, ctx.args[2]);
}

constexpr CommandSpec kHmget{.name = "hmget",
                             .arity = at_least(3),
                             .flags = Flag::kReadOnly | Flag::kFast,
                             .group = Group::kHash,
                             .categories = Category::kHash,
                             .keys = {kReadKey},
                             .since = "2.0.0",
                             .complexity = "O(N) where N is the number of fields asked for.",
                             .summary = "Reads the values of several fields of a hash.",
                             .syntax = "key field [field ...]"};
void hmget(Context& ctx) {
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  const auto fields = ctx.args.subspan(2);
  ctx.reply.array(fields.size());
  for (const std::string_view field : fields) reply_value(ctx, *hash, field);
}

constexpr CommandSpec kHlen{.name = "hlen",
                            .arity = exactly(2),
                            .flags = Flag::kReadOnly | Flag::kFast,
                            .group = Group::kHash,
                            .categories = Category::kHash,
                            .keys = {kSeenKey},
                            .since = "2.0.0",
                            .complexity = "O(1)",
                            .summary = "Counts the fields of a hash.",
                            .syntax = "key"};
void hlen(Context& ctx) {
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  ctx.reply.integer(*hash == nullptr ? 0 : static_cast<std::int64_t>((*hash)->size()));
}

constexpr CommandSpec kHstrlen{.name = "hstrlen",
                               .arity = exactly(3),
                               .flags = Flag::kReadOnly | Flag::kFast,
                               .group = Group::kHash,
                               .categories = Category::kHash,
                               .keys = {kSeenKey},
                               .since = "3.2.0",
                               .complexity = "O(1)",
                               .summary = "Tells the length in bytes of the value of a field.",
                               .syntax = "key field"};
void hstrlen(Context& ctx) {
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  const auto item = *hash == nullptr ? std::nullopt : (*hash)->get(LookupText(ctx.args[2]), ctx.db.fields_from_ms());
  DecimalBuffer digits;
  ctx.reply.integer(item ? static_cast<std::int64_t>(item->value.text(digits).size()) : 0);
}

constexpr CommandSpec kHexists{.name = "hexists",
                               .arity = exactly(3),
                               .flags = Flag::kReadOnly | Flag::kFast,
                               .group = Group::kHash,
                               .categories = Category::kHash,
                               .keys = {kSeenKey},
                               .since = "2.0.0",
                               .complexity = "O(1)",
                               .summary = "Tells whether a hash has a field.",
                               .syntax = "key field"};
void hexists(Context& ctx) {
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  ctx.reply.integer(*hash != nullptr && (*hash)->get(LookupText(ctx.args[2]), ctx.db.fields_from_ms()) ? 1 : 0);
}

constexpr CommandSpec listing(std::string_view name, std::string_view summary) {
  return {.name = name,
          .arity = exactly(2),
          .flags = Flag::kReadOnly,
          .group = Group::kHash,
          .categories = Category::kHash,
          .keys = {kReadKey},
          .since = "2.0.0",
          .complexity = "O(N) where N is the number of fields.",
          .summary = summary,
          .syntax = "key",
          .tips = "nondeterministic_output_order"};
}

constexpr CommandSpec kHgetall = listing("hgetall", "Lists all fields of a hash with their values.");
void hgetall(Context& ctx) {
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  if (*hash == nullptr) return ctx.reply.map(0);
  const std::int64_t from = ctx.db.fields_from_ms();
  ctx.reply.map((*hash)->visible(from));
  (*hash)->for_each(from, [&](const HashItem& item) {
    reply_packed(ctx.reply, item.field);
    reply_packed(ctx.reply, item.value);
  });
}

void list_part(Context& ctx, ds::PackedValue HashItem::* part) {
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  if (*hash == nullptr) return ctx.reply.array(0);
  const std::int64_t from = ctx.db.fields_from_ms();
  ctx.reply.array((*hash)->visible(from));
  (*hash)->for_each(from, [&](const HashItem& item) { reply_packed(ctx.reply, item.*part); });
}

constexpr CommandSpec kHkeys = listing("hkeys", "Lists the names of all fields of a hash.");
void hkeys(Context& ctx) { list_part(ctx, &HashItem::field); }

constexpr CommandSpec kHvals = listing("hvals", "Lists the values of all fields of a hash.");
void hvals(Context& ctx) { list_part(ctx, &HashItem::value); }

constexpr CommandSpec kHscan{
    .name = "hscan",
    .arity = at_least(3),
    .flags = Flag::kReadOnly,
    .group = Group::kHash,
    .categories = Category::kHash,
    .keys = {kReadKey},
    .since = "2.8.0",
    .complexity = "O(1) for every call; O(N) for a whole round, where N is the number of fields.",
    .summary = "Walks over the fields of a hash, some at a time.",
    .syntax = "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    .tips = "nondeterministic_output"};
void hscan(Context& ctx) {
  const auto position = parse_scan_cursor(ctx.args[2]);
  if (!position) return ctx.error(position.error());
  const auto hash = read_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  if (*hash == nullptr) return reply_empty_scan(ctx);
  const auto options = parse_element_scan(ctx.args, ScanParts::kPairs);
  if (!options) return ctx.error(options.error());
  ElementScanReply reply(ctx);
  const std::uint64_t next =
      (*hash)->scan(*position, options->count, ctx.db.fields_from_ms(), [&](const HashItem& item) {
        DecimalBuffer digits;
        if (!options->fits(item.field.text(digits))) return;
        reply_packed(reply.elements(), item.field);
        if (!options->no_values) reply_packed(reply.elements(), item.value);
        reply.added(options->no_values ? 1 : 2);
      });
  reply.finish(next);
}

}  // namespace

void register_hash_reads(CommandTable& table) {
  table.add(kHget, &hget);
  table.add(kHmget, &hmget);
  table.add(kHlen, &hlen);
  table.add(kHstrlen, &hstrlen);
  table.add(kHexists, &hexists);
  table.add(kHgetall, &hgetall);
  table.add(kHkeys, &hkeys);
  table.add(kHvals, &hvals);
  table.add(kHscan, &hscan);
}

}  // namespace ashlar::commands
