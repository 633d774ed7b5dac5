/// Keyspace notifications: what happens to keys, as messages of channels (`notify-keyspace-events`).
///
/// Thread: event() any, with the key's slot locked, so that the events of a key are published in the order in which
/// they happened. set() one at a time. Cost while switched off: one load a batch. Source: the section "EVENT
/// NOTIFICATION" of redis.conf.
#pragma once

#include <atomic>
#include <cstdint>

#include "keyspace/events.h"
#include "server/pubsub/hub.h"

namespace ashlar::server::pubsub {

class Notifications final : public keyspace::EventListener {
 public:
  explicit Notifications(Hub& hub) : hub_(hub) {}

  /// `events`: the bits of config::EventClass.
  void set(std::uint32_t events) noexcept;
  /// Who is to hear of events now; nullptr when nobody is.
  [[nodiscard]] keyspace::EventListener* listener() noexcept {
    return wanted_.load(std::memory_order_relaxed) == 0 ? nullptr : this;
  }
  void event(keyspace::EventClass event_class, std::string_view name, DbIndex db, std::string_view key) override;

 private:
  Hub& hub_;
  std::atomic<std::uint32_t> wanted_{
      0};  // bits of config::EventClass; 0 unless a kind of channel and a class are asked for
};

}  // namespace ashlar::server::pubsub
