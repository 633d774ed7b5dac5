#include "server/acl/account.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"

namespace ashlar::acl {

using command::Channels;
using command::Command;
using command::Denial;
using command::Flag;
using command::KeyAction;
using command::KeyPosition;
using Args = std::span<const std::string_view>;

namespace {

bool unlimited(const Selector& s) { return s.all_commands && s.all_keys && s.all_channels; }

command::User::Reach reach_of(const UserRules& rules) {
  const bool all = unlimited(rules.root) || std::ranges::any_of(rules.selectors, unlimited);
  return all ? command::User::Reach::kEverything : command::User::Reach::kRestricted;
}

/// Compares without telling by its duration where the first difference is.
bool same_hash(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

/// Finds the keys of a command once for all selectors that want them.
class Keys {
 public:
  Keys(const Command& command, Args args) : command_(command), args_(args) {}
  [[nodiscard]] const std::vector<KeyPosition>& get() {
    if (!found_) {
      command::find_keys(command_.spec, args_, positions_);
      found_ = true;
    }
    return positions_;
  }

 private:
  const Command& command_;
  Args args_;
  bool found_ = false;
  std::vector<KeyPosition> positions_;
};

/// A refusal, with the argument that it is about.
struct Refusal {
  Denial::Reason reason;
  std::size_t argument = 0;
};

bool may_run(const Selector& selector, const Command& command, Args args) {
  if (selector.all_commands || command.spec.is(Flag::kNoAuth)) return true;
  if (command.index < selector.commands.size() && selector.commands[command.index]) return true;
  const auto allowed = selector.first_arguments.find(command.index);
  if (allowed == selector.first_arguments.end() || args.size() < 2) return false;
  return std::ranges::any_of(allowed->second, [&](const std::string& word) { return iequals(word, args[1]); });
}

KeyRight needed(KeyAction action) {
  KeyRight right = KeyRight::kNone;
  if (has(action, KeyAction::kAccess)) right = right | KeyRight::kRead;
  if (has(action, KeyAction::kInsert | KeyAction::kDelete | KeyAction::kUpdate)) right = right | KeyRight::kWrite;
  return right;
}

bool may_touch(const Selector& selector, std::string_view key, KeyRight right) {
  return std::ranges::any_of(selector.keys, [&](const KeyPattern& pattern) {
    return covers(pattern.right, right) && glob_match(pattern.pattern, key);
  });
}

bool may_use(const Selector& selector, std::string_view channel, Account::Channel kind) {
  if (selector.all_channels) return true;
  return std::ranges::any_of(selector.channels, [&](const std::string& pattern) {
    return kind == Account::Channel::kPattern ? pattern == channel : glob_match(pattern, channel);
  });
}

/// For commands that reach keys named by values: their patterns could lead anywhere.
bool may_read_everything(const Selector& selector) {
  return std::ranges::any_of(selector.keys, [](const KeyPattern& pattern) {
    return covers(pattern.right, KeyRight::kRead) && pattern.pattern == "*";
  });
}

std::optional<Refusal> refused(const Selector& selector, const Command& command, Args args, Keys& keys) {
  if (!may_run(selector, command, args)) return Refusal{Denial::Reason::kCommand};
  if (!selector.all_keys && command.spec.has_keys()) {
    for (const KeyPosition& key : keys.get()) {
      if (!may_touch(selector, args[key.argument], needed(key.action)))
        return Refusal{Denial::Reason::kKey, key.argument};
    }
  }
  if (selector.all_channels || command.spec.channels == Channels::kNone) return std::nullopt;
  const auto kind =
      command.spec.channels == Channels::kPatterns ? Account::Channel::kPattern : Account::Channel::kLiteral;
  const std::size_t end =
      command.spec.channels == Channels::kPublished ? std::min<std::size_t>(2, args.size()) : args.size();
  for (std::size_t i = 1; i < end; ++i) {
    if (!may_use(selector, args[i], kind)) return Refusal{Denial::Reason::kChannel, i};
  }
  return std::nullopt;
}

}  // namespace

Account::Account(UserRules rules, std::uint64_t identity)
    : User(rules.name, reach_of(rules)), rules_(std::move(rules)), identity_(identity) {}

bool Account::accepts(std::string_view password) const {
  if (!rules_.enabled) return false;
  if (rules_.no_password) return true;
  const std::string hash = sha256_hex(password);
  return std::ranges::any_of(rules_.passwords, [&](const std::string& known) { return same_hash(hash, known); });
}

std::optional<Denial> Account::check(const Command& command, Args args) const {
  if (reach() == Reach::kEverything) return std::nullopt;
  Keys keys(command, args);
  auto worst = refused(rules_.root, command, args, keys);
  if (!worst) return std::nullopt;
  for (const Selector& selector : rules_.selectors) {
    const auto refusal = refused(selector, command, args, keys);
    if (!refusal) return std::nullopt;
    if (refusal->reason > worst->reason || (refusal->reason == worst->reason && refusal->argument > worst->argument)) {
      worst = refusal;
    }
  }
  const bool whole = worst->reason == Denial::Reason::kCommand;
  return Denial{worst->reason, std::string(whole ? command.spec.name : args[worst->argument])};
}

bool Account::may_read_everything_for(const Command& command, Args args) const {
  if (reach() == Reach::kEverything) return true;
  Keys keys(command, args);
  const auto enough = [&](const Selector& selector) {
    return !refused(selector, command, args, keys) && (selector.all_keys || may_read_everything(selector));
  };
  return enough(rules_.root) || std::ranges::any_of(rules_.selectors, enough);
}

bool Account::may_use_channel(std::string_view channel, Channel kind) const {
  if (may_use(rules_.root, channel, kind)) return true;
  return std::ranges::any_of(rules_.selectors, [&](const Selector& s) { return may_use(s, channel, kind); });
}

}  // namespace ashlar::acl
