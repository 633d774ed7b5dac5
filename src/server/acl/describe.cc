#include "server/acl/describe.h"

namespace ashlar::acl {
namespace {

std::string_view sigil(const KeyPattern& key) {
  if (key.right == KeyRight::kRead) return "%R~";
  if (key.right == KeyRight::kWrite) return "%W~";
  return key.pattern == "*" ? "%RW~" : "~";  // "~*" is the flag: nothing may follow it
}

std::string selector_text(const Selector& selector) {
  std::string out = keys_text(selector);
  if (!out.empty()) out += ' ';
  if (!selector.all_channels) out += "resetchannels ";
  const std::string channels = channels_text(selector);
  if (!channels.empty()) out += channels + " ";
  return out + command_text(selector);
}

}  // namespace

std::vector<std::string_view> flag_words(const UserRules& user) {
  std::vector<std::string_view> words = {user.enabled ? "on" : "off"};
  if (user.no_password) words.push_back("nopass");
  words.push_back(user.sanitize == UserRules::Sanitize::kSkip ? "skip-sanitize-payload" : "sanitize-payload");
  return words;
}

std::string command_text(const Selector& selector) {
  std::string out = selector.from_all ? "+@all" : "-@all";
  for (const std::string& rule : selector.command_rules) out += " " + rule;
  return out;
}

std::string keys_text(const Selector& selector) {
  if (selector.all_keys) return "~*";
  std::string out;
  for (const KeyPattern& key : selector.keys) {
    if (!out.empty()) out += ' ';
    out.append(sigil(key)).append(key.pattern);
  }
  return out;
}

std::string channels_text(const Selector& selector) {
  if (selector.all_channels) return "&*";
  std::string out;
  for (const std::string& channel : selector.channels) {
    if (!out.empty()) out += ' ';
    out += "&" + channel;
  }
  return out;
}

std::string user_text(const UserRules& user) {
  std::string out;
  for (const std::string_view word : flag_words(user)) out.append(word).append(" ");
  for (const std::string& password : user.passwords) out += "#" + password + " ";
  out += selector_text(user.root);
  for (const Selector& selector : user.selectors) out += " (" + selector_text(selector) + ")";
  return out;
}

}  // namespace ashlar::acl
