#include "server/pubsub/audience.h"

#include "base/check.h"
#include "server/client.h"

namespace ashlar::server::pubsub {

namespace {

constexpr std::size_t at(Kind kind) { return static_cast<std::size_t>(kind); }

}  // namespace

bool Audience::subscribe(Client& client, Kind kind, std::string_view name) {
  if (!client.subscriptions().names_[at(kind)].emplace(name).second) return false;
  auto& names = clients_[at(kind)];
  auto found = names.find(name);
  if (found == names.end()) found = names.emplace(name, Clients()).first;
  found->second.insert(&client);
  client.subscribed = true;
  hub_.subscribe(kind, name, loop_);
  return true;
}

bool Audience::unsubscribe(Client& client, Kind kind, std::string_view name) {
  Names& own = client.subscriptions().names_[at(kind)];
  const auto mine = own.find(name);
  if (mine == own.end()) return false;
  auto& names = clients_[at(kind)];
  const auto found = names.find(name);
  ASH_CHECK(found != names.end());
  found->second.erase(&client);
  hub_.unsubscribe(kind, name, loop_);
  // `name` may be the very string that goes away here.
  if (found->second.empty()) names.erase(found);
  own.erase(mine);
  client.subscribed = !client.subscriptions().empty();
  return true;
}

void Audience::remove(Client& client) {
  if (!client.subscribed) return;
  for (const Kind kind : {Kind::kChannel, Kind::kPattern, Kind::kShardChannel}) {
    const Names& own = client.subscriptions().of(kind);
    while (!own.empty()) unsubscribe(client, kind, *own.begin());
  }
}

const Audience::Clients* Audience::find(Kind kind, std::string_view name) const {
  const auto& names = clients_[at(kind)];
  const auto found = names.find(name);
  return found == names.end() ? nullptr : &found->second;
}

}  // namespace ashlar::server::pubsub
