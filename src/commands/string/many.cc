#include <algorithm>

#include "commands/string/commands.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr CommandSpec kMget{.name = "mget",
                            .arity = at_least(2),
                            .flags = Flag::kReadOnly | Flag::kFast,
                            .group = Group::kString,
                            .categories = Category::kString,
                            .keys = {key_range(1, -1, 1, KeyAccess::kRO, KeyAction::kAccess)},
                            .since = "1.0.0",
                            .complexity = "O(N) where N is the number of keys.",
                            .summary = "Reads the string values of several keys at once.",
                            .syntax = "key [key ...]",
                            .tips = "request_policy:multi_shard"};
void mget(Context& ctx) {
  ctx.reply.array(ctx.keys.size());
  for (const KeyRef& key : ctx.keys) {
    const Entry* entry = ctx.db.find(key, ctx.read_access());
    if (entry == nullptr || !entry->is_string()) {
      ctx.reply.null();
      continue;
    }
    DecimalBuffer buffer;
    ctx.reply.bulk(entry->text(buffer));
  }
}

/// Whether keys and values pair up; replies when they do not.
bool paired(Context& ctx) {
  if (ctx.args.size() % 2 == 1) return true;
  std::string text = "wrong number of arguments for '";
  text += ctx.spec.name;
  text += "' command";
  ctx.error(std::move(text));
  return false;
}

void set_all(Context& ctx) {
  for (std::size_t i = 0; i < ctx.keys.size(); ++i) {
    ctx.db.set(ctx.keys[i], ctx.args[2 * i + 2], keyspace::NoExpiry{});
    ctx.notify(EventClass::kString, "set", ctx.keys[i]);
  }
  ctx.effects.changed(ctx.keys.size());
}

constexpr CommandSpec kMset{.name = "mset",
                            .arity = at_least(3),
                            .flags = Flag::kWrite | Flag::kDenyOom,
                            .group = Group::kString,
                            .categories = Category::kString,
                            .keys = {key_range(1, -1, 2, KeyAccess::kOW, KeyAction::kUpdate)},
                            .since = "1.0.1",
                            .complexity = "O(N) where N is the number of keys.",
                            .summary = "Sets several keys to string values, all or none of them visible.",
                            .syntax = "key value [key value ...]",
                            .tips = "request_policy:multi_shard,response_policy:all_succeeded"};
void mset(Context& ctx) {
  if (!paired(ctx)) return;
  set_all(ctx);
  ctx.reply.ok();
}

constexpr CommandSpec kMsetNx{.name = "msetnx",
                              .arity = at_least(3),
                              .flags = Flag::kWrite | Flag::kDenyOom,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {key_range(1, -1, 2, KeyAccess::kOW, KeyAction::kInsert)},
                              .since = "1.0.1",
                              .complexity = "O(N) where N is the number of keys.",
                              .summary = "Sets several keys to string values, unless one of them exists.",
                              .syntax = "key value [key value ...]"};
void msetnx(Context& ctx) {
  if (!paired(ctx)) return;
  const bool taken =
      std::ranges::any_of(ctx.keys, [&](const KeyRef& key) { return ctx.db.find(key, Access::kWrite) != nullptr; });
  if (taken) return ctx.reply.integer(0);
  set_all(ctx);
  ctx.reply.integer(1);
}

}  // namespace

void register_string_many(CommandTable& table) {
  table.add(kMget, &mget);
  table.add(kMset, &mset);
  table.add(kMsetNx, &msetnx);
}

}  // namespace ashlar::commands
