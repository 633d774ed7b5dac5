#include <gtest/gtest.h>

#include "commands/hash/commands.h"
#include "commands/testing/run.h"
#include "keyspace/expiry_cycle.h"

namespace ashlar::commands {
namespace {

struct HashExpiry : ::testing::Test {
  using Lines = std::vector<std::string>;
  HashExpiry() {
    register_hash_commands(r.table);
    r.run({"HSET", "h", "a", "1", "b", "2", "c", "3"});
  }
  void cycle() {
    r.access.now = r.clock.wall();
    r.recorded.clear();
    keyspace::ExpiryCycle expiry(r.keyspace, 0, 1);
    while (expiry.run(r.access, Ticks{1'000'000'000}) != keyspace::ExpiryCycle::End::kAllSlotsSeen) {
    }
  }
  testing::Runner r;
};

TEST_F(HashExpiry, RepliesForEachFieldAndRecordsAnAbsoluteTime) {
  EXPECT_EQ(r.run({"HEXPIRE", "h", "10", "FIELDS", "2", "a", "none"}), "*2\r\n:1\r\n:-2\r\n");
  EXPECT_EQ(r.recorded, Lines{"HPEXPIREAT h 1700000010000 FIELDS 1 a"});
  EXPECT_EQ(r.run({"HTTL", "h", "FIELDS", "3", "a", "b", "none"}), "*3\r\n:10\r\n:-1\r\n:-2\r\n");
  EXPECT_EQ(r.run({"HPEXPIRETIME", "h", "FIELDS", "1", "a"}), "*1\r\n:1700000010000\r\n");
  EXPECT_EQ(r.run({"HTTL", "nokey", "FIELDS", "1", "a"}), "*1\r\n:-2\r\n");
}
TEST_F(HashExpiry, ConditionsCompareWithTheExpiryThatIs) {
  EXPECT_EQ(r.run({"HPEXPIRE", "h", "5000", "XX", "FIELDS", "1", "a"}), "*1\r\n:0\r\n");
  EXPECT_EQ(r.run({"HPEXPIRE", "h", "5000", "GT", "FIELDS", "1", "a"}), "*1\r\n:0\r\n");
  EXPECT_EQ(r.recorded, Lines{});
  EXPECT_EQ(r.run({"HPEXPIRE", "h", "5000", "LT", "FIELDS", "1", "a"}), "*1\r\n:1\r\n");
  EXPECT_EQ(r.run({"HPEXPIRE", "h", "6000", "NX", "FIELDS", "1", "a"}), "*1\r\n:0\r\n");
  EXPECT_EQ(r.run({"HPEXPIRE", "h", "6000", "LT", "FIELDS", "1", "a"}), "*1\r\n:0\r\n");
  EXPECT_EQ(r.run({"HPEXPIRE", "h", "6000", "GT", "FIELDS", "1", "a"}), "*1\r\n:1\r\n");
}
TEST_F(HashExpiry, ATimeThatHasPassedDeletesTheField) {
  EXPECT_EQ(r.run({"HPEXPIREAT", "h", "1000", "FIELDS", "2", "a", "b"}), "*2\r\n:2\r\n:2\r\n");
  EXPECT_EQ(r.recorded, Lines{"HDEL h a b"});
  EXPECT_EQ(r.run({"HEXPIREAT", "h", "1", "FIELDS", "1", "c"}), "*1\r\n:2\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 0U);
}
TEST_F(HashExpiry, FieldsAreInvisibleOnceTheirTimeHasCome) {
  r.run({"HPEXPIRE", "h", "100", "FIELDS", "1", "a"});
  r.clock.advance(Millis(101));
  EXPECT_EQ(r.run({"HGET", "h", "a"}), "$-1\r\n");
  EXPECT_TRUE(r.run({"HKEYS", "h"}).starts_with("*2\r\n"));
  EXPECT_EQ(r.run({"HMGET", "h", "a", "b"}), "*2\r\n$-1\r\n$1\r\n2\r\n");
  EXPECT_EQ(r.run({"HPTTL", "h", "FIELDS", "1", "a"}), "*1\r\n:-2\r\n");
}
TEST_F(HashExpiry, AWriteRemovesAndRecordsWhatHasExpiredFirst) {
  r.run({"HPEXPIRE", "h", "100", "FIELDS", "1", "a"});
  r.clock.advance(Millis(101));
  EXPECT_EQ(r.run({"HSET", "h", "a", "new"}), ":1\r\n");
  EXPECT_EQ(r.recorded, (Lines{"hexpired h a", "HSET h a new"}));
  EXPECT_EQ(r.run({"HTTL", "h", "FIELDS", "1", "a"}), "*1\r\n:-1\r\n");
}
TEST_F(HashExpiry, TheCycleRemovesFieldsThatNobodyAsksFor) {
  r.run({"HPEXPIRE", "h", "100", "FIELDS", "2", "a", "b"});
  r.run({"HPEXPIRE", "h", "200", "FIELDS", "1", "c"});
  cycle();
  EXPECT_EQ(r.recorded, Lines{});
  r.clock.advance(Millis(150));
  cycle();
  ASSERT_EQ(r.recorded.size(), 1U);
  EXPECT_EQ(r.run({"HLEN", "h"}), ":1\r\n");
  r.clock.advance(Millis(150));
  cycle();
  EXPECT_EQ(r.recorded, Lines{"hexpired h c"});
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 0U);
}
TEST_F(HashExpiry, TheCycleFollowsAHashThatWasDeletedOrMadeAnew) {
  r.run({"HPEXPIRE", "h", "100", "FIELDS", "1", "a"});
  r.run({"HDEL", "h", "a", "b", "c"});
  r.run({"HSET", "h", "a", "1"});
  r.clock.advance(Millis(150));
  cycle();
  EXPECT_EQ(r.recorded, Lines{});
  EXPECT_EQ(r.run({"HLEN", "h"}), ":1\r\n");
}
TEST_F(HashExpiry, AReplicaHidesButKeepsExpiredFields) {
  r.run({"HPEXPIRE", "h", "100", "FIELDS", "1", "a"});
  r.clock.advance(Millis(150));
  r.access.expiry_role = keyspace::ExpiryRole::kReplica;
  EXPECT_EQ(r.run({"HGET", "h", "a"}), "$-1\r\n");
  EXPECT_EQ(r.run({"HLEN", "h"}), ":3\r\n");
  EXPECT_EQ(r.recorded, Lines{});
}
TEST_F(HashExpiry, HpersistTakesTheExpiry) {
  r.run({"HPEXPIRE", "h", "100", "FIELDS", "1", "a"});
  EXPECT_EQ(r.run({"HPERSIST", "h", "FIELDS", "3", "a", "b", "none"}), "*3\r\n:1\r\n:-1\r\n:-2\r\n");
  r.clock.advance(Millis(150));
  EXPECT_EQ(r.run({"HGET", "h", "a"}), "$1\r\n1\r\n");
}
// The instant that is now has passed. Source: checkAlreadyExpired() of Redis 7.4.
TEST_F(HashExpiry, AFieldThatExpiresNowIsDeletedAtOnce) {
  r.run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(r.run({"HEXPIRE", "h", "0", "FIELDS", "1", "a"}), "*1\r\n:2\r\n");
  EXPECT_EQ(r.recorded, Lines{"HDEL h a"});
  EXPECT_EQ(r.run({"HKEYS", "h"}), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
}
TEST_F(HashExpiry, ChecksTheFieldsClause) {
  EXPECT_EQ(r.run({"HEXPIRE", "h", "1", "NX", "FIELD", "1", "a"}),
            "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n");
  EXPECT_EQ(r.run({"HEXPIRE", "h", "1", "FIELDS", "0", "a"}),
            "-ERR Parameter `numFields` should be greater than 0\r\n");
  EXPECT_EQ(r.run({"HEXPIRE", "h", "1", "FIELDS", "2", "a"}),
            "-ERR The `numfields` parameter must match the number of arguments\r\n");
  EXPECT_EQ(r.run({"HEXPIRE", "h", "-1", "FIELDS", "1", "a"}), "-ERR invalid expire time, must be >= 0\r\n");
  EXPECT_EQ(r.run({"HEXPIRE", "h", "9223372036854775807", "FIELDS", "1", "a"}),
            "-ERR invalid expire time in 'hexpire' command\r\n");
}
TEST_F(HashExpiry, HsetexSetsAllOrNothing) {
  EXPECT_EQ(r.run({"HSETEX", "h", "FNX", "EX", "10", "FIELDS", "2", "x", "1", "a", "2"}), ":0\r\n");
  EXPECT_EQ(r.run({"HSETEX", "h", "EX", "10", "FIELDS", "1", "x", "1"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"HSETEX h PXAT 1700000010000 FIELDS 1 x 1"});
  EXPECT_EQ(r.run({"HSETEX", "h", "KEEPTTL", "FIELDS", "1", "x", "2"}), ":1\r\n");
  EXPECT_EQ(r.run({"HTTL", "h", "FIELDS", "1", "x"}), "*1\r\n:10\r\n");
}
TEST_F(HashExpiry, HgetexReadsAndSetsTheExpiry) {
  EXPECT_EQ(r.run({"HGETEX", "h", "PX", "100", "FIELDS", "2", "a", "none"}), "*2\r\n$1\r\n1\r\n$-1\r\n");
  EXPECT_EQ(r.recorded, Lines{"HPEXPIREAT h 1700000000100 FIELDS 1 a"});
  EXPECT_EQ(r.run({"HGETEX", "h", "PERSIST", "FIELDS", "1", "a"}), "*1\r\n$1\r\n1\r\n");
  EXPECT_EQ(r.run({"HTTL", "h", "FIELDS", "1", "a"}), "*1\r\n:-1\r\n");
}
// 46 bits of milliseconds, whatever the command: what is recorded as HPEXPIREAT must be taken. Source: Redis 8.
TEST_F(HashExpiry, HgetexAndHsetexTakeTheTimesThatHexpireTakes) {
  EXPECT_EQ(r.run({"HGETEX", "h", "PXAT", "70368744177664", "FIELDS", "1", "a"}),
            "-ERR invalid expire time in 'hgetex' command\r\n");
  EXPECT_EQ(r.run({"HSETEX", "h", "EX", "100000000000", "FIELDS", "1", "a", "1"}),
            "-ERR invalid expire time in 'hsetex' command\r\n");
  EXPECT_EQ(r.run({"HGETEX", "h", "EX", "-1", "FIELDS", "1", "a"}), "-ERR invalid expire time, must be >= 0\r\n");
  EXPECT_EQ(r.recorded, Lines{});
  r.run({"HGETEX", "h", "PXAT", "70368744177663", "FIELDS", "1", "a"});
  EXPECT_EQ(r.recorded, Lines{"HPEXPIREAT h 70368744177663 FIELDS 1 a"});
  EXPECT_EQ(r.run({"HGETEX", "h", "EX", "0", "FIELDS", "1", "a"}), "*1\r\n$1\r\n1\r\n");
  EXPECT_EQ(r.recorded, Lines{"HDEL h a"});
}
TEST_F(HashExpiry, WhatAPrimaryOrAFileSaysMayBeAnyTime) {
  r.access.expiry_role = keyspace::ExpiryRole::kApply;
  EXPECT_EQ(r.run({"HPEXPIREAT", "h", "80000000000000", "FIELDS", "1", "a"}), "*1\r\n:1\r\n");
  EXPECT_EQ(r.run({"HPEXPIRETIME", "h", "FIELDS", "1", "a"}), "*1\r\n:80000000000000\r\n");
}
TEST_F(HashExpiry, HsetexWithATimeThatHasPassedSetsAndDeletes) {
  EXPECT_EQ(r.run({"HSETEX", "h", "PXAT", "1", "FIELDS", "2", "a", "1", "new", "1"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"HDEL h a new"});
  EXPECT_EQ(r.run({"HLEN", "h"}), ":2\r\n");
  EXPECT_EQ(r.run({"HSETEX", "new", "EX", "0", "FIELDS", "1", "a", "1"}), ":1\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
}
TEST_F(HashExpiry, HgetdelReadsAndDeletes) {
  EXPECT_EQ(r.run({"HGETDEL", "h", "FIELDS", "3", "a", "a", "none"}), "*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(r.recorded, Lines{"HDEL h a"});
  EXPECT_EQ(r.run({"HLEN", "h"}), ":2\r\n");
}

}  // namespace
}  // namespace ashlar::commands
