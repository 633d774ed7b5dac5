#include "commands/zset/test_fixture.h"

namespace ashlar::commands {
namespace {

struct ZsetPop : ZsetBoth {};
ASH_BOTH_ENCODINGS(ZsetPop);

TEST_P(ZsetPop, PopsFromEitherEndTheOutermostFirst) {
  fill();
  EXPECT_EQ(brief({"zpopmin", "z"}), "*2 $1 a $1 1");
  EXPECT_EQ(brief({"zpopmax", "z", "2"}), "*4 $1 e $1 5 $1 d $1 4");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(brief({"zpopmin", "z", "0"}), "*0");
  EXPECT_EQ(brief({"zpopmin", "z", "100"}), "*4 $1 b $1 2 $1 c $1 3");
  EXPECT_EQ(run({"set", "z", "x", "nx"}), "+OK\r\n");
  EXPECT_EQ(brief({"zpopmin", "none"}), "*0");
}
TEST_P(ZsetPop, Resp3NestsPairsOnlyWhenACountIsGiven) {
  fill();
  r.version = resp::Version::kResp3;
  EXPECT_EQ(brief({"zpopmin", "z"}), "*2 $1 a ,1");
  EXPECT_EQ(brief({"zpopmin", "z", "1"}), "*1 *2 $1 b ,2");
}
TEST_P(ZsetPop, RefusesCountsThatAreNone) {
  fill();
  EXPECT_EQ(run({"zpopmin", "z", "-1"}), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(run({"zpopmin", "z", "x"}), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(run({"zpopmin", "z", "1", "2"}), "-ERR syntax error\r\n");
}
TEST_P(ZsetPop, ZmpopTakesTheFirstKeyThatHasAny) {
  fill();
  EXPECT_EQ(brief({"zmpop", "2", "none", "z", "max", "count", "2"}), "*2 $1 z *2 *2 $1 e $1 5 *2 $1 d $1 4");
  EXPECT_EQ(r.recorded, (Lines{"ZPOPMAX z 2"}));
  EXPECT_EQ(brief({"zmpop", "1", "none", "min"}), "*-1");
  EXPECT_EQ(run({"zmpop", "0", "z", "min"}), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(run({"zmpop", "1", "z", "min", "count", "0"}), "-ERR count should be greater than 0\r\n");
  EXPECT_EQ(run({"zmpop", "9", "z", "min"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zmpop", "1", "z", "middle"}), "-ERR syntax error\r\n");
}

TEST_P(ZsetPop, BlockingPopsServeAtOnceWhenThereIsSomething) {
  fill();
  EXPECT_EQ(brief({"bzpopmin", "none", "z", "0"}), "*3 $1 z $1 a $1 1");
  EXPECT_EQ(r.recorded, (Lines{"ZPOPMIN z"}));
  EXPECT_EQ(brief({"bzpopmax", "z", "1.5"}), "*3 $1 z $1 e $1 5");
  EXPECT_EQ(brief({"bzmpop", "0", "2", "none", "z", "min", "count", "2"}), "*2 $1 z *2 *2 $1 b $1 2 *2 $1 c $1 3");
  EXPECT_EQ(r.recorded, (Lines{"ZPOPMIN z 2"}));
  EXPECT_EQ(run({"bzpopmin", "z", "-1"}), "-ERR timeout is negative\r\n");
  EXPECT_EQ(run({"bzmpop", "x", "1", "z", "min"}), "-ERR timeout is not a float or out of range\r\n");
}
TEST_P(ZsetPop, BlockingPopsWaitForASortedSetAtAnyOfTheirKeys) {
  EXPECT_EQ(run({"bzpopmin", "a", "b", "0"}), "*-1\r\n");
  r.may_block = true;
  EXPECT_EQ(run({"bzpopmin", "a", "b", "0"}), "");
  ASSERT_TRUE(r.blocked.has_value());
  EXPECT_EQ(r.blocked->keys, (Lines{"a", "b"}));
  EXPECT_EQ(r.blocked->type, keyspace::Type::kSortedSet);
  EXPECT_EQ(run({"bzmpop", "2", "1", "a", "max"}), "");
  ASSERT_TRUE(r.blocked.has_value());
  EXPECT_EQ(r.blocked->timeout, Millis(2000));
}

}  // namespace
}  // namespace ashlar::commands
