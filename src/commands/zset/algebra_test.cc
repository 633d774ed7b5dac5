#include "commands/zset/test_fixture.h"

namespace ashlar::commands {
namespace {

struct ZsetAlgebra : ZsetBoth {
  ZsetAlgebra() {
    run({"zadd", "x", "1", "a", "2", "b", "3", "c"});
    run({"zadd", "y", "10", "b", "20", "c", "30", "d"});
  }
};
ASH_BOTH_ENCODINGS(ZsetAlgebra);

TEST_P(ZsetAlgebra, CombinesScoresAsAsked) {
  EXPECT_EQ(brief({"zunion", "2", "x", "y", "withscores"}), "*8 $1 a $1 1 $1 b $2 12 $1 c $2 23 $1 d $2 30");
  EXPECT_EQ(brief({"zunion", "2", "x", "y", "aggregate", "max", "withscores"}),
            "*8 $1 a $1 1 $1 b $2 10 $1 c $2 20 $1 d $2 30");
  EXPECT_EQ(brief({"zinter", "2", "x", "y", "weights", "2", "0.5", "withscores"}), "*4 $1 b $1 9 $1 c $2 16");
  EXPECT_EQ(brief({"zinter", "2", "x", "y", "aggregate", "min", "withscores"}), "*4 $1 b $1 2 $1 c $1 3");
  EXPECT_EQ(brief({"zdiff", "2", "x", "y", "withscores"}), "*2 $1 a $1 1");
  EXPECT_EQ(brief({"zdiff", "1", "none"}), "*0");
  EXPECT_EQ(brief({"zunion", "2", "x", "x", "withscores"}), "*6 $1 a $1 2 $1 b $1 4 $1 c $1 6");
}
TEST_P(ZsetAlgebra, SumsThatAreNoNumberAreZero) {
  run({"zadd", "p", "inf", "a"});
  run({"zadd", "q", "-inf", "a"});
  EXPECT_EQ(brief({"zunion", "2", "p", "q", "withscores"}), "*2 $1 a $1 0");
  EXPECT_EQ(brief({"zunion", "1", "p", "weights", "0", "withscores"}), "*2 $1 a $1 0");
}
TEST_P(ZsetAlgebra, StoresInPlaceOfTheTarget) {
  EXPECT_EQ(run({"zunionstore", "x", "2", "x", "y"}), ":4\r\n");
  EXPECT_EQ(brief({"zrange", "x", "0", "0", "rev", "withscores"}), "*2 $1 d $2 30");
  EXPECT_EQ(run({"zdiffstore", "x", "2", "y", "y"}), ":0\r\n");
  EXPECT_EQ(run({"zcard", "x"}), ":0\r\n");
  EXPECT_EQ(run({"zinterstore", "none", "1", "none"}), ":0\r\n");
  EXPECT_EQ(r.changes, 0U);
}
TEST_P(ZsetAlgebra, CountsAnIntersectionUpToALimit) {
  EXPECT_EQ(run({"zintercard", "2", "x", "y"}), ":2\r\n");
  EXPECT_EQ(run({"zintercard", "2", "x", "y", "limit", "1"}), ":1\r\n");
  EXPECT_EQ(run({"zintercard", "2", "x", "y", "limit", "0"}), ":2\r\n");
  EXPECT_EQ(run({"zintercard", "1", "x", "limit", "-1"}), "-ERR LIMIT can't be negative\r\n");
}
TEST_P(ZsetAlgebra, RefusesKeyCountsThatAreNone) {
  EXPECT_EQ(run({"zunion", "0", "x"}), "-ERR at least 1 input key is needed for 'zunion' command\r\n");
  EXPECT_EQ(run({"zunionstore", "t", "0", "x"}), "-ERR at least 1 input key is needed for 'zunionstore' command\r\n");
  EXPECT_EQ(run({"zunion", "3", "x", "y"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zunion", "x", "y"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run({"zunion", "1", "x", "weights", "a"}), "-ERR weight value is not a float\r\n");
  EXPECT_EQ(run({"zdiff", "1", "x", "weights", "1"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zunionstore", "t", "1", "x", "withscores"}), "-ERR syntax error\r\n");
}
TEST_P(ZsetAlgebra, InfinityTimesZeroTakesTheSumOfAnIntersectionWithIt) {
  run({"zadd", "five", "5", "m"});
  run({"zadd", "far", "inf", "m"});
  EXPECT_EQ(brief({"zinter", "2", "five", "far", "weights", "1", "0", "withscores"}), "*2 $1 m $1 0");
  EXPECT_EQ(brief({"zunion", "2", "five", "far", "weights", "1", "0", "withscores"}), "*2 $1 m $1 5");
}
TEST_P(ZsetAlgebra, MembersOfPlainSetsHaveScoreOne) {
  run({"sadd", "s", "a", "7"});
  EXPECT_EQ(brief({"zunion", "2", "x", "s", "withscores"}), "*8 $1 7 $1 1 $1 a $1 2 $1 b $1 2 $1 c $1 3");
  EXPECT_EQ(brief({"zinter", "2", "x", "s", "withscores"}), "*2 $1 a $1 2");
  EXPECT_EQ(brief({"zdiff", "2", "s", "x", "withscores"}), "*2 $1 7 $1 1");
}

}  // namespace
}  // namespace ashlar::commands
