#include <gtest/gtest.h>

#include "commands/string/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

struct StringRead : ::testing::Test {
  testing::Runner r;
  StringCommands commands;
  StringRead() { commands.register_in(r.table); }
};

TEST_F(StringRead, GetGivesTheValueInWhateverFormItIsKept) {
  r.run({"set", "int", "-42"});
  r.run({"set", "text", "hello"});
  const std::string big(2000, 'x');
  r.run({"set", "big", big});
  EXPECT_EQ(r.run({"get", "int"}), "$3\r\n-42\r\n");
  EXPECT_EQ(r.run({"get", "text"}), "$5\r\nhello\r\n");
  EXPECT_EQ(r.run({"get", "big"}), "$2000\r\n" + big + "\r\n");
}
TEST_F(StringRead, AMissingKeyIsNullInBothProtocols) {
  EXPECT_EQ(r.run({"get", "none"}), "$-1\r\n");
  r.version = resp::Version::kResp3;
  EXPECT_EQ(r.run({"get", "none"}), "_\r\n");
}
TEST_F(StringRead, CountsHitsAndMisses) {
  r.run({"set", "k", "v"});
  r.run({"get", "k"});
  r.run({"mget", "k", "none", "none"});
  EXPECT_EQ(r.keyspace.total(&keyspace::Counters::hits), 2U);
  EXPECT_EQ(r.keyspace.total(&keyspace::Counters::misses), 2U);
}
TEST_F(StringRead, TouchesTheAccessClockUnlessTheClientAsksNotTo) {
  r.run({"set", "k", "v"});
  r.clock.advance(Seconds(100));
  const auto idle = [&] {
    keyspace::Db db(r.keyspace, DbIndex{0}, r.access);
    r.access.now = r.clock.wall();
    return keyspace::lru_idle(db.find(r.keyspace.ref("k"), keyspace::Access::kPeek)->clock(), r.clock.wall());
  };
  r.no_touch = true;
  r.run({"get", "k"});
  EXPECT_EQ(idle(), Seconds(100));
  r.no_touch = false;
  r.run({"get", "k"});
  EXPECT_EQ(idle(), Seconds(0));
}
TEST_F(StringRead, MgetAnswersEachKeyInItsPlace) {
  r.run({"mset", "a", "1", "b", "two"});
  EXPECT_EQ(r.run({"mget", "b", "none", "a", "b"}), "*4\r\n$3\r\ntwo\r\n$-1\r\n$1\r\n1\r\n$3\r\ntwo\r\n");
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(StringRead, StrlenCountsBytesAndDigits) {
  r.run({"mset", "int", "-1234", "text", std::string_view("a\0b", 3)});
  EXPECT_EQ(r.run({"strlen", "int"}), ":5\r\n");
  EXPECT_EQ(r.run({"strlen", "text"}), ":3\r\n");
  EXPECT_EQ(r.run({"strlen", "none"}), ":0\r\n");
}
TEST_F(StringRead, GetrangeTakesNegativeAndExcessivePositions) {
  r.run({"set", "k", "Hello World"});
  EXPECT_EQ(r.run({"getrange", "k", "0", "4"}), "$5\r\nHello\r\n");
  EXPECT_EQ(r.run({"getrange", "k", "-5", "-1"}), "$5\r\nWorld\r\n");
  EXPECT_EQ(r.run({"getrange", "k", "6", "99"}), "$5\r\nWorld\r\n");
  EXPECT_EQ(r.run({"substr", "k", "-99", "0"}), "$1\r\nH\r\n");
  EXPECT_EQ(r.run({"getrange", "k", "-99", "-98"}), "$1\r\nH\r\n");  // both are clamped to the first byte
  EXPECT_EQ(r.run({"getrange", "k", "5", "4"}), "$0\r\n\r\n");
  EXPECT_EQ(r.run({"getrange", "k", "-1", "-5"}), "$0\r\n\r\n");
  EXPECT_EQ(r.run({"getrange", "k", "11", "20"}), "$0\r\n\r\n");
  EXPECT_EQ(r.run({"getrange", "none", "0", "-1"}), "$0\r\n\r\n");
  EXPECT_EQ(r.run({"getrange", "k", "-9223372036854775808", "9223372036854775807"}), "$11\r\nHello World\r\n");
  EXPECT_EQ(r.run({"getrange", "k", "x", "1"}), "-ERR value is not an integer or out of range\r\n");
}
TEST_F(StringRead, GetrangeOfAnEmptyValueIsEmpty) {
  r.run({"set", "k", ""});
  EXPECT_EQ(r.run({"getrange", "k", "0", "-1"}), "$0\r\n\r\n");
}
TEST_F(StringRead, ReadsNeverSeeAnExpiredKey) {
  r.run({"set", "k", "v", "px", "10"});
  r.clock.advance(Millis(11));
  EXPECT_EQ(r.run({"get", "k"}), "$-1\r\n");
  EXPECT_EQ(r.recorded, std::vector<std::string>{"expired k"});
  EXPECT_EQ(r.run({"strlen", "k"}), ":0\r\n");
}
TEST_F(StringRead, AReplicaHidesAnExpiredKeyWithoutRemovingIt) {
  r.run({"set", "k", "v", "px", "10"});
  r.clock.advance(Millis(11));
  r.access.expiry_role = keyspace::ExpiryRole::kReplica;
  EXPECT_EQ(r.run({"get", "k"}), "$-1\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
}

}  // namespace
}  // namespace ashlar::commands
