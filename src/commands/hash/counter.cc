#include <cmath>

#include "commands/hash/parts.h"
#include "commands/shared/long_double.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr KeySpec kCounterKey = one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate);
constexpr Flag kCounterFlags = Flag::kWrite | Flag::kDenyOom | Flag::kFast;

/// The field as it is; nullopt when it, or the whole hash, is missing.
std::optional<HashItem> present(const Context& ctx, const Hash* hash, const LookupText& field) {
  return hash == nullptr ? std::nullopt : hash->get(field, ctx.db.fields_from_ms());
}

/// Sets a counter, which keeps its expiry, in a hash that is made if it is missing.
void store(Context& ctx, Hash* hash, const LookupText& field, std::string_view value, std::int64_t expiry_ms) {
  if (hash == nullptr) hash = &ctx.db.create<Hash>(ctx.keys[0]);
  hash->set(field, value, ctx.limits(), expiry_ms);
}

constexpr CommandSpec kHincrby{.name = "hincrby",
                               .arity = exactly(4),
                               .flags = kCounterFlags,
                               .group = Group::kHash,
                               .categories = Category::kHash,
                               .keys = {kCounterKey},
                               .since = "2.0.0",
                               .complexity = "O(1)",
                               .summary = "Adds a number to the integer value of a field; a missing one counts as 0.",
                               .syntax = "key field increment"};
void hincrby(Context& ctx) {
  const auto by = parse_i64(ctx.args[3]);
  if (!by) return ctx.error(ErrorCode::kNotInteger);
  const auto hash = edit_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  const LookupText field(ctx.args[2]);
  const auto old = present(ctx, *hash, field);
  std::int64_t value = 0;
  if (old) {
    const auto parsed = old->value.is_integer() ? std::optional(old->value.integer()) : parse_i64(old->value.bytes());
    if (!parsed) return ctx.error("hash value is not an integer");
    value = *parsed;
  }
  if (__builtin_add_overflow(value, *by, &value)) return ctx.error(ErrorCode::kOverflow);
  DecimalBuffer digits;
  store(ctx, *hash, field, format_i64(value, digits), old ? old->expiry_ms : keyspace::kNoExpiryMs);
  ctx.changed(ctx.keys[0], EventClass::kHash, "hincrby");
  ctx.reply.integer(value);
}

constexpr CommandSpec kHincrbyfloat{
    .name = "hincrbyfloat",
    .arity = exactly(4),
    .flags = kCounterFlags,
    .group = Group::kHash,
    .categories = Category::kHash,
    .keys = {kCounterKey},
    .since = "2.6.0",
    .complexity = "O(1)",
    .summary = "Adds a floating-point number to the value of a field; a missing one counts as 0.",
    .syntax = "key field increment"};
void hincrbyfloat(Context& ctx) {
  const auto by = parse_long_double(ctx.args[3]);
  if (!by) return ctx.error(ErrorCode::kNotFloat);
  if (std::isinf(*by)) return ctx.error("value is NaN or Infinity");
  const auto hash = edit_hash(ctx);
  if (!hash) return ctx.error(hash.error());
  const LookupText field(ctx.args[2]);
  const auto old = present(ctx, *hash, field);
  long double value = 0;
  if (old) {
    DecimalBuffer digits;
    const auto parsed = parse_long_double(old->value.text(digits));
    if (!parsed) return ctx.error("hash value is not a float");
    value = *parsed;
  }
  value += *by;
  if (std::isnan(value) || std::isinf(value)) return ctx.error("increment would produce NaN or Infinity");
  const std::string text = format_long_double(value);
  const std::int64_t expiry_ms = old ? old->expiry_ms : keyspace::kNoExpiryMs;
  store(ctx, *hash, field, text, expiry_ms);
  ctx.changed(ctx.keys[0], EventClass::kHash, "hincrbyfloat");
  ctx.reply.bulk(text);
  ctx.effects.instead({"HSET", ctx.keys[0].text, ctx.args[2], text});
  if (expiry_ms == keyspace::kNoExpiryMs) return;
  DecimalBuffer at;
  ctx.effects.instead({"HPEXPIREAT", ctx.keys[0].text, format_i64(expiry_ms, at), "FIELDS", "1", ctx.args[2]});
}

}  // namespace

void register_hash_counters(CommandTable& table) {
  table.add(kHincrby, &hincrby);
  table.add(kHincrbyfloat, &hincrbyfloat);
}

}  // namespace ashlar::commands
