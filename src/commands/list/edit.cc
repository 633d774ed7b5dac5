#include <algorithm>
#include <limits>

#include "commands/list/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::List;
using keyspace::ListEnd;
using keyspace::ListSide;

namespace {

constexpr CommandSpec kLinsert{.name = "linsert",
                               .arity = exactly(5),
                               .flags = Flag::kWrite | Flag::kDenyOom,
                               .group = Group::kList,
                               .categories = Category::kList,
                               .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                               .since = "2.2.0",
                               .complexity = "O(N) where N is the number of elements up to the pivot.",
                               .summary = "Puts an element before or after the first one that equals a pivot.",
                               .syntax = "key <BEFORE | AFTER> pivot element"};
void linsert(Context& ctx) {
  const bool after = iequals(ctx.args[2], "AFTER");
  if (!after && !iequals(ctx.args[2], "BEFORE")) return ctx.error(ErrorCode::kSyntax);
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<List>(key);
  if (!found) return ctx.error(found.error());
  List* list = *found;
  if (list == nullptr) return ctx.reply.integer(0);
  const ListSide side = after ? ListSide::kAfter : ListSide::kBefore;
  if (!list->insert(side, ctx.args[3], ctx.args[4], ctx.limits())) return ctx.reply.integer(-1);
  ctx.changed(key, EventClass::kList, "linsert");
  ctx.reply.integer(static_cast<std::int64_t>(list->size()));
}

constexpr CommandSpec kLset{.name = "lset",
                            .arity = exactly(4),
                            .flags = Flag::kWrite | Flag::kDenyOom,
                            .group = Group::kList,
                            .categories = Category::kList,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
                            .since = "1.0.0",
                            .complexity = "O(N) where N is the distance to the nearer end; O(1) at the ends.",
                            .summary = "Replaces the element at an index.",
                            .syntax = "key index element"};
void lset(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<List>(key);
  if (!found) return ctx.error(found.error());
  if (*found == nullptr) return ctx.error(ErrorCode::kNoSuchKey);
  const auto index = parse_i64(ctx.args[2]);
  if (!index) return ctx.error(ErrorCode::kNotInteger);
  if (!(*found)->set(*index, ctx.args[3], ctx.limits())) return ctx.error(ErrorCode::kOutOfRange);
  ctx.changed(key, EventClass::kList, "lset");
  ctx.reply.ok();
}

constexpr CommandSpec kLrem{.name = "lrem",
                            .arity = exactly(4),
                            .flags = Flag::kWrite,
                            .group = Group::kList,
                            .categories = Category::kList,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                            .since = "1.0.0",
                            .complexity = "O(N+M) where N is the length of the list and M the number removed.",
                            .summary = "Removes elements that equal a value, from the left, from the right, or all.",
                            .syntax = "key count element"};
void lrem(Context& ctx) {
  const auto asked = parse_i64(ctx.args[2]);
  if (!asked) return ctx.error(ErrorCode::kNotInteger);
  if (*asked == std::numeric_limits<std::int64_t>::min()) {
    return ctx.error("value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  }
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<List>(key);
  if (!found) return ctx.error(found.error());
  List* list = *found;
  if (list == nullptr) return ctx.reply.integer(0);
  const ListEnd from = *asked < 0 ? ListEnd::kRight : ListEnd::kLeft;
  const auto count = *asked == 0 ? list->size() : static_cast<std::uint64_t>(*asked < 0 ? -*asked : *asked);
  const std::uint64_t removed = list->remove(ctx.args[3], from, count, ctx.limits());
  if (removed > 0) {
    ctx.changed(key, EventClass::kList, "lrem", removed);
    if (list->empty()) ctx.erase_emptied(key);
  }
  ctx.reply.integer(static_cast<std::int64_t>(removed));
}

constexpr CommandSpec kLtrim{.name = "ltrim",
                             .arity = exactly(4),
                             .flags = Flag::kWrite,
                             .group = Group::kList,
                             .categories = Category::kList,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                             .since = "1.0.0",
                             .complexity = "O(N) where N is the number of elements removed.",
                             .summary = "Removes all elements but those between two indexes, both included.",
                             .syntax = "key start stop"};
void ltrim(Context& ctx) {
  ArgParser in(ctx.args, 2);
  std::int64_t start = in.integer();
  std::int64_t stop = in.integer();
  if (in.failed()) return ctx.error(in.error());
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<List>(key);
  if (!found) return ctx.error(found.error());
  List* list = *found;
  if (list == nullptr) return ctx.reply.ok();
  const auto size = static_cast<std::int64_t>(list->size());
  if (start < 0) start = std::max<std::int64_t>(start + size, 0);
  if (stop < 0) stop += size;
  std::int64_t left = size;
  std::int64_t right = 0;
  if (start <= stop && start < size) {
    left = start;
    right = size - 1 - std::min(stop, size - 1);
  }
  list->pop(ListEnd::kRight, static_cast<std::uint64_t>(right), ctx.limits());
  list->pop(ListEnd::kLeft, static_cast<std::uint64_t>(left), ctx.limits());
  if (left + right > 0) {
    ctx.changed(key, EventClass::kList, "ltrim", static_cast<std::uint64_t>(left + right));
    if (list->empty()) ctx.erase_emptied(key);
  } else {
    ctx.db.modified(key);  // this and the event as Redis does, although nothing changed
    ctx.notify(EventClass::kList, "ltrim", key);
  }
  ctx.reply.ok();
}

}  // namespace

void register_list_edits(CommandTable& table) {
  table.add(kLinsert, &linsert);
  table.add(kLset, &lset);
  table.add(kLrem, &lrem);
  table.add(kLtrim, &ltrim);
}

}  // namespace ashlar::commands
