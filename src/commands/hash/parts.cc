#include "commands/hash/parts.h"

#include <limits>
#include <string>

#include "base/bytes.h"

namespace ashlar::commands {

using namespace command;
using keyspace::ExpiryRole;

namespace {

/// Latest expiry of a field that a client may set. Source: Redis 7.4, which keeps 46 bits.
constexpr std::int64_t kLatestMs = (std::int64_t{1} << 46) - 1;

}  // namespace

Result<const Hash*> read_hash(Context& ctx) { return ctx.db.read<Hash>(ctx.keys[0], ctx.read_access()); }

Result<Hash*> edit_hash(Context& ctx) {
  auto found = ctx.db.edit<Hash>(ctx.keys[0]);
  if (!found || *found == nullptr) return found;
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  if (!ctx.db.expire_fields(ctx.keys[0], **found, kAll)) return nullptr;
  return found;
}

Result<Hash*> edit_or_create_hash(Context& ctx) {
  auto found = edit_hash(ctx);
  if (!found || *found != nullptr) return found;
  return &ctx.db.create<Hash>(ctx.keys[0]);
}

Result<std::int64_t> parse_field_expiry(const Context& ctx, std::string_view text, TimeForm form) {
  const auto value = parse_i64(text);
  if (!value) return fail(ErrorCode::kNotInteger);
  if (*value < 0) return fail("invalid expire time, must be >= 0");
  const bool applied = ctx.db.context().expiry_role == ExpiryRole::kApply;
  const std::int64_t latest = applied ? std::numeric_limits<std::int64_t>::max() : kLatestMs;
  const std::int64_t factor = form.unit == TimeUnit::kSeconds ? 1000 : 1;
  const std::int64_t base = form.base == TimeBase::kFromNow ? unix_millis(ctx.now()) : 0;
  if (*value > latest / factor || *value * factor > latest - base) {
    return std::unexpected(invalid_expire_time(ctx.spec));
  }
  return *value * factor + base;
}

bool field_expiry_passed(const Context& ctx, std::int64_t at_ms) {
  return at_ms <= unix_millis(ctx.now()) && ctx.db.context().expiry_role == ExpiryRole::kPrimary;
}

Result<std::span<const std::string_view>> parse_fields(std::span<const std::string_view> args, std::size_t at,
                                                       std::string_view not_positive) {
  if (at + 1 >= args.size() || !iequals(args[at], "FIELDS")) {
    return fail("Mandatory argument FIELDS is missing or not at the right position");
  }
  const auto count = parse_i64(args[at + 1]);
  if (!count || *count < 1) return fail(std::string(not_positive));
  const auto fields = args.subspan(at + 2);
  if (static_cast<std::uint64_t>(*count) != fields.size()) {
    return fail("The `numfields` parameter must match the number of arguments");
  }
  return fields;
}

Effects::Record fields_record(std::string_view name, std::string_view key, std::span<const std::string_view> more,
                              std::span<const std::string_view> fields) {
  Effects::Record record;
  record.reserve(more.size() + fields.size() + 4);
  record.emplace_back(name);
  record.emplace_back(key);
  for (const std::string_view word : more) record.emplace_back(word);
  record.emplace_back("FIELDS");
  record.push_back(std::to_string(fields.size()));
  for (const std::string_view field : fields) record.emplace_back(field);
  return record;
}

}  // namespace ashlar::commands
