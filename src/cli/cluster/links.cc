#include "cli/cluster/links.h"

#include <algorithm>

namespace ashlar::cli::cluster {

Links::Links(ConnectOptions base, Millis silence) : base_(std::move(base)) {
  if (!base_.read_timeout) base_.read_timeout = silence;
  base_.database = 0;  // a cluster has no other
}

Patience::Patience(Links& links, Millis silence) : links_(links), before_(links.base().read_timeout.value_or(silence)) {
  links_.set_silence(std::max(before_, silence));
}

Result<Connection*> Links::link(const Endpoint& node) {
  const std::string name = node.text();
  if (const auto it = open_.find(name); it != open_.end()) {
    it->second.set_read_timeout(base_.read_timeout);
    if (it->second.is_open()) return &it->second;
    open_.erase(it);
  }
  ASH_TRY(Connection fresh, Connection::open(base_.with_endpoint(node)));
  return &open_.emplace(name, std::move(fresh)).first->second;
}

Result<resp::Value> Links::ask(const Endpoint& node, std::span<const std::string> words) {
  ASH_TRY(Connection * connection, link(node));
  return unless_error(connection->call(words));
}

Result<std::vector<resp::Value>> Links::ask_all(const Endpoint& node, std::span<const Words> commands) {
  // Both sides may block on a full socket when more is sent than the kernel holds while no reply is read.
  constexpr std::size_t kBatch = 256;
  ASH_TRY(Connection * connection, link(node));
  std::vector<resp::Value> out;
  out.reserve(commands.size());
  for (std::size_t first = 0; first < commands.size(); first += kBatch) {
    const auto batch = commands.subspan(first, std::min(kBatch, commands.size() - first));
    for (const Words& words : batch) connection->queue(std::span<const std::string>(words));
    ASH_TRY_VOID(connection->flush());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ASH_TRY(resp::Value reply, connection->receive());
      out.push_back(std::move(reply));
    }
  }
  return out;
}

Result<void> Links::probe(const Endpoint& node) {
  ASH_TRY([[maybe_unused]] Connection * connection, link(node));
  return {};
}

}  // namespace ashlar::cli::cluster
