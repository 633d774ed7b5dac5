#include "net/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/sync.h"
#include "net/loop_checker.h"

namespace ashlar::net {
namespace {

std::array<Fd, 2> connected_pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

/// A handler made of a function.
class Handler final : public IoHandler {
 public:
  explicit Handler(std::function<void(Readiness)> body) : body_(std::move(body)) {}
  void on_ready(Readiness readiness) noexcept override { body_(readiness); }

 private:
  std::function<void(Readiness)> body_;
};

/// Answers with what the test says and writes down what it was asked.
class FakePoller final : public Poller {
 public:
  Result<void> add(int, Interest, Trigger, Token token) override {
    tokens.push_back(token);
    return {};
  }
  void modify(int, Interest, Trigger, Token) noexcept override { ++modifications; }
  void remove(int) noexcept override {}
  std::span<const Ready> wait(std::optional<Micros> timeout) noexcept override {
    timeouts.push_back(timeout);
    clock->advance(takes);
    if (!one_by_one) return {};
    ready = {tokens[next++ % tokens.size()], {.readable = true}};
    return {&ready, 1};
  }
  void rest(Micros time) noexcept override {
    rested += time;
    clock->advance(time);
  }
  std::vector<std::optional<Micros>> timeouts;
  std::vector<Token> tokens;
  std::size_t next = 1;     // behind the loop's own
  bool one_by_one = false;  // every wait finds one ready
  Ready ready{};
  Micros rested{0};
  int modifications = 0;
  ManualClock* clock = nullptr;
  Micros takes{0};
};

struct FakeLoop {
  explicit FakeLoop(LoopOptions options = {}) {
    auto made = std::make_unique<FakePoller>();
    poller = made.get();
    poller->clock = &clock;
    loop = std::make_unique<EventLoop>(clock, std::move(made), options);
  }
  ManualClock clock;
  FakePoller* poller;
  std::unique_ptr<EventLoop> loop;
};

TEST(EventLoop, TellsWhenADescriptorBecomesReadable) {
  ManualClock clock;
  EventLoop loop(clock);
  auto [near, far] = connected_pair();
  int calls = 0;
  Readiness last;
  Handler handler([&](Readiness readiness) {
    ++calls;
    last = readiness;
  });
  auto watch = loop.watch(near.get(), Interest::kRead, handler);
  ASSERT_TRUE(watch);
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(::write(far.get(), "x", 1), 1);
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(last.readable);
  EXPECT_FALSE(last.writable);
  EXPECT_FALSE(last.failed);
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 2);  // level-triggered: the byte is still there
}

TEST(EventLoop, TellsAnEdgeOnceUnlessAskedAgain) {
  ManualClock clock;
  EventLoop loop(clock);
  auto [near, far] = connected_pair();
  int calls = 0;
  Handler handler([&](Readiness readiness) { calls += readiness.readable && !readiness.ended ? 1 : 100; });
  auto watch = loop.watch(near.get(), Interest::kRead, handler, Trigger::kEdge);
  ASSERT_EQ(::write(far.get(), "x", 1), 1);
  loop.run_turn(Micros(0));
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 1);
  watch->ask_again();
  loop.run_turn(Micros(0));
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 2);
  ASSERT_EQ(::write(far.get(), "y", 1), 1);
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 3);
}

TEST(EventLoop, TellsWithAnEdgeThatThePeerHasEnded) {
  ManualClock clock;
  EventLoop loop(clock);
  auto [near, far] = connected_pair();
  Readiness last;
  Handler handler([&](Readiness readiness) { last = readiness; });
  auto watch = loop.watch(near.get(), Interest::kRead, handler, Trigger::kEdge);
  ASSERT_EQ(::write(far.get(), "x", 1), 1);
  ASSERT_EQ(::shutdown(far.get(), SHUT_WR), 0);
  loop.run_turn(Micros(0));
  EXPECT_TRUE(last.readable);
  EXPECT_TRUE(last.ended);
  EXPECT_FALSE(last.failed);
}

TEST(EventLoop, FollowsTheInterest) {
  ManualClock clock;
  EventLoop loop(clock);
  auto [near, far] = connected_pair();
  std::string seen;
  Handler handler([&](Readiness r) { seen += r.readable && r.writable ? 'b' : r.writable ? 'w' : 'r'; });
  auto watch = loop.watch(near.get(), Interest::kNone, handler);
  ASSERT_EQ(::write(far.get(), "x", 1), 1);
  for (const Interest interest : {Interest::kNone, Interest::kWrite, Interest::kReadWrite, Interest::kRead}) {
    watch->set_interest(interest);
    EXPECT_EQ(watch->interest(), interest);
    loop.run_turn(Micros(0));
  }
  EXPECT_EQ(seen, "wbr");
}

TEST(EventLoop, AnUnchangedInterestCostsNoSystemCall) {
  FakeLoop fake;
  Handler handler([](Readiness) {});
  auto watch = fake.loop->watch(5, Interest::kRead, handler);
  watch->set_interest(Interest::kRead);
  EXPECT_EQ(fake.poller->modifications, 0);
  watch->set_interest(Interest::kReadWrite);
  EXPECT_EQ(fake.poller->modifications, 1);
}

TEST(EventLoop, AHangUpCountsAsReadyForBothDirections) {
  ManualClock clock;
  EventLoop loop(clock);
  auto [near, far] = connected_pair();
  Readiness last;
  Handler handler([&](Readiness readiness) { last = readiness; });
  auto watch = loop.watch(near.get(), Interest::kNone, handler);
  far.reset();
  loop.run_turn(Micros(0));
  EXPECT_TRUE(last.failed && last.readable && last.writable);
}

/// A connection as a server has them: owns its descriptor and its watch, and destroys whomever it is told to.
struct Connection final : IoHandler {
  Connection(EventLoop& loop, Fd socket, std::vector<std::unique_ptr<Connection>>& all)
      : fd(std::move(socket)), everyone(all) {
    watch = std::move(*loop.watch(fd.get(), Interest::kRead, *this));
  }
  void on_ready(Readiness) noexcept override {
    ++*calls;
    if (kills_all) everyone.clear();  // *this too
  }
  Fd fd;
  Watch watch;
  std::vector<std::unique_ptr<Connection>>& everyone;
  int* calls = nullptr;
  bool kills_all = true;
};

TEST(EventLoop, AHandlerMayDestroyItselfAndAllOthersThatAreReady) {
  ManualClock clock;
  EventLoop loop(clock);
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<Fd> peers;
  int calls = 0;
  for (int i = 0; i < 10; ++i) {
    auto [near, far] = connected_pair();
    ASSERT_EQ(::write(far.get(), "x", 1), 1);
    connections.push_back(std::make_unique<Connection>(loop, std::move(near), connections));
    connections.back()->calls = &calls;
    peers.push_back(std::move(far));
  }
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(connections.empty());
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, AStaleEventDoesNotReachTheWatchThatTookTheSlot) {
  ManualClock clock;
  EventLoop loop(clock);
  auto [a, a_far] = connected_pair();
  auto [b, b_far] = connected_pair();
  auto [quiet, quiet_far] = connected_pair();
  ASSERT_EQ(::write(a_far.get(), "x", 1), 1);
  ASSERT_EQ(::write(b_far.get(), "x", 1), 1);
  int newcomer_calls = 0;
  Handler newcomer([&](Readiness) { ++newcomer_calls; });
  std::array<Watch, 2> watches;
  Watch newcomer_watch;
  int calls = 0;
  // Whichever of a and b is told first replaces the other one by a watch of a silent descriptor.
  Handler first_of_two([&](Readiness) {
    if (++calls > 1) return;
    watches[0].reset();
    watches[1].reset();
    newcomer_watch = std::move(*loop.watch(quiet.get(), Interest::kRead, newcomer));
  });
  watches[0] = std::move(*loop.watch(a.get(), Interest::kRead, first_of_two));
  watches[1] = std::move(*loop.watch(b.get(), Interest::kRead, first_of_two));
  loop.run_turn(Micros(0));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(newcomer_calls, 0);
  ASSERT_EQ(::write(quiet_far.get(), "x", 1), 1);
  loop.run_turn(Micros(0));
  EXPECT_EQ(newcomer_calls, 1);
}

TEST(EventLoop, RefusesADescriptorThatCannotBePolled) {
  ManualClock clock;
  EventLoop loop(clock);
  Handler handler([](Readiness) {});
  const auto watch = loop.watch(1'000'000, Interest::kRead, handler);
  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().code, ErrorCode::kIo);
}

TEST(EventLoop, TimersFireByTheLoopsClock) {
  ManualClock clock;
  EventLoop loop(clock);
  std::string fired;
  (void)loop.call_after(Millis(2), [&] { fired += 'b'; });
  (void)loop.call_after(Millis(1), [&] { fired += 'a'; });
  const TimerId cancelled = loop.call_at(loop.now() + Millis(1), [&] { fired += 'x'; });
  EXPECT_TRUE(loop.cancel(cancelled));
  loop.run_turn(Micros(0));
  EXPECT_EQ(fired, "");
  clock.advance(Millis(1));
  loop.run_turn(Micros(0));
  EXPECT_EQ(fired, "a");
  clock.advance(Millis(5));
  loop.run_turn(Micros(0));
  EXPECT_EQ(fired, "ab");
  EXPECT_EQ(loop.stats().timers, 2U);
}

TEST(EventLoop, WaitsNoLongerThanTheNextTimer) {
  FakeLoop fake;
  fake.loop->run_turn(std::nullopt);
  (void)fake.loop->call_after(Millis(7), [] {});
  fake.loop->run_turn(std::nullopt);
  fake.loop->run_turn(Millis(3));
  fake.clock.advance(Millis(2));  // the turn itself took time
  fake.loop->run_turn(std::nullopt);
  fake.clock.advance(Millis(10));
  fake.loop->run_turn(std::nullopt);
  using Timeouts = std::vector<std::optional<Micros>>;
  EXPECT_EQ(fake.poller->timeouts, (Timeouts{std::nullopt, Millis(7), Millis(3), Millis(5), Micros(0)}));
}

TEST(EventLoop, SamplesTheTimeOnceATurnAfterWaiting) {
  FakeLoop fake;
  const MonoTime start = fake.loop->now();
  const WallTime wall_start = fake.loop->wall_now();
  fake.poller->takes = Millis(4);
  MonoTime in_turn;
  fake.loop->on_turn_end([&] {
    fake.clock.advance(Millis(1));
    in_turn = fake.loop->now();
  });
  fake.loop->run_turn(std::nullopt);
  EXPECT_EQ(in_turn - start, Millis(4));
  EXPECT_EQ(fake.loop->wall_now() - wall_start, Millis(4));
  fake.loop->run_turn(std::nullopt);
  EXPECT_EQ(fake.loop->now() - start, Millis(9));
  EXPECT_EQ(fake.loop->stats().busy, Millis(1));
}

TEST(EventLoop, TurnEndComesAfterEverythingElseOfTheTurn) {
  ManualClock clock;
  EventLoop loop(clock);
  std::string order;
  std::vector<std::array<Fd, 2>> pairs;
  std::vector<Watch> watches;
  Handler handler([&](Readiness) { order += 'i'; });
  for (int i = 0; i < 3; ++i) {
    pairs.push_back(connected_pair());
    ASSERT_EQ(::write(pairs.back()[1].get(), "x", 1), 1);
    watches.push_back(std::move(*loop.watch(pairs.back()[0].get(), Interest::kRead, handler)));
  }
  loop.on_turn_end([&] { order += '1'; });
  loop.on_turn_end([&] { order += '2'; });
  loop.post([&] { order += 'p'; });
  (void)loop.call_after(Micros(0), [&] { order += 't'; });
  loop.run_turn(Micros(0));
  EXPECT_EQ(order, "iiipt12");
}

TEST(EventLoop, LetsTheRequestsOfManyGatherButNotLongerThanTheNextTimer) {
  FakeLoop fake({.gather = Micros(50)});
  std::vector<Watch> watches;
  Handler handler([](Readiness) {});
  for (int fd = 0; fd < 32; ++fd) watches.push_back(std::move(*fake.loop->watch(fd, Interest::kRead, handler)));
  fake.poller->takes = Micros(10);
  fake.poller->one_by_one = true;
  for (int i = 0; i < 300; ++i) fake.loop->run_turn(std::nullopt);
  EXPECT_EQ(fake.loop->stats().rests, 0U);  // what comes is looked at first
  for (int i = 0; i < 300; ++i) fake.loop->run_turn(std::nullopt);
  EXPECT_GT(fake.loop->stats().rests, 0U);
  EXPECT_EQ(fake.poller->rested, Micros(50) * fake.loop->stats().rests);
  const std::uint64_t before = fake.loop->stats().rests;
  (void)fake.loop->call_after(Micros(40), [] {});
  fake.loop->run_turn(std::nullopt);
  EXPECT_EQ(fake.loop->stats().rests, before);
}

TEST(EventLoop, PostsFromAnotherThreadRunInOrderOnTheLoopsThread) {
  SystemClock clock;
  EventLoop loop(clock);
  constexpr int kSenders = 4;
  constexpr int kEach = 5'000;
  std::array<std::vector<int>, kSenders> seen;  // confined to the loop
  int finished = 0;
  const LoopChecker checker(loop);
  {
    Thread runner("loop", [&] { loop.run(); });
    std::vector<Thread> senders;
    for (int s = 0; s < kSenders; ++s) {
      senders.emplace_back("sender", [&, s] {
        for (int i = 0; i < kEach; ++i) {
          loop.post([&, s, i] {
            checker.check();
            seen[static_cast<std::size_t>(s)].push_back(i);
          });
        }
        loop.post([&] {
          if (++finished == kSenders) loop.stop();
        });
      });
    }
    for (Thread& sender : senders) sender.join();
  }
  for (const std::vector<int>& one : seen) {
    ASSERT_EQ(one.size(), std::size_t{kEach});
    for (int i = 0; i < kEach; ++i) ASSERT_EQ(one[static_cast<std::size_t>(i)], i);
  }
}

TEST(EventLoop, WhatThePostedPostsRunsInTheNextTurn) {
  SystemClock clock;
  EventLoop loop(clock);
  std::vector<std::uint64_t> turns;
  std::function<void()> again = [&] {
    turns.push_back(loop.stats().turns);
    if (turns.size() == 3) {
      loop.stop();
    } else {
      loop.post(again);
    }
  };
  loop.post(again);
  loop.run();
  EXPECT_EQ(turns, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(EventLoop, StopBeforeRunIsNotForgotten) {
  SystemClock clock;
  EventLoop loop(clock);
  loop.stop();
  loop.run();
  EXPECT_EQ(loop.stats().turns, 0U);
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_GE(loop.stats().turns, 1U);
}

TEST(EventLoop, StopFromAnotherThreadEndsAWaitWithoutTimeout) {
  SystemClock clock;
  EventLoop loop(clock);
  Thread runner("loop", [&] { loop.run(); });
  loop.stop();
  runner.join();
  EXPECT_TRUE(loop.on_loop_thread());
}

TEST(EventLoop, ManyLoopsPassAMessageAround) {
  SystemClock clock;
  EventLoop left(clock);
  EventLoop right(clock);
  int bounces = 0;  // touched by whichever loop has the ball
  std::function<void()> to_right;
  std::function<void()> to_left = [&] {
    ++bounces;
    right.post(to_right);
  };
  to_right = [&] {
    if (++bounces < 2'000) {
      left.post(to_left);
    } else {
      left.stop();
      right.stop();
    }
  };
  Thread left_thread("left", [&] { left.run(); });
  Thread right_thread("right", [&] { right.run(); });
  left.post(to_left);
  left_thread.join();
  right_thread.join();
  EXPECT_EQ(bounces, 2'000);
}

TEST(LoopCheckerDeathTest, AbortsOnAForeignThread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        SystemClock clock;
        EventLoop loop(clock);
        const LoopChecker checker(loop);
        Mutex mutex;
        CondVar started_cond;
        bool started = false;
        loop.post([&] {
          MutexLock lock(mutex);
          started = true;
          started_cond.notify_all();
        });
        Thread runner("loop", [&] { loop.run(); });
        {
          MutexLock lock(mutex);
          while (!started) started_cond.wait(mutex);
        }
        checker.check();
      },
      "on_loop_thread");
}

}  // namespace
}  // namespace ashlar::net
