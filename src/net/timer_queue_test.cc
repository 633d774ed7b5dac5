#include "net/timer_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace ashlar::net {
namespace {

MonoTime at(std::int64_t micros) { return MonoTime(Micros(micros)); }

TEST(TimerQueue, FiresInOrderOfTimeAndThenOfAdding) {
  TimerQueue timers;
  std::string fired;
  (void)timers.add(at(30), [&] { fired += 'c'; });
  (void)timers.add(at(10), [&] { fired += 'a'; });
  (void)timers.add(at(30), [&] { fired += 'd'; });
  (void)timers.add(at(20), [&] { fired += 'b'; });
  EXPECT_EQ(timers.next(), at(10));
  EXPECT_EQ(timers.run_due(at(9)), 0U);
  EXPECT_EQ(timers.run_due(at(20)), 2U);
  EXPECT_EQ(fired, "ab");
  EXPECT_EQ(timers.next(), at(30));
  EXPECT_EQ(timers.run_due(at(1000)), 2U);
  EXPECT_EQ(fired, "abcd");
  EXPECT_EQ(timers.next(), std::nullopt);
}

TEST(TimerQueue, ACancelledTimerNeverFires) {
  TimerQueue timers;
  int fired = 0;
  const TimerId id = timers.add(at(1), [&] { ++fired; });
  EXPECT_TRUE(timers.cancel(id));
  EXPECT_FALSE(timers.cancel(id));
  EXPECT_EQ(timers.run_due(at(2)), 0U);
  EXPECT_EQ(fired, 0);
}

TEST(TimerQueue, IdsOfFiredTimersDoNotNameTheirSuccessors) {
  TimerQueue timers;
  int fired = 0;
  const TimerId first = timers.add(at(1), [&] { ++fired; });
  timers.run_due(at(1));
  const TimerId second = timers.add(at(2), [&] { ++fired; });
  EXPECT_EQ(first.slot, second.slot);
  EXPECT_FALSE(timers.cancel(first));
  EXPECT_FALSE(timers.cancel(TimerId()));
  EXPECT_EQ(timers.run_due(at(2)), 1U);
  EXPECT_EQ(fired, 2);
}

TEST(TimerQueue, ACallbackMayCancelOneThatIsDueWithIt) {
  TimerQueue timers;
  std::string fired;
  TimerId second;
  (void)timers.add(at(1), [&] {
    fired += 'a';
    EXPECT_TRUE(timers.cancel(second));
  });
  second = timers.add(at(1), [&] { fired += 'b'; });
  EXPECT_EQ(timers.run_due(at(1)), 1U);
  EXPECT_EQ(fired, "a");
  timers.check_invariants();
}

TEST(TimerQueue, WhatACallbackAddsForNowWaitsForTheNextCall) {
  TimerQueue timers;
  int fired = 0;
  std::function<void()> again = [&] {
    ++fired;
    (void)timers.add(at(0), again);
  };
  (void)timers.add(at(5), again);
  EXPECT_EQ(timers.run_due(at(5)), 1U);
  EXPECT_EQ(timers.run_due(at(5)), 1U);
  EXPECT_EQ(fired, 2);
}

TEST(TimerQueue, AgreesWithASortedMapUnderRandomOperations) {
  Rng rng(3);
  TimerQueue timers;
  std::map<std::pair<MonoTime, int>, TimerId> model;
  std::vector<int> fired;
  MonoTime now = at(0);
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t choice = rng.below(10);
    if (choice < 6) {
      const MonoTime when = now + Micros(rng.below(1000));
      model[{when, step}] = timers.add(when, [&fired, step] { fired.push_back(step); });
    } else if (choice < 9 && !model.empty()) {
      auto victim = std::next(model.begin(), static_cast<std::ptrdiff_t>(rng.below(model.size())));
      ASSERT_TRUE(timers.cancel(victim->second));
      model.erase(victim);
    } else {
      now += Micros(rng.below(100));
      std::vector<int> expected;
      while (!model.empty() && model.begin()->first.first <= now) {
        expected.push_back(model.begin()->first.second);
        model.erase(model.begin());
      }
      fired.clear();
      ASSERT_EQ(timers.run_due(now), expected.size());
      ASSERT_EQ(fired, expected);
    }
    ASSERT_EQ(timers.size(), model.size());
    if (step % 100 == 0) timers.check_invariants();
  }
}

}  // namespace
}  // namespace ashlar::net
