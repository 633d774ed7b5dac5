#include "server/commands/acl_specs.h"
#include "server/help.h"

namespace ashlar::server {

void acl_help(command::Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "CAT [<category>]",
      "    The categories of commands, or the commands of <category>.",
      "DELUSER <username> [<username> ...]",
      "    Remove users and end their connections.",
      "DRYRUN <username> <command> [<arg> ...]",
      "    Whether the user might run the command, without running it.",
      "GETUSER <username>",
      "    The rules of a user.",
      "GENPASS [<bits>]",
      "    A random password of 256 or <bits> bits.",
      "LIST",
      "    All users with their rules.",
      "LOAD",
      "    Read the ACL file again.",
      "LOG [<count> | RESET]",
      "    What was refused lately; RESET forgets it.",
      "SAVE",
      "    Write all users into the ACL file.",
      "SETUSER <username> <rule> [<rule> ...]",
      "    Make a user or change its rules.",
      "USERS",
      "    The names of all users.",
      "WHOAMI",
      "    The user of this connection.",
  };
  reply_help(ctx, "ACL", kLines);
}

}  // namespace ashlar::server
