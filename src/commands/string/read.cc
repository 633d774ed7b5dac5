#include <algorithm>

#include "command/arg_parser.h"
#include "commands/string/commands.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr CommandSpec kGet{.name = "get",
                           .arity = exactly(2),
                           .flags = Flag::kReadOnly | Flag::kFast,
                           .group = Group::kString,
                           .categories = Category::kString,
                           .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                           .since = "1.0.0",
                           .complexity = "O(1)",
                           .summary = "Reads the string value of a key.",
                           .syntax = "key"};
void get(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], ctx.read_access());
  if (entry == nullptr) return ctx.reply.null();
  if (!entry->is_string()) [[unlikely]]
    return ctx.error(ErrorCode::kWrongType);
  DecimalBuffer buffer;
  ctx.reply.bulk(entry->text(buffer));
}

constexpr CommandSpec kStrlen{.name = "strlen",
                              .arity = exactly(2),
                              .flags = Flag::kReadOnly | Flag::kFast,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone)},
                              .since = "2.2.0",
                              .complexity = "O(1)",
                              .summary = "Tells how many bytes the string value of a key has.",
                              .syntax = "key"};
void strlen(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], ctx.read_access());
  if (entry != nullptr && !entry->is_string()) return ctx.error(ErrorCode::kWrongType);
  ctx.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(entry->text_size()));
}

/// The bytes first..last of `text`, both included; negative positions count from the end. Source: GETRANGE.
std::string_view slice(std::string_view text, std::int64_t first, std::int64_t last) {
  const auto size = static_cast<std::int64_t>(text.size());
  if (first < 0 && last < 0 && first > last) return {};
  if (first < 0) first = std::max<std::int64_t>(size + first, 0);
  if (last < 0) last = std::max<std::int64_t>(size + last, 0);
  last = std::min(last, size - 1);
  if (first > last) return {};
  return text.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first + 1));
}

constexpr CommandSpec kGetRange{.name = "getrange",
                                .arity = exactly(4),
                                .flags = Flag::kReadOnly,
                                .group = Group::kString,
                                .categories = Category::kString,
                                .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                .since = "2.4.0",
                                .complexity = "O(N) where N is the length of the part that is returned.",
                                .summary = "Reads a part of a string value, given by first and last position.",
                                .syntax = "key start end"};
constexpr CommandSpec kSubstr{.name = "substr",
                              .arity = exactly(4),
                              .flags = Flag::kReadOnly,
                              .group = Group::kString,
                              .categories = Category::kString,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "1.0.0",
                              .complexity = "O(N) where N is the length of the part that is returned.",
                              .summary = "The old name of GETRANGE.",
                              .syntax = "key start end",
                              .replaced_by = "`GETRANGE`",
                              .deprecated_since = "2.0.0"};
void get_range(Context& ctx) {
  ArgParser in(ctx.args, 2);
  const std::int64_t first = in.integer();
  const std::int64_t last = in.integer();
  if (in.failed()) return ctx.error(in.error());
  const Entry* entry = ctx.db.find(ctx.keys[0], ctx.read_access());
  if (entry == nullptr) return ctx.reply.bulk({});
  if (!entry->is_string()) return ctx.error(ErrorCode::kWrongType);
  DecimalBuffer buffer;
  ctx.reply.bulk(slice(entry->text(buffer), first, last));
}

}  // namespace

void register_string_reads(CommandTable& table) {
  table.add(kGet, &get);
  table.add(kStrlen, &strlen);
  table.add(kGetRange, &get_range);
  table.add(kSubstr, &get_range);
}

}  // namespace ashlar::commands
