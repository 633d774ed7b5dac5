/// The tracking connections of one loop; keeps the table informed. Thread: the loop's.
/// Invariant: a connection is here exactly while Client::tracking() is not null.
#pragma once

#include <string_view>
#include <unordered_set>

#include "server/pubsub/channel.h"
#include "server/tracking/state.h"
#include "server/tracking/table.h"

namespace ashlar::server {
class Client;
}

namespace ashlar::server::tracking {

class Trackers {
 public:
  using Clients = std::unordered_set<Client*>;
  Trackers(Table& table, Inbox& inbox) : table_(table), inbox_(inbox) {}

  /// Begins to track, or changes how. Prefixes that `client` had stay, those of `wanted` join them.
  void enable(Client& client, State wanted);
  /// Does nothing for a connection that does not track.
  void disable(Client& client);

  [[nodiscard]] const Clients& all() const noexcept { return clients_; }
  /// nullptr when there are none.
  [[nodiscard]] const Clients* with_prefix(std::string_view prefix) const;
  [[nodiscard]] Table& table() noexcept { return table_; }
  [[nodiscard]] Inbox& inbox() noexcept { return inbox_; }

 private:
  Table& table_;
  Inbox& inbox_;
  Clients clients_;
  pubsub::ByName<Clients> prefixes_;
};

}  // namespace ashlar::server::tracking
