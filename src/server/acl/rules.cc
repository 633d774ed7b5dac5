#include "server/acl/rules.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"
#include "command/names.h"

namespace ashlar::acl {

using command::Command;

namespace {

using Fault = std::unexpected<RuleFault>;
constexpr std::size_t kHashLength = 64;

bool is_hash(std::string_view text) noexcept {
  return text.size() == kHashLength &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Drops the rules that a new one about `name` makes void: those on the same command or category, and on its
/// subcommands.
void forget_rule(Selector& selector, std::string_view name) {
  std::erase_if(selector.command_rules, [&](const std::string& rule) {
    const std::string_view old = std::string_view(rule).substr(1);
    return old.starts_with(name) && (old.size() == name.size() || old[name.size()] == '|');
  });
}

void remember_rule(Selector& selector, char sign, std::string_view name) {
  const std::string lower = to_lower(name);
  forget_rule(selector, lower);
  selector.command_rules.push_back(sign + lower);
}

void set_bit(Selector& selector, const Command& command, bool allowed) {
  if (selector.commands.size() <= command.index) selector.commands.resize(command.index + 1, false);
  selector.commands[command.index] = allowed;
  selector.first_arguments.erase(command.index);
  if (!allowed) selector.all_commands = false;
}

/// A command with all that belongs to it.
void set_command(Selector& selector, const Command& command, bool allowed) {
  set_bit(selector, command, allowed);
  for (const Command* sub : command.subcommands) set_bit(selector, *sub, allowed);
}

void start_from(Selector& selector, const command::CommandTable& table, bool allowed) {
  selector.commands.assign(allowed ? table.all().size() : 0, allowed);
  selector.all_commands = selector.from_all = allowed;
  selector.first_arguments.clear();
  selector.command_rules.clear();
}

/// Words separated by blanks.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n", at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    at = end;
  }
  return words;
}

}  // namespace

bool has_blanks(std::string_view text) noexcept {
  return text.find_first_of(std::string_view(" \t\n\v\f\r\0", 7)) != std::string_view::npos;
}

UserRules new_user(std::string name, ChannelDefault channels) {
  UserRules user{.name = std::move(name)};
  user.root.all_channels = channels == ChannelDefault::kAll;
  return user;
}

UserRules default_user(const command::CommandTable& table) {
  UserRules user{.name = "default", .enabled = true, .no_password = true};
  start_from(user.root, table, true);
  user.root.all_keys = user.root.all_channels = true;
  return user;
}

std::string_view fault_text(RuleFault fault) noexcept {
  switch (fault) {
    case RuleFault::kSyntax: return "Syntax error";
    case RuleFault::kUnknown: return "Unknown command or category name in ACL";
    case RuleFault::kAfterAllKeys:
      return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
             "Try 'resetkeys' to start with an empty list of patterns";
    case RuleFault::kAfterAllChannels:
      return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
             "effect. Try 'resetchannels' to start with an empty list of channels";
    case RuleFault::kNoSuchPassword: return "The password you are trying to remove from the user does not exist";
    case RuleFault::kBadHash:
      return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
    case RuleFault::kFirstArgumentOfSubcommand: return "Allowing first-arg of a subcommand is not supported";
  }
  return "Wrong format";
}

const Command* RuleParser::find(std::string_view name) const {
  for (const auto& command : table_.all()) {
    if (iequals(command->spec.name, name)) return command.get();
  }
  return nullptr;
}

std::expected<void, RuleFault> RuleParser::apply(UserRules& user, std::string_view rule) const {
  if (rule.empty()) return {};
  const auto is = [&](std::string_view word) { return iequals(rule, word); };
  if (is("on") || is("off")) {
    user.enabled = is("on");
  } else if (is("sanitize-payload") || is("skip-sanitize-payload")) {
    user.sanitize = is("sanitize-payload") ? UserRules::Sanitize::kYes : UserRules::Sanitize::kSkip;
  } else if (is("nopass") || is("resetpass")) {
    user.no_password = is("nopass");
    user.passwords.clear();
  } else if (rule[0] == '>' || rule[0] == '#' || rule[0] == '<' || rule[0] == '!') {
    return apply_password(user, rule);
  } else if (rule.front() == '(' && rule.back() == ')' && rule.size() > 1) {
    Selector selector;
    selector.all_channels = channels_ == ChannelDefault::kAll;
    for (const std::string_view word : split(rule.substr(1, rule.size() - 2))) {
      if (auto applied = apply_to_selector(selector, word); !applied) return applied;
    }
    user.selectors.push_back(std::move(selector));
  } else if (is("clearselectors")) {
    user.selectors.clear();
  } else if (is("reset")) {
    user = new_user(std::move(user.name), channels_);
  } else {
    return apply_to_selector(user.root, rule);
  }
  return {};
}

std::expected<void, RuleFault> RuleParser::apply_password(UserRules& user, std::string_view rule) const {
  const std::string_view text = rule.substr(1);
  const bool clear_text = rule[0] == '>' || rule[0] == '<';
  if (!clear_text && !is_hash(text)) return Fault(RuleFault::kBadHash);
  const std::string hash = clear_text ? sha256_hex(text) : std::string(text);
  const auto found = std::ranges::find(user.passwords, hash);
  if (rule[0] == '>' || rule[0] == '#') {
    if (found == user.passwords.end()) user.passwords.push_back(hash);
    user.no_password = false;
    return {};
  }
  if (found == user.passwords.end()) return Fault(RuleFault::kNoSuchPassword);
  user.passwords.erase(found);
  return {};
}

std::expected<void, RuleFault> RuleParser::apply_to_selector(Selector& selector, std::string_view rule) const {
  const auto is = [&](std::string_view word) { return iequals(rule, word); };
  if (is("allkeys") || is("~*") || is("resetkeys")) {
    selector.all_keys = !is("resetkeys");
    selector.keys.clear();
  } else if (is("allchannels") || is("&*") || is("resetchannels")) {
    selector.all_channels = !is("resetchannels");
    selector.channels.clear();
  } else if (is("allcommands") || is("+@all")) {
    start_from(selector, table_, true);
  } else if (is("nocommands") || is("-@all")) {
    start_from(selector, table_, false);
  } else if (rule[0] == '~' || rule[0] == '%') {
    return add_keys(selector, rule);
  } else if (rule[0] == '&') {
    if (selector.all_channels) return Fault(RuleFault::kAfterAllChannels);
    const std::string_view pattern = rule.substr(1);
    if (has_blanks(pattern)) return Fault(RuleFault::kSyntax);
    if (std::ranges::find(selector.channels, pattern) == selector.channels.end())
      selector.channels.emplace_back(pattern);
  } else if ((rule[0] == '+' || rule[0] == '-') && rule.size() > 1 && rule[1] == '@') {
    return category(selector, rule);
  } else if (rule[0] == '+') {
    return allow(selector, rule.substr(1));
  } else if (rule[0] == '-') {
    return deny(selector, rule.substr(1));
  } else {
    return Fault(RuleFault::kSyntax);
  }
  return {};
}

std::expected<void, RuleFault> RuleParser::add_keys(Selector& selector, std::string_view rule) const {
  if (selector.all_keys) return Fault(RuleFault::kAfterAllKeys);
  KeyRight right = KeyRight::kBoth;
  std::size_t begin = 1;
  if (rule[0] == '%') {
    right = KeyRight::kNone;
    for (; begin < rule.size() && rule[begin] != '~'; ++begin) {
      const char c = to_lower(rule[begin]);
      const KeyRight one = c == 'r' ? KeyRight::kRead : c == 'w' ? KeyRight::kWrite : KeyRight::kNone;
      if (one == KeyRight::kNone || covers(right, one)) return Fault(RuleFault::kSyntax);
      right = right | one;
    }
    if (begin == rule.size() || right == KeyRight::kNone) return Fault(RuleFault::kSyntax);
    ++begin;
  }
  const std::string_view pattern = rule.substr(begin);
  if (has_blanks(pattern)) return Fault(RuleFault::kSyntax);
  const auto known = std::ranges::find(selector.keys, pattern, &KeyPattern::pattern);
  if (known != selector.keys.end()) {
    known->right = known->right | right;
  } else {
    selector.keys.push_back({std::string(pattern), right});
  }
  return {};
}

std::expected<void, RuleFault> RuleParser::allow(Selector& selector, std::string_view name) const {
  const std::size_t bar = name.rfind('|');
  if (bar == std::string_view::npos) {
    const Command* command = find(name);
    if (command == nullptr) return Fault(RuleFault::kUnknown);
    set_command(selector, *command, true);
    remember_rule(selector, '+', command->spec.name);
    return {};
  }
  const std::string_view rest = name.substr(bar + 1);
  const Command* command = find(name.substr(0, bar));
  if (command == nullptr) return Fault(RuleFault::kUnknown);
  if (command->spec.name.find('|') != std::string_view::npos) return Fault(RuleFault::kFirstArgumentOfSubcommand);
  if (rest.empty() || has_blanks(rest)) return Fault(RuleFault::kSyntax);
  if (!command->subcommands.empty()) {
    const Command* sub = find(name);
    if (sub == nullptr) return Fault(RuleFault::kUnknown);
    set_command(selector, *sub, true);
    remember_rule(selector, '+', sub->spec.name);
    return {};
  }
  // A command that is no container, allowed with this first argument only.
  std::vector<std::string>& allowed = selector.first_arguments[command->index];
  if (std::ranges::none_of(allowed, [&](const std::string& old) { return iequals(old, rest); })) {
    allowed.emplace_back(rest);
  }
  remember_rule(selector, '+', name);
  return {};
}

std::expected<void, RuleFault> RuleParser::deny(Selector& selector, std::string_view name) const {
  const Command* command = find(name);
  if (command == nullptr) return Fault(RuleFault::kUnknown);
  set_command(selector, *command, false);
  remember_rule(selector, '-', command->spec.name);
  return {};
}

std::expected<void, RuleFault> RuleParser::category(Selector& selector, std::string_view rule) const {
  const std::string name = to_lower(rule.substr(2));
  const auto all = command::all_category_names();
  if (std::ranges::find(all, name) == all.end()) return Fault(RuleFault::kUnknown);
  for (const auto& command : table_.all()) {
    const auto names = command::category_names(command->spec);
    if (std::ranges::find(names, name) != names.end()) set_command(selector, *command, rule[0] == '+');
  }
  remember_rule(selector, rule[0], "@" + name);
  return {};
}

std::expected<std::vector<std::string>, std::string> join_selectors(std::span<const std::string_view> words) {
  std::vector<std::string> out;
  std::string_view open;  // the word that began the selector; empty outside of one
  for (const std::string_view word : words) {
    if (!open.empty()) {
      out.back().append(" ").append(word);
      if (word.ends_with(')')) open = {};
      continue;
    }
    out.emplace_back(word);
    if (word.starts_with('(') && !word.ends_with(')')) open = word;
  }
  if (!open.empty()) return std::unexpected(std::string(open));
  return out;
}

}  // namespace ashlar::acl
