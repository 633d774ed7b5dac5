#include "commands/generic/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr CommandSpec kDel{.name = "del",
                           .arity = at_least(2),
                           .flags = Flag::kWrite,
                           .group = Group::kGeneric,
                           .categories = Category::kKeyspace,
                           .keys = {key_range(1, -1, 1, KeyAccess::kRM, KeyAction::kDelete)},
                           .since = "1.0.0",
                           .complexity = "O(N) where N is the number of keys; more for a key with many elements.",
                           .summary = "Deletes keys.",
                           .syntax = "key [key ...]",
                           .tips = "request_policy:multi_shard,response_policy:agg_sum"};
constexpr CommandSpec kUnlink{.name = "unlink",
                              .arity = at_least(2),
                              .flags = Flag::kWrite | Flag::kFast,
                              .group = Group::kGeneric,
                              .categories = Category::kKeyspace,
                              .keys = {key_range(1, -1, 1, KeyAccess::kRM, KeyAction::kDelete)},
                              .since = "4.0.0",
                              .complexity = "O(N) where N is the number of keys; memory is given back later.",
                              .summary = "Deletes keys without making anybody wait for their memory.",
                              .syntax = "key [key ...]",
                              .tips = "request_policy:multi_shard,response_policy:agg_sum"};
void del(Context& ctx) {
  std::int64_t deleted = 0;
  for (const KeyRef& key : ctx.keys) {
    if (!ctx.db.erase(key)) continue;
    ++deleted;
    ctx.notify(EventClass::kGeneric, "del", key);
  }
  ctx.effects.changed(static_cast<std::uint64_t>(deleted));
  ctx.reply.integer(deleted);
}

std::int64_t count_present(Context& ctx, Access access) {
  std::int64_t present = 0;
  for (const KeyRef& key : ctx.keys) present += ctx.db.find(key, access) != nullptr ? 1 : 0;
  return present;
}

constexpr CommandSpec kExists{.name = "exists",
                              .arity = at_least(2),
                              .flags = Flag::kReadOnly | Flag::kFast,
                              .group = Group::kGeneric,
                              .categories = Category::kKeyspace,
                              .keys = {key_range(1, -1, 1, KeyAccess::kRO, KeyAction::kNone)},
                              .since = "1.0.0",
                              .complexity = "O(N) where N is the number of keys.",
                              .summary = "Counts which of the keys exist; one that is named twice counts twice.",
                              .syntax = "key [key ...]",
                              .tips = "request_policy:multi_shard,response_policy:agg_sum"};
void exists(Context& ctx) { ctx.reply.integer(count_present(ctx, Access::kPeek)); }

constexpr CommandSpec kTouch{.name = "touch",
                             .arity = at_least(2),
                             .flags = Flag::kReadOnly | Flag::kFast,
                             .group = Group::kGeneric,
                             .categories = Category::kKeyspace,
                             .keys = {key_range(1, -1, 1, KeyAccess::kRO, KeyAction::kNone)},
                             .since = "3.2.1",
                             .complexity = "O(N) where N is the number of keys.",
                             .summary = "Marks keys as just used and counts those that exist.",
                             .syntax = "key [key ...]",
                             .tips = "request_policy:multi_shard,response_policy:agg_sum"};
void touch(Context& ctx) {
  // Not read_access(): a client that leaves no traces asks for this one by name.
  ctx.reply.integer(count_present(ctx, Access::kRead));
}

constexpr CommandSpec kType{.name = "type",
                            .arity = exactly(2),
                            .flags = Flag::kReadOnly | Flag::kFast,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace,
                            .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone)},
                            .since = "1.0.0",
                            .complexity = "O(1)",
                            .summary = "Names the type of the value of a key.",
                            .syntax = "key"};
void type(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], Access::kPeek);
  ctx.reply.simple(entry != nullptr ? keyspace::type_name(entry->type()) : "none");
}

}  // namespace

void register_keys(CommandTable& table) {
  table.add(kDel, &del);
  table.add(kUnlink, &del);
  table.add(kExists, &exists);
  table.add(kTouch, &touch);
  table.add(kType, &type);
}

}  // namespace ashlar::commands
