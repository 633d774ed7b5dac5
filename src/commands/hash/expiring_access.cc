#include <string>
#include <variant>
#include <vector>

#include "commands/hash/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

using Fields = std::span<const std::string_view>;

struct Untouched {};
struct Keep {};
struct Persist {};
/// What becomes of the expiry of fields; the number is Unix milliseconds.
using FieldExpiry = std::variant<Untouched, Keep, Persist, std::int64_t>;

enum class Presence : std::uint8_t { kAny, kNone, kAll };

/// What stands before FIELDS.
struct Options {
  FieldExpiry expiry;
  Presence presence = Presence::kAny;
  std::size_t fields_at = 0;
};

std::optional<TimeForm> time_option(std::string_view word) {
  if (iequals(word, "EX")) return TimeForm{TimeUnit::kSeconds, TimeBase::kFromNow};
  if (iequals(word, "PX")) return TimeForm{TimeUnit::kMillis, TimeBase::kFromNow};
  if (iequals(word, "EXAT")) return TimeForm{TimeUnit::kSeconds, TimeBase::kUnixEpoch};
  if (iequals(word, "PXAT")) return TimeForm{TimeUnit::kMillis, TimeBase::kUnixEpoch};
  return std::nullopt;
}

Result<void> take_expiry(Options& options, FieldExpiry expiry, std::string_view last_word) {
  if (!std::holds_alternative<Untouched>(options.expiry)) {
    return fail("Only one of EX, PX, EXAT, PXAT or " + std::string(last_word) + " arguments can be specified");
  }
  options.expiry = expiry;
  return {};
}

/// The options of HGETEX (`last_word` PERSIST) or HSETEX (KEEPTTL, and FNX, FXX).
Result<Options> parse_options(const Context& ctx, std::string_view last_word) {
  const bool setting = last_word == "KEEPTTL";
  Options options;
  for (std::size_t i = 2; i < ctx.args.size(); ++i) {
    const std::string_view word = ctx.args[i];
    if (iequals(word, "FIELDS")) {
      options.fields_at = i;
      return options;
    }
    if (iequals(word, last_word)) {
      ASH_TRY_VOID(take_expiry(options, setting ? FieldExpiry(Keep{}) : FieldExpiry(Persist{}), last_word));
    } else if (const auto form = time_option(word); form && i + 1 < ctx.args.size()) {
      ASH_TRY(const std::int64_t ms, parse_field_expiry(ctx, ctx.args[++i], *form));
      ASH_TRY_VOID(take_expiry(options, ms, last_word));
    } else if (setting && (iequals(word, "FNX") || iequals(word, "FXX"))) {
      if (options.presence != Presence::kAny) return fail("Only one of FXX or FNX arguments can be specified");
      options.presence = iequals(word, "FNX") ? Presence::kNone : Presence::kAll;
    } else {
      return fail("unknown argument: " + std::string(word));
    }
  }
  return fail("missing FIELDS argument");
}

Effects::Record removal_record(std::string_view key, Fields fields) {
  Effects::Record record = {"HDEL", std::string(key)};
  for (const std::string_view field : fields) record.emplace_back(field);
  return record;
}

void reply_nulls(Context& ctx, std::size_t n) {
  ctx.reply.array(n);
  for (std::size_t i = 0; i < n; ++i) ctx.reply.null();
}

/// Replies with the values of `fields` and returns those that are there.
std::vector<std::string_view> reply_values(Context& ctx, const Hash& hash, Fields fields) {
  std::vector<std::string_view> present;
  ctx.reply.array(fields.size());
  for (const std::string_view field : fields) {
    const auto item = hash.get(LookupText(field), ctx.db.fields_from_ms());
    if (item) present.push_back(field);
    item ? reply_packed(ctx.reply, item->value) : ctx.reply.null();
  }
  return present;
}

/// Removes these fields (a name may come twice) and tells of it.
void remove_fields(Context& ctx, Hash& hash, Fields fields) {
  if (fields.empty()) return;
  for (const std::string_view field : fields) hash.erase(LookupText(field));
  ctx.changed(ctx.keys[0], EventClass::kHash, "hdel", fields.size());
  ctx.effects.instead(removal_record(ctx.keys[0].text, fields));
  if (hash.empty()) ctx.erase_emptied(ctx.keys[0]);
}

constexpr CommandSpec kHgetdel{.name = "hgetdel",
                               .arity = at_least(5),
                               .flags = Flag::kWrite | Flag::kFast,
                               .group = Group::kHash,
                               .categories = Category::kHash,
                               .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
                               .since = "8.0.0",
                               .complexity = "O(N) where N is the number of fields given.",
                               .summary = "Reads the values of fields of a hash and deletes the fields.",
                               .syntax = "key FIELDS numfields field [field ...]"};
void hgetdel(Context& ctx) {
  const auto found = edit_hash(ctx);
  if (!found) return ctx.error(found.error());
  const auto fields = parse_fields(ctx.args, 2, "Number of fields must be a positive integer");
  if (!fields) return ctx.error(fields.error());
  if (*found == nullptr) return reply_nulls(ctx, fields->size());
  // One after another: a name that comes twice is gone the second time.
  Hash& hash = **found;
  std::vector<std::string_view> removed;
  ctx.reply.array(fields->size());
  for (const std::string_view text : *fields) {
    const LookupText field(text);
    const auto item = hash.get(field, ctx.db.fields_from_ms());
    item ? reply_packed(ctx.reply, item->value) : ctx.reply.null();
    if (!item) continue;
    hash.erase(field);
    removed.push_back(text);
  }
  remove_fields(ctx, hash, removed);
}

constexpr CommandSpec kHgetex{
    .name = "hgetex",
    .arity = at_least(5),
    .flags = Flag::kWrite | Flag::kFast,
    .group = Group::kHash,
    .categories = Category::kHash,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate)},
    .since = "8.0.0",
    .complexity = "O(N log M) where N is the number of fields given and M that of fields with an expiry.",
    .summary = "Reads the values of fields of a hash and sets or removes their expiry.",
    .syntax =
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] "
        "FIELDS numfields field [field ...]"};
void hgetex(Context& ctx) {
  const auto found = edit_hash(ctx);
  if (!found) return ctx.error(found.error());
  const auto options = parse_options(ctx, "PERSIST");
  if (!options) return ctx.error(options.error());
  const auto fields = parse_fields(ctx.args, options->fields_at, "Number of fields must be a positive integer");
  if (!fields) return ctx.error(fields.error());
  if (*found == nullptr) return reply_nulls(ctx, fields->size());
  Hash& hash = **found;
  const KeyRef& key = ctx.keys[0];
  const auto present = reply_values(ctx, hash, *fields);
  if (present.empty()) return;
  if (const auto* at = std::get_if<std::int64_t>(&options->expiry)) {
    if (field_expiry_passed(ctx, *at)) return remove_fields(ctx, hash, present);
    for (const std::string_view field : present) hash.set_expiry(LookupText(field), *at);
    ctx.db.plan_field_expiry(key, hash);
    ctx.changed(key, EventClass::kHash, "hexpire", present.size());
    DecimalBuffer digits;
    const std::string_view time = format_i64(*at, digits);
    ctx.effects.instead(fields_record("HPEXPIREAT", key.text, {&time, 1}, present));
  } else if (std::holds_alternative<Persist>(options->expiry)) {
    for (const std::string_view field : present) hash.set_expiry(LookupText(field), keyspace::kNoExpiryMs);
    ctx.changed(key, EventClass::kHash, "hpersist", present.size());
    ctx.effects.instead(fields_record("HPERSIST", key.text, {}, present));
  }
}

/// Names and values behind "FIELDS numfields".
Result<Fields> parse_pairs(std::span<const std::string_view> args, std::size_t at) {
  const auto count = at + 1 < args.size() ? parse_i64(args[at + 1]) : std::nullopt;
  if (!count || *count < 1) return fail("invalid number of fields");
  const Fields pairs = args.subspan(at + 2);
  if (pairs.size() % 2 != 0 || static_cast<std::uint64_t>(*count) != pairs.size() / 2) {
    return fail("numfields should be greater than 0 and match the provided number of fields");
  }
  return pairs;
}

bool presence_met(const Context& ctx, const Hash* hash, Fields pairs, Presence presence) {
  if (presence == Presence::kAny) return true;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const bool there = hash != nullptr && hash->get(LookupText(pairs[i]), ctx.db.fields_from_ms());
    if (there != (presence == Presence::kAll)) return false;
  }
  return true;
}

/// The same change without condition and with an absolute time.
void record_set(Context& ctx, Fields pairs, const FieldExpiry& expiry) {
  Effects::Record record = {"HSETEX", std::string(ctx.keys[0].text)};
  if (const auto* at = std::get_if<std::int64_t>(&expiry)) {
    record.emplace_back("PXAT");
    record.push_back(std::to_string(*at));
  } else if (std::holds_alternative<Keep>(expiry)) {
    record.emplace_back("KEEPTTL");
  }
  record.emplace_back("FIELDS");
  record.push_back(std::to_string(pairs.size() / 2));
  for (const std::string_view word : pairs) record.emplace_back(word);
  ctx.effects.instead(std::move(record));
}

constexpr CommandSpec kHsetex{
    .name = "hsetex",
    .arity = at_least(6),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
    .group = Group::kHash,
    .categories = Category::kHash,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
    .since = "8.0.0",
    .complexity = "O(N log M) where N is the number of fields given and M that of fields with an expiry.",
    .summary = "Sets fields of a hash with an expiry, if all or none of them exist when asked for.",
    .syntax =
        "key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | "
        "KEEPTTL] FIELDS numfields field value [field value ...]"};
void hsetex(Context& ctx) {
  const auto options = parse_options(ctx, "KEEPTTL");
  if (!options) return ctx.error(options.error());
  const auto pairs = parse_pairs(ctx.args, options->fields_at);
  if (!pairs) return ctx.error(pairs.error());
  auto found = edit_hash(ctx);
  if (!found) return ctx.error(found.error());
  if (!presence_met(ctx, *found, *pairs, options->presence)) return ctx.reply.integer(0);
  const KeyRef& key = ctx.keys[0];
  ctx.reply.integer(1);
  Hash& hash = *found != nullptr ? **found : ctx.db.create<Hash>(key);
  const auto* at = std::get_if<std::int64_t>(&options->expiry);
  if (at != nullptr && field_expiry_passed(ctx, *at)) {  // set and gone at once
    std::vector<std::string_view> gone;
    for (std::size_t i = 0; i < pairs->size(); i += 2) gone.push_back((*pairs)[i]);
    ctx.notify(EventClass::kHash, "hset", key);
    return remove_fields(ctx, hash, gone);
  }
  hash.expect(pairs->size() / 2, ctx.limits());
  for (std::size_t i = 0; i < pairs->size(); i += 2) {
    const LookupText field((*pairs)[i]);
    std::int64_t expiry_ms = at != nullptr ? *at : keyspace::kNoExpiryMs;
    if (std::holds_alternative<Keep>(options->expiry)) {
      if (const auto old = hash.get(field, ctx.db.fields_from_ms())) expiry_ms = old->expiry_ms;
    }
    hash.set(field, (*pairs)[i + 1], ctx.limits(), expiry_ms);
  }
  if (at != nullptr) ctx.db.plan_field_expiry(key, hash);
  ctx.changed(key, EventClass::kHash, "hset", pairs->size() / 2);
  if (at != nullptr) ctx.notify(EventClass::kHash, "hexpire", key);
  record_set(ctx, *pairs, options->expiry);
}

}  // namespace

void register_hash_expiring_access(CommandTable& table) {
  table.add(kHgetdel, &hgetdel);
  table.add(kHgetex, &hgetex);
  table.add(kHsetex, &hsetex);
}

}  // namespace ashlar::commands
