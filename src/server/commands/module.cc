#include "server/commands/module.h"

#include "server/help.h"

namespace ashlar::server {
namespace {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;

constexpr Flag kLoadFlags = Flag::kAdmin | Flag::kNoScript | Flag::kNoAsyncLoading | Flag::kProtected;

constexpr CommandSpec kModule{.name = "module",
                              .arity = command::at_least(2),
                              .group = Group::kServer,
                              .since = "4.0.0",
                              .complexity = "Depends on subcommand.",
                              .summary = "Holds the commands about modules, which this server does not have."};
constexpr CommandSpec sub(std::string_view name, command::Arity arity, Flag flags, std::string_view since,
                          std::string_view summary, std::string_view syntax = {}, std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = Group::kServer,
          .since = since,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}
constexpr CommandSpec kHelp =
    sub("module|help", command::exactly(2), Flag::kLoading | Flag::kStale, "5.0.0", "Lists the subcommands of MODULE.");
constexpr CommandSpec kList = sub("module|list", command::exactly(2), Flag::kAdmin | Flag::kNoScript, "4.0.0",
                                  "The loaded modules: always none.", {}, "nondeterministic_output_order");
constexpr CommandSpec kLoad = sub("module|load", command::at_least(3), kLoadFlags, "4.0.0",
                                  "An error: modules are not supported.", "path [arg [arg ...]]");
constexpr CommandSpec kLoadEx =
    sub("module|loadex", command::at_least(3), kLoadFlags, "7.0.0", "An error: modules are not supported.",
        "path [CONFIG name value [name value ...]] [ARGS args [args ...]]");
constexpr CommandSpec kUnload =
    sub("module|unload", command::exactly(3), kLoadFlags, "4.0.0", "An error: no module is loaded.", "name");

void list(Context& ctx) { ctx.reply.array(0); }

void load(Context& ctx) { ctx.error("Modules are not supported by this server."); }

void unload(Context& ctx) { ctx.error("Error unloading module: no such module with that name"); }

void help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "LIST",
      "    The loaded modules. There are none: this server does not support modules.",
  };
  reply_help(ctx, "MODULE", kLines);
}

}  // namespace

void register_module_commands(command::CommandTable& table) {
  table.add_container(kModule);
  table.add(kHelp, &help);
  table.add(kList, &list);
  table.add(kLoad, &load);
  table.add(kLoadEx, &load);
  table.add(kUnload, &unload);
}

}  // namespace ashlar::server
