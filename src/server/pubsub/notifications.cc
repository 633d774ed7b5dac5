#include "server/pubsub/notifications.h"

#include <fmt/format.h>

#include "server/config/settings_server.h"

namespace ashlar::server::pubsub {

namespace {

using Setting = config::EventClass;

constexpr std::uint32_t bit(Setting setting) { return static_cast<std::uint32_t>(setting); }
constexpr std::uint32_t kChannels = bit(Setting::kKeyspace) | bit(Setting::kKeyevent);

/// The letter of the configuration that asks for a class of events.
constexpr std::uint32_t setting_of(keyspace::EventClass event_class) {
  using keyspace::EventClass;
  switch (event_class) {
    case EventClass::kGeneric: return bit(Setting::kGeneric);
    case EventClass::kString: return bit(Setting::kString);
    case EventClass::kList: return bit(Setting::kList);
    case EventClass::kSet: return bit(Setting::kSet);
    case EventClass::kHash: return bit(Setting::kHash);
    case EventClass::kSortedSet: return bit(Setting::kSortedSet);
    case EventClass::kExpired: return bit(Setting::kExpired);
    case EventClass::kEvicted: return bit(Setting::kEvicted);
    case EventClass::kStream: return bit(Setting::kStream);
    case EventClass::kKeyMiss: return bit(Setting::kKeyMiss);
    case EventClass::kModule: return bit(Setting::kModule);
    case EventClass::kNew: return bit(Setting::kNewKey);
  }
  return 0;
}

}  // namespace

void Notifications::set(std::uint32_t events) noexcept {
  const bool useful = (events & kChannels) != 0 && (events & ~kChannels) != 0;
  wanted_.store(useful ? events : 0, std::memory_order_relaxed);
}

void Notifications::event(keyspace::EventClass event_class, std::string_view name, DbIndex db, std::string_view key) {
  const std::uint32_t wanted = wanted_.load(std::memory_order_relaxed);
  if ((wanted & setting_of(event_class)) == 0) return;
  if ((wanted & bit(Setting::kKeyspace)) != 0) {
    hub_.publish(Hub::Scope::kEverywhere, fmt::format("__keyspace@{}__:{}", db.value, key), name);
  }
  if ((wanted & bit(Setting::kKeyevent)) != 0) {
    hub_.publish(Hub::Scope::kEverywhere, fmt::format("__keyevent@{}__:{}", db.value, name), key);
  }
}

}  // namespace ashlar::server::pubsub
