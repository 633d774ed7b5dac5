#include <fmt/format.h>

#include <array>

#include "command/arg_parser.h"
#include "commands/stream/args.h"
#include "commands/stream/parts.h"
#include "commands/stream/reply.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Stream;
using keyspace::StreamTrim;

namespace {

constexpr KeyAction kUpdated = KeyAction::kUpdate;

/// The id that XADD gives; errors are those of an id that is not greater than all before.
Result<StreamId> new_id(const NewId& wanted, const Stream& stream, std::int64_t now_ms) {
  const StreamId last = stream.last_id();
  const auto next = last.next();
  if (!next) return fail("The stream has exhausted the last possible ID, unable to add more items");
  StreamId id = wanted.id;
  switch (wanted.kind) {
    case NewId::Kind::kAuto: {
      const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms, 0));
      return ms > last.ms ? StreamId{ms, 0} : *next;
    }
    case NewId::Kind::kAutoSeq:
      // When the sequence of this millisecond is used up, the last id itself fails below.
      if (id.ms == last.ms) id.seq = next->ms == last.ms ? next->seq : last.seq;
      break;
    case NewId::Kind::kGiven: break;
  }
  if (id <= last) return fail("The ID specified in XADD is equal or smaller than the target stream top item");
  return id;
}

/// Replaces the bound of an imprecise trim in a recorded command by what it came to.
void record_exact_bound(Effects::Record& record, const AddOrTrim& options, const Stream& stream) {
  const bool by_length = std::holds_alternative<StreamTrim::MaxLength>(options.trim->bound);
  record[options.bound_at - 1] = "=";
  record[options.bound_at] = by_length ? std::to_string(stream.size()) : keyspace::id_text(stream.first_kept_id());
}

bool is_imprecise(const AddOrTrim& options) {
  return options.trim && options.trim->precision == StreamTrim::Precision::kWholeNodes;
}

void record_add(Context& ctx, const AddOrTrim& options, const Stream& stream, StreamId id) {
  if (options.id.kind == NewId::Kind::kGiven && !is_imprecise(options)) return;
  Effects::Record record(ctx.args.begin(), ctx.args.end());
  if (is_imprecise(options)) record_exact_bound(record, options, stream);
  record[options.id_at] = keyspace::id_text(id);
  ctx.effects.instead(std::move(record));
}

constexpr CommandSpec kXadd{
    .name = "xadd",
    .arity = at_least(5),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
    .group = Group::kStream,
    .categories = Category::kStream,
    .keys = {one_key(1, KeyAccess::kRW, kUpdated)},
    .since = "5.0.0",
    .complexity = "O(1) to add, O(N) with trimming, where N is the number of entries removed.",
    .summary = "Adds an entry to a stream, creating it if absent; optionally removes old ones.",
    .syntax =
        "key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]",
    .tips = "nondeterministic_output"};
void xadd(Context& ctx) {
  const auto options = parse_add_options(ctx);
  if (!options) return ctx.error(options.error());
  const std::size_t first_field = options->id_at + 1;
  if (first_field + 1 >= ctx.args.size() || (ctx.args.size() - first_field) % 2 == 1) {
    return ctx.error("wrong number of arguments for 'xadd' command");
  }
  if (options->id.kind == NewId::Kind::kGiven && options->id.id.is_zero()) {
    return ctx.error("The ID specified in XADD must be greater than 0-0");
  }
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<Stream>(key);
  if (!found) return ctx.error(found.error());
  const keyspace::StreamNode::Pairs pairs = ctx.args.subspan(first_field);
  Stream* stream = *found;
  if (stream == nullptr) {
    if (options->keeps_missing) return ctx.reply.null();
    if (!keyspace::StreamNode::fits(keyspace::StreamNode::bytes_needed(pairs))) {
      return ctx.error("Elements are too large to be stored");
    }
    stream = &ctx.db.create<Stream>(key);
  }
  const auto id = new_id(options->id, *stream, now_millis(ctx));
  if (!id) return ctx.error(id.error());
  if (!stream->append(*id, pairs, ctx.limits())) return ctx.error("Elements are too large to be stored");
  reply_id(ctx.reply, *id);
  ctx.changed(key, EventClass::kStream, "xadd");
  if (options->trim && stream->trim(*options->trim) > 0) ctx.notify(EventClass::kStream, "xtrim", key);
  record_add(ctx, *options, *stream, *id);
}

constexpr CommandSpec kXtrim{.name = "xtrim",
                             .arity = at_least(4),
                             .flags = Flag::kWrite,
                             .group = Group::kStream,
                             .categories = Category::kStream,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                             .since = "5.0.0",
                             .complexity = "O(N) where N is the number of entries removed.",
                             .summary = "Removes the oldest entries of a stream, by length or by id.",
                             .syntax = "key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]",
                             .tips = "nondeterministic_output"};
void xtrim(Context& ctx) {
  const auto options = parse_trim_options(ctx);
  if (!options) return ctx.error(options.error());
  const KeyRef& key = ctx.keys[0];
  const auto stream = ctx.db.edit<Stream>(key);
  if (!stream) return ctx.error(stream.error());
  if (*stream == nullptr) return ctx.reply.integer(0);
  const std::uint64_t removed = (*stream)->trim(*options->trim);
  if (removed > 0) {
    ctx.changed(key, EventClass::kStream, "xtrim", removed);
    if (is_imprecise(*options)) {
      Effects::Record record(ctx.args.begin(), ctx.args.end());
      record_exact_bound(record, *options, **stream);
      ctx.effects.instead(std::move(record));
    }
  }
  ctx.reply.integer(static_cast<std::int64_t>(removed));
}

constexpr CommandSpec kXdel{.name = "xdel",
                            .arity = at_least(3),
                            .flags = Flag::kWrite | Flag::kFast,
                            .group = Group::kStream,
                            .categories = Category::kStream,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kDelete)},
                            .since = "5.0.0",
                            .complexity = "O(1) for each id.",
                            .summary = "Removes entries from a stream and counts them.",
                            .syntax = "key id [id ...]"};
void xdel(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const auto stream = ctx.db.edit<Stream>(key);
  if (!stream) return ctx.error(stream.error());
  if (*stream == nullptr) return ctx.reply.integer(0);
  const auto ids = parse_strict_ids(ctx.args.subspan(2));
  if (!ids) return ctx.error(ids.error());
  std::uint64_t erased = 0;
  for (const StreamId id : *ids) erased += (*stream)->erase(id) ? 1 : 0;
  if (erased > 0) ctx.changed(key, EventClass::kStream, "xdel", erased);
  ctx.reply.integer(static_cast<std::int64_t>(erased));
}

struct SetIdOptions {
  StreamId id;
  std::optional<std::uint64_t> entries_added;
  std::optional<StreamId> max_deleted_id;  // never 0-0
};

Result<SetIdOptions> parse_set_id(std::span<const std::string_view> args) {
  SetIdOptions options;
  ASH_TRY(options.id, parse_strict_id(args[2]));
  ArgParser in(args, 3);
  while (in.more()) {
    if (in.left() > 1 && in.take("ENTRIESADDED")) {
      const std::int64_t n = in.integer();
      if (!in.failed() && n < 0) in.fail_with({ErrorCode::kGeneric, "entries_added must be positive"});
      options.entries_added = static_cast<std::uint64_t>(n);
    } else if (in.left() > 1 && in.take("MAXDELETEDID")) {
      ASH_TRY(const StreamId id, parse_strict_id(in.text()));
      if (options.id < id) return fail("The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
      options.max_deleted_id = id.is_zero() ? std::nullopt : std::optional(id);
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

Result<void> check_set_id(const SetIdOptions& options, const Stream& stream) {
  if (options.id < stream.max_deleted_id()) {
    return fail("The ID specified in XSETID is smaller than current max_deleted_entry_id");
  }
  if (stream.empty()) return {};
  if (options.id < stream.last_entry_id()) {
    return fail("The ID specified in XSETID is smaller than the target stream top item");
  }
  if (options.entries_added && *options.entries_added < stream.size()) {
    return fail("The entries_added specified in XSETID is smaller than the target stream length");
  }
  return {};
}

constexpr CommandSpec kXsetid{.name = "xsetid",
                              .arity = at_least(3),
                              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                              .group = Group::kStream,
                              .categories = Category::kStream,
                              .keys = {one_key(1, KeyAccess::kRW, kUpdated)},
                              .since = "5.0.0",
                              .complexity = "O(1)",
                              .summary = "Sets the last id of a stream and its other counters; for replication.",
                              .syntax = "key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]"};
void xsetid(Context& ctx) {
  const auto options = parse_set_id(ctx.args);
  if (!options) return ctx.error(options.error());
  const KeyRef& key = ctx.keys[0];
  const auto stream = ctx.db.edit<Stream>(key);
  if (!stream) return ctx.error(stream.error());
  if (*stream == nullptr) return ctx.error(ErrorCode::kNoSuchKey);
  if (const auto checked = check_set_id(*options, **stream); !checked) return ctx.error(checked.error());
  (*stream)->set_id(options->id, options->entries_added, options->max_deleted_id);
  ctx.effects.changed();
  ctx.notify(EventClass::kStream, "xsetid", key);
  ctx.reply.ok();
}

}  // namespace

void register_stream_writes(CommandTable& table) {
  table.add(kXadd, &xadd);
  table.add(kXtrim, &xtrim);
  table.add(kXdel, &xdel);
  table.add(kXsetid, &xsetid);
}

}  // namespace ashlar::commands
