#include "commands/zset/test_fixture.h"

namespace ashlar::commands {
namespace {

struct ZsetRange : ZsetBoth {};
ASH_BOTH_ENCODINGS(ZsetRange);

TEST_P(ZsetRange, RanksCountFromEitherEnd) {
  fill();
  EXPECT_EQ(brief({"zrange", "z", "1", "-2"}), "*3 $1 b $1 c $1 d");
  EXPECT_EQ(brief({"zrange", "z", "0", "1", "rev"}), "*2 $1 e $1 d");
  EXPECT_EQ(brief({"zrevrange", "z", "-2", "100", "withscores"}), "*4 $1 b $1 2 $1 a $1 1");
  EXPECT_EQ(brief({"zrange", "z", "3", "1"}), "*0");
  EXPECT_EQ(brief({"zrange", "none", "0", "-1"}), "*0");
}
TEST_P(ZsetRange, ScoresMayExcludeTheirEnds) {
  fill();
  EXPECT_EQ(brief({"zrangebyscore", "z", "(1", "3"}), "*2 $1 b $1 c");
  EXPECT_EQ(brief({"zrange", "z", "-inf", "(3", "byscore"}), "*2 $1 a $1 b");
  EXPECT_EQ(brief({"zrevrangebyscore", "z", "+inf", "(3", "withscores"}), "*4 $1 e $1 5 $1 d $1 4");
  EXPECT_EQ(brief({"zrange", "z", "4", "2", "byscore", "rev"}), "*3 $1 d $1 c $1 b");
  EXPECT_EQ(brief({"zrangebyscore", "z", "3", "1"}), "*0");
  EXPECT_EQ(run({"zrangebyscore", "z", "x", "1"}), "-ERR min or max is not a float\r\n");
}
TEST_P(ZsetRange, LimitSkipsAndBounds) {
  fill();
  EXPECT_EQ(brief({"zrangebyscore", "z", "2", "5", "limit", "1", "2"}), "*2 $1 c $1 d");
  EXPECT_EQ(brief({"zrevrangebyscore", "z", "4", "1", "limit", "1", "2"}), "*2 $1 c $1 b");
  EXPECT_EQ(brief({"zrangebyscore", "z", "2", "5", "limit", "1", "-1"}), "*3 $1 c $1 d $1 e");
  EXPECT_EQ(brief({"zrangebyscore", "z", "2", "5", "limit", "4", "1"}), "*0");
  EXPECT_EQ(brief({"zrangebyscore", "z", "2", "5", "limit", "-1", "3"}), "*0");
  EXPECT_EQ(brief({"zrangebyscore", "z", "2", "5", "limit", "9223372036854775807", "3"}), "*0");
  EXPECT_EQ(brief({"zrevrangebyscore", "z", "5", "2", "limit", "9223372036854775807", "3"}), "*0");
  EXPECT_EQ(brief({"zrangebyscore", "z", "2", "5", "limit", "0", "0"}), "*0");
}
TEST_P(ZsetRange, MembersOfEqualScoreAreInByteOrder) {
  run({"zadd", "z", "0", "b", "0", "a", "0", "\xff", "0", "", "0", "aa", "0", "10", "0", "9"});
  EXPECT_EQ(brief({"zrangebylex", "z", "-", "+"}), "*7 $0  $2 10 $1 9 $1 a $2 aa $1 b $1 \xff");
  EXPECT_EQ(brief({"zrangebylex", "z", "[a", "(b"}), "*2 $1 a $2 aa");
  EXPECT_EQ(brief({"zrange", "z", "(a", "-", "bylex", "rev", "limit", "0", "2"}), "*2 $1 9 $2 10");
  EXPECT_EQ(brief({"zrangebylex", "z", "+", "-"}), "*0");
  EXPECT_EQ(run({"zlexcount", "z", "[10", "[aa"}), ":4\r\n");
  EXPECT_EQ(run({"zrangebylex", "z", "a", "+"}), "-ERR min or max not valid string range item\r\n");
}
TEST_P(ZsetRange, OptionsThatDoNotFitAreRefused) {
  fill();
  EXPECT_EQ(run({"zrange", "z", "0", "1", "limit", "0", "1"}),
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX\r\n");
  EXPECT_EQ(run({"zrange", "z", "-", "+", "bylex", "withscores"}),
            "-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n");
  EXPECT_EQ(run({"zrangebyscore", "z", "0", "1", "rev"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zrange", "z", "0", "1", "rev", "rev"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zrange", "z", "a", "1"}), "-ERR value is not an integer or out of range\r\n");
}
TEST_P(ZsetRange, Resp3HasScoresAsDoublesInPairs) {
  fill();
  r.version = resp::Version::kResp3;
  EXPECT_EQ(brief({"zrange", "z", "0", "1", "withscores"}), "*2 *2 $1 a ,1 *2 $1 b ,2");
  EXPECT_EQ(brief({"zrangebyscore", "z", "5", "inf", "withscores"}), "*1 *2 $1 e ,5");
}
TEST_P(ZsetRange, StoreReplacesTheTargetOrRemovesItWhenNothingIsLeft) {
  fill();
  run({"set", "to", "text"});
  EXPECT_EQ(run({"zrangestore", "to", "z", "1", "2"}), ":2\r\n");
  EXPECT_EQ(r.recorded, (Lines{"zrangestore to z 1 2"}));
  EXPECT_EQ(brief({"zrange", "to", "0", "-1", "withscores"}), "*4 $1 b $1 2 $1 c $1 3");
  EXPECT_EQ(run({"zrangestore", "to", "z", "(5", "inf", "byscore"}), ":0\r\n");
  EXPECT_EQ(r.changes, 1U);
  EXPECT_EQ(run({"get", "to"}), "$-1\r\n");
  EXPECT_EQ(run({"zrangestore", "z", "z", "0", "0", "rev"}), ":1\r\n");
  EXPECT_EQ(brief({"zrange", "z", "0", "-1"}), "*1 $1 e");
}

}  // namespace
}  // namespace ashlar::commands
