#include "server/acl/users.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "server/acl/describe.h"

namespace ashlar::acl {
namespace {

constexpr std::string_view kDefault = "default";
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!(line = trimmed(line)).empty()) {
    const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

/// Reads the lines of an ACL file, collecting all that is wrong.
class FileReader {
 public:
  FileReader(const RuleParser& parser, ChannelDefault channels, std::string_view path)
      : parser_(parser), channels_(channels), path_(path) {}

  void line(std::size_t number, std::string_view text) {
    const auto words = words_of(text);
    if (words.empty()) return;
    if (words[0] != "user" || words.size() < 2) {
      errors_ += fmt::format("{}:{} should start with user keyword followed by the username. ", path_, number);
      return;
    }
    const std::string name(words[1]);
    if (users_.contains(name)) {
      errors_ += fmt::format("WARNING: Duplicate user '{}' found on line {}. ", name, number);
      return;
    }
    UserRules user = new_user(name, channels_);
    const auto rules = join_selectors(std::span(words).subspan(2));
    if (!rules) {
      errors_ += fmt::format("{}:{}: Unmatched parenthesis in selector definition.", path_, number);
      return;
    }
    bool told = false;
    for (const std::string& rule : *rules) {
      const auto applied = parser_.apply(user, rule);
      if (applied) continue;
      if (applied.error() == RuleFault::kUnknown) {  // a name of a command is no secret, other rules may be
        errors_ += fmt::format("{}:{}: Error in applying operation '{}': {}. ", path_, number, rule,
                               fault_text(applied.error()));
      } else if (!told) {
        errors_ += fmt::format("{}:{}: {}. ", path_, number, fault_text(applied.error()));
        told = true;
      }
    }
    users_.emplace(name, std::move(user));
  }

  [[nodiscard]] const std::string& errors() const noexcept { return errors_; }
  [[nodiscard]] std::map<std::string, UserRules>& users() noexcept { return users_; }

 private:
  const RuleParser& parser_;
  ChannelDefault channels_;
  std::string_view path_;
  std::string errors_;
  std::map<std::string, UserRules> users_;
};

}  // namespace

void Users::start(ChannelDefault channels) {
  set_channel_default(channels);
  MutexLock lock(mutex_);
  put(acl::default_user(table_));
}

void Users::put(UserRules rules) {
  const auto old = users_.find(rules.name);
  const std::uint64_t identity = old != users_.end() ? old->second->identity() : next_identity_++;
  std::string name = rules.name;
  users_.insert_or_assign(std::move(name), std::make_shared<const Account>(std::move(rules), identity));
  version_.fetch_add(1, std::memory_order_release);
}

Users::Ptr Users::find(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second;
}

std::vector<Users::Ptr> Users::all() const {
  MutexLock lock(mutex_);
  std::vector<Ptr> out;
  for (const auto& [name, user] : users_) out.push_back(user);
  return out;
}

Users::Ptr Users::log_in(std::string_view name, std::string_view password) const {
  Ptr user = find(name);
  return user != nullptr && user->accepts(password) ? user : nullptr;
}

Result<void> Users::set(std::string_view name, std::span<const std::string_view> words) {
  if (has_blanks(name)) return fail("Usernames can't contain spaces or null characters");
  const auto rules = join_selectors(words);
  if (!rules) return fail(fmt::format("Unmatched parenthesis in acl selector starting at '{}'.", rules.error()));
  const RuleParser parse = parser();
  {
    MutexLock lock(mutex_);
    const auto old = users_.find(name);
    UserRules user = old != users_.end() ? old->second->rules()
                                         : new_user(std::string(name), channels_.load(std::memory_order_relaxed));
    for (const std::string& rule : *rules) {
      if (const auto applied = parse.apply(user, rule); !applied) {
        return fail(fmt::format("Error in ACL SETUSER modifier '{}': {}", rule, fault_text(applied.error())));
      }
    }
    put(std::move(user));
  }
  tell();
  return {};
}

bool Users::remove(std::string_view name) {
  {
    MutexLock lock(mutex_);
    const auto found = users_.find(name);
    if (found == users_.end() || name == kDefault) return false;
    users_.erase(found);
    version_.fetch_add(1, std::memory_order_release);
  }
  tell();
  return true;
}

void Users::set_default_password(std::string_view password) {
  const RuleParser parse = parser();
  const std::string rule = password.empty() ? "nopass" : ">" + std::string(password);
  {
    MutexLock lock(mutex_);
    UserRules user = users_.find(kDefault)->second->rules();
    static_cast<void>(parse.apply(user, "resetpass"));  // none of the two can fail
    static_cast<void>(parse.apply(user, rule));
    put(std::move(user));
  }
  tell();
}

Result<void> Users::load(std::string_view text, std::string_view path) {
  const RuleParser parse = parser();
  FileReader reader(parse, channels_.load(std::memory_order_relaxed), path);
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.line(++number, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!reader.errors().empty()) {
    return fail(reader.errors() +
                "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
  }
  auto& fresh = reader.users();
  if (!fresh.contains(std::string(kDefault))) fresh.emplace(kDefault, acl::default_user(table_));
  {
    MutexLock lock(mutex_);
    std::erase_if(users_, [&](const auto& old) { return !fresh.contains(old.first); });
    for (auto& [name, rules] : fresh) put(std::move(rules));
  }
  tell();
  return {};
}

Result<void> Users::load_file(FileSystem& files, const std::string& path) {
  const auto text = read_file(files, path);
  if (!text) return fail(fmt::format("Error loading ACLs, opening file '{}': {}", path, text.error().text()));
  return load(*text, path);
}

Result<void> Users::configure(std::span<const std::string> words) {
  const std::string& name = words[1];
  if (has_blanks(name)) return fail("Spaces not allowed in ACL usernames");
  const std::vector<std::string_view> views(words.begin() + 2, words.end());
  const auto rules = join_selectors(views);
  if (!rules) return fail("Unmatched parenthesis in selector definition");
  const RuleParser parse = parser();
  UserRules user = new_user(name, channels_.load(std::memory_order_relaxed));
  for (const std::string& rule : *rules) {
    if (const auto applied = parse.apply(user, rule); !applied) {
      return fail(fmt::format("Error loading ACL rule '{}' for the user named '{}': {}", rule, name,
                              fault_text(applied.error())));
    }
  }
  MutexLock lock(mutex_);
  put(std::move(user));
  return {};
}

std::string Users::text() const {
  std::string out;
  for (const Ptr& user : all()) out += fmt::format("user {} {}\n", user->name(), user_text(user->rules()));
  return out;
}

}  // namespace ashlar::acl
