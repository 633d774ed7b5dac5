// Groups, transactions and waiting, on a dispatcher without sockets. TAKE is a small BLPOP over strings: it takes the
// value of the first key that has one.
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "base/key_slot.h"
#include "base/sync.h"
#include "cluster/admin/slot_stats.h"
#include "commands/string/commands.h"
#include "commands/transaction/commands.h"
#include "server/acl/gatekeeper.h"
#include "server/blocked_command.h"
#include "server/dispatcher.h"
#include "server/pubsub/hub.h"

namespace ashlar::server {
namespace {

using command::Arity;
using command::CommandSpec;
using command::Context;
using command::Flag;
using Words = std::vector<std::string_view>;

constexpr CommandSpec kTake{.name = "take",
                            .arity = command::at_least(2),
                            .flags = Flag::kWrite | Flag::kBlocking,
                            .keys = {command::key_range(1, -1, 1, command::KeyAccess::kRW, {})}};
void take(Context& ctx) {
  for (const auto& key : ctx.keys) {
    const keyspace::Entry* entry = ctx.db.find(key, keyspace::Access::kWrite);
    if (entry == nullptr) continue;
    DecimalBuffer buffer;
    ctx.reply.bulk(entry->text(buffer));
    ctx.db.erase(key);
    ctx.effects.changed();
    ctx.effects.instead({"DEL", key.text});
    return;
  }
  if (!ctx.may_block()) return ctx.reply.null_array();
  ctx.block({.keys = ctx.keys, .type = keyspace::Type::kString, .timeout = std::nullopt});
}

constexpr CommandSpec kGone{.name = "awaitgone",
                            .arity = command::exactly(2),
                            .flags = Flag::kReadOnly | Flag::kBlocking,
                            .keys = {command::one_key(1, command::KeyAccess::kRO, {})}};
void await_gone(Context& ctx) {
  if (ctx.db.find(ctx.keys[0], keyspace::Access::kRead) == nullptr) return ctx.reply.simple("GONE");
  ctx.block({.keys = ctx.keys,
             .type = keyspace::Type::kList,
             .timeout = std::nullopt,
             .wake_on = command::WakeOn::kAnyChange});
}

class Texts final : public GateTexts {
 public:
  [[nodiscard]] Error misconf() const override { return {ErrorCode::kMisconf, "disk"}; }
};

class Capture final : public changelog::Sink {
 public:
  void append(std::string_view records) override { bytes += records; }
  std::string bytes;
};

/// Everything of a server that runs commands.
struct World {
  World() {
    strings.register_in(table);
    commands::register_transaction_commands(table);
    table.add(kTake, &take);
    table.add(kGone, &await_gone);
    dispatcher = std::make_unique<Dispatcher>(Dispatcher::Parts{keyspace, log, table, stats, command_log, latency,
                                                                gates, rate, texts, notifications, monitors, tracking});
  }
  SystemClock clock;
  TickRate rate{clock};
  keyspace::Keyspace keyspace{16};
  changelog::ChangeLog log;
  command::CommandTable table;
  StatsRegistry stats;
  CommandLog command_log;
  LatencyMonitor latency;
  Gates gates;
  Texts texts;
  pubsub::Hub hub;
  pubsub::Notifications notifications{hub};
  Monitors monitors;
  tracking::Table tracking{keyspace};
  commands::StringCommands strings;
  std::unique_ptr<Dispatcher> dispatcher;
};

/// Counts what slots cost, from its beginning on.
struct SlotCounting {
  explicit SlotCounting(World& world) {
    stats.start();
    world.dispatcher->set_slot_stats(&stats);
  }
  [[nodiscard]] std::uint64_t bytes_out(std::string_view key) const { return stats.of(key_slot(key)).bytes_out; }
  cluster::SlotStats stats;
};

/// One connection. What it is told late may come from any thread.
class Connection final : public command::Session {
 public:
  Connection() : Session(command::Origin::kClient) { authenticated = true; }
  [[nodiscard]] bool can_wait() const override { return true; }
  [[nodiscard]] command::Delivery begin_wait(std::shared_ptr<keyspace::Waiter> w, std::optional<Millis>) override {
    waiter = std::move(w);
    return [late = late_](std::string_view replies, ReplOffset) {
      MutexLock lock(late->mutex);
      late->replies += replies;
    };
  }
  [[nodiscard]] std::string late() {
    MutexLock lock(late_->mutex);
    return late_->replies;
  }
  std::shared_ptr<keyspace::Waiter> waiter;

 private:
  struct Late {
    Mutex mutex;
    std::string replies ASH_GUARDED_BY(mutex);
  };
  std::shared_ptr<Late> late_ = std::make_shared<Late>();  // the deliverer may hold it a little longer
};

/// One thread that runs commands of any connection.
class CommandThread {
 public:
  explicit CommandThread(World& world) : world_(world), run_(world.dispatcher->make_execution()) {}
  std::string run(Connection& connection, const Words& args) {
    ByteBuffer out;
    resp::Encoder reply(out);
    {
      const keyspace::Batch inside(run_->participant);
      world_.dispatcher->begin_batch(*run_, wall_from_unix_millis(1'700'000'000'000), command::Origin::kClient);
      const Located located = world_.dispatcher->look_up(*run_, args);
      (void)world_.dispatcher->run(*run_, located, args, connection, reply);
    }
    Dispatcher::deliver(*run_);
    return std::string(out.view());
  }
  bool end_wait(Connection& connection) {
    const keyspace::Batch inside(run_->participant);
    return world_.dispatcher->end_wait(*run_, *connection.waiter);
  }
  Execution& execution() { return *run_; }

 private:
  World& world_;
  std::unique_ptr<Execution> run_;
};

class BlockingTest : public ::testing::Test {
 protected:
  std::string run(Connection& connection, const Words& args) { return thread.run(connection, args); }
  World world;
  CommandThread thread{world};
  Connection a;
  Connection b;
  Connection c;
};

TEST_F(BlockingTest, AWaiterIsServedByTheThreadThatBringsTheKeyBeforeItsNextCommand) {
  EXPECT_EQ(run(a, {"TAKE", "k"}), "");
  EXPECT_EQ(run(b, {"SET", "k", "v"}), "+OK\r\n");
  EXPECT_EQ(a.late(), "$1\r\nv\r\n");
  EXPECT_EQ(run(b, {"GET", "k"}), "$-1\r\n");
}

TEST_F(BlockingTest, WaitersAreServedInTheOrderInWhichTheyCame) {
  run(a, {"TAKE", "k"});
  run(b, {"TAKE", "k"});
  run(c, {"SET", "k", "1"});
  EXPECT_EQ(a.late(), "$1\r\n1\r\n");
  EXPECT_EQ(b.late(), "");
  run(c, {"SET", "k", "2"});
  EXPECT_EQ(b.late(), "$1\r\n2\r\n");
}

TEST_F(BlockingTest, AWaiterOnSeveralKeysIsServedOnce) {
  run(a, {"TAKE", "k1", "k2", "k1"});
  run(b, {"MSET", "k1", "1", "k2", "2"});
  EXPECT_EQ(a.late(), "$1\r\n1\r\n");
  EXPECT_EQ(run(b, {"GET", "k2"}), "$1\r\n2\r\n");
  EXPECT_EQ(world.keyspace.slot(world.keyspace.ref("k1").slot).interest, 0);
  EXPECT_EQ(world.keyspace.slot(world.keyspace.ref("k2").slot).interest, 0);
}

TEST_F(BlockingTest, AWaitThatHasEndedIsNotServed) {
  run(a, {"TAKE", "k"});
  EXPECT_TRUE(thread.end_wait(a));
  EXPECT_FALSE(thread.end_wait(a));
  run(b, {"SET", "k", "v"});
  EXPECT_EQ(a.late(), "");
  EXPECT_EQ(run(b, {"GET", "k"}), "$1\r\nv\r\n");
}

TEST_F(BlockingTest, WhatComesForAConnectionThatHasEndedGoesToTheNext) {
  run(a, {"TAKE", "k"});
  run(b, {"TAKE", "k"});
  Dispatcher::abandon(*a.waiter);
  run(c, {"SET", "k", "v"});
  EXPECT_EQ(a.late(), "");
  EXPECT_EQ(b.late(), "$1\r\nv\r\n");
}

/// A waits as the user "u".
class WaitingUserTest : public BlockingTest {
 protected:
  WaitingUserTest() {
    users.start(acl::ChannelDefault::kNone);
    world.dispatcher->set_permissions(&gatekeeper);
    set({"on", "nopass", "~*", "+@all"});
    a.become(users.find("u"));
    run(a, {"TAKE", "k"});
  }
  void set(const Words& rules) { ASSERT_TRUE(users.set("u", rules)); }

  acl::Users users{world.table};
  acl::DenialLog denials;
  acl::Gatekeeper gatekeeper{users, denials, world.clock,
                             [](const command::Session&, const Clock&) { return std::string(); }};
};

TEST_F(WaitingUserTest, WhatItMayNotHaveAnyMoreStaysWhereItIs) {
  set({"-take"});
  run(b, {"SET", "k", "v"});
  EXPECT_EQ(a.late(), "-NOPERM User u has no permissions to run the 'take' command\r\n");
  EXPECT_EQ(run(b, {"GET", "k"}), "$1\r\nv\r\n");
}

TEST_F(WaitingUserTest, AUserThatIsGoneTakesNothing) {
  users.remove("u");
  run(b, {"SET", "k", "v"});
  EXPECT_EQ(run(b, {"GET", "k"}), "$1\r\nv\r\n");
  set({"on", "nopass", "~*", "+@all"});  // somebody else of that name
  run(b, {"SET", "k", "w"});
  EXPECT_EQ(a.late(), "");
}

TEST_F(BlockingTest, ATransactionServesWaitersAfterItsLastCommand) {
  run(a, {"TAKE", "k"});
  run(b, {"MULTI"});
  run(b, {"SET", "k", "1"});
  run(b, {"SET", "k", "2"});
  EXPECT_EQ(run(b, {"EXEC"}), "*2\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(a.late(), "$1\r\n2\r\n");
}

TEST_F(BlockingTest, ACommandInATransactionDoesNotWait) {
  run(a, {"MULTI"});
  EXPECT_EQ(run(a, {"TAKE", "k"}), "+QUEUED\r\n");
  EXPECT_EQ(run(a, {"EXEC"}), "*1\r\n*-1\r\n");
}

TEST_F(BlockingTest, WhatAServedCommandDidIsRecordedAsItsOwn) {
  Capture sink;
  run(a, {"TAKE", "k"});
  world.log.set_aof(&sink);
  run(b, {"SET", "k", "v"});
  world.log.set_aof(nullptr);
  EXPECT_EQ(sink.bytes,
            "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
}

TEST_F(BlockingTest, TheDisappearanceOfAKeyWakesWhoAskedForThat) {
  run(b, {"SET", "k", "v"});
  EXPECT_EQ(run(a, {"AWAITGONE", "k"}), "");
  run(b, {"SET", "k", "w"});
  EXPECT_EQ(a.late(), "");
  run(b, {"GETDEL", "k"});
  EXPECT_EQ(a.late(), "+GONE\r\n");
}

TEST_F(BlockingTest, AWaitingCommandIsCountedWhenItIsServed) {
  const auto index = world.table.find("take")->index;
  run(a, {"TAKE", "k"});
  EXPECT_EQ(thread.execution().stats.commands[index].calls.load(), 0U);
  run(b, {"SET", "k", "v"});
  EXPECT_EQ(thread.execution().stats.commands[index].calls.load(), 1U);
}

TEST_F(BlockingTest, AServedCommandIsCountedForItsSlotWhenItIsServed) {
  SlotCounting slots(world);
  run(a, {"TAKE", "k"});
  EXPECT_EQ(slots.stats.of(key_slot("k")), cluster::SlotStats::Costs{});
  run(b, {"SET", "k", "v"});
  EXPECT_EQ(slots.bytes_out("k"), std::string_view("+OK\r\n$1\r\nv\r\n").size());
  EXPECT_GT(slots.stats.of(key_slot("k")).ticks, 0U);
}

TEST_F(BlockingTest, ATransactionIsCountedForTheSlotOfItsCommands) {
  SlotCounting slots(world);
  run(a, {"MULTI"});
  run(a, {"SET", "k", "v"});
  EXPECT_EQ(slots.bytes_out("k"), 0U);
  run(a, {"EXEC"});
  EXPECT_EQ(slots.bytes_out("k"), std::string_view("*1\r\n+OK\r\n").size());
}

TEST_F(BlockingTest, ATransactionOverSeveralSlotsIsCountedForNone) {
  SlotCounting slots(world);
  run(a, {"MULTI"});
  run(a, {"SET", "k", "v"});
  run(a, {"SET", "other", "v"});
  run(a, {"EXEC"});
  EXPECT_EQ(slots.bytes_out("k") + slots.bytes_out("other"), 0U);
}

TEST_F(BlockingTest, TheStreamCountsForTheSlotOnceForEachReplica) {
  SlotCounting slots(world);
  slots.stats.set_replicas(2);
  Capture sink;
  world.log.set_replication(&sink);
  run(a, {"SET", "k", "v"});
  world.log.set_replication(nullptr);
  EXPECT_EQ(slots.bytes_out("k"), 5 + 2 * std::string_view("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n").size());
}

TEST_F(BlockingTest, OnlyCommandsOnDataAreRedirected) {
  world.gates.close(Gate::kRedirect);
  world.dispatcher->set_redirects(
      [](const command::Session&) { return Redirection{Redirection::Kind::kGoes, "10.0.0.1:6379"}; });
  EXPECT_EQ(run(a, {"GET", "k"}), "-REDIRECT 10.0.0.1:6379\r\n");
  EXPECT_EQ(run(a, {"MULTI"}), "+OK\r\n");
  EXPECT_EQ(run(a, {"SET", "k", "v"}), "-REDIRECT 10.0.0.1:6379\r\n");
  EXPECT_TRUE(run(a, {"EXEC"}).starts_with("-EXECABORT"));
}

TEST_F(BlockingTest, ATransactionThatBeganOnThePrimaryIsRedirectedAsAWhole) {
  run(a, {"MULTI"});
  run(a, {"SET", "k", "v"});
  world.gates.close(Gate::kRedirect);
  world.dispatcher->set_redirects(
      [](const command::Session&) { return Redirection{Redirection::Kind::kGoes, "10.0.0.1:6379"}; });
  EXPECT_EQ(run(a, {"EXEC"}), "-REDIRECT 10.0.0.1:6379\r\n");
  EXPECT_TRUE(run(a, {"EXEC"}).starts_with("-ERR EXEC without MULTI"));
}

TEST_F(BlockingTest, ExecIsRecordedAsOneGroupOverSeveralDatabases) {
  Capture sink;
  world.log.set_aof(&sink);
  run(a, {"MULTI"});
  run(a, {"SET", "x", "1"});
  run(a, {"GET", "x"});
  run(a, {"INCR", "x"});
  EXPECT_EQ(run(a, {"EXEC"}), "*3\r\n+OK\r\n$1\r\n1\r\n:2\r\n");
  world.log.set_aof(nullptr);
  EXPECT_EQ(sink.bytes,
            "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n"
            "*2\r\n$4\r\nINCR\r\n$1\r\nx\r\n*1\r\n$4\r\nEXEC\r\n");
}

TEST_F(BlockingTest, ATransactionOfOneWriteIsRecordedWithoutMulti) {
  Capture sink;
  world.log.set_aof(&sink);
  run(a, {"MULTI"});
  run(a, {"SET", "x", "1"});
  run(a, {"EXEC"});
  world.log.set_aof(nullptr);
  EXPECT_EQ(sink.bytes, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n");
}

TEST_F(BlockingTest, AWatchedKeyThatChangedMakesExecDoNothing) {
  run(a, {"WATCH", "w"});
  run(a, {"MULTI"});
  run(a, {"SET", "x", "1"});
  run(b, {"SET", "w", "1"});
  EXPECT_EQ(run(a, {"EXEC"}), "*-1\r\n");
  EXPECT_EQ(run(b, {"GET", "x"}), "$-1\r\n");
  EXPECT_EQ(a.transaction, nullptr);
  EXPECT_EQ(world.keyspace.slot(world.keyspace.ref("w").slot).interest, 0);
}

TEST_F(BlockingTest, ACommandRefusedWhileQueueingAbortsTheTransaction) {
  run(a, {"MULTI"});
  EXPECT_EQ(run(a, {"SET", "x"}), "-ERR wrong number of arguments for 'set' command\r\n");
  EXPECT_EQ(run(a, {"EXEC"}), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_FALSE(a.in_transaction);
}

TEST_F(BlockingTest, ExecIsRefusedForWhatItsCommandsWouldBeRefusedFor) {
  run(a, {"MULTI"});
  EXPECT_EQ(run(a, {"SET", "x", "1"}), "+QUEUED\r\n");
  world.gates.close(Gate::kReadOnlyReplica);
  EXPECT_EQ(run(a, {"EXEC"}),
            "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.\r\n");
  EXPECT_FALSE(a.in_transaction);
}

TEST_F(BlockingTest, NoElementIsLostOrTakenTwiceAcrossThreads) {
  constexpr int kRounds = 2000;
  constexpr std::array<std::string_view, 3> kKeys = {"x", "y", "z"};
  std::atomic<int> taken{0};
  std::atomic<int> set{0};
  std::atomic<int> given_up{0};
  {
    std::vector<ashlar::Thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back("taker", [&, t] {
        CommandThread own(world);
        for (int i = 0; i < kRounds; ++i) {
          Connection taker;
          const std::string now = own.run(taker, {"TAKE", kKeys[(t + i) % 3], kKeys[(t + i + 1) % 3]});
          if (!now.empty()) {
            ++taken;
          } else if (i % 3 == 0 && own.end_wait(taker)) {
            ++given_up;
          } else {
            while (taker.late().empty()) {  // a value from another thread, or from here
              Connection setter;
              if (own.run(setter, {"SETNX", kKeys[(t + i) % 3], "v"}) == ":1\r\n") ++set;
            }
            ++taken;
          }
        }
      });
    }
  }
  int left = 0;
  for (const std::string_view key : kKeys) left += run(a, {"GET", key}) != "$-1\r\n" ? 1 : 0;
  EXPECT_EQ(taken.load() + given_up.load(), 3 * kRounds);
  EXPECT_EQ(taken.load() + left, set.load());
  for (const std::string_view key : kKeys) EXPECT_EQ(world.keyspace.slot(world.keyspace.ref(key).slot).interest, 0);
}

TEST_F(BlockingTest, OptimisticIncrementsAcrossThreadsLoseNothing) {
  constexpr int kThreads = 3;
  constexpr int kIncrements = 500;
  {
    std::vector<ashlar::Thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back("writer", [&] {
        CommandThread own(world);
        Connection connection;
        for (int done = 0; done < kIncrements;) {
          own.run(connection, {"WATCH", "n"});
          const std::string got = own.run(connection, {"GET", "n"});
          const int value = got == "$-1\r\n" ? 0 : std::stoi(got.substr(got.find('\n') + 1));
          const std::string next = std::to_string(value + 1);
          own.run(connection, {"MULTI"});
          own.run(connection, {"SET", "n", next});
          own.run(connection, {"SET", "copy", next});
          if (own.run(connection, {"EXEC"}) != "*-1\r\n") ++done;
        }
      });
    }
  }
  EXPECT_EQ(run(a, {"GET", "n"}), "$4\r\n1500\r\n");
  EXPECT_EQ(run(a, {"GET", "copy"}), "$4\r\n1500\r\n");
}

}  // namespace
}  // namespace ashlar::server
