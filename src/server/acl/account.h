/// A user as sessions hold it: immutable rules with the decision whether a command may run. Thread: any.
/// Cost: nothing for a user who may do everything (nobody asks); else one bit for the command, and for users with key
/// or channel patterns one match for each key and pattern.
#pragma once

#include <memory>

#include "command/keys.h"
#include "command/user.h"
#include "server/acl/rules.h"

namespace ashlar::acl {

class Account final : public command::User {
 public:
  /// `identity` tells a user from a later one of the same name.
  Account(UserRules rules, std::uint64_t identity);

  [[nodiscard]] const UserRules& rules() const noexcept { return rules_; }
  [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }
  /// Whether new connections are this user at once, without AUTH (only asked of `default`).
  [[nodiscard]] bool open() const noexcept { return rules_.enabled && rules_.no_password; }
  /// Whether it may log in with `password`.
  [[nodiscard]] bool accepts(std::string_view password) const;

  /// Of several selectors that refuse, the one that came furthest tells the reason.
  [[nodiscard]] std::optional<command::Denial> check(const command::Command& command,
                                                     std::span<const std::string_view> args) const override;
  /// Whether it may run this and read any key, for commands whose values name keys (command/reach.h).
  [[nodiscard]] bool may_read_everything_for(const command::Command& command,
                                             std::span<const std::string_view> args) const;
  /// Whether a subscription to `channel` may go on; a pattern must stand literally among the rules.
  enum class Channel : std::uint8_t { kLiteral, kPattern };
  [[nodiscard]] bool may_use_channel(std::string_view channel, Channel kind) const;

 private:
  UserRules rules_;
  std::uint64_t identity_;
};

/// The account behind a session's user; every user of a session is one.
[[nodiscard]] inline const Account& account_of(const command::User& user) { return static_cast<const Account&>(user); }

}  // namespace ashlar::acl
