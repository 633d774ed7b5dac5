/// Rules of users: whatever is accepted describes itself in words that make the same user again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/acl/describe.h"
#include "server/acl/users.h"

namespace {

using namespace ashlar;

void nothing(command::Context&) {}

command::CommandTable make_table() {
  command::CommandTable table;
  table.add({.name = "get", .arity = command::exactly(2), .flags = command::Flag::kReadOnly | command::Flag::kFast},
            &nothing);
  table.add({.name = "set", .arity = command::at_least(3), .flags = command::Flag::kWrite}, &nothing);
  table.add_container({.name = "config", .arity = command::at_least(2)});
  table.add({.name = "config|get", .arity = command::at_least(3), .flags = command::Flag::kAdmin}, &nothing);
  table.add({.name = "config|set", .arity = command::at_least(4), .flags = command::Flag::kAdmin}, &nothing);
  return table;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const command::CommandTable kTable = make_table();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  acl::Users users(kTable);
  users.start(size % 2 == 0 ? acl::ChannelDefault::kNone : acl::ChannelDefault::kAll);
  std::vector<std::string_view> words;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    words.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  static_cast<void>(users.load(text, "file"));
  if (!users.set("al", words)) return 0;
  const auto user = users.find("al");
  const std::string_view args[] = {"get", text};
  static_cast<void>(user->check(*kTable.find("get"), args));
  static_cast<void>(user->may_use_channel(text, acl::Account::Channel::kLiteral));

  acl::Users again(kTable);
  again.start(acl::ChannelDefault::kNone);
  const std::string described = acl::user_text(user->rules());
  // Parentheses within patterns are as ambiguous here as they are in Redis.
  if (static_cast<std::size_t>(std::ranges::count_if(described, [](char c) { return c == '(' || c == ')'; })) !=
      2 * user->rules().selectors.size()) {
    return 0;
  }
  const auto loaded = again.load("user al " + described, "file");
  ASH_CHECK(loaded.has_value());
  ASH_CHECK(acl::user_text(again.find("al")->rules()) == described);
  return 0;
}
