#include <cstdint>
#include <string>
#include <string_view>

#include "commands/generic/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Keyspace;

namespace {

constexpr CommandSpec kDbSize{.name = "dbsize",
                              .arity = exactly(1),
                              .flags = Flag::kReadOnly | Flag::kFast,
                              .group = Group::kServer,
                              .categories = Category::kKeyspace,
                              .since = "1.0.0",
                              .complexity = "O(1): one short look at each of the 16384 slots.",
                              .summary = "Counts the keys of the selected database.",
                              .tips = "request_policy:all_shards,response_policy:agg_sum"};
void dbsize(Context& ctx) { ctx.reply.integer(static_cast<std::int64_t>(ctx.db.keyspace().size(ctx.db.index()).keys)); }

/// Nothing, SYNC or ASYNC. Both empty the database before they reply; after ASYNC the memory is given back later.
bool flush_arguments_fit(Context& ctx) {
  const bool fit =
      ctx.args.size() == 1 || (ctx.args.size() == 2 && (iequals(ctx.args[1], "SYNC") || iequals(ctx.args[1], "ASYNC")));
  if (!fit) ctx.error(ErrorCode::kSyntax);
  return fit;
}

/// Those who watch keys hear of a whole database, or with nullopt of all.
void tell_flushed(Context& ctx, std::optional<DbIndex> db) {
  if (auto* listener = ctx.db.context().modifications) listener->flushed(db);
}

constexpr CommandSpec kFlushAll{.name = "flushall",
                                .arity = at_least(1),
                                .flags = Flag::kWrite | Flag::kWholeKeyspace,
                                .group = Group::kServer,
                                .categories = Category::kKeyspace | Category::kDangerous,
                                .since = "1.0.0",
                                .complexity = "O(N) where N is the number of keys in all databases.",
                                .summary = "Deletes all keys of all databases.",
                                .syntax = "[ASYNC | SYNC]",
                                .tips = "request_policy:all_shards,response_policy:all_succeeded"};

constexpr CommandSpec kFlushDb{.name = "flushdb",
                               .arity = at_least(1),
                               .flags = Flag::kWrite | Flag::kWholeKeyspace,
                               .group = Group::kServer,
                               .categories = Category::kKeyspace | Category::kDangerous,
                               .since = "1.0.0",
                               .complexity = "O(N) where N is the number of keys in the selected database.",
                               .summary = "Deletes all keys of the selected database.",
                               .syntax = "[ASYNC | SYNC]",
                               .tips = "request_policy:all_shards,response_policy:all_succeeded"};
constexpr CommandSpec kSwapDb{.name = "swapdb",
                              .arity = exactly(3),
                              .flags = Flag::kWrite | Flag::kFast | Flag::kWholeKeyspace,
                              .group = Group::kServer,
                              .categories = Category::kKeyspace | Category::kDangerous,
                              .since = "4.0.0",
                              .complexity = "O(1): one step for each of the 16384 slots.",
                              .summary = "Exchanges the content of two databases.",
                              .syntax = "index1 index2"};

/// A database index, or the error of this argument.
Result<std::int64_t> parse_index(std::string_view text, std::string_view error) {
  const auto value = parse_i64(text);
  if (!value || *value < INT32_MIN || *value > INT32_MAX) return fail(std::string(error));
  return *value;
}

}  // namespace

void GenericCommands::flushall(Context& ctx) {
  if (!flush_arguments_fit(ctx)) return;
  Keyspace& keyspace = ctx.db.keyspace();
  keyspace::ModificationListener* listener = ctx.db.context().modifications;
  std::uint64_t removed = 0;
  for (std::uint32_t i = 0; i < keyspace.databases(); ++i)
    removed += keyspace.clear(DbIndex{i}, listener, freeing_of(ctx));
  tell_flushed(ctx, std::nullopt);
  ctx.effects.changed(removed + 1);  // an empty one counts too: it is recorded, so a replica that differs is emptied
  if (on_flushall_) on_flushall_();
  ctx.reply.ok();
}

void GenericCommands::flushdb(Context& ctx) {
  if (!flush_arguments_fit(ctx)) return;
  ctx.effects.changed(ctx.db.keyspace().clear(ctx.db.index(), ctx.db.context().modifications, freeing_of(ctx)));
  tell_flushed(ctx, ctx.db.index());
  ctx.effects.force_as_received();
  ctx.reply.ok();
}

Keyspace::Freeing GenericCommands::freeing_of(const Context& ctx) const {
  if (ctx.args.size() != 2) return freeing_.load(std::memory_order_relaxed);
  return iequals(ctx.args[1], "ASYNC") ? Keyspace::Freeing::kInBackground : Keyspace::Freeing::kNow;
}

void GenericCommands::swapdb(Context& ctx) {
  if (mode_ == ServerMode::kCluster) return ctx.error("SWAPDB is not allowed in cluster mode");
  const auto first = parse_index(ctx.args[1], "invalid first DB index");
  if (!first) return ctx.error(first.error());
  const auto second = parse_index(ctx.args[2], "invalid second DB index");
  if (!second) return ctx.error(second.error());
  Keyspace& keyspace = ctx.db.keyspace();
  const auto known = [&](std::int64_t index) { return index >= 0 && index < keyspace.databases(); };
  if (!known(*first) || !known(*second)) return ctx.error("DB index is out of range");
  keyspace.swap(DbIndex{static_cast<std::uint32_t>(*first)}, DbIndex{static_cast<std::uint32_t>(*second)}, ctx.now(),
                ctx.db.context().modifications);
  ctx.effects.changed();
  ctx.reply.ok();
}

void register_whole(CommandTable& table, GenericCommands& commands) {
  table.add(kDbSize, &dbsize);
  table.add(kFlushAll, Handler::bind<&GenericCommands::flushall>(commands));
  table.add(kFlushDb, Handler::bind<&GenericCommands::flushdb>(commands));
  table.add(kSwapDb, Handler::bind<&GenericCommands::swapdb>(commands));
}

}  // namespace ashlar::commands
