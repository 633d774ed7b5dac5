#include "server/pubsub/notifications.h"

#include <gtest/gtest.h>

#include "server/config/settings_server.h"

namespace ashlar::server::pubsub {
namespace {

constexpr std::uint32_t bits(std::initializer_list<config::EventClass> classes) {
  std::uint32_t out = 0;
  for (const auto each : classes) out |= static_cast<std::uint32_t>(each);
  return out;
}

struct Fixture {
  Hub hub;
  Inbox inbox{[] {}};
  LoopIndex loop = hub.join(inbox);
  Notifications notifications{hub};
  std::size_t published() { return inbox.drain().size(); }
};

TEST(Notifications, AreOffUnlessAKindOfChannelAndAClassAreAskedFor) {
  Fixture f;
  EXPECT_EQ(f.notifications.listener(), nullptr);
  f.notifications.set(bits({config::EventClass::kKeyspace, config::EventClass::kKeyevent}));
  EXPECT_EQ(f.notifications.listener(), nullptr);
  f.notifications.set(bits({config::EventClass::kGeneric}));
  EXPECT_EQ(f.notifications.listener(), nullptr);
  f.notifications.set(bits({config::EventClass::kGeneric, config::EventClass::kKeyevent}));
  EXPECT_EQ(f.notifications.listener(), &f.notifications);
}

TEST(Notifications, GoToTheChannelsOfKeyAndEventThatAreAskedFor) {
  Fixture f;
  f.hub.subscribe(Kind::kChannel, "__keyspace@3__:k", f.loop);
  f.hub.subscribe(Kind::kChannel, "__keyevent@3__:del", f.loop);
  f.notifications.set(bits({config::EventClass::kGeneric, config::EventClass::kKeyspace}));
  f.notifications.event(keyspace::EventClass::kGeneric, "del", DbIndex{3}, "k");
  EXPECT_EQ(f.published(), 1U);
  f.notifications.set(
      bits({config::EventClass::kGeneric, config::EventClass::kKeyspace, config::EventClass::kKeyevent}));
  f.notifications.event(keyspace::EventClass::kGeneric, "del", DbIndex{3}, "k");
  EXPECT_EQ(f.published(), 2U);
  f.notifications.event(keyspace::EventClass::kGeneric, "del", DbIndex{2}, "k");
  EXPECT_EQ(f.published(), 0U) << "another database has other channels";
}

TEST(Notifications, LeaveOutClassesThatAreNotAskedFor) {
  Fixture f;
  f.hub.subscribe(Kind::kPattern, "*", f.loop);
  f.notifications.set(bits({config::EventClass::kList, config::EventClass::kKeyevent}));
  f.notifications.event(keyspace::EventClass::kString, "set", DbIndex{0}, "k");
  EXPECT_EQ(f.published(), 0U);
  f.notifications.event(keyspace::EventClass::kList, "lpush", DbIndex{0}, "k");
  EXPECT_EQ(f.published(), 1U);
}

}  // namespace
}  // namespace ashlar::server::pubsub
