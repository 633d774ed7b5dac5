#include "keyspace/interests.h"

#include <gtest/gtest.h>

#include <map>

#include "keyspace/db.h"
#include "keyspace/slot_guard.h"

namespace ashlar::keyspace {
namespace {

class InterestsTest : public ::testing::Test {
 protected:
  InterestsTest() {
    context.counters = &keyspace.add_counters();
    context.modifications = &listener;
    context.rng = &rng;
    context.now = wall_from_unix_millis(1'000'000);
  }
  Db db(std::uint32_t index = 0) { return Db(keyspace, DbIndex{index}, context); }
  void set(std::string_view key, std::uint32_t index = 0) {
    const KeyRef ref = keyspace.ref(key);
    const SlotGuard guard(keyspace, std::span(&ref, 1));
    db(index).set(ref, "v", NoExpiry{});
  }
  bool erase(std::string_view key) {
    const KeyRef ref = keyspace.ref(key);
    const SlotGuard guard(keyspace, std::span(&ref, 1));
    return db().erase(ref);
  }
  std::shared_ptr<WatchFlag> watch(std::string_view key, std::uint32_t index = 0) {
    auto flag = std::make_shared<WatchFlag>(false);
    keyspace.interests().watch(DbIndex{index}, keyspace.ref(key), flag, context.now);
    return flag;
  }
  std::shared_ptr<Waiter> wait(std::string_view key, std::uint64_t arrival) {
    auto waiter = std::make_shared<Waiter>();
    waiter->arrival = arrival;
    keyspace.interests().wait(DbIndex{0}, keyspace.ref(key), waiter);
    return waiter;
  }
  std::uint8_t interest(std::string_view key) { return keyspace.slot(keyspace.ref(key).slot).interest; }

  Keyspace keyspace{16};
  Rng rng{1};
  AccessContext context;
  InterestListener listener{keyspace};
};

TEST_F(InterestsTest, AWatchIsBrokenByAChangeOfItsKeyOnly) {
  const auto flag = watch("{t}a");
  set("{t}b");
  EXPECT_FALSE(flag->load());
  set("{t}a", 1);
  EXPECT_FALSE(flag->load());
  set("{t}a");
  EXPECT_TRUE(flag->load());
}

TEST_F(InterestsTest, RemovingAMissingKeyBreaksNoWatch) {
  const auto flag = watch("a");
  EXPECT_FALSE(erase("a"));
  EXPECT_FALSE(flag->load());
}

TEST_F(InterestsTest, TheRemovalOfAKeyThatHadExpiredWhenWatchedBreaksNothing) {
  const KeyRef key = keyspace.ref("a");
  db().set(key, "v", wall_from_unix_millis(999'000));
  const auto flag = watch("a");
  EXPECT_EQ(db().find(key, Access::kWrite), nullptr);
  EXPECT_FALSE(flag->load());
  set("a");
  EXPECT_TRUE(flag->load());
}

TEST_F(InterestsTest, AnExchangeOfAllDataBreaksTheWatchesOfKeysThatWereThereOrAreThereNow) {
  Keyspace other{16};
  const auto put = [&](Keyspace& where, std::string_view key, std::uint32_t index) {
    const KeyRef ref = where.ref(key);
    const SlotGuard guard(where, std::span(&ref, 1));
    AccessContext quiet = context;
    quiet.modifications = nullptr;
    Db(where, DbIndex{index}, quiet).set(ref, "v", NoExpiry{});
  };
  put(keyspace, "old", 0);
  put(other, "new", 3);
  const auto old_flag = watch("old");
  const auto new_flag = watch("new", 3);
  const auto nowhere = watch("nowhere");
  {
    const SafePoint::Exclusive all(keyspace.safe_point(), nullptr);
    keyspace.exchange(other, &listener);
  }
  EXPECT_TRUE(old_flag->load());
  EXPECT_TRUE(new_flag->load());
  EXPECT_FALSE(nowhere->load());
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, 0U);
  EXPECT_EQ(keyspace.size(DbIndex{3}).keys, 1U);
  EXPECT_EQ(other.size(DbIndex{0}).keys, 1U);
}

TEST_F(InterestsTest, AKeyThatExpiresWhileWatchedCountsAsChanged) {
  const KeyRef key = keyspace.ref("a");
  db().set(key, "v", wall_from_unix_millis(1'000'500));
  const auto flag = watch("a");
  EXPECT_FALSE(keyspace.interests().expired_since(DbIndex{0}, key, *flag, context.now));
  EXPECT_TRUE(keyspace.interests().expired_since(DbIndex{0}, key, *flag, wall_from_unix_millis(1'000'501)));
}

TEST_F(InterestsTest, TheSlotForgetsThatItIsOfInterestWithTheLastOne) {
  const auto flag = watch("a");
  const auto waiter = wait("a", 1);
  EXPECT_EQ(interest("a"), kKeysOfInterest);
  keyspace.interests().unwatch(DbIndex{0}, keyspace.ref("a"), *flag);
  EXPECT_EQ(interest("a"), kKeysOfInterest);
  keyspace.interests().stop_waiting(DbIndex{0}, keyspace.ref("a"), *waiter);
  EXPECT_EQ(interest("a"), 0);
}

TEST_F(InterestsTest, AChangedKeyIsReadyOnceHoweverOftenItChanges) {
  const auto waiter = wait("a", 1);
  set("a");
  set("a");
  set("b");
  const auto ready = listener.take_ready();
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].text, "a");
  EXPECT_FALSE(listener.any_ready());
}

TEST_F(InterestsTest, WaitersComeInTheOrderOfTheirArrival) {
  const auto second = wait("a", 7);
  const auto first = wait("a", 3);
  const KeyRef key = keyspace.ref("a");
  EXPECT_EQ(keyspace.interests().next_waiter(DbIndex{0}, key, 0), first);
  EXPECT_EQ(keyspace.interests().next_waiter(DbIndex{0}, key, 3), second);
  EXPECT_EQ(keyspace.interests().next_waiter(DbIndex{0}, key, 7), nullptr);
}

TEST_F(InterestsTest, ClearingADatabaseTouchesTheKeysThatWereThere) {
  set("a");
  const auto present = watch("a");
  const auto missing = watch("b");
  const auto elsewhere = watch("a", 1);
  {
    const SafePoint::Exclusive all(keyspace.safe_point(), nullptr);
    keyspace.clear(DbIndex{0});
  }
  EXPECT_TRUE(present->load());
  EXPECT_FALSE(missing->load());
  EXPECT_FALSE(elsewhere->load());
}

TEST_F(InterestsTest, SwappingDatabasesTouchesWhatWasThereAndWhatCame) {
  set("was");
  set("comes", 9);
  const auto was = watch("was");
  const auto comes = watch("comes");
  const auto never = watch("never");
  const auto waiter = wait("comes", 1);
  {
    const SafePoint::Exclusive all(keyspace.safe_point(), nullptr);
    keyspace.swap(DbIndex{0}, DbIndex{9}, context.now, &listener);
  }
  EXPECT_TRUE(was->load());
  EXPECT_TRUE(comes->load());
  EXPECT_FALSE(never->load());
  const auto ready = listener.take_ready();
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].text, "comes");
}

TEST_F(InterestsTest, SwappingDatabasesTellsWhoWaitsForAKeyThatComesExpired) {
  db(9).set(keyspace.ref("comes"), "v", wall_from_unix_millis(999'000));
  const auto waiter = wait("comes", 1);
  {
    const SafePoint::Exclusive all(keyspace.safe_point(), nullptr);
    keyspace.swap(DbIndex{0}, DbIndex{9}, context.now, &listener);
  }
  const auto ready = listener.take_ready();
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].text, "comes");
}

TEST_F(InterestsTest, SwappingDatabasesLeavesAloneWhoKnewAKeyToBeGoneWhenItStillIs) {
  const WallTime past = wall_from_unix_millis(999'000);
  const auto put = [&](std::string_view key, std::uint32_t index, WallTime expiry) {
    db(index).set(keyspace.ref(key), "v", expiry);
  };
  put("expired, missing", 0, past);
  put("missing, expired", 9, past);
  put("expired, expired", 0, past);
  put("expired, expired", 9, past);
  put("expired, live", 0, past);
  set("expired, live", 9);
  put("expires, missing", 0, wall_from_unix_millis(1'000'500));
  std::map<std::string, std::shared_ptr<WatchFlag>> flags;
  for (const std::string_view key :
       {"expired, missing", "missing, expired", "expired, expired", "expired, live", "expires, missing"}) {
    flags.emplace(key, watch(key));
  }
  context.now = wall_from_unix_millis(1'000'501);
  {
    const SafePoint::Exclusive all(keyspace.safe_point(), nullptr);
    keyspace.swap(DbIndex{0}, DbIndex{9}, context.now, &listener);
  }
  EXPECT_FALSE(flags.at("expired, missing")->load());
  EXPECT_FALSE(flags.at("missing, expired")->load());
  EXPECT_FALSE(flags.at("expired, expired")->load());
  EXPECT_TRUE(flags.at("expired, live")->load());
  EXPECT_TRUE(flags.at("expires, missing")->load());
  // What has come expired goes without a word, and what comes anew does not.
  EXPECT_FALSE(erase("missing, expired"));
  EXPECT_FALSE(flags.at("missing, expired")->load());
  set("expired, missing");
  EXPECT_TRUE(flags.at("expired, missing")->load());
}

}  // namespace
}  // namespace ashlar::keyspace
