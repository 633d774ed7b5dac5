#include <cmath>
#include <limits>
#include <string>

#include "command/arg_parser.h"
#include "commands/shared/long_double.h"
#include "commands/string/commands.h"

namespace ashlar::commands {

using namespace command;
using keyspace::KeepExpiry;
using keyspace::NewExpiry;
using keyspace::NoExpiry;

namespace {

constexpr KeySpec kCounterKey = one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate);
constexpr Flag kCounterFlags = Flag::kWrite | Flag::kDenyOom | Flag::kFast;

/// A changed value keeps its expiry, a new one has none. Not KeepExpiry alone: a replica must not revive a hidden
/// key's.
NewExpiry expiry_after(const Entry* old) { return old != nullptr ? NewExpiry(KeepExpiry{}) : NewExpiry(NoExpiry{}); }

void add(Context& ctx, std::int64_t by) {
  Entry* entry = ctx.db.find(ctx.keys[0], Access::kWrite);
  std::int64_t value = 0;
  if (entry != nullptr) {
    if (entry->is_int()) [[likely]] {
      value = entry->int_value();
    } else if (!entry->is_string()) {
      return ctx.error(ErrorCode::kWrongType);
    } else {
      DecimalBuffer buffer;
      const auto parsed = parse_i64(entry->text(buffer));
      if (!parsed) return ctx.error(ErrorCode::kNotInteger);
      value = *parsed;
    }
  }
  std::int64_t sum = 0;
  if (__builtin_add_overflow(value, by, &sum)) return ctx.error(ErrorCode::kOverflow);
  if (entry != nullptr && entry->is_int()) [[likely]] {
    ctx.db.change_int(ctx.keys[0], *entry, sum);
  } else {
    ctx.db.set_int(ctx.keys[0], sum, expiry_after(entry));
  }
  ctx.effects.changed();
  ctx.notify(EventClass::kString, "incrby", ctx.keys[0]);
  ctx.reply.integer(sum);
}

constexpr CommandSpec kIncr{.name = "incr",
                            .arity = exactly(2),
                            .flags = kCounterFlags,
                            .group = Group::kString,
                            .categories = Category::kString,
                            .keys = {kCounterKey},
                            .since = "1.0.0",
                            .complexity = "O(1)",
                            .summary = "Adds one to the integer value of a key; a missing key counts as 0.",
                            .syntax = "key"};
void incr(Context& ctx) { add(ctx, 1); }

constexpr CommandSpec kDecr{.name = "decr",
                            .arity = exactly(2),
                            .flags = kCounterFlags,
                            .group = Group::kString,
                            .categories = Category::kString,
                            .keys = {kCounterKey},
                            .since = "1.0.0",
                            .complexity = "O(1)",
                            .summary = "Takes one from the integer value of a key; a missing key counts as 0.",
                            .syntax = "key"};
void decr(Context& ctx) { add(ctx, -1); }

constexpr CommandSpec kIncrBy{.name = "incrby",
                              .arity = exactly(3),
                              .flags = kCounterFlags,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {kCounterKey},
                              .since = "1.0.0",
                              .complexity = "O(1)",
                              .summary = "Adds a number to the integer value of a key; a missing key counts as 0.",
                              .syntax = "key increment"};
void incrby(Context& ctx) {
  const auto by = parse_i64(ctx.args[2]);
  if (!by) return ctx.error(ErrorCode::kNotInteger);
  add(ctx, *by);
}

constexpr CommandSpec kDecrBy{.name = "decrby",
                              .arity = exactly(3),
                              .flags = kCounterFlags,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {kCounterKey},
                              .since = "1.0.0",
                              .complexity = "O(1)",
                              .summary = "Takes a number from the integer value of a key; a missing key counts as 0.",
                              .syntax = "key decrement"};
void decrby(Context& ctx) {
  const auto by = parse_i64(ctx.args[2]);
  if (!by) return ctx.error(ErrorCode::kNotInteger);
  if (*by == std::numeric_limits<std::int64_t>::min()) return ctx.error("decrement would overflow");
  add(ctx, -*by);
}

constexpr CommandSpec kIncrByFloat{
    .name = "incrbyfloat",
    .arity = exactly(3),
    .flags = kCounterFlags,
    .group = Group::kString,
    .categories = Category::kString,
    .keys = {kCounterKey},
    .since = "2.6.0",
    .complexity = "O(1)",
    .summary = "Adds a floating-point number to the numeric value of a key; a missing key counts as 0.",
    .syntax = "key increment"};
void incrbyfloat(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], Access::kWrite);
  long double value = 0;
  if (entry != nullptr) {
    if (!entry->is_string()) return ctx.error(ErrorCode::kWrongType);
    DecimalBuffer buffer;
    const auto parsed = parse_long_double(entry->text(buffer));
    if (!parsed) return ctx.error(ErrorCode::kNotFloat);
    value = *parsed;
  }
  const auto by = parse_long_double(ctx.args[2]);
  if (!by) return ctx.error(ErrorCode::kNotFloat);
  value += *by;
  if (std::isnan(value) || std::isinf(value)) return ctx.error("increment would produce NaN or Infinity");
  const std::string text = format_long_double(value);
  ctx.db.set(ctx.keys[0], text, expiry_after(entry));
  ctx.effects.changed();
  ctx.notify(EventClass::kString, "incrbyfloat", ctx.keys[0]);
  // As its result: another machine's long double may round otherwise.
  ctx.effects.instead({"SET", ctx.keys[0].text, text, "KEEPTTL"});
  ctx.reply.bulk(text);
}

}  // namespace

void register_string_counters(CommandTable& table) {
  table.add(kIncr, &incr);
  table.add(kDecr, &decr);
  table.add(kIncrBy, &incrby);
  table.add(kDecrBy, &decrby);
  table.add(kIncrByFloat, &incrbyfloat);
}

}  // namespace ashlar::commands
