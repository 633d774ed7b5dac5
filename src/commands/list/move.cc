#include "commands/list/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::List;
using keyspace::ListEnd;

ListEnd read_end(ArgParser& in) {
  if (in.take("RIGHT")) return ListEnd::kRight;
  if (!in.take("LEFT")) in.reject();
  return ListEnd::kLeft;
}

bool move_element(Context& ctx, ListEnd from, ListEnd to) {
  const KeyRef& source_key = ctx.keys[0];
  const KeyRef& target_key = ctx.keys[1];
  const auto found = ctx.db.edit<List>(source_key);
  if (!found) {
    ctx.error(found.error());
    return true;
  }
  List* source = *found;
  if (source == nullptr) return false;
  const auto target = ctx.db.edit_or_create<List>(target_key);
  if (!target) {
    ctx.error(target.error());
    return true;
  }
  const std::string element = source->seek(from).value().to_string();
  ctx.reply.bulk(element);
  // Removed first: within one list, pushing could otherwise change the end that is popped.
  source->pop(from, 1, ctx.limits());
  (*target)->push(to, element, ctx.limits());
  ctx.changed(target_key, EventClass::kList, push_event(to), 0);
  ctx.changed(source_key, EventClass::kList, pop_event(from));
  if (source->empty()) ctx.erase_emptied(source_key);
  return true;
}

namespace {

constexpr CommandSpec kLmove{.name = "lmove",
                             .arity = exactly(5),
                             .flags = Flag::kWrite | Flag::kDenyOom,
                             .group = Group::kList,
                             .categories = Category::kList,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
                                      one_key(2, KeyAccess::kRW, KeyAction::kInsert)},
                             .since = "6.2.0",
                             .complexity = "O(1)",
                             .summary = "Takes an element from one end of a list and adds it at one end of another.",
                             .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT>"};
void lmove(Context& ctx) {
  ArgParser in(ctx.args, 3);
  const ListEnd from = read_end(in);
  const ListEnd to = read_end(in);
  if (in.failed()) return ctx.error(in.error());
  if (!move_element(ctx, from, to)) ctx.reply.null();
}

constexpr CommandSpec kRpoplpush{
    .name = "rpoplpush",
    .arity = exactly(3),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kList,
    .categories = Category::kList,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
             one_key(2, KeyAccess::kRW, KeyAction::kInsert)},
    .since = "1.2.0",
    .complexity = "O(1)",
    .summary = "Takes the rightmost element of a list and adds it at the left end of another.",
    .syntax = "source destination",
    .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments",
    .deprecated_since = "6.2.0"};
void rpoplpush(Context& ctx) {
  if (!move_element(ctx, ListEnd::kRight, ListEnd::kLeft)) ctx.reply.null();
}

}  // namespace

void register_list_moves(CommandTable& table) {
  table.add(kLmove, &lmove);
  table.add(kRpoplpush, &rpoplpush);
}

}  // namespace ashlar::commands
