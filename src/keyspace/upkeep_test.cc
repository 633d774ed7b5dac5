#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "keyspace/eviction.h"
#include "keyspace/expiry_cycle.h"
#include "keyspace/expiry_sample.h"
#include "keyspace/slot_guard.h"

namespace ashlar::keyspace {
namespace {

constexpr WallTime kStart = WallTime(Seconds(1'700'000'000));
constexpr Ticks kPlenty = Ticks{1} << 40;

struct Recorder final : RemovalListener {
  std::multiset<std::string> removed;
  void key_removed(DbIndex, const KeyRef& key, Removal) override { removed.emplace(key.text); }
};

struct Upkeep : testing::Test {
  Keyspace keyspace{4};
  Rng rng{1};
  Recorder recorder;
  Evictor evictor;
  AccessContext context{.now = kStart, .counters = &keyspace.add_counters(), .removals = &recorder, .rng = &rng};
  void set(std::uint32_t db, const std::string& key, NewExpiry expiry = NoExpiry{}) {
    Db(keyspace, DbIndex{db}, context).set(keyspace.ref(key), "v", expiry);
  }
};

TEST_F(Upkeep, ExpiryCycleRemovesExactlyTheDueKeysOfAllDatabases) {
  for (int i = 0; i < 3000; ++i) set(i % 3 == 0 ? 2 : 0, "due" + std::to_string(i), kStart + Millis(i % 100));
  for (int i = 0; i < 3000; ++i) set(0, "later" + std::to_string(i), kStart + Seconds(10));
  for (int i = 0; i < 100; ++i) set(0, "never" + std::to_string(i));
  context.now = kStart + Millis(101);
  ExpiryCycle even(keyspace, 0, 2);
  ExpiryCycle odd(keyspace, 1, 2);
  EXPECT_EQ(even.run(context, kPlenty), ExpiryCycle::End::kAllSlotsSeen);
  EXPECT_EQ(odd.run(context, kPlenty), ExpiryCycle::End::kAllSlotsSeen);
  EXPECT_EQ(recorder.removed.size(), 3000U);
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, 3100U);
  EXPECT_EQ(keyspace.size(DbIndex{2}).keys, 0U);
  context.now = kStart + Seconds(11);
  even.run(context, kPlenty);
  odd.run(context, kPlenty);
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, 100U);
}
TEST_F(Upkeep, TellsHowLongTheKeysOfADatabaseThatExpireHaveStillToLive) {
  EXPECT_EQ(average_ttl(keyspace, DbIndex{0}, kStart), Millis(0));
  for (int i = 0; i < 20000; ++i) set(0, "never" + std::to_string(i));
  set(0, "soon", kStart + Seconds(10));
  set(0, "later", kStart + Seconds(30));
  set(0, "over", kStart - Seconds(1));
  set(2, "k", WallTime(Millis(std::numeric_limits<std::int64_t>::max() / 2'000'000)));
  EXPECT_EQ(average_ttl(keyspace, DbIndex{0}, kStart), Millis(20'000));
  EXPECT_GT(average_ttl(keyspace, DbIndex{2}, kStart), Seconds(1'000'000'000));
  for (int i = 0; i < 1000; ++i) set(1, "k" + std::to_string(i), kStart + Seconds(100));
  EXPECT_EQ(average_ttl(keyspace, DbIndex{1}, kStart), Millis(100'000));
}

TEST_F(Upkeep, ExpiryCycleFinishesALargeSlotInSmallBudgetsWhileWritersAdd) {
  for (int i = 0; i < 5000; ++i) set(0, "{t}" + std::to_string(i), kStart + Millis(i % 7));
  context.now = kStart + Seconds(1);
  ExpiryCycle cycle(keyspace, 0, 1);
  int runs = 0;
  int added = 0;
  while (keyspace.size(DbIndex{0}).expires > 200 && ++runs < 100000) {
    cycle.run(context, 1);
    if (added < 200) set(0, "{t}new" + std::to_string(added++), kStart + Seconds(5));
  }
  EXPECT_EQ(recorder.removed.size(), 5000U);
  context.now = kStart + Seconds(6);
  for (int i = 0; i < 100000 && keyspace.size(DbIndex{0}).keys > 0; ++i) cycle.run(context, kPlenty);
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, 0U);
}
TEST_F(Upkeep, ExpiryCycleFindsWhatHasChangedItsDatabaseInTheMiddleOfAPass) {
  for (int i = 0; i < 3000; ++i) set(0, "{t}" + std::to_string(i), kStart + Seconds(i == 0 ? 1 : 2));
  ExpiryCycle cycle(keyspace, 0, 1);
  context.now = kStart + Seconds(1) + Millis(1);
  while (recorder.removed.empty()) cycle.run(context, 1);
  keyspace.swap(DbIndex{0}, DbIndex{3}, context.now, nullptr);
  for (int i = 0; i < 100; ++i) cycle.run(context, kPlenty);  // the pass ends, where there is nothing left of it
  context.now = kStart + Seconds(3);
  for (int i = 0; i < 100; ++i) cycle.run(context, kPlenty);
  EXPECT_EQ(recorder.removed.size(), 3000U);
}
TEST_F(Upkeep, ExpiryCycleDoesNotWaitForASlotThatIsBusyAndComesBack) {
  for (int i = 0; i < 100; ++i) set(0, "due" + std::to_string(i), kStart + Millis(1));
  context.now = kStart + Seconds(1);
  ExpiryCycle cycle(keyspace, 0, 1);
  {
    const SlotGuard busy(keyspace, keyspace.ref("due7").slot);
    EXPECT_EQ(cycle.run(context, kPlenty), ExpiryCycle::End::kAllSlotsSeen);
    EXPECT_FALSE(recorder.removed.contains("due7"));
    EXPECT_GT(recorder.removed.size(), 90U);
  }
  cycle.run(context, kPlenty);
  EXPECT_EQ(recorder.removed.size(), 100U);
}
TEST_F(Upkeep, EvictionPrefersTheLongestIdleKey) {
  for (int i = 0; i < 200; ++i) {
    context.now = kStart + Seconds(i);
    set(0, "k" + std::to_string(i));
  }
  context.now = kStart + Seconds(1000);
  for (int i = 0; i < 100; ++i) EXPECT_GT(evictor.evict_one(keyspace, context, EvictionPolicy::kAllKeysLru, 50), 0U);
  int old_left = 0;
  for (int i = 0; i < 50; ++i) {
    old_left += Db(keyspace, DbIndex{0}, context).find(keyspace.ref("k" + std::to_string(i)), Access::kPeek) ? 1 : 0;
  }
  EXPECT_LT(old_left, 5);
}
TEST_F(Upkeep, VolatilePoliciesSpareKeysWithoutExpiry) {
  for (int i = 0; i < 50; ++i) set(0, "keep" + std::to_string(i));
  for (int i = 0; i < 50; ++i) set(1, "go" + std::to_string(i), kStart + Seconds(i + 10));
  EXPECT_GT(evictor.evict_one(keyspace, context, EvictionPolicy::kVolatileTtl, 5000), 0U);
  for (int i = 0; i < 49; ++i) EXPECT_GT(evictor.evict_one(keyspace, context, EvictionPolicy::kVolatileRandom, 5), 0U);
  EXPECT_EQ(evictor.evict_one(keyspace, context, EvictionPolicy::kVolatileLru, 5), std::nullopt);
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, 50U);
  EXPECT_EQ(recorder.removed.count("go0"), 1U);
}

TEST_F(Upkeep, EvictionDrawsKeysAndNotSlots) {
  for (int i = 0; i < 3000; ++i) set(0, "{many}" + std::to_string(i));
  for (int i = 0; i < 8; ++i) set(0, "alone" + std::to_string(i));
  set(1, "{many}in another database");
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(evictor.evict_one(keyspace, context, EvictionPolicy::kAllKeysRandom, 5));
  const auto alone = std::ranges::count_if(recorder.removed, [](const auto& key) { return key.starts_with("alone"); });
  EXPECT_LE(alone, 5);  // 1.3 expected
  EXPECT_EQ(recorder.removed.count("{many}in another database"), 0U);
}
TEST_F(Upkeep, EvictionSparesAKeyThatWasUsedSinceItWasDrawn) {
  for (int i = 0; i < 10; ++i) set(0, "k" + std::to_string(i));
  context.now = kStart + Seconds(1000);
  EXPECT_TRUE(evictor.evict_one(keyspace, context, EvictionPolicy::kAllKeysLru, 100));
  context.now += Seconds(1);
  std::string idle;
  for (int i = 0; i < 10; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (recorder.removed.contains(key)) continue;
    idle.empty() ? (void)(idle = key) : set(0, key);
  }
  EXPECT_TRUE(evictor.evict_one(keyspace, context, EvictionPolicy::kAllKeysLru, 1));
  EXPECT_TRUE(recorder.removed.contains(idle));
}
TEST_F(Upkeep, AKeyThatWasUsedByALoopWithALaterClockIsNotIdle) {
  EXPECT_EQ(lru_idle(lru_clock(kStart + Seconds(1)), kStart), Seconds(0));
  EXPECT_EQ(lru_idle(lru_clock(kStart), kStart + Seconds(1)), Seconds(1));
}
TEST_F(Upkeep, EvictionFindsTheOneKeyWithAnExpiryAmongManyWithout) {
  for (int i = 0; i < 5000; ++i) set(0, "{many}" + std::to_string(i));
  set(0, "{many}goes", kStart + Seconds(10));
  EXPECT_TRUE(evictor.evict_one(keyspace, context, EvictionPolicy::kVolatileLru, 5));
  EXPECT_TRUE(recorder.removed.contains("{many}goes"));
  EXPECT_EQ(evictor.evict_one(keyspace, context, EvictionPolicy::kVolatileLru, 5), std::nullopt);
  set(0, "{many}again", kStart + Seconds(10));  // since the keys were counted
  EXPECT_TRUE(evictor.evict_one(keyspace, context, EvictionPolicy::kVolatileLru, 5));
}

}  // namespace
}  // namespace ashlar::keyspace
