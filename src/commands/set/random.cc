#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "commands/set/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

/// Members of one SREM in the change log. Source: SPOP of Redis 7.2.
constexpr std::size_t kMembersPerRecord = 1024;

/// Elements that one reply may repeat: some 100 MB of it.
constexpr std::int64_t kRepetitionsMax = 1 << 24;

void record_removals(Context& ctx, const KeyRef& key, const std::vector<std::string>& members) {
  for (std::size_t from = 0; from < members.size(); from += kMembersPerRecord) {
    const std::size_t n = std::min(kMembersPerRecord, members.size() - from);
    Effects::Record record = {"SREM", std::string(key.text)};
    record.reserve(n + 2);
    for (std::size_t i = 0; i < n; ++i) record.push_back(members[from + i]);
    ctx.effects.instead(std::move(record));
  }
}

void pop_all(Context& ctx, const KeyRef& key, const Set& set) {
  const std::uint64_t size = set.size();
  ctx.reply.set(size);
  set.for_each([&](const ds::PackedValue& member) { reply_member(ctx.reply, member); });
  ctx.changed(key, EventClass::kSet, "spop", size);
  ctx.erase_emptied(key);
  ctx.effects.instead({"DEL", key.text});
}

void pop_some(Context& ctx, const KeyRef& key, Set& set, std::uint64_t count) {
  std::vector<std::string> drawn;
  set.sample(count, *ctx.db.context().rng, [&](const ds::PackedValue& member) { drawn.push_back(member.to_string()); });
  ctx.reply.set(drawn.size());
  for (const std::string& member : drawn) {
    set.erase(SetMember(member));
    ctx.reply.bulk(member);
  }
  ctx.changed(key, EventClass::kSet, "spop", drawn.size());
  record_removals(ctx, key, drawn);
}

void pop_count(Context& ctx) {
  constexpr std::string_view kNotPositive = "value is out of range, must be positive";
  const auto count = parse_i64(ctx.args[2]);
  if (!count || *count < 0) return ctx.error(std::string(kNotPositive));
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<Set>(key);
  if (!found) return ctx.error(found.error());
  if (*found == nullptr || *count == 0) return ctx.reply.set(0);
  Set& set = **found;
  if (static_cast<std::uint64_t>(*count) >= set.size()) return pop_all(ctx, key, set);
  pop_some(ctx, key, set, static_cast<std::uint64_t>(*count));
}

constexpr CommandSpec kSpop{.name = "spop",
                            .arity = at_least(2),
                            .flags = Flag::kWrite | Flag::kFast,
                            .group = Group::kSet,
                            .categories = Category::kSet,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete)},
                            .since = "1.0.0",
                            .complexity = "O(1) without a count, else O(N) where N is the count.",
                            .summary = "Takes one or more members out of a set at random.",
                            .syntax = "key [count]",
                            .tips = "nondeterministic_output"};
void spop(Context& ctx) {
  if (ctx.args.size() == 3) return pop_count(ctx);
  if (ctx.args.size() > 3) return ctx.error(ErrorCode::kSyntax);
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<Set>(key);
  if (!found) return ctx.error(found.error());
  if (*found == nullptr) return ctx.reply.null();
  Set& set = **found;
  const std::string member = set.random(*ctx.db.context().rng).to_string();
  set.erase(SetMember(member));
  ctx.reply.bulk(member);
  ctx.changed(key, EventClass::kSet, "spop");
  ctx.effects.instead({"SREM", key.text, member});
  if (set.empty()) ctx.erase_emptied(key);
}

/// SRANDMEMBER with a count: a negative one allows repetitions.
void random_members(Context& ctx) {
  const auto count = parse_i64(ctx.args[2]);
  if (!count) return ctx.error(ErrorCode::kNotInteger);
  if (*count == std::numeric_limits<std::int64_t>::min()) {
    return ctx.error("value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  }
  const auto found = ctx.db.read<Set>(ctx.keys[0], ctx.read_access());
  if (!found) return ctx.error(found.error());
  if (*found == nullptr || *count == 0) return ctx.reply.array(0);
  // What a negative count repeats is bounded: the reply is made in memory.
  if (*count < -kRepetitionsMax) return ctx.error("value is out of range");
  const Set& set = **found;
  Rng& rng = *ctx.db.context().rng;
  if (*count < 0) {
    const auto n = static_cast<std::uint64_t>(-*count);
    ctx.reply.array(n);
    return set.draw(n, rng, [&](const ds::PackedValue& member) { reply_member(ctx.reply, member); });
  }
  const auto n = static_cast<std::uint64_t>(*count);
  ctx.reply.array(std::min(n, set.size()));
  set.sample(n, rng, [&](const ds::PackedValue& member) { reply_member(ctx.reply, member); });
}

constexpr CommandSpec kSrandmember{.name = "srandmember",
                                   .arity = at_least(2),
                                   .flags = Flag::kReadOnly,
                                   .group = Group::kSet,
                                   .categories = Category::kSet,
                                   .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                   .since = "1.0.0",
                                   .complexity = "O(1) without a count, else O(N) where N is the count.",
                                   .summary = "Replies with one or more members of a set drawn at random.",
                                   .syntax = "key [count]",
                                   .tips = "nondeterministic_output"};
void srandmember(Context& ctx) {
  if (ctx.args.size() == 3) return random_members(ctx);
  if (ctx.args.size() > 3) return ctx.error(ErrorCode::kSyntax);
  const auto found = ctx.db.read<Set>(ctx.keys[0], ctx.read_access());
  if (!found) return ctx.error(found.error());
  if (*found == nullptr) return ctx.reply.null();
  reply_member(ctx.reply, (*found)->random(*ctx.db.context().rng));
}

}  // namespace

void register_set_random(CommandTable& table) {
  table.add(kSpop, &spop);
  table.add(kSrandmember, &srandmember);
}

}  // namespace ashlar::commands
