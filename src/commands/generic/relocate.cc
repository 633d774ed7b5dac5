#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "command/arg_parser.h"
#include "commands/generic/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr std::string_view kSameObject = "source and destination objects are the same";
constexpr std::string_view kNoSuchDb = "DB index is out of range";

/// A database index as an argument says it. The number must fit 32 bits, as Redis asks, before it may be out of range.
Result<DbIndex> parse_db(std::string_view text, const Db& db) {
  const auto value = parse_i64(text);
  if (!value) return fail(ErrorCode::kNotInteger);
  if (*value < INT32_MIN || *value > INT32_MAX) {
    return fail("value is out of range, value must between -2147483648 and 2147483647");
  }
  if (*value < 0 || *value >= db.keyspace().databases()) return fail(std::string(kNoSuchDb));
  return DbIndex{static_cast<std::uint32_t>(*value)};
}

/// Whether the destination must be free.
enum class Overwrite : std::uint8_t { kAllowed, kRefused };

void rename_key(Context& ctx, Overwrite overwrite) {
  const KeyRef& from = ctx.keys[0];
  const KeyRef& to = ctx.keys[1];
  const bool refusing = overwrite == Overwrite::kRefused;
  const Entry* entry = ctx.db.find(from, Access::kWrite);
  if (entry == nullptr) return ctx.error(ErrorCode::kNoSuchKey);
  const auto succeed = [&] { refusing ? ctx.reply.integer(1) : ctx.reply.ok(); };
  if (from.text == to.text) {
    if (refusing) return ctx.reply.integer(0);
    return succeed();
  }
  if (refusing && ctx.db.find(to, Access::kWrite) != nullptr) return ctx.reply.integer(0);
  const std::optional<WallTime> expiry = entry->expiry();
  ctx.db.put(to, ctx.db.take(from), expiry);
  ctx.effects.changed();
  ctx.notify(EventClass::kGeneric, "rename_from", from);
  ctx.notify(EventClass::kGeneric, "rename_to", to);
  succeed();
}

constexpr CommandSpec kRename{.name = "rename",
                              .arity = exactly(3),
                              .flags = Flag::kWrite,
                              .group = Group::kGeneric,
                              .categories = Category::kKeyspace,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
                                       one_key(2, KeyAccess::kOW, KeyAction::kUpdate)},
                              .since = "1.0.0",
                              .complexity = "O(1) without counting the deletion of a value at the new name.",
                              .summary = "Gives a key another name; what had that name is deleted.",
                              .syntax = "key newkey"};
void rename(Context& ctx) { rename_key(ctx, Overwrite::kAllowed); }

constexpr CommandSpec kRenameNx{.name = "renamenx",
                                .arity = exactly(3),
                                .flags = Flag::kWrite | Flag::kFast,
                                .group = Group::kGeneric,
                                .categories = Category::kKeyspace,
                                .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
                                         one_key(2, KeyAccess::kOW, KeyAction::kInsert)},
                                .since = "1.0.0",
                                .complexity = "O(1)",
                                .summary = "Gives a key another name unless that name is in use.",
                                .syntax = "key newkey"};
void renamenx(Context& ctx) { rename_key(ctx, Overwrite::kRefused); }

constexpr CommandSpec kCopy{
    .name = "copy",
    .arity = at_least(3),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kGeneric,
    .categories = Category::kKeyspace,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess), one_key(2, KeyAccess::kOW, KeyAction::kUpdate)},
    .since = "6.2.0",
    .complexity = "O(N) for collections, where N is the number of elements; O(1) for strings.",
    .summary = "Copies the value and the expiry of a key to another key.",
    .syntax = "source destination [DB destination-db] [REPLACE]"};

constexpr CommandSpec kMove{.name = "move",
                            .arity = exactly(3),
                            .flags = Flag::kWrite | Flag::kFast,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate)},
                            .since = "1.0.0",
                            .complexity = "O(1)",
                            .summary = "Moves a key to another database.",
                            .syntax = "key db"};

}  // namespace

bool GenericCommands::one_database_only(const Context& ctx) const {
  return mode_ == ServerMode::kCluster && ctx.db.keyspace().databases() == 1;
}

void GenericCommands::copy(Context& ctx) {
  DbIndex target = ctx.db.index();
  Overwrite overwrite = Overwrite::kRefused;
  ArgParser in(ctx.args, 3);
  while (in.more()) {
    if (in.take("REPLACE")) {
      overwrite = Overwrite::kAllowed;
    } else if (in.left() >= 2 && in.take("DB")) {
      const std::string_view text = in.text();
      if (one_database_only(ctx) && parse_i64(text).value_or(0) > 0) {
        return ctx.error("Copying to another database is not allowed in cluster mode");
      }
      const auto db = parse_db(text, ctx.db);
      if (!db) return ctx.error(db.error());
      target = *db;
    } else {
      in.reject();
    }
  }
  if (in.failed()) return ctx.error(in.error());
  const KeyRef& from = ctx.keys[0];
  const KeyRef& to = ctx.keys[1];
  if (target == ctx.db.index() && from.text == to.text) return ctx.error(std::string(kSameObject));
  const Entry* entry = ctx.db.find(from, ctx.read_access());
  if (entry == nullptr) return ctx.reply.integer(0);
  Db destination = ctx.db.other(target);
  if (destination.find(to, Access::kWrite) != nullptr && overwrite == Overwrite::kRefused) return ctx.reply.integer(0);
  destination.put(to, entry->copy_value(), entry->expiry());
  ctx.effects.changed();
  destination.notify(EventClass::kGeneric, "copy_to", to);
  ctx.reply.integer(1);
}

void GenericCommands::move(Context& ctx) {
  if (one_database_only(ctx)) return ctx.error("MOVE is not allowed in cluster mode");
  const auto target = parse_db(ctx.args[2], ctx.db);
  if (!target) return ctx.error(target.error());
  if (*target == ctx.db.index()) return ctx.error(std::string(kSameObject));
  const KeyRef& key = ctx.keys[0];
  const Entry* entry = ctx.db.find(key, Access::kWrite);
  if (entry == nullptr) return ctx.reply.integer(0);
  Db destination = ctx.db.other(*target);
  if (destination.find(key, Access::kWrite) != nullptr) return ctx.reply.integer(0);
  const std::optional<WallTime> expiry = entry->expiry();
  destination.put(key, ctx.db.take(key), expiry);
  ctx.effects.changed();
  ctx.notify(EventClass::kGeneric, "move_from", key);
  destination.notify(EventClass::kGeneric, "move_to", key);
  ctx.reply.integer(1);
}

void register_relocate(CommandTable& table, GenericCommands& commands) {
  table.add(kRename, &rename);
  table.add(kRenameNx, &renamenx);
  table.add(kCopy, Handler::bind<&GenericCommands::copy>(commands));
  table.add(kMove, Handler::bind<&GenericCommands::move>(commands));
}

}  // namespace ashlar::commands
