/// Rules back as text: ACL LIST, ACL GETUSER, ACL files and CONFIG REWRITE. Pure. Thread: any.
/// Invariant: RuleParser makes the same permissions of what these say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/acl/rules.h"

namespace ashlar::acl {

/// "on", "nopass", "sanitize-payload", ... as ACL GETUSER lists them.
[[nodiscard]] std::vector<std::string_view> flag_words(const UserRules& user);
/// "+@all -get": the start, then the rules.
[[nodiscard]] std::string command_text(const Selector& selector);
/// "~a* %R~b": patterns with their rights; "~*" for all keys.
[[nodiscard]] std::string keys_text(const Selector& selector);
/// "&news.*"; "&*" for all channels; empty for none.
[[nodiscard]] std::string channels_text(const Selector& selector);
/// All rules of a user behind its name, in an order in which they can be given to ACL SETUSER.
[[nodiscard]] std::string user_text(const UserRules& user);

}  // namespace ashlar::acl
