#include "commands/hash/parts.h"

#include <limits>
#include <string>

#include "base/bytes.h"

namespace ashlar::commands {

using namespace command;

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
