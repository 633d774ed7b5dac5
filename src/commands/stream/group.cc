#include <fmt/format.h>

#include <array>

#include "command/arg_parser.h"
#include "commands/stream/args.h"
#include "commands/stream/claim_record.h"
#include "commands/stream/parts.h"
#include "commands/stream/reply.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Stream;
using keyspace::StreamGroup;

namespace {

constexpr KeySpec group_key(KeyAction action) { return one_key(2, KeyAccess::kRW, action); }

/// Options behind the id of XGROUP CREATE and SETID.
struct GroupOptions {
  bool makes_stream = false;
  StreamGroup::EntriesRead entries_read;
  bool bad_syntax = false;
};

enum class Creates : std::uint8_t { kGroup, kNothing };

Result<GroupOptions> parse_group_options(std::span<const std::string_view> args, Creates creates) {
  GroupOptions options;
  ArgParser in(args, 5);
  while (in.more()) {
    if (creates == Creates::kGroup && in.take("MKSTREAM")) {
      options.makes_stream = true;
    } else if (in.left() > 1 && in.take("ENTRIESREAD")) {
      const std::int64_t n = in.integer();
      if (!in.failed() && n < -1) {
        in.fail_with({ErrorCode::kGeneric, "value for ENTRIESREAD must be positive or -1"});
      }
      options.entries_read = n >= 0 ? StreamGroup::EntriesRead(n) : std::nullopt;
    } else {
      options.bad_syntax = true;
      return options;
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

void no_key_error(Context& ctx) {
  ctx.error(
      "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
      "to create an empty stream automatically.");
}

/// The stream of a subcommand that needs one; nullptr after an error reply.
Stream* required_stream(Context& ctx) {
  const auto stream = ctx.db.edit<Stream>(ctx.keys[0]);
  if (!stream) {
    ctx.error(stream.error());
    return nullptr;
  }
  if (*stream == nullptr) no_key_error(ctx);
  return *stream;
}

/// The same with its group, which args[3] names.
StreamGroup* required_group(Context& ctx) {
  Stream* stream = required_stream(ctx);
  if (stream == nullptr) return nullptr;
  StreamGroup* group = stream->find_group(ctx.args[3]);
  if (group == nullptr) {
    no_group_error(ctx, fmt::format("No such consumer group '{}' for key name '{}'", ctx.args[3], ctx.args[2]));
  }
  return group;
}

void group_changed(Context& ctx, std::string_view event) {
  ctx.effects.changed();
  ctx.notify(EventClass::kStream, event, ctx.keys[0]);
}

constexpr CommandSpec kXgroup{.name = "xgroup",
                              .arity = at_least(2),
                              .group = Group::kStream,
                              .since = "5.0.0",
                              .complexity = "Depends on subcommand.",
                              .summary = "Holds the commands on consumer groups."};

constexpr CommandSpec kCreate{.name = "xgroup|create",
                              .arity = at_least(5),
                              .flags = Flag::kWrite | Flag::kDenyOom,
                              .group = Group::kStream,
                              .categories = Category::kStream,
                              .keys = {group_key(KeyAction::kInsert)},
                              .since = "5.0.0",
                              .complexity = "O(1)",
                              .summary = "Adds a consumer group to a stream.",
                              .syntax = "key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]"};
void create(Context& ctx) {
  constexpr std::size_t kMostArguments = 8;
  const auto options = parse_group_options(ctx.args, Creates::kGroup);
  if (!options) return ctx.error(options.error());
  if (options->bad_syntax) return subcommand_syntax_error(ctx);
  const KeyRef& key = ctx.keys[0];
  const auto found = ctx.db.edit<Stream>(key);
  if (!found) return ctx.error(found.error());
  Stream* stream = *found;
  if (stream == nullptr && !options->makes_stream) return no_key_error(ctx);
  if (ctx.args.size() > kMostArguments) return subcommand_syntax_error(ctx);
  StreamId id = stream != nullptr ? stream->last_id() : StreamId{};
  if (ctx.args[4] != "$") {
    const auto parsed = parse_strict_id(ctx.args[4]);
    if (!parsed) return ctx.error(parsed.error());
    id = *parsed;
  }
  if (stream == nullptr) {
    stream = &ctx.db.create<Stream>(key);
    ctx.db.modified(key);
  }
  if (stream->create_group(ctx.args[3], id, options->entries_read) == nullptr) {
    return ctx.reply.error_line("BUSYGROUP Consumer Group name already exists");
  }
  group_changed(ctx, "xgroup-create");
  ctx.reply.ok();
}

constexpr CommandSpec kSetId{.name = "xgroup|setid",
                             .arity = at_least(5),
                             .flags = Flag::kWrite,
                             .group = Group::kStream,
                             .categories = Category::kStream,
                             .keys = {group_key(KeyAction::kUpdate)},
                             .since = "5.0.0",
                             .complexity = "O(1)",
                             .summary = "Sets the last id that a consumer group has delivered.",
                             .syntax = "key group <id | $> [ENTRIESREAD entries-read]"};
void set_id(Context& ctx) {
  const auto options = parse_group_options(ctx.args, Creates::kNothing);
  if (!options) return ctx.error(options.error());
  if (options->bad_syntax) return subcommand_syntax_error(ctx);
  Stream* stream = required_stream(ctx);
  if (stream == nullptr) return;
  StreamGroup* group = required_group(ctx);
  if (group == nullptr) return;
  if (ctx.args.size() != 5 && ctx.args.size() != 7) return subcommand_syntax_error(ctx);
  StreamId id = stream->last_id();
  if (ctx.args[4] != "$") {
    const auto parsed = parse_id(ctx.args[4]);
    if (!parsed) return ctx.error(parsed.error());
    id = *parsed;
  }
  group->last_id = id;
  group->entries_read = options->entries_read;
  group_changed(ctx, "xgroup-setid");
  ctx.reply.ok();
}

constexpr CommandSpec kDestroy{.name = "xgroup|destroy",
                               .arity = exactly(4),
                               .flags = Flag::kWrite,
                               .group = Group::kStream,
                               .categories = Category::kStream,
                               .keys = {group_key(KeyAction::kDelete)},
                               .since = "5.0.0",
                               .complexity = "O(N) where N is the number of pending entries of the group.",
                               .summary = "Removes a consumer group with all that is pending in it.",
                               .syntax = "key group"};
void destroy(Context& ctx) {
  Stream* stream = required_stream(ctx);
  if (stream == nullptr) return;
  if (!stream->erase_group(ctx.args[3])) return ctx.reply.integer(0);
  group_changed(ctx, "xgroup-destroy");
  ctx.db.modified(ctx.keys[0]);  // those who wait for the group must hear that it is gone
  ctx.reply.integer(1);
}

constexpr CommandSpec kCreateConsumer{.name = "xgroup|createconsumer",
                                      .arity = exactly(5),
                                      .flags = Flag::kWrite | Flag::kDenyOom,
                                      .group = Group::kStream,
                                      .categories = Category::kStream,
                                      .keys = {group_key(KeyAction::kInsert)},
                                      .since = "6.2.0",
                                      .complexity = "O(1)",
                                      .summary = "Adds a consumer to a group.",
                                      .syntax = "key group consumer"};
void create_consumer(Context& ctx) {
  StreamGroup* group = required_group(ctx);
  if (group == nullptr) return;
  const StreamGroup::Created created = group->consumer(ctx.args[4], now_millis(ctx));
  if (created.fresh) group_changed(ctx, "xgroup-createconsumer");
  ctx.reply.integer(created.fresh ? 1 : 0);
}

constexpr CommandSpec kDelConsumer{.name = "xgroup|delconsumer",
                                   .arity = exactly(5),
                                   .flags = Flag::kWrite,
                                   .group = Group::kStream,
                                   .categories = Category::kStream,
                                   .keys = {group_key(KeyAction::kDelete)},
                                   .since = "5.0.0",
                                   .complexity = "O(1)",
                                   .summary = "Removes a consumer from a group and counts what was pending with it.",
                                   .syntax = "key group consumer"};
void del_consumer(Context& ctx) {
  StreamGroup* group = required_group(ctx);
  if (group == nullptr) return;
  const auto pending = group->erase_consumer(ctx.args[4]);
  if (pending) group_changed(ctx, "xgroup-delconsumer");
  ctx.reply.integer(static_cast<std::int64_t>(pending.value_or(0)));
}

constexpr std::array<std::string_view, 17> kHelpLines = {
    "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CREATE <key> <groupname> <id|$> [option]",
    "    Add a consumer group that has read up to <id>, or all ($). Options are:",
    "    * MKSTREAM",
    "      An absent stream is created, empty.",
    "    * ENTRIESREAD entries_read",
    "      How many entries the group has read (for internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Add a consumer to the group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove a consumer from the group.",
    "DESTROY <key> <groupname>",
    "    Remove the group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set up to where the group has read, and its counter.",
    "HELP",
    "    Print this help.",
};
constexpr CommandSpec kHelp{.name = "xgroup|help",
                            .arity = exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kStream,
                            .categories = Category::kStream,
                            .since = "5.0.0",
                            .complexity = "O(1)",
                            .summary = "Lists the subcommands of XGROUP."};
void help(Context& ctx) {
  ctx.reply.array(kHelpLines.size());
  for (const std::string_view line : kHelpLines) ctx.reply.simple(line);
}

constexpr CommandSpec kXack{.name = "xack",
                            .arity = at_least(4),
                            .flags = Flag::kWrite | Flag::kFast,
                            .group = Group::kStream,
                            .categories = Category::kStream,
                            .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
                            .since = "5.0.0",
                            .complexity = "O(1) for each id.",
                            .summary = "Takes entries from what is pending in a group and counts them.",
                            .syntax = "key group id [id ...]"};
void xack(Context& ctx) {
  const auto stream = ctx.db.edit<Stream>(ctx.keys[0]);
  if (!stream) return ctx.error(stream.error());
  StreamGroup* group = *stream == nullptr ? nullptr : (*stream)->find_group(ctx.args[2]);
  if (group == nullptr) return ctx.reply.integer(0);
  const auto ids = parse_strict_ids(ctx.args.subspan(3));
  if (!ids) return ctx.error(ids.error());
  std::uint64_t acknowledged = 0;
  for (const StreamId id : *ids) acknowledged += group->acknowledge(id) ? 1 : 0;
  ctx.effects.changed(acknowledged);
  ctx.reply.integer(static_cast<std::int64_t>(acknowledged));
}

}  // namespace

void register_stream_groups(CommandTable& table) {
  table.add_container(kXgroup);
  table.add(kCreate, &create);
  table.add(kSetId, &set_id);
  table.add(kDestroy, &destroy);
  table.add(kCreateConsumer, &create_consumer);
  table.add(kDelConsumer, &del_consumer);
  table.add(kHelp, &help);
  table.add(kXack, &xack);
}

}  // namespace ashlar::commands
