#include "server/client_pause.h"

#include <gtest/gtest.h>

namespace ashlar::server {
namespace {

using Holder = ClientPause::Holder;
using Scope = ClientPause::Scope;

/// A pause with its loop, and no clients.
class Pauses : public testing::Test {
 protected:
  void pass(Millis time) {
    clock_.advance(time);
    control_.run_turn(Micros(0));
  }
  [[nodiscard]] MonoTime in(Millis time) const { return clock_.mono() + time; }
  [[nodiscard]] bool writes_paused() const { return gates_.closed(Gate::kWritesPaused); }

  ManualClock clock_;
  Gates gates_;
  WorkerPool workers_;
  net::EventLoop control_{clock_};
  ClientPause pause_{gates_, workers_, control_};
};

TEST_F(Pauses, TheEndOfOneThatWasEndedDoesNotEndTheNext) {
  pause_.pause(Holder::kFailover, Scope::kWrites, in(Millis(100)));
  pass(Millis(0));
  pause_.unpause(Holder::kFailover);
  EXPECT_FALSE(writes_paused());
  pass(Millis(90));
  pause_.pause(Holder::kFailover, Scope::kWrites, in(Millis(100)));
  pass(Millis(20));
  EXPECT_TRUE(writes_paused());
  pass(Millis(90));
  EXPECT_FALSE(writes_paused());
}

TEST_F(Pauses, TheEndOfOneHolderDoesNotEndThatOfAnother) {
  pause_.pause(Holder::kUser, Scope::kWrites, in(Millis(100)));
  pause_.pause(Holder::kFailover, Scope::kWrites, in(Millis(200)));
  pass(Millis(150));
  EXPECT_TRUE(writes_paused());
  pause_.unpause(Holder::kUser);
  EXPECT_TRUE(writes_paused());
  pause_.unpause(Holder::kFailover);
  EXPECT_FALSE(writes_paused());
}

TEST_F(Pauses, OneThatIsProlongedHasOneTimer) {
  for (int i = 0; i < 10; ++i) {
    pause_.pause(Holder::kUser, Scope::kWrites, in(Millis(100 + i)));
    pass(Millis(0));
  }
  pass(Millis(105));
  EXPECT_TRUE(writes_paused());
  pass(Millis(10));
  EXPECT_FALSE(writes_paused());
  EXPECT_EQ(control_.stats().timers, 1U);
}

TEST_F(Pauses, OneThatWasEndedHasNoTimer) {
  pause_.pause(Holder::kUser, Scope::kWrites, in(Millis(100)));
  pass(Millis(0));
  pause_.unpause(Holder::kUser);
  pass(Millis(0));
  pass(Millis(200));
  EXPECT_EQ(control_.stats().timers, 0U);
}

}  // namespace
}  // namespace ashlar::server
