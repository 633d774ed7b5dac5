#include "commands/zset/test_fixture.h"

namespace ashlar::commands {
namespace {

struct ZsetRead : ZsetBoth {};
ASH_BOTH_ENCODINGS(ZsetRead);

TEST_P(ZsetRead, RanksCountFromEitherEndAndMayBringTheScore) {
  fill();
  EXPECT_EQ(run({"zrank", "z", "b"}), ":1\r\n");
  EXPECT_EQ(run({"zrevrank", "z", "b"}), ":3\r\n");
  EXPECT_EQ(brief({"zrank", "z", "b", "WithScore"}), "*2 :1 $1 2");
  EXPECT_EQ(brief({"zrank", "z", "none"}), "$-1");
  EXPECT_EQ(brief({"zrank", "z", "none", "withscore"}), "*-1");
  EXPECT_EQ(brief({"zrank", "none", "b"}), "$-1");
  EXPECT_EQ(run({"zrank", "z", "b", "x"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zrank", "z", "b", "withscore", "x"}), "-ERR wrong number of arguments for 'zrank' command\r\n");
}
TEST_P(ZsetRead, ScoresPrintAsShortAsTheyRead) {
  run({"zadd", "z", "0.1", "a", "1e300", "b", "-0", "c", "3", "d"});
  EXPECT_EQ(brief({"zmscore", "z", "a", "b", "none", "d"}), "*4 $3 0.1 $6 1e+300 $-1 $1 3");
  EXPECT_EQ(brief({"zscore", "z", "a"}), "$3 0.1");
  EXPECT_EQ(brief({"zmscore", "none", "a"}), "*1 $-1");
}
TEST_P(ZsetRead, CountsElementsOfAnInterval) {
  fill();
  EXPECT_EQ(run({"zcount", "z", "-inf", "+inf"}), ":5\r\n");
  EXPECT_EQ(run({"zcount", "z", "(1", "(5"}), ":3\r\n");
  EXPECT_EQ(run({"zcount", "z", "4", "2"}), ":0\r\n");
  EXPECT_EQ(run({"zcount", "none", "1", "2"}), ":0\r\n");
  EXPECT_EQ(run({"zcount", "z", "1", "b"}), "-ERR min or max is not a float\r\n");
}
TEST_P(ZsetRead, AWrongTypeIsSaidEverywhere) {
  run({"set", "s", "x"});
  const std::string wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
  for (const auto& words : std::vector<std::vector<std::string_view>>{{"zcard", "s"},
                                                                      {"zcount", "s", "0", "1"},
                                                                      {"zrank", "s", "m"},
                                                                      {"zscore", "s", "m"},
                                                                      {"zmscore", "s", "m"},
                                                                      {"zrange", "s", "0", "1"},
                                                                      {"zpopmin", "s"},
                                                                      {"zadd", "s", "1", "m"},
                                                                      {"zscan", "s", "0"},
                                                                      {"zunion", "1", "s"},
                                                                      {"zrandmember", "s"}}) {
    EXPECT_EQ(r.run(words), wrong) << words[0];
  }
}

}  // namespace
}  // namespace ashlar::commands
