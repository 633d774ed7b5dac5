#include <fmt/format.h>

#include <vector>

#include "command/arg_parser.h"
#include "command/blocking.h"
#include "commands/stream/args.h"
#include "commands/stream/claim_record.h"
#include "commands/stream/parts.h"
#include "commands/stream/reply.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Stream;
using keyspace::StreamConsumer;
using keyspace::StreamGroup;
using keyspace::StreamRange;

namespace {

enum class Form : std::uint8_t { kRead, kReadGroup };

struct ReadOptions {
  std::optional<BlockTimeout> block;
  std::optional<std::uint64_t> count;
  bool no_ack = false;
  std::string_view group;
  std::string_view consumer;
  std::size_t first_key = 0;
  std::size_t streams = 0;
};

/// Keys as Redis finds them: behind the word STREAMS, but options before it may have that name as their value.
template <Form form>
void find_read_keys(std::span<const std::string_view> args, std::vector<KeyPosition>& out) {
  std::size_t at = 1;
  for (; at < args.size(); ++at) {
    if (iequals(args[at], "BLOCK") || iequals(args[at], "COUNT")) {
      ++at;
    } else if (iequals(args[at], "GROUP")) {
      at += 2;
    } else if (!iequals(args[at], "NOACK")) {
      break;
    }
  }
  if (at >= args.size() || !iequals(args[at], "STREAMS")) return;
  const std::size_t rest = args.size() - at - 1;
  if (rest == 0 || rest % 2 == 1) return;
  for (std::size_t i = 1; i <= rest / 2; ++i) {
    out.push_back({static_cast<std::uint32_t>(at + i), KeyAccess::kRO, KeyAction::kAccess});
  }
}

Error only_for_groups(std::string_view option) {
  return {ErrorCode::kGeneric,
          fmt::format("The {} option is only supported by XREADGROUP. You called XREAD instead.", option)};
}

Result<ReadOptions> parse_read(std::span<const std::string_view> args, Form form) {
  ReadOptions options;
  bool has_group = false;
  ArgParser in(args, 1);
  while (in.more()) {
    if (in.left() > 1 && in.take("BLOCK")) {
      ASH_TRY(options.block, parse_timeout(in.text(), TimeoutUnit::kMilliseconds));
    } else if (in.left() > 1 && in.take("COUNT")) {
      const std::int64_t n = in.integer();
      options.count = n > 0 ? std::optional(static_cast<std::uint64_t>(n)) : std::nullopt;
    } else if (in.left() > 1 && in.take("STREAMS")) {
      if (in.left() % 2 != 0) {
        return fail(fmt::format("Unbalanced '{}' list of streams: for each stream key an ID or '{}' must be specified.",
                                form == Form::kRead ? "xread" : "xreadgroup", form == Form::kRead ? '$' : '>'));
      }
      options.streams = in.left() / 2;
      options.first_key = args.size() - in.left();
      break;
    } else if (in.left() > 2 && in.take("GROUP")) {
      if (form == Form::kRead) return std::unexpected(only_for_groups("GROUP"));
      has_group = true;
      options.group = in.text();
      options.consumer = in.text();
    } else if (in.take("NOACK")) {
      if (form == Form::kRead) return std::unexpected(only_for_groups("NOACK"));
      options.no_ack = true;
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  if (options.streams == 0) return fail(ErrorCode::kSyntax);
  if (form == Form::kReadGroup && !has_group) return fail("Missing GROUP option for XREADGROUP");
  return options;
}

/// One stream to read from.
struct Source {
  std::string_view key;
  Stream* stream = nullptr;  // null: no such key
  StreamGroup* group = nullptr;
  StreamId after;
  bool news = false;  // ">": what the group has not delivered yet
};

Result<Stream*> find_stream(Context& ctx, const KeyRef& key, Form form) {
  if (form == Form::kReadGroup) return ctx.db.edit<Stream>(key);
  ASH_TRY(const Stream* stream, ctx.db.read<Stream>(key, ctx.read_access()));
  return const_cast<Stream*>(stream);  // not changed by XREAD
}

Result<void> resolve_id(std::string_view id, Form form, Source& source) {
  if (id == "$") {
    if (form == Form::kReadGroup) {
      return fail(
          "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
          "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result "
          "set.");
    }
    if (source.stream != nullptr) source.after = source.stream->last_id();
    return {};
  }
  if (id == ">") {
    if (form == Form::kRead) {
      return fail("The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
    }
    source.news = true;
    return {};
  }
  ASH_TRY(source.after, parse_strict_id(id));
  // As in Redis, which says ">" by the greatest id.
  source.news = form == Form::kReadGroup && source.after == StreamId::max();
  return {};
}

/// False after an error reply.
bool find_sources(Context& ctx, const ReadOptions& options, Form form, std::vector<Source>& sources) {
  for (std::size_t i = 0; i < options.streams; ++i) {
    const auto stream = find_stream(ctx, ctx.keys[i], form);
    if (!stream) {
      ctx.error(stream.error());
      return false;
    }
    Source source;
    source.key = ctx.keys[i].text;
    source.stream = *stream;
    if (form == Form::kReadGroup) {
      if (source.stream != nullptr) source.group = source.stream->find_group(options.group);
      if (source.group == nullptr) {
        no_group_error(ctx, fmt::format("No such key '{}' or consumer group '{}' in XREADGROUP with GROUP option",
                                        source.key, options.group));
        return false;
      }
    }
    const auto resolved = resolve_id(ctx.args[options.first_key + options.streams + i], form, source);
    if (!resolved) {
      ctx.error(resolved.error());
      return false;
    }
    sources.push_back(source);
  }
  return true;
}

/// Replies of several streams: pairs of key and entries, a map in RESP3.
class StreamsReply {
 public:
  explicit StreamsReply(resp::Encoder& reply) : reply_(reply) {}
  void begin_stream(std::string_view key) {
    const bool maps = reply_.version() == resp::Version::kResp3;
    if (n_++ == 0) all_ = maps ? reply_.begin_map() : reply_.begin_array();
    if (!maps) reply_.array(2);
    reply_.bulk(key);
  }
  /// False, without a reply, when there was no stream.
  [[nodiscard]] bool end() {
    if (n_ == 0) return false;
    reply_.end(all_, n_);
    return true;
  }

 private:
  resp::Encoder& reply_;
  resp::Deferred all_{};
  std::size_t n_ = 0;
};

void read_plain(Context& ctx, const ReadOptions& options, const std::vector<Source>& sources, StreamsReply& reply) {
  for (const Source& source : sources) {
    if (source.stream == nullptr || source.stream->empty() || source.stream->last_entry_id() <= source.after) continue;
    reply.begin_stream(source.key);
    reply_range(ctx.reply, {*source.stream, *source.after.next(), StreamId::max()}, options.count);
  }
}

/// Entries that the consumer has already and did not acknowledge, after an id. Those that are gone come without fields.
void reply_history(Context& ctx, const Source& source, StreamConsumer& consumer, std::optional<std::uint64_t> count) {
  const resp::Deferred array = ctx.reply.begin_array();
  std::size_t n = 0;
  auto at = consumer.pending.seek_ge(source.after.next().value_or(StreamId::max()));
  for (; at.valid() && (!count || n < *count); at.next(), ++n) {
    if (reply_entry_of(ctx.reply, *source.stream, at.key())) {
      keyspace::StreamPending& entry = *source.group->find_pending(at.key());
      entry.delivered_ms = now_millis(ctx);
      ++entry.deliveries;
    } else {
      ctx.reply.array(2);
      reply_id(ctx.reply, at.key());
      ctx.reply.null_array();
    }
  }
  ctx.reply.end(array, n);
}

/// The group has delivered `id`: its last id and, as far as it can be told, its counter follow.
void advance(const Stream& stream, StreamGroup& group, StreamId id) {
  const bool counts_on =
      group.entries_read && group.last_id >= stream.first_id() && !stream.has_gap_from(group.last_id);
  if (counts_on) {
    ++*group.entries_read;
  } else if (stream.entries_added() != 0) {
    group.entries_read = stream.entries_added_until(id);
  }
  group.last_id = id;
}

void reply_news(Context& ctx, const ReadOptions& options, const Source& source, StreamConsumer& consumer) {
  StreamGroup& group = *source.group;
  const GroupPlace place{source.key, options.group, group};
  const resp::Deferred array = ctx.reply.begin_array();
  std::size_t n = 0;
  bool records_group_id = false;
  StreamRange range(*source.stream, *group.last_id.next(), StreamId::max());
  while ((!options.count || n < *options.count) && range.next()) {
    advance(*source.stream, group, range.id());
    reply_entry(ctx.reply, range);
    ++n;
    if (options.no_ack) {
      records_group_id = true;
      continue;
    }
    keyspace::StreamPending& entry = group.assign(range.id(), consumer);
    entry.delivered_ms = now_millis(ctx);
    entry.deliveries = 1;
    consumer.active_ms = now_millis(ctx);
    record_claim(ctx, place, range.id(), entry);
  }
  if (records_group_id) record_group_id(ctx, place);
  ctx.reply.end(array, n);
}

void read_group(Context& ctx, const ReadOptions& options, const std::vector<Source>& sources, StreamsReply& reply) {
  ctx.effects.not_recorded();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Source& source = sources[i];
    const bool has_news =
        source.news && !source.stream->empty() && source.stream->last_entry_id() > source.group->last_id;
    const StreamGroup::Created seen = see_consumer(ctx, ctx.keys[i], *source.group, options.consumer);
    if (seen.fresh && options.no_ack) {
      ctx.effects.instead({"XGROUP", "CREATECONSUMER", source.key, options.group, options.consumer});
    }
    if (source.news && !has_news) continue;
    reply.begin_stream(source.key);
    if (source.news) {
      reply_news(ctx, options, source, seen.consumer);
    } else {
      reply_history(ctx, source, seen.consumer, options.count);
    }
    ctx.effects.changed();
  }
}

/// The command runs again when one of the streams changes; for a group also when it is gone, to say so then.
void wait_for_news(Context& ctx, const ReadOptions& options, Form form, const std::vector<Source>& sources) {
  BlockRequest request{.keys = ctx.keys, .type = keyspace::Type::kStream, .timeout = *options.block};
  if (form == Form::kReadGroup) {
    request.wake_on = WakeOn::kAnyChange;
    return ctx.block(request);
  }
  // "$" is what was last when the wait began.
  request.args.assign(ctx.args.begin(), ctx.args.end());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    std::string& id = request.args[options.first_key + options.streams + i];
    if (id == "$") id = keyspace::id_text(sources[i].after);
  }
  ctx.block(request);
}

void read(Context& ctx, Form form) {
  const auto options = parse_read(ctx.args, form);
  if (!options) return ctx.error(options.error());
  if (ctx.keys.size() != options->streams) return ctx.error(ErrorCode::kSyntax);
  std::vector<Source> sources;
  if (!find_sources(ctx, *options, form, sources)) return;
  StreamsReply reply(ctx.reply);
  if (form == Form::kRead) {
    read_plain(ctx, *options, sources, reply);
  } else {
    read_group(ctx, *options, sources, reply);
  }
  if (reply.end()) return;
  if (!options->block || !ctx.may_block()) return ctx.reply.null_array();
  wait_for_news(ctx, *options, form, sources);
}

constexpr KeySpec streams_key(std::int16_t from) {
  return {.begin = KeySpec::Begin::kKeyword,
          .index = from,
          .keyword = "STREAMS",
          .last = -1,
          .limit = 2,
          .access = KeyAccess::kRO,
          .action = KeyAction::kAccess};
}

constexpr CommandSpec kXread{.name = "xread",
                             .arity = at_least(4),
                             .flags = Flag::kReadOnly | Flag::kBlocking | Flag::kMovableKeys,
                             .group = Group::kStream,
                             .categories = Category::kStream,
                             .keys = {streams_key(1)},
                             .since = "5.0.0",
                             .complexity = "O(N) where N is the number of entries replied.",
                             .summary = "Replies with the entries of some streams that come after given ids.",
                             .syntax = "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
                             .extractor = &find_read_keys<Form::kRead>};
void xread(Context& ctx) { read(ctx, Form::kRead); }

constexpr CommandSpec kXreadgroup{
    .name = "xreadgroup",
    .arity = at_least(7),
    .flags = Flag::kWrite | Flag::kBlocking | Flag::kMovableKeys,
    .group = Group::kStream,
    .categories = Category::kStream,
    .keys = {streams_key(4)},
    .since = "5.0.0",
    .complexity = "O(M) where M is the number of entries replied, O(1) when it is small.",
    .summary = "Delivers entries of some streams to a consumer of a group, new ones or those it has already.",
    .syntax = "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
    .extractor = &find_read_keys<Form::kReadGroup>};
void xreadgroup(Context& ctx) { read(ctx, Form::kReadGroup); }

}  // namespace

void register_stream_reads(CommandTable& table) {
  table.add(kXread, &xread);
  table.add(kXreadgroup, &xreadgroup);
}

}  // namespace ashlar::commands
