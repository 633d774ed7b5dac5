#include "server/pubsub/hub.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/sync.h"

namespace ashlar::server::pubsub {
namespace {

using Scope = Hub::Scope;

/// A loop as the hub sees it.
struct Loop {
  explicit Loop(Hub& hub) : index(hub.join(inbox)) {}
  int wakeups = 0;
  Inbox inbox{[this] { ++wakeups; }};
  LoopIndex index;
};

TEST(Hub, CountsAClientForItsChannelAndForEachPatternThatMatches) {
  Hub hub;
  Loop a(hub);
  Loop b(hub);
  hub.subscribe(Kind::kChannel, "news", a.index);
  hub.subscribe(Kind::kChannel, "news", a.index);
  hub.subscribe(Kind::kChannel, "news", b.index);
  hub.subscribe(Kind::kPattern, "n*", b.index);
  hub.subscribe(Kind::kPattern, "x*", b.index);
  EXPECT_EQ(hub.publish(Scope::kEverywhere, "news", "m"), 4U);
  EXPECT_EQ(hub.publish(Scope::kEverywhere, "never", "m"), 1U);
  EXPECT_EQ(hub.publish(Scope::kEverywhere, "other", "m"), 0U);
}

TEST(Hub, SendsOneParcelToEachLoopHoweverManyOfItsClientsListen) {
  Hub hub;
  Loop a(hub);
  Loop b(hub);
  Loop idle(hub);
  for (int i = 0; i < 3; ++i) hub.subscribe(Kind::kChannel, "c", a.index);
  hub.subscribe(Kind::kPattern, "*", a.index);
  hub.subscribe(Kind::kPattern, "?", b.index);
  hub.publish(Scope::kEverywhere, "c", "m");
  const auto to_a = a.inbox.drain();
  const auto to_b = b.inbox.drain();
  ASSERT_EQ(to_a.size(), 1U);
  ASSERT_EQ(to_b.size(), 1U);
  EXPECT_EQ(to_a[0], to_b[0]) << "rendered once for all loops";
  EXPECT_TRUE(idle.inbox.drain().empty());
  EXPECT_EQ(idle.wakeups, 0);
}

TEST(Hub, KeepsShardChannelsApartFromChannelsOfTheSameName) {
  Hub hub;
  Loop loop(hub);
  hub.subscribe(Kind::kShardChannel, "c", loop.index);
  hub.subscribe(Kind::kPattern, "c", loop.index);
  EXPECT_EQ(hub.publish(Scope::kShard, "c", "m"), 1U);
  EXPECT_EQ(hub.publish(Scope::kEverywhere, "c", "m"), 1U);
  hub.unsubscribe(Kind::kPattern, "c", loop.index);
  EXPECT_EQ(hub.publish(Scope::kEverywhere, "c", "m"), 0U);
  EXPECT_EQ(hub.publish(Scope::kShard, "c", "m"), 1U);
}

TEST(Hub, ForgetsANameWithItsLastSubscriber) {
  Hub hub;
  Loop a(hub);
  Loop b(hub);
  hub.subscribe(Kind::kChannel, "c", a.index);
  hub.subscribe(Kind::kChannel, "c", b.index);
  hub.unsubscribe(Kind::kChannel, "c", a.index);
  EXPECT_EQ(hub.subscribers(Kind::kChannel, "c"), 1U);
  EXPECT_EQ(hub.count(Kind::kChannel), 1U);
  hub.unsubscribe(Kind::kChannel, "c", b.index);
  EXPECT_EQ(hub.count(Kind::kChannel), 0U);
  EXPECT_TRUE(hub.names(Kind::kChannel, std::nullopt).empty());
  EXPECT_EQ(hub.publish(Scope::kEverywhere, "c", "m"), 0U);
}

TEST(Hub, NamesThoseThatMatchAPattern) {
  Hub hub;
  Loop loop(hub);
  for (const char* name : {"aa", "ab", "b"}) hub.subscribe(Kind::kChannel, name, loop.index);
  auto names = hub.names(Kind::kChannel, "a?");
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"aa", "ab"}));
}

TEST(Hub, ShowsAllLoopsTheMessagesOfAllPublishersInTheSameOrder) {
  constexpr int kPublishers = 4;
  constexpr int kMessages = 500;
  Hub hub;
  Loop a(hub);
  Loop b(hub);
  hub.subscribe(Kind::kChannel, "c", a.index);
  hub.subscribe(Kind::kPattern, "*", b.index);
  {
    std::vector<Thread> publishers;
    for (int i = 0; i < kPublishers; ++i) {
      publishers.emplace_back("publisher", [&] {
        for (int n = 0; n < kMessages; ++n) hub.publish(Scope::kEverywhere, "c", "m");
      });
    }
  }
  const auto to_a = a.inbox.drain();
  ASSERT_EQ(to_a.size(), std::size_t{kPublishers * kMessages});
  EXPECT_EQ(to_a, b.inbox.drain());
}

TEST(Hub, StaysConsistentWhileSubscribersComeAndGoOnOtherThreads) {
  constexpr int kRounds = 1000;
  Hub hub;
  Loop a(hub);
  Loop b(hub);
  {
    Thread first("first", [&] {
      for (int i = 0; i < kRounds; ++i) {
        hub.subscribe(Kind::kChannel, "c", a.index);
        hub.publish(Scope::kEverywhere, "c", "m");
        hub.unsubscribe(Kind::kChannel, "c", a.index);
      }
    });
    Thread second("second", [&] {
      for (int i = 0; i < kRounds; ++i) {
        hub.subscribe(Kind::kPattern, "c*", b.index);
        EXPECT_GE(hub.publish(Scope::kEverywhere, "c", "m"), 1U) << "its own subscription counts";
        hub.unsubscribe(Kind::kPattern, "c*", b.index);
      }
    });
  }
  EXPECT_GE(a.inbox.drain().size(), std::size_t{kRounds});
  EXPECT_GE(b.inbox.drain().size(), std::size_t{kRounds});
  EXPECT_EQ(hub.publish(Scope::kEverywhere, "c", "m"), 0U);
}

}  // namespace
}  // namespace ashlar::server::pubsub
