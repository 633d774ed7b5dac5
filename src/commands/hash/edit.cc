#include <optional>
#include <string>

#include "commands/hash/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr KeySpec kUpdatedKey = one_key(1, KeyAccess::kRW, KeyAction::kUpdate);
constexpr Flag kSetFlags = Flag::kWrite | Flag::kDenyOom | Flag::kFast;

/// Sets the pairs from args[2] on. Returns how many fields are new; nullopt when it has replied with an error.
std::optional<std::int64_t> set_pairs(Context& ctx) {
  const auto pairs = ctx.args.subspan(2);
  if (pairs.size() % 2 != 0) {
    ctx.error("wrong number of arguments for '" + std::string(ctx.spec.name) + "' command");
    return std::nullopt;
  }
  const auto found = edit_or_create_hash(ctx);
  if (!found) {
    ctx.error(found.error());
    return std::nullopt;
  }
  Hash& hash = **found;
  hash.expect(pairs.size() / 2, ctx.limits());
  std::int64_t added = 0;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    if (hash.set(LookupText(pairs[i]), pairs[i + 1], ctx.limits())) ++added;
  }
  ctx.changed(ctx.keys[0], EventClass::kHash, "hset", pairs.size() / 2);
  return added;
}

constexpr CommandSpec kHset{.name = "hset",
                            .arity = at_least(4),
                            .flags = kSetFlags,
                            .group = Group::kHash,
                            .categories = Category::kHash,
                            .keys = {kUpdatedKey},
                            .since = "2.0.0",
                            .complexity = "O(N) where N is the number of pairs given.",
                            .summary = "Sets fields of a hash, which is made if it is missing.",
                            .syntax = "key field value [field value ...]"};
void hset(Context& ctx) {
  if (const auto added = set_pairs(ctx)) ctx.reply.integer(*added);
}

constexpr CommandSpec kHmset{.name = "hmset",
                             .arity = at_least(4),
                             .flags = kSetFlags,
                             .group = Group::kHash,
                             .categories = Category::kHash,
                             .keys = {kUpdatedKey},
                             .since = "2.0.0",
                             .complexity = "O(N) where N is the number of pairs given.",
                             .summary = "Sets fields of a hash.",
                             .syntax = "key field value [field value ...]",
                             .replaced_by = "`HSET` with multiple field-value pairs",
                             .deprecated_since = "4.0.0"};
void hmset(Context& ctx) {
  if (set_pairs(ctx)) ctx.reply.ok();
}

constexpr CommandSpec kHsetnx{.name = "hsetnx",
                              .arity = exactly(4),
                              .flags = kSetFlags,
                              .group = Group::kHash,
                              .categories = Category::kHash,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                              .since = "2.0.0",
                              .complexity = "O(1)",
                              .summary = "Sets a field of a hash unless it exists.",
                              .syntax = "key field value"};
void hsetnx(Context& ctx) {
  const auto found = edit_or_create_hash(ctx);
  if (!found) return ctx.error(found.error());
  Hash& hash = **found;
  const LookupText field(ctx.args[2]);
  if (hash.get(field, ctx.db.fields_from_ms())) return ctx.reply.integer(0);
  hash.set(field, ctx.args[3], ctx.limits());
  ctx.changed(ctx.keys[0], EventClass::kHash, "hset");
  ctx.reply.integer(1);
}

constexpr CommandSpec kHdel{.name = "hdel",
                            .arity = at_least(3),
                            .flags = Flag::kWrite | Flag::kFast,
                            .group = Group::kHash,
                            .categories = Category::kHash,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                            .since = "2.0.0",
                            .complexity = "O(N) where N is the number of fields given.",
                            .summary = "Removes fields from a hash; the key goes with the last of them.",
                            .syntax = "key field [field ...]"};
void hdel(Context& ctx) {
  const auto found = edit_hash(ctx);
  if (!found) return ctx.error(found.error());
  Hash* hash = *found;
  if (hash == nullptr) return ctx.reply.integer(0);
  std::uint64_t removed = 0;
  for (const std::string_view field : ctx.args.subspan(2)) {
    if (!hash->erase(LookupText(field))) continue;
    ++removed;
    if (hash->empty()) break;
  }
  if (removed > 0) {
    ctx.changed(ctx.keys[0], EventClass::kHash, "hdel", removed);
    if (hash->empty()) ctx.erase_emptied(ctx.keys[0]);
  }
  ctx.reply.integer(static_cast<std::int64_t>(removed));
}

}  // namespace

void register_hash_edits(CommandTable& table) {
  table.add(kHset, &hset);
  table.add(kHmset, &hmset);
  table.add(kHsetnx, &hsetnx);
  table.add(kHdel, &hdel);
}

}  // namespace ashlar::commands
