#include <gtest/gtest.h>

#include "commands/stream/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

using Lines = std::vector<std::string>;

std::string entry(const std::string& id) {
  return "*2\r\n$" + std::to_string(id.size()) + "\r\n" + id + "\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
}

struct StreamGroups : ::testing::Test {
  testing::Runner r;
  StreamGroups() {
    register_stream_commands(r.table);
    for (int i = 1; i <= 4; ++i) r.run({"xadd", "s", std::to_string(i) + "-0", "f", "v"});
    r.run({"xgroup", "create", "s", "g", "0"});
  }
  std::string claim(const std::string& id, const std::string& count, const std::string& last,
                    const std::string& consumer = "c") {
    return "XCLAIM s g " + consumer + " 0 " + id + " TIME 1700000000000 RETRYCOUNT " + count + " FORCE JUSTID LASTID " +
           last;
  }
};

TEST_F(StreamGroups, ReadingIsRecordedAsClaims) {
  EXPECT_EQ(r.run({"xreadgroup", "group", "g", "c", "count", "2", "streams", "s", ">"}),
            "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n" + entry("1-0") + entry("2-0"));
  EXPECT_EQ(r.recorded, (Lines{claim("1-0", "1", "1-0"), claim("2-0", "1", "2-0")}));
  EXPECT_EQ(r.run({"xpending", "s", "g"}), "*4\r\n:2\r\n$3\r\n1-0\r\n$3\r\n2-0\r\n*1\r\n*2\r\n$1\r\nc\r\n$1\r\n2\r\n");
}

TEST_F(StreamGroups, ReadingWithoutAcknowledgementIsRecordedAsGroupPosition) {
  r.run({"xreadgroup", "group", "g", "c", "noack", "streams", "s", ">"});
  EXPECT_EQ(r.recorded, (Lines{"XGROUP CREATECONSUMER s g c", "XGROUP SETID s g 4-0 ENTRIESREAD 4"}));
  EXPECT_EQ(r.run({"xreadgroup", "group", "g", "c", "streams", "s", ">"}), "*-1\r\n");
  EXPECT_TRUE(r.recorded.empty());
}

TEST_F(StreamGroups, HistoryIsWhatTheConsumerHasInHandEvenWhenItIsGone) {
  r.run({"xreadgroup", "group", "g", "c", "count", "2", "streams", "s", ">"});
  r.run({"xdel", "s", "2-0"});
  EXPECT_EQ(r.run({"xreadgroup", "group", "g", "c", "streams", "s", "0"}),
            "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n" + entry("1-0") + "*2\r\n$3\r\n2-0\r\n*-1\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"xreadgroup", "group", "g", "other", "streams", "s", "0"}), "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n");
}

TEST_F(StreamGroups, ReadingRepliesMapsInResp3) {
  r.version = resp::Version::kResp3;
  EXPECT_EQ(r.run({"xread", "count", "1", "streams", "s", "0"}), "%1\r\n$1\r\ns\r\n*1\r\n" + entry("1-0"));
  EXPECT_EQ(r.run({"xread", "streams", "s", "$"}), "_\r\n");
}

TEST_F(StreamGroups, WaitingReadersRememberWhatWasLast) {
  r.may_block = true;
  EXPECT_EQ(r.run({"xread", "block", "1500", "streams", "s", "none", "$", "0"}), "");
  ASSERT_TRUE(r.blocked.has_value());
  EXPECT_EQ(r.blocked->keys, (Lines{"s", "none"}));
  EXPECT_EQ(r.blocked->type, keyspace::Type::kStream);
  EXPECT_EQ(r.blocked->timeout, Millis(1500));
  EXPECT_EQ(r.blocked->args, (Lines{"xread", "block", "1500", "streams", "s", "none", "4-0", "0"}));
  EXPECT_EQ(r.run({"xread", "block", "0", "streams", "s", "3"}), "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n" + entry("4-0"));
  EXPECT_FALSE(r.blocked.has_value());
  EXPECT_EQ(r.run({"xread", "block", "-1", "streams", "s", "$"}), "-ERR timeout is negative\r\n");
  r.may_block = false;
  EXPECT_EQ(r.run({"xread", "block", "0", "streams", "s", "$"}), "*-1\r\n");
}

TEST_F(StreamGroups, WaitingConsumersHearThatTheirGroupIsGone) {
  r.may_block = true;
  r.run({"xreadgroup", "group", "g", "c", "streams", "s", ">"});
  EXPECT_EQ(r.run({"xreadgroup", "group", "g", "c", "block", "0", "streams", "s", ">"}), "");
  ASSERT_TRUE(r.blocked.has_value());
  EXPECT_EQ(r.blocked->wake_on, command::WakeOn::kAnyChange);
  EXPECT_EQ(r.blocked->timeout, std::nullopt);
  r.run({"xgroup", "destroy", "s", "g"});
  EXPECT_EQ(r.run({"xreadgroup", "group", "g", "c", "block", "0", "streams", "s", ">"}),
            "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n");
}

TEST_F(StreamGroups, RefusesReadsThatMakeNoSense) {
  EXPECT_EQ(r.run({"xread", "streams", "s", "t", "0"}),
            "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.\r\n");
  EXPECT_EQ(r.run({"xread", "group", "g", "c", "streams", "s", "0"}),
            "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.\r\n");
  EXPECT_EQ(
      r.run({"xread", "streams", "s", ">"}),
      "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.\r\n");
  EXPECT_EQ(r.run({"xreadgroup", "group", "none", "c", "streams", "s", ">"}),
            "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option\r\n");
  EXPECT_EQ(r.run({"xreadgroup", "noack", "noack", "noack", "streams", "s", ">"}),
            "-ERR Missing GROUP option for XREADGROUP\r\n");
}

TEST_F(StreamGroups, FindsKeysBehindOptionsThatAreCalledStreams) {
  r.run({"xgroup", "create", "s", "streams", "0"});
  EXPECT_EQ(r.run({"xreadgroup", "noack", "count", "1", "group", "streams", "c", "streams", "s", ">"}),
            "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n" + entry("1-0"));
}

TEST_F(StreamGroups, ClaimsAreRecordedWithTheirResult) {
  r.run({"xreadgroup", "group", "g", "c", "count", "3", "streams", "s", ">"});
  r.clock.advance(Millis(50));
  EXPECT_EQ(r.run({"xclaim", "s", "g", "d", "100", "1-0"}), "*0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"xclaim", "s", "g", "d", "50", "1-0", "9-0", "idle", "50"}), "*1\r\n" + entry("1-0"));
  EXPECT_EQ(r.recorded, Lines{claim("1-0", "2", "3-0", "d")});
  EXPECT_EQ(r.run({"xclaim", "s", "g", "d", "0", "2-0", "time", "1700000000000", "justid"}), "*1\r\n$3\r\n2-0\r\n");
  EXPECT_EQ(r.recorded, Lines{claim("2-0", "1", "3-0", "d")});
  EXPECT_EQ(r.run({"xclaim", "s", "g", "d", "0", "4-0", "retrycount", "7", "time", "1700000000000", "force"}),
            "*1\r\n" + entry("4-0"));
  EXPECT_EQ(r.recorded, Lines{claim("4-0", "7", "3-0", "d")});
  EXPECT_EQ(r.run({"xclaim", "s", "g", "d", "0", "4-0", "lastid", "9-9", "minidle"}),
            "-ERR Unrecognized XCLAIM option 'minidle'\r\n");
  EXPECT_EQ(r.run({"xclaim", "s", "g", "d", "0", "8-0", "lastid", "9-9"}), "*0\r\n");
  EXPECT_EQ(r.recorded, Lines{"XGROUP SETID s g 9-9 ENTRIESREAD 3"});
}

TEST_F(StreamGroups, ClaimingWhatIsGoneForgetsIt) {
  r.run({"xreadgroup", "group", "g", "c", "streams", "s", ">"});
  r.run({"xdel", "s", "1-0", "3-0"});
  EXPECT_EQ(r.run({"xclaim", "s", "g", "c", "0", "1-0"}), "*0\r\n");
  EXPECT_EQ(r.recorded, Lines{claim("1-0", "1", "4-0")});
  EXPECT_EQ(r.run({"xautoclaim", "s", "g", "d", "0", "0", "count", "2", "justid"}),
            "*3\r\n$3\r\n4-0\r\n*1\r\n$3\r\n2-0\r\n*1\r\n$3\r\n3-0\r\n");
  EXPECT_EQ(r.recorded, (Lines{claim("2-0", "1", "4-0", "d"), claim("3-0", "1", "4-0")}));
  EXPECT_EQ(r.run({"xautoclaim", "s", "g", "d", "0", "4-0"}), "*3\r\n$3\r\n0-0\r\n*1\r\n" + entry("4-0") + "*0\r\n");
  EXPECT_EQ(r.run({"xpending", "s", "g", "-", "+", "10", "c"}), "*0\r\n");
}

TEST_F(StreamGroups, PendingEntriesAreFilteredByRangeIdleTimeAndConsumer) {
  r.run({"xreadgroup", "group", "g", "c", "count", "2", "streams", "s", ">"});
  r.clock.advance(Millis(70));
  r.run({"xreadgroup", "group", "g", "d", "streams", "s", ">"});
  const std::string two = "*4\r\n$3\r\n2-0\r\n$1\r\nc\r\n:70\r\n:1\r\n";
  EXPECT_EQ(r.run({"xpending", "s", "g", "idle", "70", "(1-0", "+", "9"}), "*1\r\n" + two);
  EXPECT_EQ(r.run({"xpending", "s", "g", "(1-0", "+", "1"}), "*1\r\n" + two);
  EXPECT_EQ(r.run({"xpending", "s", "g", "-", "+", "9", "none"}), "*0\r\n");
  EXPECT_EQ(r.run({"xpending", "s", "g", "-", "+", "9", "d"}),
            "*2\r\n*4\r\n$3\r\n3-0\r\n$1\r\nd\r\n:0\r\n:1\r\n*4\r\n$3\r\n4-0\r\n$1\r\nd\r\n:0\r\n:1\r\n");
}

TEST_F(StreamGroups, AcknowledgesAllOrNothing) {
  r.run({"xreadgroup", "group", "g", "c", "streams", "s", ">"});
  EXPECT_EQ(r.run({"xack", "s", "g", "1-0", "x"}), "-ERR Invalid stream ID specified as stream command argument\r\n");
  EXPECT_EQ(r.run({"xack", "s", "g", "1-0", "1-0", "9-9"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"xack s g 1-0 1-0 9-9"});
  EXPECT_EQ(r.run({"xack", "s", "none", "2-0"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
}

TEST_F(StreamGroups, GroupsAreCreatedOnceAndDestroyedWithTheirConsumers) {
  EXPECT_EQ(r.run({"xgroup", "create", "s", "g", "$"}), "-BUSYGROUP Consumer Group name already exists\r\n");
  EXPECT_EQ(r.run({"xgroup", "create", "t", "g", "$", "mkstream"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"xgroup create t g $ mkstream"});
  EXPECT_EQ(r.run({"xlen", "t"}), ":0\r\n");
  EXPECT_EQ(r.run({"xgroup", "createconsumer", "s", "g", "c"}), ":1\r\n");
  EXPECT_EQ(r.run({"xgroup", "createconsumer", "s", "g", "c"}), ":0\r\n");
  r.run({"xreadgroup", "group", "g", "c", "streams", "s", ">"});
  EXPECT_EQ(r.run({"xgroup", "delconsumer", "s", "g", "c"}), ":4\r\n");
  EXPECT_EQ(r.run({"xgroup", "delconsumer", "s", "g", "c"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"xgroup", "destroy", "s", "g"}), ":1\r\n");
  EXPECT_EQ(r.run({"xgroup", "destroy", "s", "g"}), ":0\r\n");
  EXPECT_EQ(r.run({"xgroup", "setid", "s", "g", "1"}), "-NOGROUP No such consumer group 'g' for key name 's'\r\n");
}

TEST_F(StreamGroups, InfoTellsFiguresOfStreamGroupsAndConsumers) {
  r.run({"xreadgroup", "group", "g", "c", "count", "1", "streams", "s", ">"});
  r.clock.advance(Millis(5));
  EXPECT_EQ(r.run({"xinfo", "groups", "s"}),
            "*1\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:1\r\n"
            "$17\r\nlast-delivered-id\r\n$3\r\n1-0\r\n$12\r\nentries-read\r\n:1\r\n$3\r\nlag\r\n:3\r\n");
  EXPECT_EQ(r.run({"xinfo", "consumers", "s", "g"}),
            "*1\r\n*8\r\n$4\r\nname\r\n$1\r\nc\r\n$7\r\npending\r\n:1\r\n$4\r\nidle\r\n:5\r\n$8\r\ninactive\r\n:5\r\n");
  EXPECT_EQ(r.run({"xinfo", "stream", "s", "full", "count"}),
            "-ERR unknown subcommand or wrong number of arguments for 'stream'. Try XINFO HELP.\r\n");
  EXPECT_EQ(r.run({"xinfo", "stream", "none"}), "-ERR no such key\r\n");
}

}  // namespace
}  // namespace ashlar::commands
