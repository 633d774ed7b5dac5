#include "server/commands/introspection.h"

#include <algorithm>

#include "base/bytes.h"
#include "command/keys.h"
#include "command/names.h"
#include "server/commands/command_reply.h"
#include "server/help.h"

namespace ashlar::server {

using command::Command;
using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr Flag kFlags = Flag::kLoading | Flag::kStale;

constexpr CommandSpec kCommand{.name = "command",
                               .arity = command::at_least(1),
                               .flags = kFlags,
                               .group = Group::kServer,
                               .categories = command::Category::kConnection,
                               .since = "2.8.13",
                               .complexity = "O(N) where N is the number of commands",
                               .summary = "Tells about all commands.",
                               .tips = "nondeterministic_output_order"};
constexpr CommandSpec kCount{.name = "command|count",
                             .arity = command::exactly(2),
                             .flags = kFlags,
                             .group = Group::kServer,
                             .categories = command::Category::kConnection,
                             .since = "2.8.13",
                             .summary = "Number of commands."};
constexpr CommandSpec kDocs{.name = "command|docs",
                            .arity = command::at_least(2),
                            .flags = kFlags,
                            .group = Group::kServer,
                            .categories = command::Category::kConnection,
                            .since = "7.0.0",
                            .complexity = "O(N) where N is the number of commands asked for",
                            .summary = "Summary, arguments and more of some commands or of all.",
                            .syntax = "[command-name [command-name ...]]",
                            .tips = "nondeterministic_output_order"};
constexpr CommandSpec kGetKeys{.name = "command|getkeys",
                               .arity = command::at_least(3),
                               .flags = kFlags,
                               .group = Group::kServer,
                               .categories = command::Category::kConnection,
                               .since = "2.8.13",
                               .complexity = "O(N) where N is the number of arguments",
                               .summary = "The keys in a whole command.",
                               .syntax = "command [arg [arg ...]]"};
constexpr CommandSpec kGetKeysAndFlags{.name = "command|getkeysandflags",
                                       .arity = command::at_least(3),
                                       .flags = kFlags,
                                       .group = Group::kServer,
                                       .categories = command::Category::kConnection,
                                       .since = "7.0.0",
                                       .complexity = "O(N) where N is the number of arguments",
                                       .summary = "The keys in a whole command, and what it does with each.",
                                       .syntax = "command [arg [arg ...]]"};
constexpr CommandSpec kInfo{.name = "command|info",
                            .arity = command::at_least(2),
                            .flags = kFlags,
                            .group = Group::kServer,
                            .categories = command::Category::kConnection,
                            .since = "2.8.13",
                            .complexity = "O(N) where N is the number of commands asked for",
                            .summary = "Arity, flags, keys and more of some commands or of all.",
                            .syntax = "[command-name [command-name ...]]",
                            .tips = "nondeterministic_output_order"};
constexpr CommandSpec kList{.name = "command|list",
                            .arity = command::at_least(2),
                            .flags = kFlags,
                            .group = Group::kServer,
                            .categories = command::Category::kConnection,
                            .since = "7.0.0",
                            .complexity = "O(N) where N is the number of commands",
                            .summary = "Names of all commands or of those that a filter lets through.",
                            .syntax = "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
                            .tips = "nondeterministic_output_order"};
constexpr CommandSpec kHelp{.name = "command|help",
                            .arity = command::exactly(2),
                            .flags = kFlags,
                            .group = Group::kServer,
                            .categories = command::Category::kConnection,
                            .since = "5.0.0",
                            .summary = "Lists the subcommands of COMMAND."};

/// The keys of the command that begins at the third argument; replies the error when there are none.
bool keys_of(Context& ctx, const command::CommandTable& table, std::vector<command::KeyPosition>& positions) {
  const auto args = ctx.args.subspan(2);
  const Command* found = table.find(args[0]);
  if (found != nullptr && found->spec.is(Flag::kHasSubcommands) && args.size() > 1) {
    found = command::CommandTable::find_sub(*found, args[1]);
  }
  if (found == nullptr) {
    ctx.error("Invalid command specified");
  } else if (!found->spec.has_keys() && found->spec.extractor == nullptr) {
    ctx.error("The command has no key arguments");
  } else if (!found->spec.arity.accepts(args.size())) {
    ctx.error("Invalid number of arguments specified for command");
  } else if (!command::find_keys(found->spec, args, positions) ||
             (positions.empty() && !found->spec.is(Flag::kNoMandatoryKeys))) {
    ctx.error("Invalid arguments specified for command");
  } else {
    return true;
  }
  return false;
}

/// Calls `visit` for every command and subcommand that can be called.
template <typename Visit>
void for_each_callable(const command::CommandTable& table, Visit&& visit) {
  for (const Command* found : callable_commands(table)) {
    visit(*found);
    for (const Command* sub : found->subcommands) visit(*sub);
  }
}

}  // namespace

std::vector<const Command*> callable_commands(const command::CommandTable& table) {
  std::vector<const Command*> out;
  for (const auto& command : table.all()) {
    if (table.find(command->display_name) == command.get()) out.push_back(command.get());
  }
  return out;
}

void IntrospectionCommands::command(Context& ctx) {
  const auto all = callable_commands(table_);
  ctx.reply.array(all.size());
  for (const Command* found : all) reply_command_info(ctx.reply, *found);
}

void IntrospectionCommands::count(Context& ctx) {
  ctx.reply.integer(static_cast<std::int64_t>(callable_commands(table_).size()));
}

void IntrospectionCommands::list(Context& ctx) {
  enum class Filter : std::uint8_t { kNone, kModule, kCategory, kPattern };
  Filter filter = Filter::kNone;
  if (ctx.args.size() == 5 && iequals(ctx.args[2], "filterby")) {
    if (iequals(ctx.args[3], "module")) filter = Filter::kModule;
    if (iequals(ctx.args[3], "aclcat")) filter = Filter::kCategory;
    if (iequals(ctx.args[3], "pattern")) filter = Filter::kPattern;
  }
  if (ctx.args.size() != 2 && filter == Filter::kNone) return ctx.error(ErrorCode::kSyntax);
  const std::string wanted = filter == Filter::kNone ? "" : to_lower(ctx.args[4]);
  const auto passes = [&](const CommandSpec& spec) {
    switch (filter) {
      case Filter::kNone: return true;
      case Filter::kModule: return false;  // no command comes from a module
      case Filter::kPattern: return glob_match(wanted, spec.name, Case::kInsensitive);
      case Filter::kCategory: {
        const auto names = command::category_names(spec);
        return std::ranges::find(names, wanted) != names.end();
      }
    }
    return false;
  };
  const auto reply = ctx.reply.begin_array();
  std::size_t n = 0;
  for_each_callable(table_, [&](const Command& found) {
    if (!passes(found.spec)) return;
    ctx.reply.bulk(found.spec.name);
    ++n;
  });
  ctx.reply.end(reply, n);
}

void IntrospectionCommands::info(Context& ctx) {
  if (ctx.args.size() == 2) return command(ctx);
  const auto names = ctx.args.subspan(2);
  ctx.reply.array(names.size());
  for (const std::string_view name : names) {
    const Command* found = table_.find_full(name);
    found == nullptr ? ctx.reply.null() : reply_command_info(ctx.reply, *found);
  }
}

void IntrospectionCommands::docs(Context& ctx) {
  std::vector<const Command*> wanted;
  if (ctx.args.size() == 2) {
    wanted = callable_commands(table_);
  } else {
    for (const std::string_view name : ctx.args.subspan(2)) {
      if (const Command* found = table_.find_full(name)) wanted.push_back(found);
    }
  }
  ctx.reply.map(wanted.size());
  for (const Command* found : wanted) reply_command_docs(ctx.reply, *found);
}

void IntrospectionCommands::getkeys(Context& ctx) {
  std::vector<command::KeyPosition> positions;
  if (!keys_of(ctx, table_, positions)) return;
  ctx.reply.array(positions.size());
  for (const command::KeyPosition& key : positions) ctx.reply.bulk(ctx.args[key.argument + 2]);
}

void IntrospectionCommands::getkeysandflags(Context& ctx) {
  std::vector<command::KeyPosition> positions;
  if (!keys_of(ctx, table_, positions)) return;
  ctx.reply.array(positions.size());
  for (const command::KeyPosition& key : positions) {
    ctx.reply.array(2);
    ctx.reply.bulk(ctx.args[key.argument + 2]);
    reply_words(ctx.reply, command::key_flag_names(key.access, key.action));
  }
}

void IntrospectionCommands::help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "(no subcommand)",
      "    All about all commands.",
      "COUNT",
      "    Number of commands.",
      "DOCS [<command-name> ...]",
      "    Summary, arguments and more of these commands, or of all.",
      "GETKEYS <full-command>",
      "    The keys in a whole command.",
      "GETKEYSANDFLAGS <full-command>",
      "    The keys in a whole command, and what it does with each.",
      "INFO [<command-name> ...]",
      "    Arity, flags, keys and more of these commands, or of all.",
      "LIST [FILTERBY MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>]",
      "    Names of the commands that the filter lets through.",
  };
  reply_help(ctx, "COMMAND", kLines);
}

void register_introspection_commands(command::CommandTable& table, IntrospectionCommands& family) {
  table.add(kCommand, Handler::bind<&IntrospectionCommands::command>(family));
  table.add(kCount, Handler::bind<&IntrospectionCommands::count>(family));
  table.add(kDocs, Handler::bind<&IntrospectionCommands::docs>(family));
  table.add(kGetKeys, Handler::bind<&IntrospectionCommands::getkeys>(family));
  table.add(kGetKeysAndFlags, Handler::bind<&IntrospectionCommands::getkeysandflags>(family));
  table.add(kInfo, Handler::bind<&IntrospectionCommands::info>(family));
  table.add(kList, Handler::bind<&IntrospectionCommands::list>(family));
  table.add(kHelp, Handler::bind<&IntrospectionCommands::help>(family));
}

}  // namespace ashlar::server
