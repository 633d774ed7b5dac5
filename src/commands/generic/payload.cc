#include <limits>
#include <optional>

#include "command/arg_parser.h"
#include "commands/generic/parts.h"
#include "commands/shared/expire_time.h"

namespace ashlar::commands {

using namespace command;
using keyspace::ExpiryRole;

namespace {

constexpr CommandSpec kDump{.name = "dump",
                            .arity = exactly(2),
                            .flags = Flag::kReadOnly,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace,
                            .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                            .since = "2.6.0",
                            .complexity = "O(N) where N is the size of the value.",
                            .summary = "Gives the value of a key in a serialised form that RESTORE takes.",
                            .syntax = "key",
                            .tips = "nondeterministic_output"};
constexpr CommandSpec kRestore{
    .name = "restore",
    .arity = at_least(4),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kGeneric,
    .categories = Category::kKeyspace | Category::kDangerous,
    .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate)},
    .since = "2.6.0",
    .complexity = "O(N) where N is the size of the value.",
    .summary = "Creates a key from the serialised form that DUMP gives.",
    .syntax = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]"};
constexpr CommandSpec kRestoreAsking{
    .name = "restore-asking",
    .arity = at_least(4),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kAsking,
    .group = Group::kServer,
    .categories = Category::kKeyspace | Category::kDangerous,
    .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate)},
    .since = "3.0.0",
    .complexity = "O(N) where N is the size of the value.",
    .summary = "RESTORE as cluster nodes send it to each other while a slot moves.",
    .syntax = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]"};

struct RestoreOptions {
  bool replace = false;
  TimeBase base = TimeBase::kFromNow;
  std::optional<Seconds> idle;
  std::optional<std::uint8_t> frequency;
};

Result<RestoreOptions> parse_options(std::span<const std::string_view> args) {
  RestoreOptions options;
  ArgParser in(args, 4);
  while (in.more()) {
    if (in.take("REPLACE")) {
      options.replace = true;
    } else if (in.take("ABSTTL")) {
      options.base = TimeBase::kUnixEpoch;
    } else if (in.left() >= 2 && !options.frequency && in.take("IDLETIME")) {
      const std::int64_t idle = in.integer();
      if (idle < 0) in.fail_with({ErrorCode::kGeneric, "Invalid IDLETIME value, must be >= 0"});
      options.idle = Seconds(idle);
    } else if (in.left() >= 2 && !options.idle && in.take("FREQ")) {
      const std::int64_t count = in.integer();
      if (count < 0 || count > 255) in.fail_with({ErrorCode::kGeneric, "Invalid FREQ value, must be >= 0 and <= 255"});
      options.frequency = static_cast<std::uint8_t>(count);
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

/// Unix milliseconds of the expiry; nullopt for a ttl of 0, which means none.
Result<std::optional<std::int64_t>> parse_ttl(const Context& ctx, TimeBase base) {
  const auto ttl = parse_i64(ctx.args[2]);
  if (!ttl) return fail(ErrorCode::kNotInteger);
  if (*ttl < 0) return fail("Invalid TTL value, must be >= 0");
  if (*ttl == 0) return std::nullopt;
  if (base == TimeBase::kUnixEpoch) return *ttl;
  std::int64_t at = 0;
  if (__builtin_add_overflow(*ttl, unix_millis(ctx.now()), &at)) at = std::numeric_limits<std::int64_t>::max();
  return at;
}

void set_clock(Context& ctx, Entry& entry, const RestoreOptions& options) {
  const auto policy = ctx.db.keyspace().access().policy.load(std::memory_order_relaxed);
  if (uses_lfu(policy)) {
    if (options.frequency) entry.set_clock(keyspace::lfu_clock_for_count(*options.frequency, ctx.now()));
  } else if (options.idle) {
    entry.set_clock(keyspace::lru_clock_for_idle(*options.idle, ctx.now()));
  }
}

/// The command as received with its ttl made absolute.
void record(Context& ctx, TimeBase base, std::optional<WallTime> expiry) {
  if (!expiry || base == TimeBase::kUnixEpoch) return;
  Effects::Record record;
  record.reserve(ctx.args.size() + 1);
  for (const std::string_view arg : ctx.args) record.emplace_back(arg);
  record[2] = millis_text(*expiry);
  record.emplace_back("ABSTTL");
  ctx.effects.instead(std::move(record));
}

}  // namespace

void GenericCommands::dump(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], ctx.read_access());
  if (entry == nullptr) return ctx.reply.null();
  ctx.reply.bulk(codec_.dump(*entry));
}

void GenericCommands::restore(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const auto options = parse_options(ctx.args);
  if (!options) return ctx.error(options.error());
  if (!options->replace && ctx.db.find(key, Access::kWrite) != nullptr) return ctx.error(ErrorCode::kBusyKey);
  const auto expiry_ms = parse_ttl(ctx, options->base);
  if (!expiry_ms) return ctx.error(expiry_ms.error());
  auto value = codec_.restore(ctx.args[3], ctx.limits());
  if (!value) return ctx.error(value.error());
  if (*expiry_ms && **expiry_ms <= unix_millis(ctx.now()) && ctx.db.context().expiry_role == ExpiryRole::kPrimary) {
    // It would expire at once; all that remains of the command is that it replaced the old value.
    if (ctx.db.erase(key)) {
      ctx.effects.changed();
      ctx.effects.instead({"DEL", key.text});
      ctx.notify(EventClass::kGeneric, "del", key);
    }
    return ctx.reply.ok();
  }
  const std::optional<WallTime> expiry = *expiry_ms ? std::optional(expiry_at(**expiry_ms)) : std::nullopt;
  Entry* entry = ctx.db.put(key, std::move(*value), expiry);
  set_clock(ctx, *entry, *options);
  ctx.effects.changed();
  record(ctx, options->base, expiry);
  ctx.notify(EventClass::kGeneric, "restore", key);
  ctx.reply.ok();
}

void register_payload(CommandTable& table, GenericCommands& commands) {
  table.add(kDump, Handler::bind<&GenericCommands::dump>(commands));
  table.add(kRestore, Handler::bind<&GenericCommands::restore>(commands));
  table.add(kRestoreAsking, Handler::bind<&GenericCommands::restore>(commands));
}

}  // namespace ashlar::commands
