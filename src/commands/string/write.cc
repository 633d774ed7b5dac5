#include <optional>

#include "base/bytes.h"
#include "commands/shared/expire_time.h"
#include "commands/string/commands.h"
#include "commands/string/set_options.h"

namespace ashlar::commands {

using namespace command;
using keyspace::ExpiryRole;
using keyspace::KeepExpiry;
using keyspace::NewExpiry;
using keyspace::NoExpiry;

namespace {

bool wrong_type(const Entry* entry) { return entry != nullptr && !entry->is_string(); }

bool equals(const Entry& entry, std::string_view text) {
  DecimalBuffer buffer;
  return entry.text(buffer) == text;
}

void note_set(Context& ctx) {
  ctx.effects.changed();
  ctx.notify(EventClass::kString, "set", ctx.keys[0]);
}

void reply_value(Context& ctx, const Entry* entry) {
  if (entry == nullptr) return ctx.reply.null();
  DecimalBuffer buffer;
  ctx.reply.bulk(entry->text(buffer));
}

/// The deterministic form of a SET with options: what it did, without conditions and with an absolute time.
void record_set(Context& ctx, const SetOptions& options, const NewExpiry& expiry) {
  const std::string_view key = ctx.keys[0].text;
  const std::string_view value = ctx.args[2];
  if (const auto* at = std::get_if<WallTime>(&expiry)) {
    ctx.effects.instead({"SET", key, value, "PXAT", millis_text(*at)});
  } else if (options.condition != SetCondition::kAlways || options.reply_old_value) {
    if (std::holds_alternative<KeepExpiry>(expiry)) {
      ctx.effects.instead({"SET", key, value, "KEEPTTL"});
    } else {
      ctx.effects.instead({"SET", key, value});
    }
  }
}

bool met(const SetOptions& options, const Entry* old) {
  switch (options.condition) {
    case SetCondition::kAlways: return true;
    case SetCondition::kIfMissing: return old == nullptr;
    case SetCondition::kIfPresent: return old != nullptr;
    case SetCondition::kIfEqual: return old != nullptr && equals(*old, options.comparison);
  }
  return true;
}

void set_with_options(Context& ctx) {
  const auto options = parse_set_options(ctx.args);
  if (!options) return ctx.error(options.error());
  NewExpiry expiry = NoExpiry{};
  if (options->expiry.kind == ExpiryOption::Kind::kTime) {
    const auto ms = positive_expire_millis(options->expiry.time, options->expiry.form, ctx.now(), ctx.spec);
    if (!ms) return ctx.error(ms.error());
    expiry = expiry_at(*ms);
  }
  // Looked up for KEEPTTL too: an expired key must be gone before its expiry could be kept.
  const Entry* old = ctx.db.find(ctx.keys[0], options->reply_old_value ? ctx.read_access() : Access::kWrite);
  if (options->expiry.kind == ExpiryOption::Kind::kKeep && old != nullptr) expiry = KeepExpiry{};
  if (options->reply_old_value) {
    if (wrong_type(old)) return ctx.error(ErrorCode::kWrongType);
    reply_value(ctx, old);
  }
  if (options->condition == SetCondition::kIfEqual && wrong_type(old)) return ctx.error(ErrorCode::kWrongType);
  if (!met(*options, old)) {
    if (!options->reply_old_value) ctx.reply.null();
    return;
  }
  ctx.db.set(ctx.keys[0], ctx.args[2], expiry);
  note_set(ctx);
  if (std::holds_alternative<WallTime>(expiry)) ctx.notify(EventClass::kGeneric, "expire", ctx.keys[0]);
  record_set(ctx, *options, expiry);
  if (!options->reply_old_value) ctx.reply.ok();
}

/// SET reads the old value only when asked for it, or for whether it is a certain one.
KeyUse use_of_set(std::span<const std::string_view> args) {
  for (std::size_t i = 3; i < args.size(); ++i) {
    if (iequals(args[i], "GET") || iequals(args[i], "IFEQ")) {
      return {KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate};
    }
  }
  return {KeyAccess::kOW, KeyAction::kUpdate};
}

constexpr CommandSpec kSet{
    .name = "set",
    .arity = at_least(3),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kString,
    .categories = Category::kString,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate | KeyAction::kVariable)},
    .since = "1.0.0",
    .complexity = "O(1)",
    .summary =
        "Sets a key to a string value, whatever it held before; optionally under a condition and with an expiry.",
    .syntax =
        "key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
        "PXAT "
        "unix-time-milliseconds | KEEPTTL]",
    .variation = &use_of_set};
void set(Context& ctx) {
  if (ctx.args.size() != 3) [[unlikely]]
    return set_with_options(ctx);
  ctx.db.set(ctx.keys[0], ctx.args[2], NoExpiry{});
  note_set(ctx);
  ctx.reply.ok();
}

constexpr CommandSpec kSetNx{.name = "setnx",
                             .arity = exactly(3),
                             .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                             .group = Group::kString,
                             .categories = Category::kString,
                             .keys = {one_key(1, KeyAccess::kOW, KeyAction::kInsert)},
                             .since = "1.0.0",
                             .complexity = "O(1)",
                             .summary = "Sets a key to a string value unless it exists.",
                             .syntax = "key value",
                             .replaced_by = "`SET` with the `NX` argument",
                             .deprecated_since = "2.6.12"};
void setnx(Context& ctx) {
  if (ctx.db.find(ctx.keys[0], Access::kWrite) != nullptr) return ctx.reply.integer(0);
  ctx.db.set(ctx.keys[0], ctx.args[2], NoExpiry{});
  note_set(ctx);
  ctx.effects.instead({"SET", ctx.keys[0].text, ctx.args[2]});
  ctx.reply.integer(1);
}

void set_for(Context& ctx, TimeUnit unit) {
  const auto ms = positive_expire_millis(ctx.args[2], {unit, TimeBase::kFromNow}, ctx.now(), ctx.spec);
  if (!ms) return ctx.error(ms.error());
  const WallTime at = expiry_at(*ms);
  ctx.db.set(ctx.keys[0], ctx.args[3], at);
  note_set(ctx);
  ctx.notify(EventClass::kGeneric, "expire", ctx.keys[0]);
  ctx.effects.instead({"SET", ctx.keys[0].text, ctx.args[3], "PXAT", millis_text(at)});
  ctx.reply.ok();
}

constexpr CommandSpec kSetEx{.name = "setex",
                             .arity = exactly(4),
                             .flags = Flag::kWrite | Flag::kDenyOom,
                             .group = Group::kString,
                             .categories = Category::kString,
                             .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate)},
                             .since = "2.0.0",
                             .complexity = "O(1)",
                             .summary = "Sets a key to a string value that expires after some seconds.",
                             .syntax = "key seconds value",
                             .replaced_by = "`SET` with the `EX` argument",
                             .deprecated_since = "2.6.12"};
void setex(Context& ctx) { set_for(ctx, TimeUnit::kSeconds); }

constexpr CommandSpec kPsetEx{.name = "psetex",
                              .arity = exactly(4),
                              .flags = Flag::kWrite | Flag::kDenyOom,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate)},
                              .since = "2.6.0",
                              .complexity = "O(1)",
                              .summary = "Sets a key to a string value that expires after some milliseconds.",
                              .syntax = "key milliseconds value",
                              .replaced_by = "`SET` with the `PX` argument",
                              .deprecated_since = "2.6.12"};
void psetex(Context& ctx) { set_for(ctx, TimeUnit::kMillis); }

constexpr CommandSpec kGetSet{.name = "getset",
                              .arity = exactly(3),
                              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate)},
                              .since = "1.0.0",
                              .complexity = "O(1)",
                              .summary = "Sets a key to a string value and replies with the one it had.",
                              .syntax = "key value",
                              .replaced_by = "`SET` with the `GET` argument",
                              .deprecated_since = "6.2.0"};
void getset(Context& ctx) {
  const Entry* old = ctx.db.find(ctx.keys[0], ctx.read_access());
  if (wrong_type(old)) return ctx.error(ErrorCode::kWrongType);
  reply_value(ctx, old);
  ctx.db.set(ctx.keys[0], ctx.args[2], NoExpiry{});
  note_set(ctx);
  ctx.effects.instead({"SET", ctx.keys[0].text, ctx.args[2]});
}

constexpr CommandSpec kGetDel{.name = "getdel",
                              .arity = exactly(2),
                              .flags = Flag::kWrite | Flag::kFast,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
                              .since = "6.2.0",
                              .complexity = "O(1)",
                              .summary = "Reads the string value of a key and deletes the key.",
                              .syntax = "key"};
void getdel(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], ctx.read_access());
  if (wrong_type(entry)) return ctx.error(ErrorCode::kWrongType);
  reply_value(ctx, entry);
  if (entry == nullptr) return;
  (void)ctx.db.erase(ctx.keys[0]);
  ctx.effects.changed();
  ctx.effects.instead({"DEL", ctx.keys[0].text});
  ctx.notify(EventClass::kGeneric, "del", ctx.keys[0]);
}

constexpr CommandSpec kDelIfEq{.name = "delifeq",
                               .arity = exactly(3),
                               .flags = Flag::kWrite | Flag::kFast,
                               .group = Group::kString,
                               .categories = Category::kString,
                               .keys = {one_key(1, KeyAccess::kRM, KeyAction::kAccess | KeyAction::kDelete)},
                               .since = "9.0.0",
                               .complexity = "O(1)",
                               .summary = "Deletes a key if its string value equals the one given.",
                               .syntax = "key value"};
void delifeq(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], Access::kWrite);
  if (entry == nullptr) return ctx.reply.integer(0);
  if (wrong_type(entry)) return ctx.error(ErrorCode::kWrongType);
  if (!equals(*entry, ctx.args[2])) return ctx.reply.integer(0);
  (void)ctx.db.erase(ctx.keys[0]);
  ctx.effects.changed();
  ctx.effects.instead({"DEL", ctx.keys[0].text});
  ctx.notify(EventClass::kGeneric, "del", ctx.keys[0]);
  ctx.reply.integer(1);
}

/// GETEX with a time. A moment that has passed deletes the key, unless others decide on expiry here.
void reexpire(Context& ctx, TimeForm form, std::int64_t unix_ms) {
  const KeyRef& key = ctx.keys[0];
  ctx.effects.changed();
  if (form.base == TimeBase::kUnixEpoch && unix_ms <= unix_millis(ctx.now()) &&
      ctx.db.context().expiry_role == ExpiryRole::kPrimary) {
    (void)ctx.db.erase(key);
    ctx.effects.instead({"DEL", key.text});
    return ctx.notify(EventClass::kGeneric, "del", key);
  }
  const WallTime at = expiry_at(unix_ms);
  (void)ctx.db.set_expiry(key, at);
  ctx.notify(EventClass::kGeneric, "expire", key);
  ctx.effects.instead({"PEXPIREAT", key.text, millis_text(at)});
}

constexpr CommandSpec kGetEx{
    .name = "getex",
    .arity = at_least(2),
    .flags = Flag::kWrite | Flag::kFast,
    .group = Group::kString,
    .categories = Category::kString,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate)},
    .since = "6.2.0",
    .complexity = "O(1)",
    .summary = "Reads the string value of a key and sets or removes its expiry.",
    .syntax = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]"};
void getex(Context& ctx) {
  const auto option = parse_getex_options(ctx.args);
  if (!option) return ctx.error(option.error());
  const Entry* entry = ctx.db.find(ctx.keys[0], ctx.read_access());
  if (entry == nullptr) return ctx.reply.null();
  if (wrong_type(entry)) return ctx.error(ErrorCode::kWrongType);
  if (option->kind == ExpiryOption::Kind::kTime) {
    const auto ms = positive_expire_millis(option->time, option->form, ctx.now(), ctx.spec);
    if (!ms) return ctx.error(ms.error());
    reply_value(ctx, entry);
    return reexpire(ctx, option->form, *ms);
  }
  reply_value(ctx, entry);
  if (option->kind == ExpiryOption::Kind::kPersist && entry->has_expiry()) {
    (void)ctx.db.set_expiry(ctx.keys[0], std::nullopt);
    ctx.effects.changed();
    ctx.effects.instead({"PERSIST", ctx.keys[0].text});
    ctx.notify(EventClass::kGeneric, "persist", ctx.keys[0]);
  }
}

}  // namespace

void register_string_writes(CommandTable& table) {
  table.add(kSet, &set);
  table.add(kSetNx, &setnx);
  table.add(kSetEx, &setex);
  table.add(kPsetEx, &psetex);
  table.add(kGetSet, &getset);
  table.add(kGetDel, &getdel);
  table.add(kDelIfEq, &delifeq);
  table.add(kGetEx, &getex);
}

}  // namespace ashlar::commands
