#include <algorithm>
#include <limits>

#include "commands/list/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::List;
using keyspace::ListEnd;

std::string_view pop_event(ListEnd end) noexcept { return end == ListEnd::kLeft ? "lpop" : "rpop"; }

void reply_element(Context& ctx, const ds::PackedValue& value) {
  value.is_integer() ? ctx.reply.bulk_i64(value.integer()) : ctx.reply.bulk(value.bytes());
}

void reply_elements(Context& ctx, const List& list, ListEnd end, std::uint64_t count) {
  ctx.reply.array(count);
  list.walk(end == ListEnd::kLeft ? 0 : list.size() - 1, count, end,
            [&](const ds::PackedValue& value) { reply_element(ctx, value); });
}

void pop_elements(Context& ctx, const KeyRef& key, List& list, ListEnd end, std::uint64_t count) {
  list.pop(end, count, ctx.limits());
  ctx.changed(key, EventClass::kList, pop_event(end), count);
  if (list.empty()) ctx.erase_emptied(key);
}

Result<MultiPop> read_multi_pop(const Context& ctx, std::size_t first) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  ArgParser in(ctx.args, first);
  const std::int64_t keys = in.integer_in(1, kMax, {ErrorCode::kGeneric, "numkeys should be greater than 0"});
  if (in.failed()) return std::unexpected(in.error());
  if (static_cast<std::uint64_t>(keys) >= in.left()) return fail(ErrorCode::kSyntax);
  for (std::int64_t i = 0; i < keys; ++i) in.text();
  MultiPop pop{.keys = ctx.keys.first(static_cast<std::size_t>(keys)), .end = read_end(in), .count = 1};
  bool counted = false;
  while (in.more()) {
    if (!counted && in.left() >= 2 && in.take("COUNT")) {
      pop.count =
          static_cast<std::uint64_t>(in.integer_in(1, kMax, {ErrorCode::kGeneric, "count should be greater than 0"}));
      counted = true;
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return pop;
}

bool pop_from_first(Context& ctx, const MultiPop& pop) {
  for (const KeyRef& key : pop.keys) {
    const auto found = ctx.db.edit<List>(key);
    if (!found) {
      ctx.error(found.error());
      return true;
    }
    List* list = *found;
    if (list == nullptr) continue;
    const std::uint64_t count = std::min(pop.count, list->size());
    ctx.reply.array(2);
    ctx.reply.bulk(key.text);
    reply_elements(ctx, *list, pop.end, count);
    pop_elements(ctx, key, *list, pop.end, count);
    ctx.effects.instead({pop.end == ListEnd::kLeft ? "LPOP" : "RPOP", key.text, std::to_string(count)});
    return true;
  }
  return false;
}

namespace {

void pop(Context& ctx, ListEnd end) {
  if (ctx.args.size() > 3) {
    return ctx.error("wrong number of arguments for '" + std::string(ctx.spec.name) + "' command");
  }
  const bool many = ctx.args.size() == 3;
  std::uint64_t count = 1;
  if (many) {
    const auto asked = parse_i64(ctx.args[2]);
    if (!asked || *asked < 0) return ctx.error("value is out of range, must be positive");
    count = static_cast<std::uint64_t>(*asked);
  }
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<List>(key);
  if (!found) return ctx.error(found.error());
  List* list = *found;
  if (list == nullptr) return many ? ctx.reply.null_array() : ctx.reply.null();
  if (count == 0) return ctx.reply.array(0);
  count = std::min(count, list->size());
  if (many) {
    reply_elements(ctx, *list, end, count);
  } else {
    reply_element(ctx, list->seek(end).value());
  }
  pop_elements(ctx, key, *list, end, count);
}

constexpr CommandSpec kLpop{
    .name = "lpop",
    .arity = at_least(2),
    .flags = Flag::kWrite | Flag::kFast,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "1.0.0",
    .complexity = "O(N) where N is the number of elements taken.",
    .summary = "Takes one or more elements from the left end of a list; the key goes with the last one.",
    .syntax = "key [count]"};
void lpop(Context& ctx) { pop(ctx, ListEnd::kLeft); }

constexpr CommandSpec kRpop{
    .name = "rpop",
    .arity = at_least(2),
    .flags = Flag::kWrite | Flag::kFast,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "1.0.0",
    .complexity = "O(N) where N is the number of elements taken.",
    .summary = "Takes one or more elements from the right end of a list; the key goes with the last one.",
    .syntax = "key [count]"};
void rpop(Context& ctx) { pop(ctx, ListEnd::kRight); }

constexpr CommandSpec kLmpop{.name = "lmpop",
                             .arity = at_least(4),
                             .flags = Flag::kWrite | Flag::kMovableKeys,
                             .group = Group::kList,
                             .categories = Category::kList,
                             .keys = {KeySpec{.begin = KeySpec::Begin::kIndex,
                                              .index = 1,
                                              .find = KeySpec::Find::kKeyNum,
                                              .keynum_index = 0,
                                              .first_key = 1,
                                              .access = KeyAccess::kRW,
                                              .action = KeyAction::kAccess | KeyAction::kDelete}},
                             .since = "7.0.0",
                             .complexity = "O(N+M) where N is the number of keys and M the number of elements taken.",
                             .summary = "Takes elements from one end of the first list that has any.",
                             .syntax = "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]"};
void lmpop(Context& ctx) {
  const auto pop = read_multi_pop(ctx, 1);
  if (!pop) return ctx.error(pop.error());
  if (!pop_from_first(ctx, *pop)) ctx.reply.null_array();
}

}  // namespace

void register_list_pops(CommandTable& table) {
  table.add(kLpop, &lpop);
  table.add(kRpop, &rpop);
  table.add(kLmpop, &lmpop);
}

}  // namespace ashlar::commands
