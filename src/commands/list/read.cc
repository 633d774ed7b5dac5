#include <algorithm>
#include <limits>
#include <optional>

#include "commands/list/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::List;
using keyspace::ListEnd;

namespace {

constexpr CommandSpec kLlen{.name = "llen",
                            .arity = exactly(2),
                            .flags = Flag::kReadOnly | Flag::kFast,
                            .group = Group::kList,
                            .categories = Category::kList,
                            .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone)},
                            .since = "1.0.0",
                            .complexity = "O(1)",
                            .summary = "Tells how many elements a list has.",
                            .syntax = "key"};
void llen(Context& ctx) {
  const auto list = ctx.db.read<List>(ctx.keys[0], ctx.read_access());
  if (!list) return ctx.error(list.error());
  ctx.reply.integer(*list == nullptr ? 0 : static_cast<std::int64_t>((*list)->size()));
}

constexpr CommandSpec kLindex{.name = "lindex",
                              .arity = exactly(3),
                              .flags = Flag::kReadOnly,
                              .group = Group::kList,
                              .categories = Category::kList,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "1.0.0",
                              .complexity = "O(N) where N is the distance to the nearer end; O(1) at the ends.",
                              .summary = "Reads the element at an index; negative ones count from the right end.",
                              .syntax = "key index"};
void lindex(Context& ctx) {
  const auto found = ctx.db.read<List>(ctx.keys[0], ctx.read_access());
  if (!found) return ctx.error(found.error());
  if (*found == nullptr) return ctx.reply.null();
  const auto index = parse_i64(ctx.args[2]);
  if (!index) return ctx.error(ErrorCode::kNotInteger);
  const List::Cursor at = (*found)->seek(*index);
  at.at_end() ? ctx.reply.null() : reply_element(ctx, at.value());
}

constexpr CommandSpec kLrange{.name = "lrange",
                              .arity = exactly(4),
                              .flags = Flag::kReadOnly,
                              .group = Group::kList,
                              .categories = Category::kList,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "1.0.0",
                              .complexity =
                                  "O(S+N) where S is the distance of the first element from the nearer end and N the "
                                  "number of elements returned.",
                              .summary = "Reads the elements between two indexes, both included.",
                              .syntax = "key start stop"};
void lrange(Context& ctx) {
  ArgParser in(ctx.args, 2);
  std::int64_t start = in.integer();
  std::int64_t stop = in.integer();
  if (in.failed()) return ctx.error(in.error());
  const auto found = ctx.db.read<List>(ctx.keys[0], ctx.read_access());
  if (!found) return ctx.error(found.error());
  if (*found == nullptr) return ctx.reply.array(0);
  const List& list = **found;
  const auto size = static_cast<std::int64_t>(list.size());
  if (start < 0) start = std::max<std::int64_t>(start + size, 0);
  if (stop < 0) stop += size;
  if (start > stop || start >= size) return ctx.reply.array(0);
  stop = std::min(stop, size - 1);
  const auto count = static_cast<std::uint64_t>(stop - start + 1);
  ctx.reply.array(count);
  list.walk(static_cast<std::uint64_t>(start), count, ListEnd::kLeft,
            [&](const ds::PackedValue& value) { reply_element(ctx, value); });
}

struct PositionOptions {
  ListEnd from = ListEnd::kLeft;
  std::uint64_t rank = 1;              // the first match to report
  std::optional<std::uint64_t> count;  // absent: one match, not as an array; 0: all
  std::uint64_t steps_max = std::numeric_limits<std::uint64_t>::max();
};

Result<PositionOptions> read_position_options(const Context& ctx) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  PositionOptions options;
  ArgParser in(ctx.args, 3);
  while (in.more()) {
    if (in.left() >= 2 && in.take("RANK")) {
      const std::int64_t rank = in.integer();
      if (in.failed()) break;
      if (rank < -kMax) {
        return fail("value is out of range, value must between -9223372036854775807 and 9223372036854775807");
      }
      if (rank == 0) {
        return fail(
            "RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
            "from the end of the list");
      }
      options.from = rank > 0 ? ListEnd::kLeft : ListEnd::kRight;
      options.rank = static_cast<std::uint64_t>(rank > 0 ? rank : -rank);
    } else if (in.left() >= 2 && in.take("COUNT")) {
      options.count =
          static_cast<std::uint64_t>(in.integer_in(0, kMax, {ErrorCode::kGeneric, "COUNT can't be negative"}));
    } else if (in.left() >= 2 && in.take("MAXLEN")) {
      const std::int64_t steps = in.integer_in(0, kMax, {ErrorCode::kGeneric, "MAXLEN can't be negative"});
      options.steps_max = steps > 0 ? static_cast<std::uint64_t>(steps) : std::numeric_limits<std::uint64_t>::max();
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

constexpr CommandSpec kLpos{.name = "lpos",
                            .arity = at_least(3),
                            .flags = Flag::kReadOnly,
                            .group = Group::kList,
                            .categories = Category::kList,
                            .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                            .since = "6.0.6",
                            .complexity = "O(N) where N is the number of elements compared.",
                            .summary = "Finds the indexes of elements that equal a value.",
                            .syntax = "key element [RANK rank] [COUNT num-matches] [MAXLEN len]"};
void lpos(Context& ctx) {
  const auto options = read_position_options(ctx);
  if (!options) return ctx.error(options.error());
  const auto found = ctx.db.read<List>(ctx.keys[0], ctx.read_access());
  if (!found) return ctx.error(found.error());
  if (*found == nullptr) return options->count ? ctx.reply.array(0) : ctx.reply.null();
  const List& list = **found;

  std::vector<std::uint64_t> indexes;
  const std::uint64_t wanted = options->count.value_or(1) == 0 ? list.size() : options->count.value_or(1);
  const ds::PackedItem element(ctx.args[2]);
  const std::uint64_t size = list.size();
  std::uint64_t matches = 0;
  std::uint64_t step = 0;
  for (List::Cursor at = list.seek(options->from); !at.at_end() && step < options->steps_max;
       at.step(options->from), ++step) {
    if (!at.matches(element) || ++matches < options->rank) continue;
    indexes.push_back(options->from == ListEnd::kLeft ? step : size - 1 - step);
    if (indexes.size() >= wanted) break;
  }

  if (options->count) {
    ctx.reply.array(indexes.size());
  } else if (indexes.empty()) {
    return ctx.reply.null();
  }
  for (const std::uint64_t index : indexes) ctx.reply.integer(static_cast<std::int64_t>(index));
}

}  // namespace

void register_list_reads(CommandTable& table) {
  table.add(kLlen, &llen);
  table.add(kLindex, &lindex);
  table.add(kLrange, &lrange);
  table.add(kLpos, &lpos);
}

}  // namespace ashlar::commands
