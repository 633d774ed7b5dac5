#include "commands/list/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::List;
using keyspace::ListEnd;

std::string_view push_event(ListEnd end) noexcept { return end == ListEnd::kLeft ? "lpush" : "rpush"; }

namespace {

enum class Missing : std::uint8_t { kCreate, kIgnore };

void push(Context& ctx, ListEnd end, Missing missing) {
  const KeyRef& key = ctx.keys[0];
  auto found = missing == Missing::kCreate ? ctx.db.edit_or_create<List>(key) : ctx.db.edit<List>(key);
  if (!found) return ctx.error(found.error());
  List* list = *found;
  if (list == nullptr) return ctx.reply.integer(0);
  const auto elements = ctx.args.subspan(2);
  list->push(end, elements, ctx.limits());
  ctx.changed(key, EventClass::kList, push_event(end), elements.size());
  ctx.reply.integer(static_cast<std::int64_t>(list->size()));
}

constexpr CommandSpec kLpush{.name = "lpush",
                             .arity = at_least(3),
                             .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                             .group = Group::kList,
                             .categories = Category::kList,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                             .since = "1.0.0",
                             .complexity = "O(N) where N is the number of elements added.",
                             .summary = "Adds elements at the left end of a list, creating it if there is none.",
                             .syntax = "key element [element ...]"};
void lpush(Context& ctx) { push(ctx, ListEnd::kLeft, Missing::kCreate); }

constexpr CommandSpec kRpush{.name = "rpush",
                             .arity = at_least(3),
                             .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                             .group = Group::kList,
                             .categories = Category::kList,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                             .since = "1.0.0",
                             .complexity = "O(N) where N is the number of elements added.",
                             .summary = "Adds elements at the right end of a list, creating it if there is none.",
                             .syntax = "key element [element ...]"};
void rpush(Context& ctx) { push(ctx, ListEnd::kRight, Missing::kCreate); }

constexpr CommandSpec kLpushx{.name = "lpushx",
                              .arity = at_least(3),
                              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                              .group = Group::kList,
                              .categories = Category::kList,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                              .since = "2.2.0",
                              .complexity = "O(N) where N is the number of elements added.",
                              .summary = "Adds elements at the left end of a list that exists.",
                              .syntax = "key element [element ...]"};
void lpushx(Context& ctx) { push(ctx, ListEnd::kLeft, Missing::kIgnore); }

constexpr CommandSpec kRpushx{.name = "rpushx",
                              .arity = at_least(3),
                              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                              .group = Group::kList,
                              .categories = Category::kList,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                              .since = "2.2.0",
                              .complexity = "O(N) where N is the number of elements added.",
                              .summary = "Adds elements at the right end of a list that exists.",
                              .syntax = "key element [element ...]"};
void rpushx(Context& ctx) { push(ctx, ListEnd::kRight, Missing::kIgnore); }

}  // namespace

void register_list_pushes(CommandTable& table) {
  table.add(kLpush, &lpush);
  table.add(kRpush, &rpush);
  table.add(kLpushx, &lpushx);
  table.add(kRpushx, &rpushx);
}

}  // namespace ashlar::commands
