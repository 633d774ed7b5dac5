/// Who listens where, by loop: the part of publish/subscribe that all threads share.
///
/// A publisher asks the hub, which sends one parcel to each loop that has subscribers; the loop knows which clients
/// they are (Audience). Messages are rendered once, whatever the number of subscribers. Publishing happens under one
/// lock, so every loop sees all messages in the same order.
/// Thread: any. Cost: publish O(patterns + loops with subscribers), nothing but one load while nobody listens.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "server/pubsub/channel.h"
#include "server/push/inbox.h"

namespace ashlar::server::pubsub {

/// A loop, as the hub numbers it.
enum class LoopIndex : std::uint32_t {};

class Hub {
 public:
  /// Adds a loop. `inbox` must outlive the last publish().
  [[nodiscard]] LoopIndex join(Inbox& inbox);

  /// One more, or one fewer, client of `loop` listens to `name`.
  void subscribe(Kind kind, std::string_view name, LoopIndex loop);
  void unsubscribe(Kind kind, std::string_view name, LoopIndex loop);

  enum class Scope : std::uint8_t { kEverywhere, kShard };
  /// Sends a message to the subscribers of this node. Returns how many there are: a client counts once for the channel
  /// and once for each of its patterns that match. May be called with slots locked.
  std::uint64_t publish(Scope scope, std::string_view channel, std::string_view message);

  /// Channels (or shard channels) with subscribers whose name matches `pattern`, in no order.
  [[nodiscard]] std::vector<std::string> names(Kind kind, std::optional<std::string_view> pattern) const;
  [[nodiscard]] std::uint64_t subscribers(Kind kind, std::string_view name) const;
  /// Number of different names of a kind.
  [[nodiscard]] std::size_t count(Kind kind) const;

 private:
  /// Subscribers of one name, by loop; loops without any do not appear.
  using Listeners = std::vector<std::pair<LoopIndex, std::uint32_t>>;
  class Delivery;

  void collect(const Listeners& listeners, Delivery& delivery) ASH_REQUIRES(mutex_);

  std::atomic<std::uint64_t> subscriptions_{0};
  mutable Mutex mutex_;
  std::vector<Inbox*> inboxes_ ASH_GUARDED_BY(mutex_);
  std::array<ByName<Listeners>, kKinds> listeners_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::server::pubsub
