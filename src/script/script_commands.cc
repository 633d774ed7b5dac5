#include <array>

#include "base/bytes.h"
#include "script/commands.h"

namespace ashlar::script {

using namespace command;

namespace {

constexpr CommandSpec kScript{.name = "script",
                              .arity = at_least(2),
                              .group = Group::kScripting,
                              .since = "2.6.0",
                              .complexity = "Depends on subcommand.",
                              .summary = "Holds the commands on the cache of scripts."};
constexpr CommandSpec kLoad{.name = "script|load",
                            .arity = exactly(3),
                            .flags = Flag::kNoScript | Flag::kStale,
                            .group = Group::kScripting,
                            .categories = Category::kScripting,
                            .since = "2.6.0",
                            .complexity = "O(N) where N is the length of the script.",
                            .summary = "Makes a script known without running it; replies with its SHA1 digest.",
                            .syntax = "script",
                            .tips = "request_policy:all_nodes,response_policy:all_succeeded"};
constexpr CommandSpec kExists{.name = "script|exists",
                              .arity = at_least(3),
                              .flags = Flag::kNoScript,
                              .group = Group::kScripting,
                              .categories = Category::kScripting,
                              .since = "2.6.0",
                              .complexity = "O(N) where N is the number of digests.",
                              .summary = "Tells which of the scripts are known.",
                              .syntax = "sha1 [sha1 ...]",
                              .tips = "request_policy:all_shards,response_policy:agg_logical_and"};
constexpr CommandSpec kFlush{.name = "script|flush",
                             .arity = at_least(2),
                             .flags = Flag::kNoScript,
                             .group = Group::kScripting,
                             .categories = Category::kScripting,
                             .since = "2.6.0",
                             .complexity = "O(N) where N is the number of scripts.",
                             .summary = "Forgets all scripts.",
                             .syntax = "[ASYNC | SYNC]",
                             .tips = "request_policy:all_nodes,response_policy:all_succeeded"};
constexpr CommandSpec kKill{.name = "script|kill",
                            .arity = exactly(2),
                            .flags = Flag::kNoScript | Flag::kAllowBusy,
                            .group = Group::kScripting,
                            .categories = Category::kScripting,
                            .since = "2.6.0",
                            .complexity = "O(1)",
                            .summary = "Ends the running script if it has not written yet.",
                            .tips = "request_policy:all_shards,response_policy:one_succeeded"};
constexpr CommandSpec kShow{.name = "script|show",
                            .arity = exactly(3),
                            .flags = Flag::kNoScript,
                            .group = Group::kScripting,
                            .categories = Category::kScripting,
                            .since = "8.0.0",
                            .complexity = "O(1)",
                            .summary = "Replies with the text of a known script.",
                            .syntax = "sha1"};
constexpr CommandSpec kHelp{.name = "script|help",
                            .arity = exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kScripting,
                            .categories = Category::kScripting,
                            .since = "5.0.0",
                            .complexity = "O(1)",
                            .summary = "Lists the subcommands of SCRIPT."};
constexpr std::array<std::string_view, 13> kHelpLines = {
    "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "EXISTS <sha1> [<sha1> ...]",
    "    Tell for each digest whether the script is known.",
    "FLUSH [ASYNC|SYNC]",
    "    Forget all scripts.",
    "KILL",
    "    End the running script, unless it has written.",
    "LOAD <script>",
    "    Make a script known without running it.",
    "SHOW <sha1>",
    "    The text of a known script.",
    "HELP",
    "    Print this help.",
};
void help(Context& ctx) {
  ctx.reply.array(kHelpLines.size());
  for (const std::string_view line : kHelpLines) ctx.reply.simple(line);
}

}  // namespace

void ScriptCommands::script_load(Context& ctx) {
  const auto script = remember(ctx.args[2]);
  if (!script) return ctx.error(script.error());
  ctx.reply.bulk((*script)->sha);
}

void ScriptCommands::script_exists(Context& ctx) {
  ctx.reply.array(ctx.args.size() - 2);
  for (const std::string_view sha : ctx.args.subspan(2)) ctx.reply.integer(scripts_.find(sha) != nullptr ? 1 : 0);
}

void ScriptCommands::script_flush(Context& ctx) {
  const bool known =
      ctx.args.size() == 2 || (ctx.args.size() == 3 && (iequals(ctx.args[2], "ASYNC") || iequals(ctx.args[2], "SYNC")));
  if (!known) return ctx.error("SCRIPT FLUSH only support SYNC|ASYNC option");
  scripts_.clear();
  pool_.keep_scripts_of(scripts_.epoch());
  ctx.reply.ok();
}

void ScriptCommands::script_show(Context& ctx) {
  const auto script = scripts_.find(ctx.args[2]);
  if (script == nullptr) return ctx.reply.error_line("NOSCRIPT No matching script. Please use EVAL.");
  ctx.reply.bulk(script->text);
}

void ScriptCommands::kill(Context& ctx, Kind kind) {
  const auto running = running_.oldest();
  if (running == nullptr) return ctx.error(ErrorCode::kNotBusy, "No scripts in execution right now.");
  if (running->unkillable) {
    return ctx.reply.error_line(
        "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed.");
  }
  if (running->wrote) {
    return ctx.reply.error_line(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the "
        "script termination or "
        "kill the server in a hard way using the SHUTDOWN NOSAVE command.");
  }
  if (running->kind != kind) return ctx.reply.error_line(running_.busy_text());
  running->killed = true;
  ctx.reply.ok();
}

void ScriptCommands::script_kill(Context& ctx) { kill(ctx, Kind::kScript); }

void register_script_commands(CommandTable& table, ScriptCommands& commands) {
  table.add_container(kScript);
  table.add(kLoad, Handler::bind<&ScriptCommands::script_load>(commands));
  table.add(kExists, Handler::bind<&ScriptCommands::script_exists>(commands));
  table.add(kFlush, Handler::bind<&ScriptCommands::script_flush>(commands));
  table.add(kKill, Handler::bind<&ScriptCommands::script_kill>(commands));
  table.add(kShow, Handler::bind<&ScriptCommands::script_show>(commands));
  table.add(kHelp, &help);
}

}  // namespace ashlar::script
