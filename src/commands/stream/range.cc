#include "command/arg_parser.h"
#include "commands/stream/args.h"
#include "commands/stream/parts.h"
#include "commands/stream/reply.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Stream;
using keyspace::StreamOrder;

namespace {

constexpr CommandSpec kXlen{.name = "xlen",
                            .arity = exactly(2),
                            .flags = Flag::kReadOnly | Flag::kFast,
                            .group = Group::kStream,
                            .categories = Category::kStream,
                            .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone)},
                            .since = "5.0.0",
                            .complexity = "O(1)",
                            .summary = "Counts the entries of a stream.",
                            .syntax = "key"};
void xlen(Context& ctx) {
  const auto stream = ctx.db.read<Stream>(ctx.keys[0], ctx.read_access());
  if (!stream) return ctx.error(stream.error());
  ctx.reply.integer(*stream == nullptr ? 0 : static_cast<std::int64_t>((*stream)->size()));
}

void range(Context& ctx, StreamOrder order) {
  const bool ascending = order == StreamOrder::kAscending;
  const auto from = parse_range_start(ctx.args[ascending ? 2 : 3]);
  if (!from) return ctx.error(from.error());
  const auto to = parse_range_end(ctx.args[ascending ? 3 : 2]);
  if (!to) return ctx.error(to.error());
  std::optional<std::uint64_t> count;
  ArgParser in(ctx.args, 4);
  while (in.more()) {
    if (in.left() > 1 && in.take("COUNT")) {
      count = static_cast<std::uint64_t>(std::max<std::int64_t>(in.integer(), 0));
    } else {
      in.reject();
    }
  }
  if (in.failed()) return ctx.error(in.error());
  const auto stream = ctx.db.read<Stream>(ctx.keys[0], ctx.read_access());
  if (!stream) return ctx.error(stream.error());
  if (*stream == nullptr) return ctx.reply.array(0);
  if (count == 0) return ctx.reply.null_array();
  reply_range(ctx.reply, {**stream, *from, *to, order}, count);
}

constexpr CommandSpec kXrange{.name = "xrange",
                              .arity = at_least(4),
                              .flags = Flag::kReadOnly,
                              .group = Group::kStream,
                              .categories = Category::kStream,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "5.0.0",
                              .complexity = "O(N) where N is the number of entries replied.",
                              .summary = "Replies with the entries between two ids, oldest first.",
                              .syntax = "key start end [COUNT count]"};
void xrange(Context& ctx) { range(ctx, StreamOrder::kAscending); }

constexpr CommandSpec kXrevrange{.name = "xrevrange",
                                 .arity = at_least(4),
                                 .flags = Flag::kReadOnly,
                                 .group = Group::kStream,
                                 .categories = Category::kStream,
                                 .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                 .since = "5.0.0",
                                 .complexity = "O(N) where N is the number of entries replied.",
                                 .summary = "Replies with the entries between two ids, newest first.",
                                 .syntax = "key end start [COUNT count]"};
void xrevrange(Context& ctx) { range(ctx, StreamOrder::kDescending); }

}  // namespace

void register_stream_ranges(CommandTable& table) {
  table.add(kXlen, &xlen);
  table.add(kXrange, &xrange);
  table.add(kXrevrange, &xrevrange);
}

}  // namespace ashlar::commands
