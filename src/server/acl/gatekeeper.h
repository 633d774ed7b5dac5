/// The server's answer to "may this user do this?", with the log of refusals. Thread: any loop.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "command/permissions.h"
#include "server/acl/denial_log.h"
#include "server/acl/users.h"

namespace ashlar::acl {

/// "User x has no permissions to run the 'get' command", ...: what ACL DRYRUN says.
[[nodiscard]] std::string denial_text(std::string_view user, const command::Denial& denial);

class Gatekeeper final : public command::Permissions {
 public:
  /// How a session is described in the log.
  using Describe = std::string (*)(const command::Session&, const Clock&);
  /// All must outlive the object.
  Gatekeeper(const Users& users, DenialLog& log, const Clock& clock, Describe describe)
      : users_(users), log_(log), clock_(clock), describe_(describe) {}

  [[nodiscard]] std::optional<Error> check(const command::Session& session, const command::Command& command,
                                           std::span<const std::string_view> args, Where where) override;
  [[nodiscard]] bool refresh(command::Session& session) const override;
  /// Logs that somebody did not get in as `user` by the command `word`.
  void login_failed(const command::Session& session, std::string_view user, std::string_view word);

 private:
  const Users& users_;
  DenialLog& log_;
  const Clock& clock_;
  Describe describe_;
};

}  // namespace ashlar::acl
