#include <algorithm>
#include <string>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::aof {

void append_sorted_set_commands(std::string& out, std::string_view key, const keyspace::SortedSet& value) {
  std::vector<std::string> texts;  // score, member, score, member ... of one command
  auto at = value.first();
  for (std::uint64_t left = value.size(); left > 0;) {
    const std::uint64_t n = std::min<std::uint64_t>(left, kItemsPerCommand);
    texts.clear();
    for (std::uint64_t i = 0; i < n; ++i, at.forward()) {
      const auto element = at.element();
      texts.push_back(format_double(element.score));
      texts.emplace_back(element.member);
    }
    std::vector<std::string_view> args = {"ZADD", key};
    args.insert(args.end(), texts.begin(), texts.end());
    append_command(out, args);
    left -= n;
  }
}

}  // namespace ashlar::aof
