#include <fmt/format.h>

#include <array>

#include "command/arg_parser.h"
#include "commands/stream/args.h"
#include "commands/stream/parts.h"
#include "commands/stream/reply.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Stream;
using keyspace::StreamConsumer;
using keyspace::StreamGroup;
using keyspace::StreamOrder;

namespace {

constexpr KeySpec kInspected = one_key(2, KeyAccess::kRO, KeyAction::kAccess);

/// Names and values of a map, written one after another.
class MapReply {
 public:
  MapReply(resp::Encoder& reply, std::size_t pairs) : reply_(reply) { reply.map(pairs); }
  void number(std::string_view name, std::int64_t value) {
    reply_.bulk(name);
    reply_.integer(value);
  }
  void count(std::string_view name, std::uint64_t value) { number(name, static_cast<std::int64_t>(value)); }
  void maybe_number(std::string_view name, std::optional<std::int64_t> value) {
    reply_.bulk(name);
    value ? reply_.integer(*value) : reply_.null();
  }
  void text(std::string_view name, std::string_view value) {
    reply_.bulk(name);
    reply_.bulk(value);
  }
  void id(std::string_view name, StreamId value) {
    reply_.bulk(name);
    reply_id(reply_, value);
  }
  /// The caller writes the value.
  resp::Encoder& value(std::string_view name) {
    reply_.bulk(name);
    return reply_;
  }

 private:
  resp::Encoder& reply_;
};

/// nullptr after an error reply.
const Stream* inspected(Context& ctx) {
  const auto stream = ctx.db.read<Stream>(ctx.keys[0], ctx.read_access());
  if (!stream) {
    ctx.error(stream.error());
    return nullptr;
  }
  if (*stream == nullptr) ctx.error(ErrorCode::kNoSuchKey);
  return *stream;
}

// ---- XINFO STREAM

void reply_edge(resp::Encoder& reply, const Stream& stream, StreamOrder order) {
  keyspace::StreamRange range(stream, {}, StreamId::max(), order);
  if (!range.next()) return reply.null();
  reply_entry(reply, range);
}

/// At most `count` elements of an ordered map; write(cursor) replies one.
template <typename Map, typename Write>
void reply_first(resp::Encoder& reply, const Map& map, std::optional<std::uint64_t> count, Write&& write) {
  const std::uint64_t n = std::min<std::uint64_t>(map.size(), count.value_or(map.size()));
  reply.array(n);
  auto at = map.first();
  for (std::uint64_t i = 0; i < n; ++i, at.next()) write(at);
}

void reply_consumer_full(resp::Encoder& reply, const StreamGroup& group, const StreamConsumer& consumer,
                         std::optional<std::uint64_t> count) {
  MapReply map(reply, 5);
  map.text("name", consumer.name);
  map.number("seen-time", consumer.seen_ms);
  map.number("active-time", consumer.active_ms.value_or(-1));
  map.count("pel-count", consumer.pending.size());
  reply_first(map.value("pending"), consumer.pending, count, [&](const auto& at) {
    const keyspace::StreamPending& entry = *group.pending().find(at.key());
    reply.array(3);
    reply_id(reply, at.key());
    reply.integer(entry.delivered_ms);
    reply.integer(static_cast<std::int64_t>(entry.deliveries));
  });
}

void reply_group_full(resp::Encoder& reply, const Stream& stream, std::string_view name, const StreamGroup& group,
                      std::optional<std::uint64_t> count) {
  MapReply map(reply, 7);
  map.text("name", name);
  map.id("last-delivered-id", group.last_id);
  map.maybe_number("entries-read", group.entries_read);
  map.maybe_number("lag", stream.lag(group));
  map.count("pel-count", group.pending().size());
  reply_first(map.value("pending"), group.pending(), count, [&](const auto& at) {
    reply.array(4);
    reply_id(reply, at.key());
    reply.bulk(at.value().consumer->name);
    reply.integer(at.value().delivered_ms);
    reply.integer(static_cast<std::int64_t>(at.value().deliveries));
  });
  map.value("consumers").array(group.consumers().size());
  for (const auto& [consumer_name, consumer] : group.consumers()) reply_consumer_full(reply, group, consumer, count);
}

struct StreamInfoOptions {
  bool full = false;
  std::optional<std::uint64_t> count = 10;  // source: default of XINFO STREAM FULL; nullopt: all
};

/// False after an error reply.
bool parse_stream_info(Context& ctx, StreamInfoOptions& options) {
  const std::size_t n = ctx.args.size() - 3;
  if (n == 0) return true;
  options.full = true;
  const bool well_formed =
      (n == 1 || n == 3) && iequals(ctx.args[3], "FULL") && (n == 1 || iequals(ctx.args[4], "COUNT"));
  if (!well_formed) {
    subcommand_syntax_error(ctx);
    return false;
  }
  if (n == 1) return true;
  const auto count = parse_i64(ctx.args[5]);
  if (!count) {
    ctx.error(ErrorCode::kNotInteger);
    return false;
  }
  if (*count == 0) options.count = std::nullopt;
  if (*count > 0) options.count = static_cast<std::uint64_t>(*count);
  return true;
}

constexpr CommandSpec kStream{.name = "xinfo|stream",
                              .arity = at_least(3),
                              .flags = Flag::kReadOnly,
                              .group = Group::kStream,
                              .categories = Category::kStream,
                              .keys = {kInspected},
                              .since = "5.0.0",
                              .complexity = "O(1), with FULL O(N) where N is the number of things replied.",
                              .summary = "Tells about a stream, with FULL also its entries and groups.",
                              .syntax = "key [FULL [COUNT count]]"};
void stream_info(Context& ctx) {
  const Stream* stream = inspected(ctx);
  if (stream == nullptr) return;
  StreamInfoOptions options;
  if (!parse_stream_info(ctx, options)) return;
  MapReply map(ctx.reply, options.full ? 9 : 10);
  map.count("length", stream->size());
  map.count("radix-tree-keys", stream->nodes().size());
  map.count("radix-tree-nodes", stream->radix_tree_nodes());
  map.id("last-generated-id", stream->last_id());
  map.id("max-deleted-entry-id", stream->max_deleted_id());
  map.count("entries-added", stream->entries_added());
  map.id("recorded-first-entry-id", stream->first_id());
  if (!options.full) {
    map.count("groups", stream->groups().size());
    reply_edge(map.value("first-entry"), *stream, StreamOrder::kAscending);
    reply_edge(map.value("last-entry"), *stream, StreamOrder::kDescending);
    return;
  }
  reply_range(map.value("entries"), {*stream, {}, StreamId::max()}, options.count);
  map.value("groups").array(stream->groups().size());
  for (const auto& [name, group] : stream->groups()) reply_group_full(ctx.reply, *stream, name, group, options.count);
}

// ---- XINFO GROUPS, CONSUMERS

constexpr CommandSpec kGroups{.name = "xinfo|groups",
                              .arity = exactly(3),
                              .flags = Flag::kReadOnly,
                              .group = Group::kStream,
                              .categories = Category::kStream,
                              .keys = {kInspected},
                              .since = "5.0.0",
                              .complexity = "O(N) where N is the number of groups.",
                              .summary = "Tells about the consumer groups of a stream.",
                              .syntax = "key"};
void groups_info(Context& ctx) {
  const Stream* stream = inspected(ctx);
  if (stream == nullptr) return;
  ctx.reply.array(stream->groups().size());
  for (const auto& [name, group] : stream->groups()) {
    MapReply map(ctx.reply, 6);
    map.text("name", name);
    map.count("consumers", group.consumers().size());
    map.count("pending", group.pending().size());
    map.id("last-delivered-id", group.last_id);
    map.maybe_number("entries-read", group.entries_read);
    map.maybe_number("lag", stream->lag(group));
  }
}

constexpr CommandSpec kConsumers{.name = "xinfo|consumers",
                                 .arity = exactly(4),
                                 .flags = Flag::kReadOnly,
                                 .group = Group::kStream,
                                 .categories = Category::kStream,
                                 .keys = {kInspected},
                                 .since = "5.0.0",
                                 .complexity = "O(N) where N is the number of consumers.",
                                 .summary = "Tells about the consumers of a group.",
                                 .syntax = "key group",
                                 .tips = "nondeterministic_output"};
void consumers_info(Context& ctx) {
  const Stream* stream = inspected(ctx);
  if (stream == nullptr) return;
  const StreamGroup* group = stream->find_group(ctx.args[3]);
  if (group == nullptr) {
    return no_group_error(ctx, fmt::format("No such consumer group '{}' for key name '{}'", ctx.args[3], ctx.args[2]));
  }
  const std::int64_t now = now_millis(ctx);
  ctx.reply.array(group->consumers().size());
  for (const auto& [name, consumer] : group->consumers()) {
    MapReply map(ctx.reply, 4);
    map.text("name", name);
    map.count("pending", consumer.pending.size());
    map.number("idle", std::max<std::int64_t>(elapsed(now, consumer.seen_ms), 0));
    map.number("inactive", consumer.active_ms ? elapsed(now, *consumer.active_ms) : -1);
  }
}

constexpr CommandSpec kXinfo{.name = "xinfo",
                             .arity = at_least(2),
                             .group = Group::kStream,
                             .since = "5.0.0",
                             .complexity = "Depends on subcommand.",
                             .summary = "Holds the commands that tell about streams."};

constexpr std::array<std::string_view, 9> kHelpLines = {
    "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CONSUMERS <key> <groupname>",
    "    The consumers of the group, what is pending with each and when it was last seen.",
    "GROUPS <key>",
    "    The consumer groups of the stream.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Figures of the stream; FULL adds entries, groups and consumers.",
    "HELP",
    "    Print this help.",
};
constexpr CommandSpec kHelp{.name = "xinfo|help",
                            .arity = exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kStream,
                            .categories = Category::kStream,
                            .since = "5.0.0",
                            .complexity = "O(1)",
                            .summary = "Lists the subcommands of XINFO."};
void help(Context& ctx) {
  ctx.reply.array(kHelpLines.size());
  for (const std::string_view line : kHelpLines) ctx.reply.simple(line);
}

}  // namespace

void register_stream_info(CommandTable& table) {
  table.add_container(kXinfo);
  table.add(kStream, &stream_info);
  table.add(kGroups, &groups_info);
  table.add(kConsumers, &consumers_info);
  table.add(kHelp, &help);
}

}  // namespace ashlar::commands
