#include "sim/network.h"

#include <algorithm>

#include "base/check.h"

namespace ashlar::sim {

using cluster::LinkEnd;
using cluster::LinkId;
using cluster::Message;

namespace {
constexpr Millis kRetransmit{250};
}

bool Network::flows(HostIndex from, HostIndex to) const {
  if (cuts_.contains({from, to})) return false;
  const auto stalled = stalls_.find({from, to});
  return stalled == stalls_.end() || stalled->second <= scheduler_.now();
}

void Network::dial(HostIndex from, LinkId link, std::optional<HostIndex> to) {
  const std::uint64_t id = next_connection_++;
  Connection& connection = connections_[id];
  connection.sides[0] = {from, link, true, {}};
  connection.sides[1].host = to.value_or(SIZE_MAX);
  ends_[{from, link}] = {id, 0};
  if (to) scheduler_.after(delay(), [this, id] { attempt(id); });
}

void Network::attempt(std::uint64_t id) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  auto& [dialer, acceptor] = at->second.sides;
  if (!dialer.open) {
    connections_.erase(at);
    return;
  }
  const bool reachable = flows(dialer.host, acceptor.host) && flows(acceptor.host, dialer.host);
  if (!reachable || power_[acceptor.host] == Power::kMachineDown) {
    scheduler_.after(kRetransmit, [this, id] { attempt(id); });
    return;
  }
  const Key end{dialer.host, dialer.link};
  if (power_[acceptor.host] == Power::kProcessDown) {
    shut(dialer);
    connections_.erase(at);
    hooks_.lost(end.first, end.second, LinkEnd::kRefused);
    return;
  }
  at->second.established = true;
  acceptor.link = LinkId{next_accepted_++};
  acceptor.open = true;
  ends_[{acceptor.host, acceptor.link}] = {id, 1};
  hooks_.up(end.first, end.second);
}

void Network::send(HostIndex from, LinkId link, std::shared_ptr<const Message> message) {
  const auto end = ends_.find({from, link});
  if (end == ends_.end()) return;
  const auto [id, side] = end->second;
  ASH_CHECK(connections_.at(id).established);
  push(id, side, std::move(message));
}

void Network::push(std::uint64_t id, std::size_t side, std::shared_ptr<const Message> message) {
  auto& outbox = connections_.at(id).sides[side].outbox;
  MonoTime ready = scheduler_.now() + delay();
  if (!outbox.empty()) ready = std::max(ready, outbox.back().ready);
  outbox.push_back({ready, std::move(message)});
  scheduler_.at(ready, [this, id, side] { pump(id, side); });
}

void Network::pump(std::uint64_t id, std::size_t side) {
  while (true) {
    const auto at = connections_.find(id);
    if (at == connections_.end()) return;
    Side& from = at->second.sides[side];
    const Side& to = at->second.sides[1 - side];
    if (from.outbox.empty() || from.outbox.front().ready > scheduler_.now()) break;
    if (!flows(from.host, to.host) || power_[to.host] == Power::kMachineDown) break;
    const Item item = std::move(from.outbox.front());
    from.outbox.pop_front();
    deliver(id, 1 - side, item);
  }
  collect(id);
}

void Network::deliver(std::uint64_t id, std::size_t to, const Item& item) {
  Side& side = connections_.at(id).sides[to];
  if (!side.open) {
    // Nobody here knows the link (any more): tell the other end.
    if (item.message) scheduler_.after(delay(), [this, id, to] { reset(id, 1 - to); });
    return;
  }
  const Key end{side.host, side.link};
  if (item.message == nullptr) {
    shut(side);
    hooks_.lost(end.first, end.second, LinkEnd::kClosed);
    return;
  }
  hooks_.message(end.first, connections_.at(id).sides[1 - to].host, end.second, item.message);
}

void Network::reset(std::uint64_t id, std::size_t side) {
  const auto at = connections_.find(id);
  if (at == connections_.end() || !at->second.sides[side].open) return;
  Side& here = at->second.sides[side];
  if (!flows(at->second.sides[1 - side].host, here.host)) {
    scheduler_.after(kRetransmit, [this, id, side] { reset(id, side); });
    return;
  }
  const Key end{here.host, here.link};
  shut(here);
  here.outbox.clear();
  collect(id);
  hooks_.lost(end.first, end.second, LinkEnd::kClosed);
}

void Network::shut(Side& side) {
  ends_.erase({side.host, side.link});
  side.open = false;
}

void Network::collect(std::uint64_t id) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  const auto done = [](const Side& side) { return !side.open && side.outbox.empty(); };
  if (std::ranges::all_of(at->second.sides, done)) connections_.erase(at);
}

void Network::close(HostIndex from, LinkId link) {
  const auto end = ends_.find({from, link});
  if (end == ends_.end()) return;
  const auto [id, side] = end->second;
  Connection& connection = connections_.at(id);
  shut(connection.sides[side]);
  if (connection.established) {
    push(id, side, nullptr);
  } else if (connection.sides[1].host == SIZE_MAX) {
    connections_.erase(id);
  }
}

std::optional<HostIndex> Network::peer_of(HostIndex host, LinkId link) const {
  const auto end = ends_.find({host, link});
  if (end == ends_.end()) return std::nullopt;
  return connections_.at(end->second.first).sides[1 - end->second.second].host;
}

void Network::set_power(HostIndex host, Power power) {
  const Power before = power_[host];
  power_[host] = power;
  if (power == Power::kRunning) {
    pump_all();  // what waits for links of an earlier life is answered by resets
    return;
  }
  if (before != Power::kRunning) return;
  for (auto& [id, connection] : connections_) {
    for (std::size_t s = 0; s < 2; ++s) {
      Side& side = connection.sides[s];
      if (!side.open || side.host != host) continue;
      shut(side);
      if (power == Power::kMachineDown || rng_.chance(0.5)) side.outbox.clear();
      if (power == Power::kProcessDown && connection.established) push(id, s, nullptr);
    }
  }
}

void Network::cut(HostIndex from, HostIndex to) { cuts_.insert({from, to}); }

void Network::mend(HostIndex from, HostIndex to) {
  cuts_.erase({from, to});
  pump_all();
}

void Network::mend_all() {
  cuts_.clear();
  stalls_.clear();
  pump_all();
}

void Network::pump_all() {
  // Posted, for delivering from within a caller's action would re-enter it.
  for (const auto& [id, connection] : connections_) {
    for (std::size_t side = 0; side < 2; ++side) {
      if (connection.sides[side].outbox.empty()) continue;
      scheduler_.after(Micros{0}, [this, id = id, side] { pump(id, side); });
    }
  }
}

void Network::stall(HostIndex from, HostIndex to, Micros time) {
  MonoTime& until = stalls_[{from, to}];
  until = std::max(until, scheduler_.now() + time);
  scheduler_.at(until, [this] { pump_all(); });
}

void Network::break_links(HostIndex a, HostIndex b, Notice notice) {
  for (auto& [id, connection] : connections_) {
    auto& sides = connection.sides;
    const bool between = (sides[0].host == a && sides[1].host == b) || (sides[0].host == b && sides[1].host == a);
    if (!between || !connection.established) continue;
    for (Side& side : sides) side.outbox.clear();
    for (std::size_t s = 0; s < 2; ++s) {
      if (!sides[s].open || (notice == Notice::kOneSide && sides[s].host != a)) continue;
      scheduler_.after(delay(), [this, id = id, s] { reset(id, s); });
    }
  }
}

}  // namespace ashlar::sim
