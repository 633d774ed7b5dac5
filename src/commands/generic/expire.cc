#include <algorithm>
#include <optional>
#include <string>

#include "command/arg_parser.h"
#include "commands/generic/parts.h"
#include "commands/shared/expire_time.h"

namespace ashlar::commands {

using namespace command;
using keyspace::ExpiryRole;

namespace {

constexpr TimeForm kSecondsFromNow{TimeUnit::kSeconds, TimeBase::kFromNow};
constexpr TimeForm kMillisFromNow{TimeUnit::kMillis, TimeBase::kFromNow};
constexpr TimeForm kUnixSeconds{TimeUnit::kSeconds, TimeBase::kUnixEpoch};
constexpr TimeForm kUnixMillis{TimeUnit::kMillis, TimeBase::kUnixEpoch};

/// The condition under which an expiry is set; GT and LT may come with XX.
struct ExpireCondition {
  bool if_none = false;     // NX
  bool if_some = false;     // XX
  bool if_later = false;    // GT
  bool if_earlier = false;  // LT
};

Result<ExpireCondition> parse_condition(std::span<const std::string_view> args) {
  ExpireCondition condition;
  ArgParser in(args, 3);
  while (in.more()) {
    if (in.take("NX")) {
      condition.if_none = true;
    } else if (in.take("XX")) {
      condition.if_some = true;
    } else if (in.take("GT")) {
      condition.if_later = true;
    } else if (in.take("LT")) {
      condition.if_earlier = true;
    } else {
      const std::string_view option = in.text();
      return fail("Unsupported option " + std::string(option.substr(0, option.find('\0'))));
    }
  }
  if (condition.if_none && (condition.if_some || condition.if_later || condition.if_earlier)) {
    return fail("NX and XX, GT or LT options at the same time are not compatible");
  }
  if (condition.if_later && condition.if_earlier) {
    return fail("GT and LT options at the same time are not compatible");
  }
  return condition;
}

/// A key without expiry counts as one that expires at the end of time.
bool holds(const ExpireCondition& condition, std::int64_t wanted_ms, const Entry& entry) {
  if (!entry.has_expiry()) return !condition.if_some && !condition.if_later;
  const std::int64_t present_ms = entry.expiry_ms();
  if (condition.if_none || (condition.if_later && wanted_ms <= present_ms)) return false;
  return !condition.if_earlier || wanted_ms < present_ms;
}

void expire_in(Context& ctx, TimeForm form) {
  const auto condition = parse_condition(ctx.args);
  if (!condition) return ctx.error(condition.error());
  const auto ms = expire_millis(ctx.args[2], form, ctx.now(), ctx.spec);
  if (!ms) return ctx.error(ms.error());
  const KeyRef& key = ctx.keys[0];
  const Entry* entry = ctx.db.find(key, Access::kWrite);
  if (entry == nullptr || !holds(*condition, *ms, *entry)) return ctx.reply.integer(0);
  ctx.effects.changed();
  ctx.reply.integer(1);
  // A replica and a replay only take note of the time: the DEL will come from whoever decides.
  if (*ms <= unix_millis(ctx.now()) && ctx.db.context().expiry_role == ExpiryRole::kPrimary) {
    (void)ctx.db.erase(key);
    ctx.effects.instead({"DEL", key.text});
    return ctx.notify(EventClass::kGeneric, "del", key);
  }
  const WallTime at = expiry_at(*ms);
  (void)ctx.db.set_expiry(key, at);
  ctx.notify(EventClass::kGeneric, "expire", key);
  ctx.effects.instead({"PEXPIREAT", key.text, millis_text(at)});
}

/// What TTL and its kin answer: -2 without the key, -1 without expiry.
void remaining(Context& ctx, TimeForm form) {
  const Entry* entry = ctx.db.find(ctx.keys[0], Access::kPeek);
  if (entry == nullptr) return ctx.reply.integer(-2);
  if (!entry->has_expiry()) return ctx.reply.integer(-1);
  std::int64_t ms = entry->expiry_ms();
  if (form.base == TimeBase::kFromNow) ms -= unix_millis(ctx.now());
  ms = std::max<std::int64_t>(ms, 0);
  constexpr std::int64_t kHalfSecond = 500;
  ctx.reply.integer(form.unit == TimeUnit::kMillis ? ms : (ms + kHalfSecond) / 1000);
}

constexpr Flag kWriteFlags = Flag::kWrite | Flag::kFast;
constexpr Flag kReadFlags = Flag::kReadOnly | Flag::kFast;
constexpr KeySpec kUpdated = one_key(1, KeyAccess::kRW, KeyAction::kUpdate);
constexpr KeySpec kRead = one_key(1, KeyAccess::kRO, KeyAction::kAccess);

constexpr CommandSpec kExpire{.name = "expire",
                              .arity = at_least(3),
                              .flags = kWriteFlags,
                              .group = Group::kGeneric,
                              .categories = Category::kKeyspace,
                              .keys = {kUpdated},
                              .since = "1.0.0",
                              .complexity = "O(1)",
                              .summary = "Lets a key expire after some seconds.",
                              .syntax = "key seconds [NX | XX | GT | LT]"};
constexpr CommandSpec kExpireAt{.name = "expireat",
                                .arity = at_least(3),
                                .flags = kWriteFlags,
                                .group = Group::kGeneric,
                                .categories = Category::kKeyspace,
                                .keys = {kUpdated},
                                .since = "1.2.0",
                                .complexity = "O(1)",
                                .summary = "Lets a key expire at a Unix time in seconds.",
                                .syntax = "key unix-time-seconds [NX | XX | GT | LT]"};
constexpr CommandSpec kPexpire{.name = "pexpire",
                               .arity = at_least(3),
                               .flags = kWriteFlags,
                               .group = Group::kGeneric,
                               .categories = Category::kKeyspace,
                               .keys = {kUpdated},
                               .since = "2.6.0",
                               .complexity = "O(1)",
                               .summary = "Lets a key expire after some milliseconds.",
                               .syntax = "key milliseconds [NX | XX | GT | LT]"};
constexpr CommandSpec kPexpireAt{.name = "pexpireat",
                                 .arity = at_least(3),
                                 .flags = kWriteFlags,
                                 .group = Group::kGeneric,
                                 .categories = Category::kKeyspace,
                                 .keys = {kUpdated},
                                 .since = "2.6.0",
                                 .complexity = "O(1)",
                                 .summary = "Lets a key expire at a Unix time in milliseconds.",
                                 .syntax = "key unix-time-milliseconds [NX | XX | GT | LT]"};
constexpr CommandSpec kTtl{.name = "ttl",
                           .arity = exactly(2),
                           .flags = kReadFlags,
                           .group = Group::kGeneric,
                           .categories = Category::kKeyspace,
                           .keys = {kRead},
                           .since = "1.0.0",
                           .complexity = "O(1)",
                           .summary = "Tells in how many seconds a key expires.",
                           .syntax = "key",
                           .tips = "nondeterministic_output"};
constexpr CommandSpec kPttl{.name = "pttl",
                            .arity = exactly(2),
                            .flags = kReadFlags,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace,
                            .keys = {kRead},
                            .since = "2.6.0",
                            .complexity = "O(1)",
                            .summary = "Tells in how many milliseconds a key expires.",
                            .syntax = "key",
                            .tips = "nondeterministic_output"};
constexpr CommandSpec kExpireTime{.name = "expiretime",
                                  .arity = exactly(2),
                                  .flags = kReadFlags,
                                  .group = Group::kGeneric,
                                  .categories = Category::kKeyspace,
                                  .keys = {kRead},
                                  .since = "7.0.0",
                                  .complexity = "O(1)",
                                  .summary = "Tells at which Unix time, in seconds, a key expires.",
                                  .syntax = "key"};
constexpr CommandSpec kPexpireTime{.name = "pexpiretime",
                                   .arity = exactly(2),
                                   .flags = kReadFlags,
                                   .group = Group::kGeneric,
                                   .categories = Category::kKeyspace,
                                   .keys = {kRead},
                                   .since = "7.0.0",
                                   .complexity = "O(1)",
                                   .summary = "Tells at which Unix time, in milliseconds, a key expires.",
                                   .syntax = "key"};

constexpr CommandSpec kPersist{.name = "persist",
                               .arity = exactly(2),
                               .flags = kWriteFlags,
                               .group = Group::kGeneric,
                               .categories = Category::kKeyspace,
                               .keys = {kUpdated},
                               .since = "2.2.0",
                               .complexity = "O(1)",
                               .summary = "Removes the expiry of a key.",
                               .syntax = "key"};
void persist(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], Access::kWrite);
  if (entry == nullptr || !entry->has_expiry()) return ctx.reply.integer(0);
  (void)ctx.db.set_expiry(ctx.keys[0], std::nullopt);
  ctx.effects.changed();
  ctx.notify(EventClass::kGeneric, "persist", ctx.keys[0]);
  ctx.reply.integer(1);
}

}  // namespace

void register_expire(CommandTable& table) {
  table.add(kExpire, +[](Context& ctx) { expire_in(ctx, kSecondsFromNow); });
  table.add(kExpireAt, +[](Context& ctx) { expire_in(ctx, kUnixSeconds); });
  table.add(kPexpire, +[](Context& ctx) { expire_in(ctx, kMillisFromNow); });
  table.add(kPexpireAt, +[](Context& ctx) { expire_in(ctx, kUnixMillis); });
  table.add(kTtl, +[](Context& ctx) { remaining(ctx, kSecondsFromNow); });
  table.add(kPttl, +[](Context& ctx) { remaining(ctx, kMillisFromNow); });
  table.add(kExpireTime, +[](Context& ctx) { remaining(ctx, kUnixSeconds); });
  table.add(kPexpireTime, +[](Context& ctx) { remaining(ctx, kUnixMillis); });
  table.add(kPersist, &persist);
}

}  // namespace ashlar::commands
