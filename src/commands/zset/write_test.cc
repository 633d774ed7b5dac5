#include "commands/zset/test_fixture.h"

namespace ashlar::commands {
namespace {

struct ZsetWrite : ZsetBoth {};
ASH_BOTH_ENCODINGS(ZsetWrite);

TEST_F(ZsetTest, ASmallSetKnowsNoNegativeZeroAndALargeOneDoes) {
  EXPECT_EQ(brief({"zadd", "z", "-0", "a"}), ":1");
  EXPECT_EQ(brief({"zscore", "z", "a"}), "$1 0");
  use_index();
  EXPECT_EQ(brief({"zadd", "large", "-0", "a"}), ":1");
  EXPECT_EQ(brief({"zscore", "large", "a"}), "$2 -0");
}

TEST_P(ZsetWrite, ZaddCountsNewMembersAndWithChChangedOnesToo) {
  EXPECT_EQ(run({"zadd", "z", "1", "a", "2", "b"}), ":2\r\n");
  EXPECT_EQ(run({"zadd", "z", "5", "a", "3", "c"}), ":1\r\n");
  EXPECT_EQ(run({"zadd", "z", "CH", "6", "a", "2", "b", "4", "d"}), ":2\r\n");
  EXPECT_EQ(brief({"zrange", "z", "0", "-1", "withscores"}), "*8 $1 b $1 2 $1 c $1 3 $1 d $1 4 $1 a $1 6");
}
TEST_P(ZsetWrite, ZaddConditionsDecideWhatChanges) {
  run({"zadd", "z", "5", "a"});
  EXPECT_EQ(run({"zadd", "z", "nx", "9", "a", "1", "new"}), ":1\r\n");
  EXPECT_EQ(run({"zadd", "z", "xx", "ch", "6", "a", "1", "none"}), ":1\r\n");
  EXPECT_EQ(run({"zadd", "z", "gt", "ch", "5.5", "a"}), ":0\r\n");
  EXPECT_EQ(run({"zadd", "z", "gt", "ch", "7", "a", "1", "added"}), ":2\r\n");
  EXPECT_EQ(run({"zadd", "z", "lt", "ch", "8", "a"}), ":0\r\n");
  EXPECT_EQ(brief({"zscore", "z", "a"}), "$1 7");
  EXPECT_EQ(run({"zcard", "z"}), ":3\r\n");
}
TEST_P(ZsetWrite, ZaddRefusesOptionsThatContradictEachOther) {
  EXPECT_EQ(run({"zadd", "z", "nx", "xx", "1", "a"}), "-ERR XX and NX options at the same time are not compatible\r\n");
  EXPECT_EQ(run({"zadd", "z", "gt", "lt", "1", "a"}),
            "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n");
  EXPECT_EQ(run({"zadd", "z", "incr", "1", "a", "2", "b"}),
            "-ERR INCR option supports a single increment-element pair\r\n");
  EXPECT_EQ(run({"zadd", "z", "1", "a", "2"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zadd", "z", "1", "a", "nan", "b"}), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(run({"zcard", "z"}), ":0\r\n");
}
TEST_P(ZsetWrite, ZaddIncrRepliesTheScoreOrNullWhenTheConditionFails) {
  EXPECT_EQ(brief({"zadd", "z", "incr", "1.5", "a"}), "$3 1.5");
  EXPECT_EQ(brief({"zadd", "z", "incr", "2", "a"}), "$3 3.5");
  EXPECT_EQ(brief({"zadd", "z", "nx", "incr", "2", "a"}), "$-1");
  EXPECT_EQ(brief({"zadd", "z", "xx", "incr", "2", "b"}), "$-1");
  EXPECT_EQ(brief({"zadd", "none", "xx", "incr", "2", "b"}), "$-1");
  r.version = resp::Version::kResp3;
  EXPECT_EQ(brief({"zadd", "z", "incr", "0.5", "a"}), ",4");
}
TEST_P(ZsetWrite, ZincrbyRefusesASumOfOppositeInfinities) {
  run({"zadd", "z", "-inf", "a"});
  EXPECT_EQ(run({"zincrby", "z", "+inf", "a"}), "-ERR resulting score is not a number (NaN)\r\n");
  EXPECT_EQ(brief({"zscore", "z", "a"}), "$4 -inf");
}
TEST_P(ZsetWrite, ZremTakesTheKeyWithTheLastMember) {
  run({"zadd", "z", "1", "a", "2", "b"});
  EXPECT_EQ(run({"zrem", "z", "a", "none", "a"}), ":1\r\n");
  EXPECT_EQ(r.changes, 1U);
  EXPECT_EQ(run({"zrem", "z", "b"}), ":1\r\n");
  EXPECT_EQ(run({"set", "z", "text", "NX"}), "+OK\r\n");
  EXPECT_EQ(run({"zrem", "z", "b"}), "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}
TEST_P(ZsetWrite, WritesAreRecordedAsReceivedAndOnlyWhenTheyChange) {
  run({"zadd", "z", "1", "a"});
  EXPECT_EQ(r.recorded, (Lines{"zadd z 1 a"}));
  run({"zadd", "z", "1", "a"});
  EXPECT_EQ(r.recorded, Lines{});
  run({"zincrby", "z", "2", "a"});
  EXPECT_EQ(r.recorded, (Lines{"zincrby z 2 a"}));
}
TEST_P(ZsetWrite, RangeRemovalsRemoveWhatTheirRangesShow) {
  fill();
  EXPECT_EQ(run({"zremrangebyscore", "z", "(1", "2"}), ":1\r\n");
  EXPECT_EQ(run({"zremrangebyrank", "z", "-1", "-1"}), ":1\r\n");
  EXPECT_EQ(r.changes, 1U);
  EXPECT_EQ(brief({"zrange", "z", "0", "-1"}), "*3 $1 a $1 c $1 d");
  EXPECT_EQ(run({"zremrangebyscore", "z", "5", "1"}), ":0\r\n");
  EXPECT_EQ(run({"zremrangebylex", "z", "-", "+"}), ":3\r\n");
  EXPECT_EQ(run({"zcard", "z"}), ":0\r\n");
  EXPECT_EQ(run({"zremrangebyrank", "z", "0", "-1"}), ":0\r\n");
}

struct ZsetEncoding : ZsetTest {
  std::string encoding() {
    keyspace::Db db(r.keyspace, DbIndex{0}, r.access);
    const auto key = r.keyspace.ref("z");
    const keyspace::SlotGuard guard(r.keyspace, key.slot);
    const auto* entry = db.find(key, keyspace::Access::kPeek);
    return entry == nullptr ? "none" : std::string(entry->encoding_name());
  }
};
TEST_F(ZsetEncoding, StaysAListpackUpToTheLimits) {
  for (int i = 0; i < 128; ++i) run({"zadd", "z", std::to_string(i), "m" + std::to_string(i)});
  EXPECT_EQ(encoding(), "listpack");
  run({"zadd", "z", "1", "one more"});
  EXPECT_EQ(encoding(), "skiplist");
  run({"zremrangebyrank", "z", "2", "-1"});
  EXPECT_EQ(encoding(), "skiplist");
}
TEST_F(ZsetEncoding, ALongMemberMakesAnIndex) {
  run({"zadd", "z", "1", std::string(64, 'x')});
  EXPECT_EQ(encoding(), "listpack");
  run({"zadd", "z", "1", std::string(65, 'x')});
  EXPECT_EQ(encoding(), "skiplist");
}

}  // namespace
}  // namespace ashlar::commands
