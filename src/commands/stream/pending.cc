#include <fmt/format.h>

#include <limits>

#include "base/check.h"
#include "command/arg_parser.h"
#include "commands/stream/args.h"
#include "commands/stream/claim_record.h"
#include "commands/stream/parts.h"
#include "commands/stream/reply.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Stream;
using keyspace::StreamConsumer;
using keyspace::StreamGroup;
using keyspace::StreamPending;

namespace {

// ---- XPENDING

struct PendingQuery {
  std::int64_t idle_min = 0;
  StreamId from;
  StreamId to;
  std::uint64_t count = 0;
  std::optional<std::string_view> consumer;
};

Result<PendingQuery> parse_pending_query(std::span<const std::string_view> args) {
  PendingQuery query;
  std::size_t at = 3;
  if (iequals(args[3], "IDLE")) {
    const auto idle = parse_i64(args[4]);
    if (!idle) return fail(ErrorCode::kNotInteger);
    if (args.size() < 8) return fail(ErrorCode::kSyntax);
    query.idle_min = *idle;
    at += 2;
  }
  const auto count = parse_i64(args[at + 2]);
  if (!count) return fail(ErrorCode::kNotInteger);
  query.count = static_cast<std::uint64_t>(std::max<std::int64_t>(*count, 0));
  ASH_TRY(query.from, parse_range_start(args[at]));
  ASH_TRY(query.to, parse_range_end(args[at + 1]));
  if (at + 3 < args.size()) query.consumer = args[at + 3];
  return query;
}

void reply_pending_summary(Context& ctx, const StreamGroup& group) {
  const StreamGroup::Pending& pending = group.pending();
  ctx.reply.array(4);
  ctx.reply.integer(static_cast<std::int64_t>(pending.size()));
  if (pending.empty()) {
    ctx.reply.null();
    ctx.reply.null();
    return ctx.reply.null_array();
  }
  reply_id(ctx.reply, pending.first().key());
  reply_id(ctx.reply, pending.last().key());
  const resp::Deferred array = ctx.reply.begin_array();
  std::size_t n = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    if (consumer.pending.empty()) continue;
    ctx.reply.array(2);
    ctx.reply.bulk(name);
    ctx.reply.bulk_i64(static_cast<std::int64_t>(consumer.pending.size()));
    ++n;
  }
  ctx.reply.end(array, n);
}

/// Replies one line of XPENDING if the entry has been idle for long enough.
bool reply_pending_entry(Context& ctx, const PendingQuery& query, StreamId id, const StreamPending& entry) {
  const std::int64_t idle = elapsed(now_millis(ctx), entry.delivered_ms);
  if (query.idle_min != 0 && idle < query.idle_min) return false;
  ctx.reply.array(4);
  reply_id(ctx.reply, id);
  ctx.reply.bulk(entry.consumer->name);
  ctx.reply.integer(std::max<std::int64_t>(idle, 0));
  ctx.reply.integer(static_cast<std::int64_t>(entry.deliveries));
  return true;
}

void reply_pending_entries(Context& ctx, const PendingQuery& query, const StreamGroup& group) {
  const StreamConsumer* consumer = nullptr;
  if (query.consumer) {
    const auto it = group.consumers().find(*query.consumer);
    if (it == group.consumers().end()) return ctx.reply.array(0);
    consumer = &it->second;
  }
  const resp::Deferred array = ctx.reply.begin_array();
  std::size_t n = 0;
  if (consumer != nullptr) {
    for (auto at = consumer->pending.seek_ge(query.from); n < query.count && at.valid() && at.key() <= query.to;
         at.next()) {
      n += reply_pending_entry(ctx, query, at.key(), *group.pending().find(at.key())) ? 1 : 0;
    }
  } else {
    for (auto at = group.pending().seek_ge(query.from); n < query.count && at.valid() && at.key() <= query.to;
         at.next()) {
      n += reply_pending_entry(ctx, query, at.key(), at.value()) ? 1 : 0;
    }
  }
  ctx.reply.end(array, n);
}

constexpr CommandSpec kXpending{
    .name = "xpending",
    .arity = at_least(3),
    .flags = Flag::kReadOnly,
    .group = Group::kStream,
    .categories = Category::kStream,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "5.0.0",
    .complexity = "O(N) where N is the number of pending entries looked at; O(consumers) without a range.",
    .summary = "Tells what was delivered to the consumers of a group and is not acknowledged yet.",
    .syntax = "key group [[IDLE min-idle-time] start end count [consumer]]",
    .tips = "nondeterministic_output"};
void xpending(Context& ctx) {
  const bool summary = ctx.args.size() == 3;
  if (!summary && (ctx.args.size() < 6 || ctx.args.size() > 9)) return ctx.error(ErrorCode::kSyntax);
  PendingQuery query;
  if (!summary) {
    const auto parsed = parse_pending_query(ctx.args);
    if (!parsed) return ctx.error(parsed.error());
    query = *parsed;
  }
  const auto stream = ctx.db.read<Stream>(ctx.keys[0], ctx.read_access());
  if (!stream) return ctx.error(stream.error());
  const StreamGroup* group = *stream == nullptr ? nullptr : (*stream)->find_group(ctx.args[2]);
  if (group == nullptr) {
    return no_group_error(ctx, fmt::format("No such key '{}' or consumer group '{}'", ctx.args[1], ctx.args[2]));
  }
  if (summary) return reply_pending_summary(ctx, *group);
  reply_pending_entries(ctx, query, *group);
}

// ---- XCLAIM and XAUTOCLAIM

/// Whether claimed entries are replied whole. By id alone they do not count as delivered once more.
enum class ClaimReply : std::uint8_t { kEntries, kIds };

void reply_claimed(Context& ctx, const Stream& stream, const std::vector<StreamId>& claimed, ClaimReply form) {
  ctx.reply.array(claimed.size());
  for (const StreamId id : claimed) {
    if (form == ClaimReply::kIds) {
      reply_id(ctx.reply, id);
    } else {
      ASH_CHECK(reply_entry_of(ctx.reply, stream, id));  // only what is in the stream is claimed
    }
  }
}

/// Takes a pending entry whose message is gone out of the group.
void drop_pending(Context& ctx, const GroupPlace& place, StreamId id, const StreamPending& entry) {
  record_claim(ctx, place, id, entry);
  ctx.effects.changed();
  place.group.acknowledge(id);
}

struct ClaimOptions {
  std::int64_t idle_min = 0;
  std::vector<StreamId> ids;
  std::int64_t delivered_ms = 0;
  std::optional<std::int64_t> retry_count;
  StreamId last_id;
  bool force = false;
  ClaimReply reply = ClaimReply::kEntries;
};

Result<void> parse_claim_option(ArgParser& in, std::int64_t now, ClaimOptions& options) {
  const auto number = [&](std::string_view name) {
    return in.integer({ErrorCode::kGeneric, fmt::format("Invalid {} option argument for XCLAIM", name)});
  };
  if (in.take("FORCE")) {
    options.force = true;
  } else if (in.take("JUSTID")) {
    options.reply = ClaimReply::kIds;
  } else if (in.left() > 1 && in.take("IDLE")) {
    options.delivered_ms = elapsed(now, number("IDLE"));
  } else if (in.left() > 1 && in.take("TIME")) {
    options.delivered_ms = number("TIME");
  } else if (in.left() > 1 && in.take("RETRYCOUNT")) {
    const std::int64_t n = number("RETRYCOUNT");
    options.retry_count = n >= 0 ? std::optional(n) : std::nullopt;
  } else if (in.left() > 1 && in.take("LASTID")) {
    ASH_TRY(options.last_id, parse_strict_id(in.text()));
  } else {
    return fail(fmt::format("Unrecognized XCLAIM option '{}'", in.text()));
  }
  return {};
}

Result<ClaimOptions> parse_claim(std::span<const std::string_view> args, std::int64_t now) {
  ClaimOptions options;
  options.delivered_ms = now;
  const auto idle = parse_i64(args[4]);
  if (!idle) return fail("Invalid min-idle-time argument for XCLAIM");
  options.idle_min = std::max<std::int64_t>(*idle, 0);
  std::size_t at = 5;
  for (; at < args.size(); ++at) {
    const auto id = parse_strict_id(args[at]);
    if (!id) break;  // the first option
    options.ids.push_back(*id);
  }
  ArgParser in(args, at);
  while (in.more()) ASH_TRY_VOID(parse_claim_option(in, now, options));
  if (in.failed()) return std::unexpected(in.error());
  // Clocks of clients go wrong: what is not in the past is now.
  if (options.delivered_ms < 0 || options.delivered_ms > now) options.delivered_ms = now;
  return options;
}

/// Claims one entry; false when it stays as it is.
bool claim(Context& ctx, const GroupPlace& place, StreamId id, StreamConsumer& consumer, const ClaimOptions& options) {
  StreamPending* entry = place.group.find_pending(id);
  if (entry == nullptr && !options.force) return false;
  if (entry != nullptr && options.idle_min > 0 && elapsed(now_millis(ctx), entry->delivered_ms) < options.idle_min) {
    return false;
  }
  const bool fresh = entry == nullptr;
  StreamPending& claimed = place.group.assign(id, consumer);
  if (fresh) claimed.deliveries = 1;
  claimed.delivered_ms = options.delivered_ms;
  if (options.retry_count) {
    claimed.deliveries = static_cast<std::uint64_t>(*options.retry_count);
  } else if (options.reply == ClaimReply::kEntries) {
    ++claimed.deliveries;
  }
  consumer.active_ms = now_millis(ctx);
  record_claim(ctx, place, id, claimed);
  ctx.effects.changed();
  return true;
}

constexpr CommandSpec kXclaim{
    .name = "xclaim",
    .arity = at_least(6),
    .flags = Flag::kWrite | Flag::kFast,
    .group = Group::kStream,
    .categories = Category::kStream,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
    .since = "5.0.0",
    .complexity = "O(log N) for each id, where N is the number of pending entries of the group.",
    .summary = "Makes pending entries those of a consumer, as if they had been delivered to it.",
    .syntax =
        "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] "
        "[FORCE] [JUSTID] [LASTID lastid]",
    .tips = "nondeterministic_output"};
void xclaim(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const auto stream = ctx.db.edit<Stream>(key);
  if (!stream) return ctx.error(stream.error());
  StreamGroup* group = *stream == nullptr ? nullptr : (*stream)->find_group(ctx.args[2]);
  if (group == nullptr) {
    return no_group_error(ctx, fmt::format("No such key '{}' or consumer group '{}'", ctx.args[1], ctx.args[2]));
  }
  const auto options = parse_claim(ctx.args, now_millis(ctx));
  if (!options) return ctx.error(options.error());
  ctx.effects.not_recorded();
  const GroupPlace place{key.text, ctx.args[2], *group};
  bool records_last_id = options->last_id > group->last_id;
  if (records_last_id) group->last_id = options->last_id;
  StreamConsumer& consumer = see_consumer(ctx, key, *group, ctx.args[3]).consumer;
  std::vector<StreamId> claimed;
  for (const StreamId id : options->ids) {
    if (!(*stream)->contains(id)) {
      const StreamPending* entry = group->find_pending(id);
      if (entry == nullptr) continue;
      drop_pending(ctx, place, id, *entry);
      records_last_id = false;
    } else if (claim(ctx, place, id, consumer, *options)) {
      claimed.push_back(id);
      records_last_id = false;
    }
  }
  if (records_last_id) {
    record_group_id(ctx, place);
    ctx.effects.changed();
  }
  reply_claimed(ctx, **stream, claimed, options->reply);
}

struct AutoClaimOptions {
  StreamId from;
  std::uint64_t count = 100;
  ClaimOptions claim;
};

Result<AutoClaimOptions> parse_autoclaim(std::span<const std::string_view> args, std::int64_t now) {
  // Source: Redis 7, where this many ids still have an address.
  constexpr std::int64_t kCountMax = std::numeric_limits<std::int64_t>::max() / 16;
  AutoClaimOptions options;
  options.claim.delivered_ms = now;
  const auto idle = parse_i64(args[4]);
  if (!idle) return fail("Invalid min-idle-time argument for XAUTOCLAIM");
  options.claim.idle_min = std::max<std::int64_t>(*idle, 0);
  ASH_TRY(options.from, parse_range_start(args[5]));
  ArgParser in(args, 6);
  while (in.more()) {
    if (in.left() > 1 && in.take("COUNT")) {
      options.count =
          static_cast<std::uint64_t>(in.integer_in(1, kCountMax, {ErrorCode::kGeneric, "COUNT must be > 0"}));
    } else if (in.take("JUSTID")) {
      options.claim.reply = ClaimReply::kIds;
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

constexpr CommandSpec kXautoclaim{.name = "xautoclaim",
                                  .arity = at_least(6),
                                  .flags = Flag::kWrite | Flag::kFast,
                                  .group = Group::kStream,
                                  .categories = Category::kStream,
                                  .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                                  .since = "6.2.0",
                                  .complexity = "O(1) if COUNT is small.",
                                  .summary = "Makes pending entries that have been idle for long those of a consumer.",
                                  .syntax = "key group consumer min-idle-time start [COUNT count] [JUSTID]",
                                  .tips = "nondeterministic_output"};
void xautoclaim(Context& ctx) {
  constexpr std::uint64_t kAttemptsEach = 10;
  const auto options = parse_autoclaim(ctx.args, now_millis(ctx));
  if (!options) return ctx.error(options.error());
  const KeyRef& key = ctx.keys[0];
  const auto stream = ctx.db.edit<Stream>(key);
  if (!stream) return ctx.error(stream.error());
  StreamGroup* group = *stream == nullptr ? nullptr : (*stream)->find_group(ctx.args[2]);
  if (group == nullptr) {
    return no_group_error(ctx, fmt::format("No such key '{}' or consumer group '{}'", ctx.args[1], ctx.args[2]));
  }
  ctx.effects.not_recorded();
  const GroupPlace place{key.text, ctx.args[2], *group};
  StreamConsumer& consumer = see_consumer(ctx, key, *group, ctx.args[3]).consumer;
  std::vector<StreamId> claimed;
  std::vector<StreamId> gone;
  std::optional<StreamId> from = options->from;
  std::uint64_t attempts = options->count * kAttemptsEach;
  // Sought anew each time: claiming changes what is walked.
  const auto next = [&] { return from ? group->pending().seek_ge(*from) : StreamGroup::Pending::ConstCursor{}; };
  for (; attempts > 0 && claimed.size() + gone.size() < options->count; --attempts) {
    const auto at = next();
    if (!at.valid()) break;
    const StreamId id = at.key();
    from = id.next();
    if (!(*stream)->contains(id)) {
      drop_pending(ctx, place, id, at.value());
      gone.push_back(id);
    } else if (claim(ctx, place, id, consumer, options->claim)) {
      claimed.push_back(id);
    }
  }
  const auto rest = next();
  ctx.reply.array(3);
  reply_id(ctx.reply, rest.valid() ? rest.key() : StreamId{});
  reply_claimed(ctx, **stream, claimed, options->claim.reply);
  ctx.reply.array(gone.size());
  for (const StreamId id : gone) reply_id(ctx.reply, id);
}

}  // namespace

void register_stream_pending(CommandTable& table) {
  table.add(kXpending, &xpending);
  table.add(kXclaim, &xclaim);
  table.add(kXautoclaim, &xautoclaim);
}

}  // namespace ashlar::commands
