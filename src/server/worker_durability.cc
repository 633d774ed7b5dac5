// The part of a worker that keeps replies back until what they tell of is on the disk (`appendfsync always`).
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/worker.h"

namespace ashlar::server {

namespace {
/// A sync costs as much processor time as some ten requests, so it begins when all are there who came together the last
/// time: those who have just been answered send their next command at once. The loop asks for them again and again, but
/// not for longer than this without success, and no longer than the second in all.
constexpr Micros kQuiet{100};
constexpr Millis kPatience{1};
}  // namespace

void Worker::settle_writes() {
  wrote_ = std::exchange(run_->wrote, false);
  if (wrote_) (void)parts_.durability.settle(Durability::Turn::kWrote);  // what it says may still change
  if (!awaiting_acks_.empty()) settle_acks();
}

void Worker::settle_promises() {
  promised_ = {};
  const bool wrote = std::exchange(wrote_, false);
  if (flush_.empty() && !wrote) return;
  const auto turn = wrote ? Durability::Turn::kWrote : Durability::Turn::kRead;
  promised_ = parts_.durability.settle(turn);
  if (promised_.promise != Durability::Promise::kOpen) [[likely]]
    return;
  // Said before looking again: whoever makes it durable from here on sees that we wait, and tells us.
  awaits_durable_.store(true);
  if (sealed_.empty()) losses_seen_ = parts_.durability.reach().losses;
  promised_ = parts_.durability.settle(turn);
  if (promised_.promise != Durability::Promise::kOpen) return;
  if (!to_sync_) to_sync_since_ = loop_.now();
  to_sync_ = promised_.position;
}

void Worker::attend_disk(Turn turn) {
  if (!to_sync_ || asked_for_sync_) [[likely]]
    return;
  const MonoTime now = loop_.now();
  if (turn == Turn::kBusy) busy_at_ = now;
  const bool more_to_come = turn == Turn::kBusy || (sealed_.size() < expected_ && now - busy_at_ < kQuiet);
  if (more_to_come && now - to_sync_since_ < kPatience) {
    loop_.post([] {});  // another turn at once
    return;
  }
  if (sealed_.size() != 1) return ask_for_sync();
  // One waits alone: two hand-overs between threads would be most of what it waits for besides the disk.
  to_sync_.reset();
  parts_.durability.sync();
  release_durable();
  flush_all();
  if (to_sync_) ask_for_sync();  // the policy is another one by now
}

void Worker::ask_for_sync() {
  asked_for_sync_ = true;
  parts_.durability.want(*std::exchange(to_sync_, std::nullopt));
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
  if (std::exchange(asked_for_sync_, false)) to_sync_since_ = loop_.now();
  expected_ = sealed_.size();
  if (sealed_.empty()) {
    awaits_durable_.store(to_sync_.has_value());
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
  awaits_durable_.store(!sealed_.empty() || to_sync_);
  if (!sealed_.empty() && !to_sync_) to_sync_ = sealed_.back().position;
}

}  // namespace ashlar::server
