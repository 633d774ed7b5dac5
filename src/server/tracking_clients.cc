#include "server/tracking/trackers.h"

#include <algorithm>

#include "server/client.h"

namespace ashlar::server::tracking {

void Trackers::enable(Client& client, State wanted) {
  if (clients_.insert(&client).second) table_.add_client(inbox_);
  std::vector<std::string> fresh = std::move(wanted.prefixes);
  wanted.prefixes = client.tracking() != nullptr ? std::move(client.tracking()->prefixes) : std::vector<std::string>();
  if (wanted.mode == Mode::kBroadcast && fresh.empty()) fresh.emplace_back();
  for (std::string& prefix : fresh) {
    if (std::ranges::find(wanted.prefixes, prefix) != wanted.prefixes.end()) continue;
    prefixes_[prefix].insert(&client);
    table_.add_prefix(prefix, inbox_);
    wanted.prefixes.push_back(std::move(prefix));
  }
  client.set_tracking(std::make_unique<State>(std::move(wanted)));
}

void Trackers::disable(Client& client) {
  if (client.tracking() == nullptr) return;
  for (const std::string& prefix : client.tracking()->prefixes) {
    const auto found = prefixes_.find(prefix);
    found->second.erase(&client);
    if (found->second.empty()) prefixes_.erase(found);
    table_.remove_prefix(prefix, inbox_);
  }
  clients_.erase(&client);
  table_.remove_client(inbox_);
  client.set_tracking(nullptr);
}

const Trackers::Clients* Trackers::with_prefix(std::string_view prefix) const {
  const auto found = prefixes_.find(prefix);
  return found == prefixes_.end() ? nullptr : &found->second;
}

}  // namespace ashlar::server::tracking
