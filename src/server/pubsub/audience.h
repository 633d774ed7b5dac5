/// The subscribed clients of one loop, and what each of them listens to. Keeps the hub informed.
///
/// Thread: the loop's. Invariants: (1) a client stands under a name exactly when the name stands among its own;
/// (2) the hub counts as many subscribers for this loop as there are clients here; (3) Session::subscribed is true
/// exactly when a client listens to anything. Cost: O(1) a subscription.
#pragma once

#include <array>
#include <unordered_set>

#include "base/ids.h"
#include "server/pubsub/channel.h"
#include "server/pubsub/hub.h"

namespace ashlar::server {
class Client;
}

namespace ashlar::server::pubsub {

/// What one client listens to.
class Subscriptions {
 public:
  [[nodiscard]] const Names& of(Kind kind) const noexcept { return names_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::size_t count(Kind kind) const noexcept { return of(kind).size(); }
  [[nodiscard]] bool empty() const noexcept {
    for (const Names& names : names_) {
      if (!names.empty()) return false;
    }
    return true;
  }

 private:
  friend class Audience;
  std::array<Names, kKinds> names_;
};

class Audience {
 public:
  using Clients = std::unordered_set<Client*>;

  Audience(Hub& hub, LoopIndex loop) : hub_(hub), loop_(loop) {}

  /// False when it was so already.
  bool subscribe(Client& client, Kind kind, std::string_view name);
  bool unsubscribe(Client& client, Kind kind, std::string_view name);
  /// Ends everything that `client` listens to, without telling it.
  void remove(Client& client);

  /// Clients that listen to exactly this; nullptr when there are none.
  [[nodiscard]] const Clients* find(Kind kind, std::string_view name) const;
  /// Names of `kind` for which `wanted(name)` is true.
  template <typename Wanted>
  [[nodiscard]] std::vector<std::string> names(Kind kind, Wanted&& wanted) const {
    std::vector<std::string> out;
    for (const auto& [name, clients] : clients_[static_cast<std::size_t>(kind)]) {
      if (wanted(name)) out.push_back(name);
    }
    return out;
  }

 private:
  Hub& hub_;
  LoopIndex loop_;
  std::array<ByName<Clients>, kKinds> clients_;
};

}  // namespace ashlar::server::pubsub
