#include "server/commands/logs.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include "base/bytes.h"
#include "server/help.h"

namespace ashlar::server {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr Flag kFlags = Flag::kAdmin | Flag::kLoading | Flag::kStale;
constexpr std::string_view kGetTips = "request_policy:all_nodes,nondeterministic_output";
constexpr std::string_view kLenTips = "request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output";
constexpr std::string_view kResetTips = "request_policy:all_nodes,response_policy:all_succeeded";

constexpr CommandSpec sub(std::string_view name, command::Arity arity, std::string_view since,
                          std::string_view complexity, std::string_view summary, std::string_view syntax,
                          std::string_view tips) {
  return {.name = name,
          .arity = arity,
          .flags = kFlags,
          .group = Group::kServer,
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}

constexpr CommandSpec kSlowLog{.name = "slowlog",
                               .arity = command::at_least(2),
                               .group = Group::kServer,
                               .since = "2.2.12",
                               .complexity = "Depends on subcommand.",
                               .summary = "Holds the commands about the log of slow commands."};
constexpr CommandSpec kSlowGet =
    sub("slowlog|get", command::at_least(2), "2.2.12", "O(N) where N is the number of entries returned",
        "The newest slow commands.", "[count]", kGetTips);
constexpr CommandSpec kSlowLen =
    sub("slowlog|len", command::exactly(2), "2.2.12", "O(1)", "How many slow commands are kept.", {}, kLenTips);
constexpr CommandSpec kSlowReset =
    sub("slowlog|reset", command::exactly(2), "2.2.12", "O(N) where N is the number of entries",
        "Forgets the slow commands.", {}, kResetTips);
constexpr CommandSpec kSlowHelp{.name = "slowlog|help",
                                .arity = command::exactly(2),
                                .flags = Flag::kLoading | Flag::kStale,
                                .group = Group::kServer,
                                .since = "6.2.0",
                                .summary = "Lists the subcommands of SLOWLOG."};
constexpr CommandSpec kCommandLog{.name = "commandlog",
                                  .arity = command::at_least(2),
                                  .group = Group::kServer,
                                  .since = "8.1.0",
                                  .complexity = "Depends on subcommand.",
                                  .summary = "Holds the commands about the logs of slow and of large commands."};
constexpr CommandSpec kGet =
    sub("commandlog|get", command::exactly(4), "8.1.0", "O(N) where N is the number of entries returned",
        "The newest entries of a log of commands.", "count <slow | large-request | large-reply>", kGetTips);
constexpr CommandSpec kLen =
    sub("commandlog|len", command::exactly(3), "8.1.0", "O(1)", "How many entries a log of commands keeps.",
        "<slow | large-request | large-reply>", kLenTips);
constexpr CommandSpec kReset =
    sub("commandlog|reset", command::exactly(3), "8.1.0", "O(N) where N is the number of entries",
        "Empties a log of commands.", "<slow | large-request | large-reply>", kResetTips);
constexpr CommandSpec kHelp{.name = "commandlog|help",
                            .arity = command::exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kServer,
                            .since = "8.1.0",
                            .summary = "Lists the subcommands of COMMANDLOG."};

constexpr std::size_t kDefaultCount = 10;

/// Number of entries asked for, -1 for all; replies the error otherwise.
std::optional<std::size_t> count_of(Context& ctx, std::string_view word) {
  const auto count = parse_i64(word);
  if (!count || *count < -1) {
    ctx.error("count should be greater than or equal to -1");
    return std::nullopt;
  }
  return *count == -1 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(*count);
}

/// Which log; replies the error otherwise.
std::optional<CommandLog::Kind> kind_of(Context& ctx, std::string_view word) {
  using Kind = CommandLog::Kind;
  if (iequals(word, "slow")) return Kind::kSlow;
  if (iequals(word, "large-request")) return Kind::kLargeRequest;
  if (iequals(word, "large-reply")) return Kind::kLargeReply;
  ctx.error("type should be one of the following: slow, large-request, large-reply");
  return std::nullopt;
}

void slow_help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "GET [<count>]",
      "    The newest <count> entries (10 unless told, all for -1). An entry has its number,",
      "    the time in seconds, the duration in microseconds, the words of the command,",
      "    and address and name of the client.",
      "LEN",
      "    How many entries there are.",
      "RESET",
      "    Forget all entries.",
  };
  reply_help(ctx, "SLOWLOG", kLines);
}

void help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "GET <count> <type>",
      "    The newest <count> entries of that type, all for -1. An entry has its number,",
      "    the time in seconds, the microseconds or bytes that made it remarkable, the words",
      "    of the command, and address and name of the client.",
      "LEN <type>",
      "    How many entries of that type there are.",
      "RESET <type>",
      "    Forget the entries of that type.",
      "    Types are slow, large-request and large-reply.",
  };
  reply_help(ctx, "COMMANDLOG", kLines);
}

}  // namespace

void LogCommands::reply_entries(Context& ctx, CommandLog::Kind kind, std::size_t count) const {
  const auto entries = log_.newest(kind, count);
  ctx.reply.array(entries.size());
  for (const CommandLog::Entry& entry : entries) {
    ctx.reply.array(6);
    ctx.reply.integer(static_cast<std::int64_t>(entry.id));
    ctx.reply.integer(entry.unix_seconds);
    ctx.reply.integer(static_cast<std::int64_t>(entry.value));
    ctx.reply.array(entry.args.size());
    for (const std::string& arg : entry.args) ctx.reply.bulk(arg);
    ctx.reply.bulk(entry.client_address);
    ctx.reply.bulk(entry.client_name);
  }
}

void LogCommands::slow_get(Context& ctx) {
  if (ctx.args.size() > 3) {
    return ctx.error(fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try SLOWLOG HELP.",
                                 ctx.args[1].substr(0, 128)));
  }
  const auto count = ctx.args.size() == 3 ? count_of(ctx, ctx.args[2]) : kDefaultCount;
  if (count) reply_entries(ctx, CommandLog::Kind::kSlow, *count);
}

void LogCommands::slow_len(Context& ctx) {
  ctx.reply.integer(static_cast<std::int64_t>(log_.size(CommandLog::Kind::kSlow)));
}

void LogCommands::slow_reset(Context& ctx) {
  log_.reset(CommandLog::Kind::kSlow);
  ctx.reply.ok();
}

void LogCommands::get(Context& ctx) {
  const auto kind = kind_of(ctx, ctx.args[3]);
  if (!kind) return;
  if (const auto count = count_of(ctx, ctx.args[2])) reply_entries(ctx, *kind, *count);
}

void LogCommands::len(Context& ctx) {
  if (const auto kind = kind_of(ctx, ctx.args[2])) ctx.reply.integer(static_cast<std::int64_t>(log_.size(*kind)));
}

void LogCommands::reset(Context& ctx) {
  const auto kind = kind_of(ctx, ctx.args[2]);
  if (!kind) return;
  log_.reset(*kind);
  ctx.reply.ok();
}

void LogCommands::register_in(command::CommandTable& table) {
  table.add_container(kSlowLog);
  table.add(kSlowGet, Handler::bind<&LogCommands::slow_get>(*this));
  table.add(kSlowLen, Handler::bind<&LogCommands::slow_len>(*this));
  table.add(kSlowReset, Handler::bind<&LogCommands::slow_reset>(*this));
  table.add(kSlowHelp, &slow_help);
  table.add_container(kCommandLog);
  table.add(kGet, Handler::bind<&LogCommands::get>(*this));
  table.add(kLen, Handler::bind<&LogCommands::len>(*this));
  table.add(kReset, Handler::bind<&LogCommands::reset>(*this));
  table.add(kHelp, &help);
}

}  // namespace ashlar::server
