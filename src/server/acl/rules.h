/// The rules of a user, as ACL SETUSER, `user` lines and ACL files write them. Pure: values and a parser of one rule.
/// Thread: values, any. Source: "ACL" in the documentation of Redis 7.2; texts of errors as Redis words them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "command/table.h"

namespace ashlar::acl {

/// What a pattern of keys allows; combine with |.
enum class KeyRight : std::uint8_t { kNone = 0, kRead = 1, kWrite = 2, kBoth = 3 };
[[nodiscard]] constexpr KeyRight operator|(KeyRight a, KeyRight b) noexcept {
  return static_cast<KeyRight>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr bool covers(KeyRight have, KeyRight need) noexcept {
  return (static_cast<std::uint8_t>(have) & static_cast<std::uint8_t>(need)) == static_cast<std::uint8_t>(need);
}

struct KeyPattern {
  std::string pattern;
  KeyRight right = KeyRight::kBoth;
};

/// Whether new users may use every channel (`acl-pubsub-default`).
enum class ChannelDefault : std::uint8_t { kAll, kNone };

/// One set of permissions; a command must be allowed as a whole by one selector of its user.
/// Invariants: `keys` is empty when `all_keys`; `channels` is empty when `all_channels`; every command is allowed when
/// `all_commands`.
struct Selector {
  bool all_keys = false;
  bool all_channels = false;
  bool all_commands = false;
  bool from_all = false;                                              // the rules start from +@all, not from -@all
  std::vector<bool> commands;                                         // by Command::index; missing: not allowed
  std::map<std::uint32_t, std::vector<std::string>> first_arguments;  // allowed although the command is not
  std::vector<KeyPattern> keys;
  std::vector<std::string> channels;
  std::vector<std::string> command_rules;  // "+get", "-@dangerous", in order, behind the start
};

struct UserRules {
  enum class Sanitize : std::uint8_t { kYes, kSkip };
  std::string name;
  bool enabled = false;
  bool no_password = false;
  Sanitize sanitize = Sanitize::kYes;
  std::vector<std::string> passwords = {};  // SHA-256, 64 lower-case hex digits
  Selector root = {};
  std::vector<Selector> selectors = {};  // beside the root
};

/// A user who may do nothing yet.
[[nodiscard]] UserRules new_user(std::string name, ChannelDefault channels);
/// `default` of a server without configuration: may do everything, without a password.
[[nodiscard]] UserRules default_user(const command::CommandTable& table);

/// Why a rule was refused.
enum class RuleFault : std::uint8_t {
  kSyntax,
  kUnknown,           // no such command or category
  kAfterAllKeys,      // a key pattern behind '~*'
  kAfterAllChannels,  // a channel pattern behind '&*'
  kNoSuchPassword,
  kBadHash,
  kFirstArgumentOfSubcommand,
};
[[nodiscard]] std::string_view fault_text(RuleFault fault) noexcept;

/// Reads rules against the commands of `table`, which must outlive the parser.
class RuleParser {
 public:
  RuleParser(const command::CommandTable& table, ChannelDefault channels) : table_(table), channels_(channels) {}

  /// Changes `user` as `rule` says; an empty rule changes nothing. Errors leave the user as it was.
  [[nodiscard]] std::expected<void, RuleFault> apply(UserRules& user, std::string_view rule) const;

  /// The command of that original name ("get", "config|set"), whatever it was renamed to; nullptr when unknown.
  [[nodiscard]] const command::Command* find(std::string_view name) const;

 private:
  [[nodiscard]] std::expected<void, RuleFault> apply_password(UserRules& user, std::string_view rule) const;
  [[nodiscard]] std::expected<void, RuleFault> apply_to_selector(Selector& selector, std::string_view rule) const;
  [[nodiscard]] std::expected<void, RuleFault> add_keys(Selector& selector, std::string_view rule) const;
  [[nodiscard]] std::expected<void, RuleFault> allow(Selector& selector, std::string_view name) const;
  [[nodiscard]] std::expected<void, RuleFault> deny(Selector& selector, std::string_view name) const;
  [[nodiscard]] std::expected<void, RuleFault> category(Selector& selector, std::string_view rule) const;

  const command::CommandTable& table_;
  ChannelDefault channels_;
};

/// Joins selectors that were split at blanks: {"(+get", "~a)"} becomes {"(+get ~a)"}. Errors: the word with which an
/// open parenthesis begins.
[[nodiscard]] std::expected<std::vector<std::string>, std::string> join_selectors(
    std::span<const std::string_view> words);

/// Whether blanks or zero bytes stand in a name or pattern, where none may.
[[nodiscard]] bool has_blanks(std::string_view text) noexcept;

}  // namespace ashlar::acl
