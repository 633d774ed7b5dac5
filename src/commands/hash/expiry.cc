#include <algorithm>
#include <string>
#include <vector>

#include "commands/hash/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

using Fields = std::span<const std::string_view>;

/// Replies for one field. Source: HEXPIRE, HTTL and HPERSIST of Redis 7.4.
constexpr std::int64_t kNoSuchField = -2;
constexpr std::int64_t kNoExpiry = -1;
constexpr std::int64_t kConditionUnmet = 0;
constexpr std::int64_t kDone = 1;
constexpr std::int64_t kDeleted = 2;

enum class Condition : std::uint8_t { kNone, kNx, kXx, kGt, kLt };

std::optional<Condition> parse_condition(std::string_view word) {
  if (iequals(word, "NX")) return Condition::kNx;
  if (iequals(word, "XX")) return Condition::kXx;
  if (iequals(word, "GT")) return Condition::kGt;
  if (iequals(word, "LT")) return Condition::kLt;
  return std::nullopt;
}

/// A field without expiry counts as one that never expires.
bool met(Condition condition, std::int64_t old_ms, std::int64_t new_ms) noexcept {
  switch (condition) {
    case Condition::kNone: return true;
    case Condition::kNx: return old_ms == keyspace::kNoExpiryMs;
    case Condition::kXx: return old_ms != keyspace::kNoExpiryMs;
    case Condition::kGt: return old_ms != keyspace::kNoExpiryMs && new_ms > old_ms;
    case Condition::kLt: return new_ms < old_ms;
  }
  return false;
}

/// Sets the expiry of each field, or deletes it when the time has passed, and replies.
void set_expiries(Context& ctx, Hash& hash, Fields fields, std::int64_t at_ms, Condition condition) {
  const bool passed = field_expiry_passed(ctx, at_ms);
  std::vector<std::string_view> set;
  std::vector<std::string_view> deleted;
  ctx.reply.array(fields.size());
  for (const std::string_view text : fields) {
    const LookupText field(text);
    const auto item = hash.get(field, ctx.db.fields_from_ms());
    if (!item) {
      ctx.reply.integer(kNoSuchField);
    } else if (!met(condition, item->expiry_ms, at_ms)) {
      ctx.reply.integer(kConditionUnmet);
    } else if (passed) {
      hash.erase(field);
      deleted.push_back(text);
      ctx.reply.integer(kDeleted);
    } else {
      hash.set_expiry(field, at_ms);
      set.push_back(text);
      ctx.reply.integer(kDone);
    }
  }
  const KeyRef& key = ctx.keys[0];
  if (!set.empty()) {
    ctx.db.plan_field_expiry(key, hash);
    ctx.changed(key, EventClass::kHash, "hexpire", set.size());
    DecimalBuffer digits;
    const std::string_view at = format_i64(at_ms, digits);
    ctx.effects.instead(fields_record("HPEXPIREAT", key.text, {&at, 1}, set));
  }
  if (!deleted.empty()) {
    ctx.changed(key, EventClass::kHash, "hdel", deleted.size());
    Effects::Record record = {"HDEL", std::string(key.text)};
    for (const std::string_view field : deleted) record.emplace_back(field);
    ctx.effects.instead(std::move(record));
    if (hash.empty()) ctx.erase_emptied(key);
  }
}

void expire(Context& ctx, TimeForm form) {
  const auto found = edit_hash(ctx);
  if (!found) return ctx.error(found.error());
  const auto at_ms = parse_field_expiry(ctx, ctx.args[2], form);
  if (!at_ms) return ctx.error(at_ms.error());
  const auto condition = parse_condition(ctx.args[3]);
  const auto fields = parse_fields(ctx.args, condition ? 4 : 3, "Parameter `numFields` should be greater than 0");
  if (!fields) return ctx.error(fields.error());
  if (*found != nullptr) return set_expiries(ctx, **found, *fields, *at_ms, condition.value_or(Condition::kNone));
  ctx.reply.array(fields->size());
  for (std::size_t i = 0; i < fields->size(); ++i) ctx.reply.integer(kNoSuchField);
}

/// Replies for each field with what `reply_for(expiry_ms)` says of its expiry.
template <typename ReplyFor>
void tell_expiries(Context& ctx, ReplyFor&& reply_for) {
  const auto found = read_hash(ctx);
  if (!found) return ctx.error(found.error());
  const auto fields = parse_fields(ctx.args, 2, "Number of fields must be a positive integer");
  if (!fields) return ctx.error(fields.error());
  ctx.reply.array(fields->size());
  for (const std::string_view field : *fields) {
    const auto item = *found == nullptr ? std::nullopt : (*found)->get(LookupText(field), ctx.db.fields_from_ms());
    if (!item) {
      ctx.reply.integer(kNoSuchField);
    } else {
      ctx.reply.integer(item->expiry_ms == keyspace::kNoExpiryMs ? kNoExpiry : reply_for(item->expiry_ms));
    }
  }
}

constexpr std::int64_t seconds_up(std::int64_t ms) noexcept { return (ms + 999) / 1000; }
/// Time left; a replica may still see a field whose time has come.
std::int64_t left_ms(const Context& ctx, std::int64_t expiry_ms) {
  return std::max<std::int64_t>(expiry_ms - unix_millis(ctx.now()), 0);
}

constexpr CommandSpec setting(std::string_view name, std::string_view summary, std::string_view syntax) {
  return {.name = name,
          .arity = at_least(6),
          .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
          .group = Group::kHash,
          .categories = Category::kHash,
          .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
          .since = "7.4.0",
          .complexity = "O(N log M) where N is the number of fields given and M that of fields with an expiry.",
          .summary = summary,
          .syntax = syntax};
}
constexpr CommandSpec telling(std::string_view name, std::string_view summary, std::string_view tips = {}) {
  return {.name = name,
          .arity = at_least(5),
          .flags = Flag::kReadOnly | Flag::kFast,
          .group = Group::kHash,
          .categories = Category::kHash,
          .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
          .since = "7.4.0",
          .complexity = "O(N) where N is the number of fields asked for.",
          .summary = summary,
          .syntax = "key FIELDS numfields field [field ...]",
          .tips = tips};
}

constexpr CommandSpec kHexpire = setting("hexpire", "Lets fields of a hash expire after some seconds.",
                                         "key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");
void hexpire(Context& ctx) { expire(ctx, {TimeUnit::kSeconds, TimeBase::kFromNow}); }

constexpr CommandSpec kHpexpire = setting("hpexpire", "Lets fields of a hash expire after some milliseconds.",
                                          "key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");
void hpexpire(Context& ctx) { expire(ctx, {TimeUnit::kMillis, TimeBase::kFromNow}); }

constexpr CommandSpec kHexpireat =
    setting("hexpireat", "Lets fields of a hash expire at a second of Unix time.",
            "key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");
void hexpireat(Context& ctx) { expire(ctx, {TimeUnit::kSeconds, TimeBase::kUnixEpoch}); }

constexpr CommandSpec kHpexpireat =
    setting("hpexpireat", "Lets fields of a hash expire at a millisecond of Unix time.",
            "key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");
void hpexpireat(Context& ctx) { expire(ctx, {TimeUnit::kMillis, TimeBase::kUnixEpoch}); }

constexpr CommandSpec kHttl =
    telling("httl", "Tells in how many seconds fields of a hash expire.", "nondeterministic_output");
void httl(Context& ctx) {
  tell_expiries(ctx, [&](std::int64_t ms) { return seconds_up(left_ms(ctx, ms)); });
}

constexpr CommandSpec kHpttl =
    telling("hpttl", "Tells in how many milliseconds fields of a hash expire.", "nondeterministic_output");
void hpttl(Context& ctx) {
  tell_expiries(ctx, [&](std::int64_t ms) { return left_ms(ctx, ms); });
}

constexpr CommandSpec kHexpiretime = telling("hexpiretime", "Tells at which second of Unix time fields expire.");
void hexpiretime(Context& ctx) { tell_expiries(ctx, seconds_up); }

constexpr CommandSpec kHpexpiretime = telling("hpexpiretime", "Tells at which millisecond of Unix time fields expire.");
void hpexpiretime(Context& ctx) {
  tell_expiries(ctx, [](std::int64_t ms) { return ms; });
}

constexpr CommandSpec kHpersist{.name = "hpersist",
                                .arity = at_least(5),
                                .flags = Flag::kWrite | Flag::kFast,
                                .group = Group::kHash,
                                .categories = Category::kHash,
                                .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
                                .since = "7.4.0",
                                .complexity =
                                    "O(N log M) where N is the number of fields given and M that of fields "
                                    "with an expiry.",
                                .summary = "Takes the expiry from fields of a hash.",
                                .syntax = "key FIELDS numfields field [field ...]"};
void hpersist(Context& ctx) {
  const auto found = edit_hash(ctx);
  if (!found) return ctx.error(found.error());
  const auto fields = parse_fields(ctx.args, 2, "Number of fields must be a positive integer");
  if (!fields) return ctx.error(fields.error());
  ctx.reply.array(fields->size());
  std::uint64_t persisted = 0;
  for (const std::string_view text : *fields) {
    const LookupText field(text);
    const auto item = *found == nullptr ? std::nullopt : (*found)->get(field, ctx.db.fields_from_ms());
    if (!item) {
      ctx.reply.integer(kNoSuchField);
    } else if (item->expiry_ms == keyspace::kNoExpiryMs) {
      ctx.reply.integer(kNoExpiry);
    } else {
      (*found)->set_expiry(field, keyspace::kNoExpiryMs);
      ++persisted;
      ctx.reply.integer(kDone);
    }
  }
  if (persisted > 0) ctx.changed(ctx.keys[0], EventClass::kHash, "hpersist", persisted);
}

}  // namespace

void register_hash_expiry(CommandTable& table) {
  table.add(kHexpire, &hexpire);
  table.add(kHpexpire, &hpexpire);
  table.add(kHexpireat, &hexpireat);
  table.add(kHpexpireat, &hpexpireat);
  table.add(kHttl, &httl);
  table.add(kHpttl, &hpttl);
  table.add(kHexpiretime, &hexpiretime);
  table.add(kHpexpiretime, &hpexpiretime);
  table.add(kHpersist, &hpersist);
}

}  // namespace ashlar::commands
