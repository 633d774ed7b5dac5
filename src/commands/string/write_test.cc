#include <gtest/gtest.h>

#include "commands/string/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

using Lines = std::vector<std::string>;
constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kNull = "$-1\r\n";
constexpr std::string_view kSyntax = "-ERR syntax error\r\n";

// The clock starts at 1,700,000,000 s.
struct StringWrite : ::testing::Test {
  testing::Runner r;
  StringCommands commands;
  StringWrite() { commands.register_in(r.table); }
  std::optional<std::int64_t> expiry_ms(std::string_view key) {
    r.access.now = r.clock.wall();
    keyspace::Db db(r.keyspace, DbIndex{0}, r.access);
    const keyspace::Entry* entry = db.find(r.keyspace.ref(key), keyspace::Access::kPeek);
    if (entry == nullptr || !entry->has_expiry()) return std::nullopt;
    return entry->expiry_ms();
  }
};

TEST_F(StringWrite, SetRemovesTheOldExpiryAndIsRecordedAsReceived) {
  r.run({"set", "k", "1", "ex", "100"});
  EXPECT_EQ(r.run({"SET", "k", "2"}), kOk);
  EXPECT_EQ(r.recorded, Lines{"SET k 2"});
  EXPECT_EQ(r.changes, 1U);
  EXPECT_EQ(expiry_ms("k"), std::nullopt);
}
TEST_F(StringWrite, SetRecordsEveryTimeOptionAsAnAbsoluteTime) {
  EXPECT_EQ(r.run({"set", "k", "v", "EX", "10"}), kOk);
  EXPECT_EQ(r.recorded, Lines{"SET k v PXAT 1700000010000"});
  EXPECT_EQ(expiry_ms("k"), 1'700'000'010'000);
  r.run({"set", "k", "v", "px", "10"});
  EXPECT_EQ(r.recorded, Lines{"SET k v PXAT 1700000000010"});
  r.run({"set", "k", "v", "exat", "1800000000"});
  EXPECT_EQ(r.recorded, Lines{"SET k v PXAT 1800000000000"});
  r.run({"set", "k", "v", "nx", "pxat", "1800000000001"});
  EXPECT_TRUE(r.recorded.empty());
  r.run({"set", "k", "v", "xx", "get", "pxat", "1800000000001"});
  EXPECT_EQ(r.recorded, Lines{"SET k v PXAT 1800000000001"});
}
TEST_F(StringWrite, SetKeepsTheExpiryWhenTold) {
  r.run({"set", "k", "1", "pxat", "1700000000500"});
  EXPECT_EQ(r.run({"set", "k", "2", "keepttl"}), kOk);
  EXPECT_EQ(r.recorded, Lines{"set k 2 keepttl"});
  EXPECT_EQ(expiry_ms("k"), 1'700'000'000'500);
}
TEST_F(StringWrite, SetDoesNotKeepTheExpiryOfAKeyThatIsGoneByIt) {
  r.run({"set", "k", "1", "px", "10"});
  r.clock.advance(Millis(11));
  r.run({"set", "k", "2", "keepttl"});
  EXPECT_EQ(r.recorded, (Lines{"expired k", "set k 2 keepttl"}));
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\n2\r\n");
  EXPECT_EQ(expiry_ms("k"), std::nullopt);
}
TEST_F(StringWrite, SetHonoursItsConditionAndRecordsWithoutIt) {
  EXPECT_EQ(r.run({"set", "k", "1", "XX"}), kNull);
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"set", "k", "1", "NX"}), kOk);
  EXPECT_EQ(r.recorded, Lines{"SET k 1"});
  EXPECT_EQ(r.run({"set", "k", "2", "NX"}), kNull);
  EXPECT_EQ(r.run({"set", "k", "2", "XX", "KEEPTTL"}), kOk);
  EXPECT_EQ(r.recorded, Lines{"SET k 2 KEEPTTL"});
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\n2\r\n");
  r.version = resp::Version::kResp3;
  EXPECT_EQ(r.run({"set", "k", "2", "NX"}), "_\r\n");
}
TEST_F(StringWrite, SetGetRepliesTheOldValueWhetherItSetsOrNot) {
  EXPECT_EQ(r.run({"set", "k", "1", "GET"}), kNull);
  EXPECT_EQ(r.recorded, Lines{"SET k 1"});
  EXPECT_EQ(r.run({"set", "k", "2", "NX", "GET"}), "$1\r\n1\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"set", "k", "3", "XX", "GET"}), "$1\r\n1\r\n");
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\n3\r\n");
  EXPECT_EQ(r.run({"set", "none", "3", "XX", "GET"}), kNull);
  EXPECT_EQ(r.run({"get", "none"}), kNull);
}
TEST_F(StringWrite, SetTakesARepeatedOptionButNoContradiction) {
  EXPECT_EQ(r.run({"set", "k", "v", "EX", "10", "ex", "20", "NX", "nx"}), kOk);
  EXPECT_EQ(expiry_ms("k"), 1'700'000'020'000);
  EXPECT_EQ(r.run({"set", "k", "v", "NX", "XX"}), kSyntax);
  EXPECT_EQ(r.run({"set", "k", "v", "EX", "10", "PX", "20"}), kSyntax);
  EXPECT_EQ(r.run({"set", "k", "v", "EX", "10", "KEEPTTL"}), kSyntax);
  EXPECT_EQ(r.run({"set", "k", "v", "KEEPTTL", "EXAT", "10"}), kSyntax);
  EXPECT_EQ(r.run({"set", "k", "v", "EX"}), kSyntax);
  EXPECT_EQ(r.run({"set", "k", "v", "PERSIST"}), kSyntax);
  EXPECT_EQ(r.run({"set", "k", "v", "bogus"}), kSyntax);
}
TEST_F(StringWrite, SetRefusesTimesThatAreNoneWithoutTouchingTheKey) {
  r.run({"set", "k", "old"});
  const std::string invalid = "-ERR invalid expire time in 'set' command\r\n";
  EXPECT_EQ(r.run({"set", "k", "v", "EX", "0"}), invalid);
  EXPECT_EQ(r.run({"set", "k", "v", "PX", "-1"}), invalid);
  EXPECT_EQ(r.run({"set", "k", "v", "EX", "9223372036854776"}), invalid);
  EXPECT_EQ(r.run({"set", "k", "v", "PX", "9223372036854775807"}), invalid);
  EXPECT_EQ(r.run({"set", "k", "v", "EX", "ten"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"get", "k"}), "$3\r\nold\r\n");
}
TEST_F(StringWrite, SetnxSetsOnceOnly) {
  EXPECT_EQ(r.run({"setnx", "k", "1"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"SET k 1"});
  EXPECT_EQ(r.run({"setnx", "k", "2"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(StringWrite, SetexAndPsetexNameThemselvesInErrors) {
  EXPECT_EQ(r.run({"setex", "k", "10", "v"}), kOk);
  EXPECT_EQ(r.recorded, Lines{"SET k v PXAT 1700000010000"});
  EXPECT_EQ(r.run({"psetex", "k", "10", "v"}), kOk);
  EXPECT_EQ(r.recorded, Lines{"SET k v PXAT 1700000000010"});
  EXPECT_EQ(r.run({"setex", "k", "0", "v"}), "-ERR invalid expire time in 'setex' command\r\n");
  EXPECT_EQ(r.run({"psetex", "k", "-5", "v"}), "-ERR invalid expire time in 'psetex' command\r\n");
  EXPECT_EQ(r.run({"setex", "k", "1.5", "v"}), "-ERR value is not an integer or out of range\r\n");
}
TEST_F(StringWrite, GetsetAndGetdelReplyWhatWasThere) {
  EXPECT_EQ(r.run({"getset", "k", "1"}), kNull);
  EXPECT_EQ(r.run({"getset", "k", "2"}), "$1\r\n1\r\n");
  EXPECT_EQ(r.recorded, Lines{"SET k 2"});
  EXPECT_EQ(r.run({"getdel", "k"}), "$1\r\n2\r\n");
  EXPECT_EQ(r.recorded, Lines{"DEL k"});
  EXPECT_EQ(r.run({"getdel", "k"}), kNull);
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(StringWrite, GetexChangesTheExpiryOnly) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"getex", "k"}), "$1\r\nv\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"getex", "k", "EX", "10"}), "$1\r\nv\r\n");
  EXPECT_EQ(r.recorded, Lines{"PEXPIREAT k 1700000010000"});
  EXPECT_EQ(expiry_ms("k"), 1'700'000'010'000);
  EXPECT_EQ(r.run({"getex", "k", "PERSIST"}), "$1\r\nv\r\n");
  EXPECT_EQ(r.recorded, Lines{"PERSIST k"});
  EXPECT_EQ(expiry_ms("k"), std::nullopt);
  EXPECT_EQ(r.run({"getex", "k", "PERSIST"}), "$1\r\nv\r\n");
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(StringWrite, GetexWithAPastTimeDeletesOnAPrimaryOnly) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run_from(command::Origin::kPrimary, {"getex", "k", "PXAT", "1000"}), "$1\r\nv\r\n");
  EXPECT_EQ(r.recorded, Lines{"PEXPIREAT k 1000"});
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"getex", "k", "EXAT", "1"}), "$1\r\nv\r\n");
  EXPECT_EQ(r.recorded, Lines{"DEL k"});
  EXPECT_EQ(r.run({"get", "k"}), kNull);
}
TEST_F(StringWrite, GetexChecksItsOptionsBeforeTheKeyAndTheTimeAfter) {
  EXPECT_EQ(r.run({"getex", "none", "EX", "0"}), kNull);
  EXPECT_EQ(r.run({"getex", "none", "KEEPTTL"}), kSyntax);
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"getex", "k", "EX", "0"}), "-ERR invalid expire time in 'getex' command\r\n");
  EXPECT_EQ(r.run({"getex", "k", "PERSIST", "EX", "1"}), kSyntax);
}
TEST_F(StringWrite, MsetSetsAllAndClearsTheirExpiries) {
  r.run({"set", "a", "0", "ex", "10"});
  EXPECT_EQ(r.run({"mset", "a", "1", "b", "2", "a", "3"}), kOk);
  EXPECT_EQ(r.changes, 3U);
  EXPECT_EQ(r.recorded, Lines{"mset a 1 b 2 a 3"});
  EXPECT_EQ(r.run({"mget", "a", "b"}), "*2\r\n$1\r\n3\r\n$1\r\n2\r\n");
  EXPECT_EQ(expiry_ms("a"), std::nullopt);
  EXPECT_EQ(r.run({"mset", "a", "1", "b"}), "-ERR wrong number of arguments for 'mset' command\r\n");
}
TEST_F(StringWrite, MsetnxSetsAllOrNothing) {
  EXPECT_EQ(r.run({"msetnx", "a", "1", "b", "2"}), ":1\r\n");
  EXPECT_EQ(r.run({"msetnx", "c", "1", "b", "9"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"get", "c"}), kNull);
  EXPECT_EQ(r.run({"msetnx", "c"}), "wrong arity");
  EXPECT_EQ(r.run({"msetnx", "c", "1", "d"}), "-ERR wrong number of arguments for 'msetnx' command\r\n");
}

}  // namespace
}  // namespace ashlar::commands
