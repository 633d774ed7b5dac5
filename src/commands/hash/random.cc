#include <algorithm>
#include <limits>

#include "commands/hash/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

/// Fields that one reply may repeat: some 100 MB of it.
constexpr std::int64_t kRepetitionsMax = 1 << 24;

enum class Parts : std::uint8_t { kFields, kPairs };

/// Pairs are arrays of two in RESP3, and flat in RESP2.
void begin_reply(Context& ctx, std::uint64_t n, Parts parts) {
  const bool flat_pairs = parts == Parts::kPairs && ctx.reply.version() == resp::Version::kResp2;
  ctx.reply.array(flat_pairs ? 2 * n : n);
}
void reply_item(Context& ctx, const HashItem& item, Parts parts) {
  if (parts == Parts::kPairs && ctx.reply.version() == resp::Version::kResp3) ctx.reply.array(2);
  reply_packed(ctx.reply, item.field);
  if (parts == Parts::kPairs) reply_packed(ctx.reply, item.value);
}

void random_fields(Context& ctx, std::int64_t count, Parts parts) {
  const auto found = read_hash(ctx);
  if (!found) return ctx.error(found.error());
  if (*found == nullptr || count == 0) return ctx.reply.array(0);
  const Hash& hash = **found;
  const std::int64_t from = ctx.db.fields_from_ms();
  Rng& rng = *ctx.db.context().rng;
  if (count > 0) {
    const auto n = static_cast<std::uint64_t>(count);
    begin_reply(ctx, std::min(n, hash.visible(from)), parts);
    return hash.sample(n, rng, from, [&](const HashItem& item) { reply_item(ctx, item, parts); });
  }
  if (hash.visible(from) == 0) return ctx.reply.array(0);
  // What a negative count repeats is bounded: the reply is made in memory.
  if (count < -kRepetitionsMax) return ctx.error("value is out of range");
  const auto n = static_cast<std::uint64_t>(-count);
  begin_reply(ctx, n, parts);
  hash.draw(n, rng, from, [&](const HashItem& item) { reply_item(ctx, item, parts); });
}

constexpr CommandSpec kHrandfield{.name = "hrandfield",
                                  .arity = at_least(2),
                                  .flags = Flag::kReadOnly,
                                  .group = Group::kHash,
                                  .categories = Category::kHash,
                                  .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                  .since = "6.2.0",
                                  .complexity = "O(1) without a count, else O(N) where N is the count.",
                                  .summary = "Replies with one or more fields of a hash drawn at random.",
                                  .syntax = "key [count [WITHVALUES]]",
                                  .tips = "nondeterministic_output"};
void hrandfield(Context& ctx) {
  if (ctx.args.size() == 2) {
    const auto hash = read_hash(ctx);
    if (!hash) return ctx.error(hash.error());
    const auto item = *hash == nullptr ? std::nullopt : (*hash)->random(*ctx.db.context().rng, ctx.db.fields_from_ms());
    return item ? reply_packed(ctx.reply, item->field) : ctx.reply.null();
  }
  const auto count = parse_i64(ctx.args[2]);
  if (!count) return ctx.error(ErrorCode::kNotInteger);
  if (ctx.args.size() > 4 || (ctx.args.size() == 4 && !iequals(ctx.args[3], "WITHVALUES"))) {
    return ctx.error(ErrorCode::kSyntax);
  }
  if (*count == std::numeric_limits<std::int64_t>::min()) {
    return ctx.error("value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  }
  const bool pairs = ctx.args.size() == 4;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  const std::int64_t most = pairs ? kMax / 2 : kMax;
  if (*count < -most || *count > most) return ctx.error("value is out of range");
  random_fields(ctx, *count, pairs ? Parts::kPairs : Parts::kFields);
}

}  // namespace

void register_hash_random(CommandTable& table) { table.add(kHrandfield, &hrandfield); }

}  // namespace ashlar::commands
