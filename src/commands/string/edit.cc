#include <algorithm>
#include <limits>

#include "commands/string/commands.h"

namespace ashlar::commands {

using namespace command;
using keyspace::NoExpiry;

namespace {

constexpr std::string_view kTooLong = "string exceeds maximum allowed size (proto-max-bulk-len)";

constexpr CommandSpec kAppend{.name = "append",
                              .arity = exactly(3),
                              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                              .since = "2.0.0",
                              .complexity = "O(1), amortised, for values of moderate length.",
                              .summary = "Adds bytes at the end of a string value; a missing key counts as empty.",
                              .syntax = "key value"};

constexpr CommandSpec kSetRange{.name = "setrange",
                                .arity = exactly(4),
                                .flags = Flag::kWrite | Flag::kDenyOom,
                                .group = Group::kString,
                                .categories = Category::kString,
                                .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
                                .since = "2.2.0",
                                .complexity = "O(1) without counting the copying of the new bytes.",
                                .summary =
                                    "Overwrites a part of a string value from a position on, padding with zero "
                                    "bytes up to there.",
                                .syntax = "key offset value"};

}  // namespace

bool StringCommands::fits(const Context& ctx, std::uint64_t size, std::uint64_t more) const noexcept {
  std::uint64_t total = 0;
  if (__builtin_add_overflow(size, more, &total)) return false;
  // What a primary has done its replica must be able to do, whatever its own limit.
  if (ctx.session.origin() != Origin::kClient) return total <= std::numeric_limits<std::uint32_t>::max();
  return total <= max_bytes_.load(std::memory_order_relaxed);
}

void StringCommands::append(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const std::string_view tail = ctx.args[2];
  const Entry* entry = ctx.db.find(key, Access::kWrite);
  if (entry != nullptr && !entry->is_string()) return ctx.error(ErrorCode::kWrongType);
  std::size_t size = tail.size();
  if (entry == nullptr) {
    ctx.db.set(key, tail, NoExpiry{});
  } else {
    const std::size_t old = entry->text_size();
    if (!fits(ctx, old, tail.size())) return ctx.error(std::string(kTooLong));
    size += old;
    std::copy_n(tail.data(), tail.size(), ctx.db.resize(key, size) + old);
  }
  ctx.effects.changed();
  ctx.notify(EventClass::kString, "append", key);
  ctx.reply.integer(static_cast<std::int64_t>(size));
}

void StringCommands::set_range(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const std::string_view part = ctx.args[3];
  const auto offset = parse_i64(ctx.args[2]);
  if (!offset) return ctx.error(ErrorCode::kNotInteger);
  if (*offset < 0) return ctx.error("offset is out of range");
  const auto from = static_cast<std::uint64_t>(*offset);
  const Entry* entry = ctx.db.find(key, Access::kWrite);
  if (entry != nullptr && !entry->is_string()) return ctx.error(ErrorCode::kWrongType);
  const std::size_t old = entry == nullptr ? 0 : entry->text_size();
  if (part.empty()) return ctx.reply.integer(static_cast<std::int64_t>(old));
  if (!fits(ctx, from, part.size())) return ctx.error(std::string(kTooLong));
  if (entry == nullptr) ctx.db.set(key, {}, NoExpiry{});
  const std::size_t size = std::max<std::size_t>(old, from + part.size());
  std::copy_n(part.data(), part.size(), ctx.db.resize(key, size) + from);
  ctx.effects.changed();
  ctx.notify(EventClass::kString, "setrange", key);
  ctx.reply.integer(static_cast<std::int64_t>(size));
}

void register_string_edits(CommandTable& table, StringCommands& commands) {
  table.add(kAppend, Handler::bind<&StringCommands::append>(commands));
  table.add(kSetRange, Handler::bind<&StringCommands::set_range>(commands));
}

}  // namespace ashlar::commands
