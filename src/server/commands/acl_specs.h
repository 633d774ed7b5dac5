/// What is known about ACL and its subcommands, and what ACL HELP says. Thread: constants, any.
#pragma once

#include "command/context.h"
#include "command/spec.h"

namespace ashlar::server {

namespace acl_detail {

using command::Flag;

inline constexpr Flag kAnybody = Flag::kNoScript | Flag::kLoading | Flag::kStale;
inline constexpr Flag kAdmin = kAnybody | Flag::kAdmin;
inline constexpr std::string_view kAllNodes = "request_policy:all_nodes,response_policy:all_succeeded";

constexpr command::CommandSpec sub(std::string_view name, command::Arity arity, Flag flags, std::string_view complexity,
                                   std::string_view summary, std::string_view syntax = {}, std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = command::Group::kServer,
          .since = name == "acl|dryrun" ? "7.0.0" : "6.0.0",
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}

}  // namespace acl_detail

inline constexpr command::CommandSpec kAcl{.name = "acl",
                                           .arity = command::at_least(2),
                                           .group = command::Group::kServer,
                                           .since = "6.0.0",
                                           .complexity = "Depends on subcommand.",
                                           .summary = "Holds the commands about users and their permissions."};
inline constexpr command::CommandSpec kAclCat =
    acl_detail::sub("acl|cat", command::at_least(2), acl_detail::kAnybody, "O(N) where N is the number of commands",
                    "The categories of commands, or the commands of one.", "[category]");
inline constexpr command::CommandSpec kAclDelUser = acl_detail::sub(
    "acl|deluser", command::at_least(3), acl_detail::kAdmin, "O(N) where N is the number of connections",
    "Removes users and ends their connections.", "username [username ...]", acl_detail::kAllNodes);
inline constexpr command::CommandSpec kAclDryRun =
    acl_detail::sub("acl|dryrun", command::at_least(4), acl_detail::kAdmin, "O(1)",
                    "Whether a user might run a command, without running it.", "username command [arg [arg ...]]");
inline constexpr command::CommandSpec kAclGenPass =
    acl_detail::sub("acl|genpass", command::at_least(2), acl_detail::kAnybody, "O(1)",
                    "A random password in hexadecimal digits.", "[bits]");
inline constexpr command::CommandSpec kAclGetUser =
    acl_detail::sub("acl|getuser", command::exactly(3), acl_detail::kAdmin, "O(N) where N is the number of rules",
                    "The rules of a user.", "username");
inline constexpr command::CommandSpec kAclHelp =
    acl_detail::sub("acl|help", command::exactly(2), command::Flag::kLoading | command::Flag::kStale, "O(1)",
                    "Lists the subcommands of ACL.");
inline constexpr command::CommandSpec kAclList =
    acl_detail::sub("acl|list", command::exactly(2), acl_detail::kAdmin, "O(N) where N is the number of users",
                    "All users with their rules, as an ACL file has them.");
inline constexpr command::CommandSpec kAclLoad =
    acl_detail::sub("acl|load", command::exactly(2), acl_detail::kAdmin, "O(N) where N is the number of users",
                    "Reads the ACL file again.");
inline constexpr command::CommandSpec kAclLog =
    acl_detail::sub("acl|log", command::at_least(2), acl_detail::kAdmin, "O(N) where N is the number of entries shown",
                    "What was refused lately.", "[count | RESET]");
inline constexpr command::CommandSpec kAclSave =
    acl_detail::sub("acl|save", command::exactly(2), acl_detail::kAdmin, "O(N) where N is the number of users",
                    "Writes all users into the ACL file.", {}, acl_detail::kAllNodes);
inline constexpr command::CommandSpec kAclSetUser =
    acl_detail::sub("acl|setuser", command::at_least(3), acl_detail::kAdmin, "O(N) where N is the number of rules",
                    "Makes a user or changes its rules.", "username [rule [rule ...]]", acl_detail::kAllNodes);
inline constexpr command::CommandSpec kAclUsers =
    acl_detail::sub("acl|users", command::exactly(2), acl_detail::kAdmin, "O(N) where N is the number of users",
                    "The names of all users.");
inline constexpr command::CommandSpec kAclWhoAmI =
    acl_detail::sub("acl|whoami", command::exactly(2), acl_detail::kAnybody, "O(1)", "The user of this connection.");

void acl_help(command::Context& ctx);

}  // namespace ashlar::server
