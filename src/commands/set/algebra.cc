#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "command/arg_parser.h"
#include "commands/set/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

using Sets = std::vector<const Set*>;  // nullptr: no such key, an empty set

Result<Sets> read_sets(Context& ctx, std::span<const KeyRef> keys) {
  Sets sets;
  sets.reserve(keys.size());
  for (const KeyRef& key : keys) {
    const auto set = ctx.db.read<Set>(key, ctx.read_access());
    if (!set) return std::unexpected(set.error());
    sets.push_back(*set);
  }
  return sets;
}

std::uint64_t size_of(const Set* set) noexcept { return set == nullptr ? 0 : set->size(); }

/// Calls visit(const ds::PackedValue&) for every member common to all; false from it ends the walk.
template <typename Visit>
void intersect(Sets sets, Visit&& visit) {
  if (std::ranges::find(sets, static_cast<const Set*>(nullptr)) != sets.end()) return;
  std::ranges::sort(sets, {}, size_of);  // walk the smallest, ask the next small ones first
  const auto again = std::ranges::unique(sets);
  sets.erase(again.begin(), again.end());
  sets[0]->for_each([&](const ds::PackedValue& value) {
    if (sets.size() > 1) {
      const SetMember member(value);
      for (std::size_t i = 1; i < sets.size(); ++i) {
        if (!sets[i]->contains(member)) return true;
      }
    }
    return visit(value);
  });
}

/// An intersection to be stored, in the most compact encoding that Redis would choose.
keyspace::Owned<Set> intersection(const Sets& sets, const keyspace::EncodingLimits& limits) {
  keyspace::Owned<Set> result(new Set());
  bool only_integers = true;
  intersect(sets, [&](const ds::PackedValue& value) {
    const SetMember member(value);
    only_integers = only_integers && member.integer().has_value();
    result->add(member, limits);
    return true;
  });
  if (only_integers) result->pack_integers(limits);
  return result;
}

keyspace::Owned<Set> united(const Sets& sets, const keyspace::EncodingLimits& limits) {
  keyspace::Owned<Set> result(new Set());
  for (const Set* set : sets) {
    if (set == nullptr) continue;
    set->for_each([&](const ds::PackedValue& value) { result->add(SetMember(value), limits); });
  }
  return result;
}

/// Asks the other sets for each member of the first; the largest others first, as they say yes most often.
void subtract_by_asking(Set& result, Sets sets, const keyspace::EncodingLimits& limits) {
  std::sort(sets.begin() + 1, sets.end(), [](const Set* a, const Set* b) { return size_of(a) > size_of(b); });
  sets[0]->for_each([&](const ds::PackedValue& value) {
    const SetMember member(value);
    const auto has = [&](const Set* set) { return set != nullptr && set->contains(member); };
    if (std::none_of(sets.begin() + 1, sets.end(), has)) result.add(member, limits);
  });
}

/// Copies the first set and removes the members of the others.
void subtract_by_removing(Set& result, const Sets& sets, const keyspace::EncodingLimits& limits) {
  sets[0]->for_each([&](const ds::PackedValue& value) { result.add(SetMember(value), limits); });
  for (std::size_t i = 1; i < sets.size() && !result.empty(); ++i) {
    if (sets[i] == nullptr) continue;
    sets[i]->for_each([&](const ds::PackedValue& value) { result.erase(SetMember(value)); });
  }
}

keyspace::Owned<Set> difference(const Sets& sets, const keyspace::EncodingLimits& limits) {
  keyspace::Owned<Set> result(new Set());
  if (sets[0] == nullptr || std::find(sets.begin() + 1, sets.end(), sets[0]) != sets.end()) return result;
  std::uint64_t asking = 0;
  std::uint64_t removing = 0;
  for (const Set* set : sets) {
    if (set == nullptr) continue;
    asking += sets[0]->size();
    removing += set->size();
  }
  // Asking is cheaper step by step, and ends early for common members: it gets a bonus of two.
  asking / 2 <= removing ? subtract_by_asking(*result, sets, limits) : subtract_by_removing(*result, sets, limits);
  return result;
}

void reply_set(Context& ctx, const Set& set) {
  ctx.reply.set(set.size());
  set.for_each([&](const ds::PackedValue& member) { reply_member(ctx.reply, member); });
}

/// Puts the result at the first key, or removes that key when the result is empty.
void store(Context& ctx, keyspace::Owned<Set> result, std::string_view event) {
  const KeyRef& target = ctx.keys[0];
  const std::uint64_t size = result->size();
  ctx.reply.integer(static_cast<std::int64_t>(size));
  if (size == 0) {
    if (!ctx.db.erase(target)) return;
    ctx.effects.changed();
    return ctx.notify(EventClass::kGeneric, "del", target);
  }
  ctx.db.put(target, keyspace::OwnedValue{std::move(result)}, std::nullopt);
  ctx.effects.changed();
  ctx.notify(EventClass::kSet, event, target);
}

constexpr KeySpec kAllKeys = key_range(1, -1, 1, KeyAccess::kRO, KeyAction::kAccess);
constexpr KeySpec kTarget = one_key(1, KeyAccess::kOW, KeyAction::kUpdate);
constexpr KeySpec kSources = key_range(2, -1, 1, KeyAccess::kRO, KeyAction::kAccess);

constexpr CommandSpec reading(std::string_view name, std::string_view complexity, std::string_view summary) {
  return {.name = name,
          .arity = at_least(2),
          .flags = Flag::kReadOnly,
          .group = Group::kSet,
          .categories = Category::kSet,
          .keys = {kAllKeys},
          .since = "1.0.0",
          .complexity = complexity,
          .summary = summary,
          .syntax = "key [key ...]",
          .tips = "nondeterministic_output_order"};
}
constexpr CommandSpec storing(std::string_view name, std::string_view complexity, std::string_view summary) {
  return {.name = name,
          .arity = at_least(3),
          .flags = Flag::kWrite | Flag::kDenyOom,
          .group = Group::kSet,
          .categories = Category::kSet,
          .keys = {kTarget, kSources},
          .since = "1.0.0",
          .complexity = complexity,
          .summary = summary,
          .syntax = "destination key [key ...]"};
}
constexpr std::string_view kProduct =
    "O(N*M) at worst, where N is the size of the smallest set and M the number of sets.";
constexpr std::string_view kSum = "O(N) where N is the number of members of all sets.";

constexpr CommandSpec kSinter = reading("sinter", kProduct, "Lists the members that all sets have in common.");
void sinter(Context& ctx) {
  const auto sets = read_sets(ctx, ctx.keys);
  if (!sets) return ctx.error(sets.error());
  const resp::Deferred header = ctx.reply.begin_set();
  std::size_t count = 0;
  intersect(*sets, [&](const ds::PackedValue& member) {
    reply_member(ctx.reply, member);
    ++count;
    return true;
  });
  ctx.reply.end(header, count);
}

constexpr CommandSpec kSinterstore =
    storing("sinterstore", kProduct, "Stores the members that all sets have in common.");
void sinterstore(Context& ctx) {
  const auto sets = read_sets(ctx, ctx.keys.subspan(1));
  if (!sets) return ctx.error(sets.error());
  store(ctx, intersection(*sets, ctx.limits()), "sinterstore");
}

constexpr KeySpec kCounted{.begin = KeySpec::Begin::kIndex,
                           .index = 1,
                           .find = KeySpec::Find::kKeyNum,
                           .keynum_index = 0,
                           .first_key = 1,
                           .access = KeyAccess::kRO,
                           .action = KeyAction::kAccess};
constexpr CommandSpec kSintercard{.name = "sintercard",
                                  .arity = at_least(3),
                                  .flags = Flag::kReadOnly,
                                  .group = Group::kSet,
                                  .categories = Category::kSet,
                                  .keys = {kCounted},
                                  .since = "7.0.0",
                                  .complexity = kProduct,
                                  .summary = "Counts the members that all sets have in common, up to a limit.",
                                  .syntax = "numkeys key [key ...] [LIMIT limit]"};
void sintercard(Context& ctx) {
  const auto numkeys = parse_i64(ctx.args[1]);
  if (!numkeys || *numkeys < 1) return ctx.error("numkeys should be greater than 0");
  if (static_cast<std::uint64_t>(*numkeys) > ctx.args.size() - 2) {
    return ctx.error("Number of keys can't be greater than number of args");
  }
  std::uint64_t limit = 0;
  ArgParser in(ctx.args, 2 + static_cast<std::size_t>(*numkeys));
  while (in.more()) {
    if (in.left() >= 2 && in.take("LIMIT")) {
      const auto value = in.integer({ErrorCode::kGeneric, "LIMIT can't be negative"});
      if (value < 0) in.fail_with({ErrorCode::kGeneric, "LIMIT can't be negative"});
      limit = static_cast<std::uint64_t>(value);
    } else {
      in.reject();
    }
  }
  if (in.failed()) return ctx.error(in.error());
  const auto sets = read_sets(ctx, ctx.keys);
  if (!sets) return ctx.error(sets.error());
  std::uint64_t count = 0;
  intersect(*sets, [&](const ds::PackedValue&) { return ++count != limit; });
  ctx.reply.integer(static_cast<std::int64_t>(count));
}

constexpr CommandSpec kSunion = reading("sunion", kSum, "Lists the members of all sets together.");
void sunion(Context& ctx) {
  const auto sets = read_sets(ctx, ctx.keys);
  if (!sets) return ctx.error(sets.error());
  reply_set(ctx, *united(*sets, ctx.limits()));
}

constexpr CommandSpec kSunionstore = storing("sunionstore", kSum, "Stores the members of all sets together.");
void sunionstore(Context& ctx) {
  const auto sets = read_sets(ctx, ctx.keys.subspan(1));
  if (!sets) return ctx.error(sets.error());
  store(ctx, united(*sets, ctx.limits()), "sunionstore");
}

constexpr CommandSpec kSdiff = reading("sdiff", kSum, "Lists the members of the first set that no other set has.");
void sdiff(Context& ctx) {
  const auto sets = read_sets(ctx, ctx.keys);
  if (!sets) return ctx.error(sets.error());
  reply_set(ctx, *difference(*sets, ctx.limits()));
}

constexpr CommandSpec kSdiffstore =
    storing("sdiffstore", kSum, "Stores the members of the first set that no other set has.");
void sdiffstore(Context& ctx) {
  const auto sets = read_sets(ctx, ctx.keys.subspan(1));
  if (!sets) return ctx.error(sets.error());
  store(ctx, difference(*sets, ctx.limits()), "sdiffstore");
}

}  // namespace

void register_set_algebra(CommandTable& table) {
  table.add(kSinter, &sinter);
  table.add(kSinterstore, &sinterstore);
  table.add(kSintercard, &sintercard);
  table.add(kSunion, &sunion);
  table.add(kSunionstore, &sunionstore);
  table.add(kSdiff, &sdiff);
  table.add(kSdiffstore, &sdiffstore);
}

}  // namespace ashlar::commands
