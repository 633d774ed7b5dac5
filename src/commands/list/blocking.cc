#include "command/blocking.h"
#include "commands/list/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::List;
using keyspace::ListEnd;

namespace {

std::string_view end_word(ListEnd end) noexcept { return end == ListEnd::kLeft ? "LEFT" : "RIGHT"; }

/// Nothing is there: waits, or answers as if the time were up where waiting is not allowed.
void wait_or_null(Context& ctx, std::span<const KeyRef> keys, const BlockTimeout& timeout) {
  if (!ctx.may_block()) return ctx.reply.null_array();
  ctx.block({.keys = keys, .type = keyspace::Type::kList, .timeout = timeout});
}

void blocking_pop(Context& ctx, ListEnd end) {
  const auto timeout = parse_timeout(ctx.args.back(), TimeoutUnit::kSeconds);
  if (!timeout) return ctx.error(timeout.error());
  for (const KeyRef& key : ctx.keys) {
    const auto found = ctx.db.edit<List>(key);
    if (!found) return ctx.error(found.error());
    List* list = *found;
    if (list == nullptr) continue;
    ctx.reply.array(2);
    ctx.reply.bulk(key.text);
    reply_element(ctx, list->seek(end).value());
    pop_elements(ctx, key, *list, end, 1);
    ctx.effects.instead({end == ListEnd::kLeft ? "LPOP" : "RPOP", key.text});
    return;
  }
  wait_or_null(ctx, ctx.keys, *timeout);
}

constexpr CommandSpec kBlpop{
    .name = "blpop",
    .arity = at_least(3),
    .flags = Flag::kWrite | Flag::kBlocking,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {key_range(1, -2, 1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "2.0.0",
    .complexity = "O(N) where N is the number of keys.",
    .summary = "Takes the leftmost element of the first list that has any; waits for one if none has.",
    .syntax = "key [key ...] timeout"};
void blpop(Context& ctx) { blocking_pop(ctx, ListEnd::kLeft); }

constexpr CommandSpec kBrpop{
    .name = "brpop",
    .arity = at_least(3),
    .flags = Flag::kWrite | Flag::kBlocking,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {key_range(1, -2, 1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
    .since = "2.0.0",
    .complexity = "O(N) where N is the number of keys.",
    .summary = "Takes the rightmost element of the first list that has any; waits for one if none has.",
    .syntax = "key [key ...] timeout"};
void brpop(Context& ctx) { blocking_pop(ctx, ListEnd::kRight); }

constexpr CommandSpec kBlmpop{
    .name = "blmpop",
    .arity = at_least(5),
    .flags = Flag::kWrite | Flag::kBlocking | Flag::kMovableKeys,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {KeySpec{.begin = KeySpec::Begin::kIndex,
                     .index = 2,
                     .find = KeySpec::Find::kKeyNum,
                     .keynum_index = 0,
                     .first_key = 1,
                     .access = KeyAccess::kRW,
                     .action = KeyAction::kAccess | KeyAction::kDelete}},
    .since = "7.0.0",
    .complexity = "O(N+M) where N is the number of keys and M the number of elements taken.",
    .summary = "Takes elements from one end of the first list that has any; waits for one if none has.",
    .syntax = "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]"};
void blmpop(Context& ctx) {
  const auto pop = read_multi_pop(ctx, 2);
  if (!pop) return ctx.error(pop.error());
  const auto timeout = parse_timeout(ctx.args[1], TimeoutUnit::kSeconds);
  if (!timeout) return ctx.error(timeout.error());
  if (!pop_from_first(ctx, *pop)) wait_or_null(ctx, pop->keys, *timeout);
}

/// Moves or waits; true when something was moved, which is then to be recorded.
bool blocking_move(Context& ctx, ListEnd from, ListEnd to, std::string_view timeout_text) {
  const auto timeout = parse_timeout(timeout_text, TimeoutUnit::kSeconds);
  if (!timeout) {
    ctx.error(timeout.error());
    return false;
  }
  if (move_element(ctx, from, to)) return ctx.effects.changes() > 0;
  if (ctx.may_block()) {
    ctx.block({.keys = ctx.keys.first(1), .type = keyspace::Type::kList, .timeout = *timeout});
  } else {
    ctx.reply.null();
  }
  return false;
}

constexpr CommandSpec kBlmove{
    .name = "blmove",
    .arity = exactly(6),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kBlocking,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
             one_key(2, KeyAccess::kRW, KeyAction::kInsert)},
    .since = "6.2.0",
    .complexity = "O(1)",
    .summary = "Takes an element from one end of a list and adds it at one end of another; waits if there is none.",
    .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout"};
void blmove(Context& ctx) {
  ArgParser in(ctx.args, 3);
  const ListEnd from = read_end(in);
  const ListEnd to = read_end(in);
  if (in.failed()) return ctx.error(in.error());
  if (!blocking_move(ctx, from, to, ctx.args[5])) return;
  ctx.effects.instead({"LMOVE", ctx.keys[0].text, ctx.keys[1].text, end_word(from), end_word(to)});
}

constexpr CommandSpec kBrpoplpush{
    .name = "brpoplpush",
    .arity = exactly(4),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kBlocking,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
             one_key(2, KeyAccess::kRW, KeyAction::kInsert)},
    .since = "2.2.0",
    .complexity = "O(1)",
    .summary = "Takes the rightmost element of a list and adds it at the left end of another; waits if there is none.",
    .syntax = "source destination timeout",
    .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
    .deprecated_since = "6.2.0"};
void brpoplpush(Context& ctx) {
  if (!blocking_move(ctx, ListEnd::kRight, ListEnd::kLeft, ctx.args[3])) return;
  ctx.effects.instead({"RPOPLPUSH", ctx.keys[0].text, ctx.keys[1].text});
}

}  // namespace

void register_list_waits(CommandTable& table) {
  table.add(kBlpop, &blpop);
  table.add(kBrpop, &brpop);
  table.add(kBlmpop, &blmpop);
  table.add(kBlmove, &blmove);
  table.add(kBrpoplpush, &brpoplpush);
}

}  // namespace ashlar::commands
