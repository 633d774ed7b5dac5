#include "server/acl/gatekeeper.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "command/reach.h"
#include "server/acl/account.h"

namespace ashlar::acl {

using command::Denial;

std::string denial_text(std::string_view user, const Denial& denial) {
  switch (denial.reason) {
    case Denial::Reason::kCommand:
      return fmt::format("User {} has no permissions to run the '{}' command", user, denial.object);
    case Denial::Reason::kKey:
      return fmt::format("User {} has no permissions to access the '{}' key", user, denial.object);
    case Denial::Reason::kChannel:
      return fmt::format("User {} has no permissions to access the '{}' channel", user, denial.object);
    case Denial::Reason::kAuth: break;
  }
  return "lacking the permissions for the command";
}

namespace {

/// What a command is answered that was let into the transaction and may not be run any more.
std::string too_late(Denial::Reason reason) {
  const std::string_view why = reason == Denial::Reason::kCommand ? "no permission to execute the command or subcommand"
                               : reason == Denial::Reason::kKey   ? "no permission to touch the specified keys"
                                                                : "no permission to access one of the channels used as "
                                                                  "arguments to the command";
  return fmt::format(
      "ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no "
      "longer allowed for the following reason: {}",
      why);
}

/// What a command answers whose options lead to keys that the user may not read; as in Redis the log says nothing.
std::optional<Error> beyond_keys(const Account& user, const command::Command& command,
                                 std::span<const std::string_view> args) {
  if (!command::reaches_beyond_keys(command.spec, args) || user.may_read_everything_for(command, args)) {
    return std::nullopt;
  }
  bool by = false;
  for (std::size_t i = 2; i + 1 < args.size() && !by; ++i) {
    by = iequals(args[i], "BY");
    if (iequals(args[i], "GET")) break;
  }
  return Error{ErrorCode::kGeneric,
               fmt::format("{} option of SORT denied due to insufficient ACL permissions.", by ? "BY" : "GET")};
}

}  // namespace

std::optional<Error> Gatekeeper::check(const command::Session& session, const command::Command& command,
                                       std::span<const std::string_view> args, Where where) {
  if (session.user() == nullptr) return std::nullopt;
  auto denial = session.user()->check(command, args);
  if (!denial) return beyond_keys(account_of(*session.user()), command, args);
  // The client is told the name of the command, but not which key or channel it was.
  Error error{ErrorCode::kNoPerm, denial_text(session.user_name(), *denial)};
  if (denial->reason == Denial::Reason::kKey) error.detail = "No permissions to access a key";
  if (denial->reason == Denial::Reason::kChannel) error.detail = "No permissions to access a channel";
  if (where == Where::kExec) error.detail = too_late(denial->reason);
  log_.add(std::move(*denial), where, std::string(session.user_name()), describe_(session, clock_), clock_.wall());
  return error;
}

bool Gatekeeper::refresh(command::Session& session) const {
  const auto& old = session.user();
  if (old == nullptr) return true;
  Users::Ptr now = users_.find(old->name());
  if (now == nullptr || now->identity() != account_of(*old).identity()) return false;
  if (now != old) session.become(std::move(now));
  return true;
}

void Gatekeeper::login_failed(const command::Session& session, std::string_view user, std::string_view word) {
  log_.add({Denial::Reason::kAuth, std::string(word)}, Where::kTopLevel, std::string(user), describe_(session, clock_),
           clock_.wall());
}

}  // namespace ashlar::acl
