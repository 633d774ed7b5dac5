// The part of a worker that keeps replies back until what they tell of is on the disk (`appendfsync always`).
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/worker.h"

namespace ashlar::server {

void Worker::settle_writes() {
  if (std::exchange(run_->wrote, false)) {
    using Others = Durability::Others;
    parts_.durability.write(sealed_.empty() && flush_.size() <= 1 ? Others::kNone : Others::kSome);
  }
  if (!awaiting_acks_.empty()) settle_acks();
}

void Worker::settle_promises() {
  promised_ = {};
  if (flush_.empty()) return;
  promised_ = parts_.durability.promised();
  if (promised_.promise != Durability::Promise::kOpen) [[likely]]
    return;
  // Said before looking again: whoever makes it durable from here on sees that we wait, and tells us.
  awaits_durable_.store(true);
  if (sealed_.empty()) losses_seen_ = parts_.durability.reach().losses;
  promised_ = parts_.durability.promised();
  if (promised_.promise == Durability::Promise::kOpen) parts_.durability.want(promised_.position);
}

void Worker::seal(Client& client) {
  const std::uint64_t end = client.output_total_ + client.out_.size();
  if (end == client.sealed_until_) return;
  const bool behind_others = client.free_until_ != client.sealed_until_;
  const bool wrote = std::exchange(client.wrote_, false);
  client.sealed_until_ = end;
  using Promise = Durability::Promise;
  if (promised_.promise == Promise::kKept && !behind_others) [[likely]] {
    client.free_until_ = end;
    return;
  }
  if (promised_.promise == Promise::kBroken && wrote) return break_promise(client);
  if (promised_.promise != Promise::kOpen && !behind_others) {
    client.free_until_ = end;
    return;
  }
  const std::uint64_t before = sealed_.empty() ? 0 : sealed_.back().position;
  sealed_.push_back({std::max(promised_.position, before), client.id, end, client.arrangement_, wrote});
}

void Worker::break_promise(Client& client) {
  // Nobody is told that a write is safe that is not: what became of it stays open, as when a server dies.
  log::warning("Closing client id={} whose write could not be made durable", client.id.value);
  close(client);
}

void Worker::release_durable() {
  if (sealed_.empty()) {
    awaits_durable_.store(false);
    return;
  }
  const aof::Reach log = parts_.durability.reach();
  const bool lost = std::exchange(losses_seen_, log.losses) != log.losses;
  for (; !sealed_.empty(); sealed_.pop_front()) {
    const Sealed& one = sealed_.front();
    const bool durable = !lost && one.position <= log.durable;
    if (!durable && !lost && log.healthy) break;
    Client* client = find(one.client);
    if (client == nullptr || client->arrangement_ != one.arrangement) continue;
    if (!durable && one.wrote) {
      break_promise(*client);
      continue;
    }
    client->free_until_ = one.end;
    mark_flush(*client);
  }
  awaits_durable_.store(!sealed_.empty());
  if (!sealed_.empty()) parts_.durability.want(sealed_.back().position);
}

}  // namespace ashlar::server
