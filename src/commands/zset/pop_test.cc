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

}  // namespace
}  // namespace ashlar::commands
