#include "server/pubsub/hub.h"

#include <algorithm>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "server/pubsub/message.h"

namespace ashlar::server::pubsub {

namespace {

constexpr std::size_t at(Kind kind) { return static_cast<std::size_t>(kind); }
constexpr std::size_t at(LoopIndex loop) { return static_cast<std::size_t>(loop); }

}  // namespace

/// A message on its way: the parcel and where it goes. Made and used under the hub's lock.
class Hub::Delivery {
 public:
  std::shared_ptr<Message> message = std::make_shared<Message>();  // shared by the loops it is sent to
  std::vector<LoopIndex> loops;
  std::uint64_t receivers = 0;
};

LoopIndex Hub::join(Inbox& inbox) {
  MutexLock lock(mutex_);
  inboxes_.push_back(&inbox);
  return static_cast<LoopIndex>(inboxes_.size() - 1);
}

void Hub::subscribe(Kind kind, std::string_view name, LoopIndex loop) {
  MutexLock lock(mutex_);
  auto& names = listeners_[at(kind)];
  auto found = names.find(name);
  if (found == names.end()) found = names.emplace(name, Listeners()).first;
  Listeners& listeners = found->second;
  const auto mine = std::ranges::find(listeners, loop, &Listeners::value_type::first);
  if (mine == listeners.end()) {
    listeners.emplace_back(loop, 1);
  } else {
    ++mine->second;
  }
  subscriptions_.fetch_add(1, std::memory_order_relaxed);
}

void Hub::unsubscribe(Kind kind, std::string_view name, LoopIndex loop) {
  MutexLock lock(mutex_);
  auto& names = listeners_[at(kind)];
  const auto found = names.find(name);
  ASH_CHECK(found != names.end());
  Listeners& listeners = found->second;
  const auto mine = std::ranges::find(listeners, loop, &Listeners::value_type::first);
  ASH_CHECK(mine != listeners.end());
  if (--mine->second == 0) listeners.erase(mine);
  if (listeners.empty()) names.erase(found);
  subscriptions_.fetch_sub(1, std::memory_order_relaxed);
}

void Hub::collect(const Listeners& listeners, Delivery& delivery) {
  for (const auto& [loop, clients] : listeners) {
    delivery.receivers += clients;
    if (std::ranges::find(delivery.loops, loop) == delivery.loops.end()) delivery.loops.push_back(loop);
  }
}

std::uint64_t Hub::publish(Scope scope, std::string_view channel, std::string_view message) {
  // A subscription that was acknowledged before this command was sent is seen: its thread's reply came in between.
  if (subscriptions_.load(std::memory_order_acquire) == 0) [[likely]]
    return 0;
  const Kind kind = scope == Scope::kShard ? Kind::kShardChannel : Kind::kChannel;
  MutexLock lock(mutex_);
  std::optional<Delivery> delivery;
  const auto made = [&]() -> Delivery& { return delivery ? *delivery : delivery.emplace(); };
  const auto& names = listeners_[at(kind)];
  if (const auto found = names.find(channel); found != names.end()) {
    collect(found->second, made());
    delivery->message->add_channel(kind, channel, message);
  }
  if (scope == Scope::kEverywhere) {
    for (const auto& [pattern, listeners] : listeners_[at(Kind::kPattern)]) {
      if (!glob_match(pattern, channel)) continue;
      collect(listeners, made());
      delivery->message->add_pattern(pattern, channel, message);
    }
  }
  if (!delivery) return 0;
  for (const LoopIndex loop : delivery->loops) inboxes_[at(loop)]->send(delivery->message);
  return delivery->receivers;
}

std::vector<std::string> Hub::names(Kind kind, std::optional<std::string_view> pattern) const {
  MutexLock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, listeners] : listeners_[at(kind)]) {
    if (!pattern || glob_match(*pattern, name)) out.push_back(name);
  }
  return out;
}

std::uint64_t Hub::subscribers(Kind kind, std::string_view name) const {
  MutexLock lock(mutex_);
  const auto& names = listeners_[at(kind)];
  const auto found = names.find(name);
  std::uint64_t sum = 0;
  if (found != names.end()) {
    for (const auto& [loop, clients] : found->second) sum += clients;
  }
  return sum;
}

std::size_t Hub::count(Kind kind) const {
  MutexLock lock(mutex_);
  return listeners_[at(kind)].size();
}

}  // namespace ashlar::server::pubsub
