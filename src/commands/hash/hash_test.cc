#include <gtest/gtest.h>

#include "commands/hash/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

struct HashCommands : ::testing::Test {
  using Lines = std::vector<std::string>;
  HashCommands() { register_hash_commands(r.table); }
  testing::Runner r;
};

TEST_F(HashCommands, HsetCountsNewFieldsButEveryPairAsAChange) {
  EXPECT_EQ(r.run({"HSET", "h", "a", "1", "b", "2"}), ":2\r\n");
  EXPECT_EQ(r.run({"HSET", "h", "a", "3", "c", "4"}), ":1\r\n");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(r.run({"HMGET", "h", "a", "b", "c", "d"}), "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$1\r\n4\r\n$-1\r\n");
}
TEST_F(HashCommands, HsetRefusesAnOddNumberOfWords) {
  EXPECT_EQ(r.run({"HSET", "h", "a", "1", "b"}), "-ERR wrong number of arguments for 'hset' command\r\n");
  EXPECT_EQ(r.run({"HMSET", "h", "a", "1", "b"}), "-ERR wrong number of arguments for 'hmset' command\r\n");
}
TEST_F(HashCommands, HdelRemovesTheKeyWithTheLastField) {
  r.run({"HSET", "h", "a", "1"});
  EXPECT_EQ(r.run({"HDEL", "h", "x", "a", "a"}), ":1\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 0U);
}
TEST_F(HashCommands, HincrbyRefusesWhatIsNoIntegerAndWhatOverflows) {
  EXPECT_EQ(r.run({"HINCRBY", "h", "n", "9223372036854775807"}), ":9223372036854775807\r\n");
  EXPECT_EQ(r.run({"HINCRBY", "h", "n", "1"}), "-ERR increment or decrement would overflow\r\n");
  r.run({"HSET", "h", "t", "x"});
  EXPECT_EQ(r.run({"HINCRBY", "h", "t", "1"}), "-ERR hash value is not an integer\r\n");
  EXPECT_EQ(r.run({"HINCRBYFLOAT", "h", "t", "1"}), "-ERR hash value is not a float\r\n");
  EXPECT_EQ(r.run({"HINCRBY", "none", "n", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
}
TEST_F(HashCommands, HincrbyfloatIsRecordedAsItsResult) {
  EXPECT_EQ(r.run({"HINCRBYFLOAT", "h", "n", "10.50"}), "$4\r\n10.5\r\n");
  EXPECT_EQ(r.recorded, Lines{"HSET h n 10.5"});
}
TEST_F(HashCommands, ListsInMapsAndArrays) {
  r.run({"HSET", "h", "a", "1", "b", "x"});
  EXPECT_EQ(r.run({"HGETALL", "h"}), "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\nx\r\n");
  EXPECT_EQ(r.run({"HKEYS", "h"}), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(r.run({"HVALS", "h"}), "*2\r\n$1\r\n1\r\n$1\r\nx\r\n");
  r.version = resp::Version::kResp3;
  EXPECT_EQ(r.run({"HGETALL", "h"}), "%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\nx\r\n");
  EXPECT_EQ(r.run({"HGETALL", "none"}), "%0\r\n");
}
TEST_F(HashCommands, HscanLeavesOutValuesWhenAsked) {
  r.run({"HSET", "h", "a1", "1", "b1", "x"});
  EXPECT_EQ(r.run({"HSCAN", "h", "0", "MATCH", "a*"}), "*2\r\n$1\r\n0\r\n*2\r\n$2\r\na1\r\n$1\r\n1\r\n");
  EXPECT_EQ(r.run({"HSCAN", "h", "0", "NOVALUES"}), "*2\r\n$1\r\n0\r\n*2\r\n$2\r\na1\r\n$2\r\nb1\r\n");
  EXPECT_EQ(r.run({"HSCAN", "h", "x"}), "-ERR invalid cursor\r\n");
  EXPECT_EQ(r.run({"HSCAN", "h", "0", "COUNT", "0"}), "-ERR syntax error\r\n");
}
TEST_F(HashCommands, HrandfieldPairsAreNestedInResp3Only) {
  r.run({"HSET", "h", "a", "1"});
  EXPECT_EQ(r.run({"HRANDFIELD", "h"}), "$1\r\na\r\n");
  EXPECT_EQ(r.run({"HRANDFIELD", "h", "-2", "WITHVALUES"}), "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n1\r\n");
  r.version = resp::Version::kResp3;
  EXPECT_EQ(r.run({"HRANDFIELD", "h", "5", "WITHVALUES"}), "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(r.run({"HRANDFIELD", "none"}), "_\r\n");
  EXPECT_EQ(r.run({"HRANDFIELD", "h", "-9223372036854775808"}),
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n");
  EXPECT_EQ(r.run({"HRANDFIELD", "none", "-9223372036854775807"}), "*0\r\n");
}
TEST_F(HashCommands, LargeHashesKeepEveryFieldThroughScans) {
  for (int i = 0; i < 2000; ++i) r.run({"HSET", "h", "f" + std::to_string(i), std::to_string(i)});
  EXPECT_EQ(r.run({"HLEN", "h"}), ":2000\r\n");
  EXPECT_EQ(r.run({"HGET", "h", "f1999"}), "$4\r\n1999\r\n");
  EXPECT_EQ(r.run({"HSTRLEN", "h", "f1999"}), ":4\r\n");
  EXPECT_EQ(r.run({"HEXISTS", "h", "f2000"}), ":0\r\n");
}

}  // namespace
}  // namespace ashlar::commands
