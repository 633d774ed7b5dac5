#include "cli/cluster/databases.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"

namespace ashlar::cli::cluster {

std::vector<std::uint32_t> databases_in(std::string_view info) {
  std::vector<std::uint32_t> out;
  while (!info.empty()) {
    const std::size_t end = std::min(info.find('\n'), info.size());
    std::string_view line = info.substr(0, end);
    info.remove_prefix(std::min(end + 1, info.size()));
    const std::size_t colon = line.find(':');
    if (!line.starts_with("db") || colon == std::string_view::npos || !line.substr(colon).starts_with(":keys=")) {
      continue;
    }
    const auto number = parse_u64(line.substr(2, colon - 2));
    if (number && *number <= std::numeric_limits<std::int32_t>::max()) {
      out.push_back(static_cast<std::uint32_t>(*number));
    }
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<std::vector<std::uint32_t>> databases_of(Links& links, const Endpoint& node) {
  const std::vector<Words> commands = {{"INFO", "keyspace"}};
  ASH_TRY(const std::vector<resp::Value> replies, links.ask_all(node, commands));
  std::vector<std::uint32_t> out;
  if (!replies[0].is_error()) out = databases_in(replies[0].text());
  if (out.empty() || out.front() != 0) out.insert(out.begin(), 0);
  return out;
}

Result<std::vector<resp::Value>> ask_all_in(Links& links, const Endpoint& node, std::uint32_t database,
                                            std::vector<Words> commands) {
  if (database == 0) return links.ask_all(node, commands);
  commands.insert(commands.begin(), Words{"SELECT", std::to_string(database)});
  commands.push_back({"SELECT", "0"});
  ASH_TRY(std::vector<resp::Value> replies, links.ask_all(node, commands));
  if (replies.front().is_error()) return fail(std::string(replies.front().text()));
  replies.pop_back();
  replies.erase(replies.begin());
  return replies;
}

Result<resp::Value> ask_in(Links& links, const Endpoint& node, std::uint32_t database, const Words& command) {
  if (database == 0) return links.ask(node, command);
  ASH_TRY(std::vector<resp::Value> replies, ask_all_in(links, node, database, {command}));
  if (replies[0].is_error()) return fail(std::string(replies[0].text()));
  return std::move(replies[0]);
}

}  // namespace ashlar::cli::cluster
