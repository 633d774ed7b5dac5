#include "server/commands/client.h"
#include "server/help.h"

namespace ashlar::server {

using command::Category;
using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr Flag kPlain = Flag::kNoScript | Flag::kLoading | Flag::kStale;
constexpr Flag kAdmin = kPlain | Flag::kAdmin;

constexpr CommandSpec kClient{.name = "client",
                              .arity = command::at_least(2),
                              .group = Group::kConnection,
                              .since = "2.4.0",
                              .complexity = "Depends on subcommand.",
                              .summary = "Holds the commands about connections."};

/// What the subcommands have in common, with the parts in which they differ.
constexpr CommandSpec sub(std::string_view name, command::Arity arity, Flag flags, std::string_view since,
                          std::string_view summary, std::string_view syntax = {}, std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = Group::kConnection,
          .categories = Category::kConnection,
          .since = since,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}

constexpr CommandSpec kCapa =
    sub("client|capa", command::at_least(3), kPlain, "8.0.0", "Says what this connection can do, such as \"redirect\".",
        "capability [capability ...]");
constexpr CommandSpec kImportSource =
    sub("client|import-source", command::exactly(3), kPlain, "8.1.0",
        "Whether this connection brings the data of an import, and sees what has expired.", "<ON | OFF>");
constexpr CommandSpec kGetName =
    sub("client|getname", command::exactly(2), kPlain, "2.6.9", "The name of this connection.");
constexpr CommandSpec kHelp =
    sub("client|help", command::exactly(2), Flag::kLoading | Flag::kStale, "5.0.0", "Lists the subcommands of CLIENT.");
constexpr CommandSpec kId = sub("client|id", command::exactly(2), kPlain, "5.0.0", "The number of this connection.");
constexpr CommandSpec kInfo = sub("client|info", command::exactly(2), kPlain, "6.2.0",
                                  "This connection, as CLIENT LIST shows it.", {}, "nondeterministic_output");
constexpr CommandSpec kKill =
    sub("client|kill", command::at_least(3), kAdmin, "2.4.0", "Ends connections.",
        "<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR "
        "ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] [...]>>");
constexpr CommandSpec kList =
    sub("client|list", command::at_least(2), kAdmin, "2.4.0", "All connections, a line each.",
        "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]", "nondeterministic_output");
constexpr CommandSpec kNoEvict =
    sub("client|no-evict", command::exactly(3), kAdmin, "7.0.0",
        "Whether this connection is kept when the memory of all connections grows too large.", "<ON | OFF>");
constexpr CommandSpec kNoTouch =
    sub("client|no-touch", command::exactly(3), kPlain, "7.2.0",
        "Whether commands of this connection leave the keys' access clocks alone.", "<ON | OFF>");
// With all threads stopped: no write that passed before is still under way when the answer leaves.
constexpr CommandSpec kPause = sub("client|pause", command::at_least(3), kAdmin | Flag::kWholeKeyspace, "3.0.0",
                                   "Holds back commands of all connections for a while.", "timeout [WRITE | ALL]");
constexpr CommandSpec kReply = sub("client|reply", command::exactly(3), kPlain, "3.2.0",
                                   "Whether this connection is sent replies.", "<ON | OFF | SKIP>");
constexpr CommandSpec kSetInfo =
    sub("client|setinfo", command::exactly(4), kPlain, "7.2.0", "Says which library this connection comes from.",
        "<LIB-NAME libname | LIB-VER libver>", "request_policy:all_nodes,response_policy:all_succeeded");
constexpr CommandSpec kSetName =
    sub("client|setname", command::exactly(3), kPlain, "2.6.9", "Gives this connection a name.", "connection-name",
        "request_policy:all_nodes,response_policy:all_succeeded");
constexpr CommandSpec kUnblock = sub("client|unblock", command::at_least(3), kAdmin, "5.0.0",
                                     "Ends the wait of a blocked connection.", "client-id [TIMEOUT | ERROR]");
constexpr CommandSpec kUnpause =
    sub("client|unpause", command::exactly(2), kAdmin, "6.2.0", "Lets paused connections go on.");

}  // namespace

void ClientCommands::help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "CACHING (YES|NO)",
      "    Whether the keys of the next command are tracked, in OPTIN and OPTOUT mode.",
      "CAPA <capability> [<capability> ...]",
      "    Say what this connection can do; \"redirect\": it goes from a replica to the primary when told to.",
      "GETNAME",
      "    The name of this connection.",
      "GETREDIR",
      "    The connection that invalidations of this one go to.",
      "ID",
      "    The number of this connection.",
      "IMPORT-SOURCE (ON|OFF)",
      "    Whether this connection brings the data of an import (directive import-mode).",
      "INFO",
      "    This connection, as LIST shows it.",
      "KILL <ip:port>",
      "    End the connection from this address.",
      "KILL <option> <value> [<option> <value> [...]]",
      "    End all connections to which the options apply:",
      "    * ID <client-id>",
      "    * ADDR (<ip:port>|<unixsocket>:0), LADDR (<ip:port>|<unixsocket>:0)",
      "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
      "    * USER <username>",
      "    * SKIPME (YES|NO): whether to spare this one (default: yes)",
      "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <client-id> [<client-id> ...]]",
      "    All connections, a line each.",
      "NO-EVICT (ON|OFF)",
      "    Whether this connection is kept when connections need too much memory.",
      "NO-TOUCH (ON|OFF)",
      "    Whether commands of this connection leave the keys' access clocks alone.",
      "PAUSE <timeout> [WRITE|ALL]",
      "    Hold back all commands, or those that write, for <timeout> milliseconds.",
      "REPLY (ON|OFF|SKIP)",
      "    Whether this connection is sent replies; SKIP: not to the next command.",
      "SETINFO (LIB-NAME <name>|LIB-VER <version>)",
      "    Say which library this connection comes from.",
      "SETNAME <name>",
      "    Give this connection a name.",
      "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...] [OPTIN] [OPTOUT] [NOLOOP]",
      "    Whether this connection is told when keys that it knows change.",
      "TRACKINGINFO",
      "    How this connection tracks keys.",
      "UNBLOCK <client-id> [TIMEOUT|ERROR]",
      "    End the wait of a blocked connection.",
      "UNPAUSE",
      "    Let paused connections go on.",
  };
  reply_help(ctx, "CLIENT", kLines);
}

void register_client_commands(command::CommandTable& table, ClientCommands& family) {
  table.add_container(kClient);
  table.add(kCapa, Handler::bind<&ClientCommands::capa>(family));
  table.add(kImportSource, Handler::bind<&ClientCommands::import_source>(family));
  table.add(kGetName, Handler::bind<&ClientCommands::getname>(family));
  table.add(kHelp, Handler::bind<&ClientCommands::help>(family));
  table.add(kId, Handler::bind<&ClientCommands::id>(family));
  table.add(kInfo, Handler::bind<&ClientCommands::info>(family));
  table.add(kKill, Handler::bind<&ClientCommands::kill>(family));
  table.add(kList, Handler::bind<&ClientCommands::list>(family));
  table.add(kNoEvict, Handler::bind<&ClientCommands::no_evict>(family));
  table.add(kNoTouch, Handler::bind<&ClientCommands::no_touch>(family));
  table.add(kPause, Handler::bind<&ClientCommands::pause>(family));
  table.add(kReply, Handler::bind<&ClientCommands::reply>(family));
  table.add(kSetInfo, Handler::bind<&ClientCommands::setinfo>(family));
  table.add(kSetName, Handler::bind<&ClientCommands::setname>(family));
  table.add(kUnblock, Handler::bind<&ClientCommands::unblock>(family));
  table.add(kUnpause, Handler::bind<&ClientCommands::unpause>(family));
}

}  // namespace ashlar::server
