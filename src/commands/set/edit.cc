#include "commands/set/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr CommandSpec kSadd{.name = "sadd",
                            .arity = at_least(3),
                            .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                            .group = Group::kSet,
                            .categories = Category::kSet,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                            .since = "1.0.0",
                            .complexity = "O(N) where N is the number of members given.",
                            .summary = "Adds members to a set, which is made if it is missing.",
                            .syntax = "key member [member ...]"};
void sadd(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit_or_create<Set>(key);
  if (!found) return ctx.error(found.error());
  Set& set = **found;
  const auto members = ctx.args.subspan(2);
  std::uint64_t added = 0;
  set.expect(SetMember(members[0]), members.size(), ctx.limits());
  for (const std::string_view text : members) {
    if (set.add(SetMember(text), ctx.limits())) ++added;
  }
  if (added > 0) ctx.changed(key, EventClass::kSet, "sadd", added);
  ctx.reply.integer(static_cast<std::int64_t>(added));
}

constexpr CommandSpec kSrem{.name = "srem",
                            .arity = at_least(3),
                            .flags = Flag::kWrite | Flag::kFast,
                            .group = Group::kSet,
                            .categories = Category::kSet,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                            .since = "1.0.0",
                            .complexity = "O(N) where N is the number of members given.",
                            .summary = "Removes members from a set; the key goes with the last of them.",
                            .syntax = "key member [member ...]"};
void srem(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<Set>(key);
  if (!found) return ctx.error(found.error());
  Set* set = *found;
  if (set == nullptr) return ctx.reply.integer(0);
  std::uint64_t removed = 0;
  for (const std::string_view text : ctx.args.subspan(2)) {
    if (!set->erase(SetMember(text))) continue;
    ++removed;
    if (set->empty()) break;
  }
  if (removed > 0) {
    ctx.changed(key, EventClass::kSet, "srem", removed);
    if (set->empty()) ctx.erase_emptied(key);
  }
  ctx.reply.integer(static_cast<std::int64_t>(removed));
}

constexpr CommandSpec kSmove{.name = "smove",
                             .arity = exactly(4),
                             .flags = Flag::kWrite | Flag::kFast,
                             .group = Group::kSet,
                             .categories = Category::kSet,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
                                      one_key(2, KeyAccess::kRW, KeyAction::kInsert)},
                             .since = "1.0.0",
                             .complexity = "O(1)",
                             .summary = "Moves a member from one set to another.",
                             .syntax = "source destination member"};
void smove(Context& ctx) {
  const KeyRef& source = ctx.keys[0];
  const KeyRef& target = ctx.keys[1];
  const Entry* from_entry = ctx.db.find(source, Access::kWrite);
  const Entry* to_entry = ctx.db.find(target, Access::kWrite);
  if (from_entry == nullptr) return ctx.reply.integer(0);
  const auto from = ctx.db.edit<Set>(source);
  if (!from) return ctx.error(from.error());
  const auto to = ctx.db.edit<Set>(target);
  if (!to) return ctx.error(to.error());
  const SetMember member(ctx.args[3]);
  if (from_entry == to_entry) return ctx.reply.integer((*from)->contains(member) ? 1 : 0);
  if (!(*from)->erase(member)) return ctx.reply.integer(0);
  ctx.changed(source, EventClass::kSet, "srem");
  if ((*from)->empty()) ctx.erase_emptied(source);
  Set& set = *to != nullptr ? **to : ctx.db.create<Set>(target);
  set.expect(member, 1, ctx.limits());
  if (set.add(member, ctx.limits())) ctx.changed(target, EventClass::kSet, "sadd");
  ctx.reply.integer(1);
}

}  // namespace

void register_set_edits(CommandTable& table) {
  table.add(kSadd, &sadd);
  table.add(kSrem, &srem);
  table.add(kSmove, &smove);
}

}  // namespace ashlar::commands
