#include <gtest/gtest.h>

#include "commands/list/commands.h"
#include "commands/testing/run.h"
#include "keyspace/values/list.h"

namespace ashlar::commands {
namespace {

struct ListCommands : ::testing::Test {
  using Lines = std::vector<std::string>;
  ListCommands() { register_list_commands(r.table); }
  std::string all(std::string_view key) { return r.run({"LRANGE", key, "0", "-1"}); }
  std::string_view encoding(std::string_view key) {
    const auto ref = r.keyspace.ref(key);
    return keyspace::Db(r.keyspace, DbIndex{0}, r.access).find(ref, keyspace::Access::kPeek)->encoding_name();
  }
  testing::Runner r;
};

TEST_F(ListCommands, PushesSeveralElementsOneAfterAnother) {
  EXPECT_EQ(r.run({"RPUSH", "l", "a", "b"}), ":2\r\n");
  EXPECT_EQ(r.run({"LPUSH", "l", "c", "1"}), ":4\r\n");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(r.recorded, (Lines{"LPUSH l c 1"}));
  EXPECT_EQ(all("l"), "*4\r\n$1\r\n1\r\n$1\r\nc\r\n$1\r\na\r\n$1\r\nb\r\n");
}

TEST_F(ListCommands, PushesToExistingListsOnly) {
  EXPECT_EQ(r.run({"LPUSHX", "l", "a"}), ":0\r\n");
  EXPECT_EQ(r.recorded, Lines{});
  r.run({"RPUSH", "l", "a"});
  EXPECT_EQ(r.run({"RPUSHX", "l", "b", "c"}), ":3\r\n");
}

TEST_F(ListCommands, PopsOneElementOrAnArrayAndRemovesTheEmptyKey) {
  r.run({"RPUSH", "l", "a", "b", "3"});
  EXPECT_EQ(r.run({"LPOP", "l"}), "$1\r\na\r\n");
  EXPECT_EQ(r.run({"LPOP", "l", "0"}), "*0\r\n");
  EXPECT_EQ(r.recorded, Lines{});
  EXPECT_EQ(r.run({"RPOP", "l", "9"}), "*2\r\n$1\r\n3\r\n$1\r\nb\r\n");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(r.run({"LLEN", "l"}), ":0\r\n");
  EXPECT_EQ(r.run({"RPOP", "l"}), "$-1\r\n");
  EXPECT_EQ(r.run({"RPOP", "l", "1"}), "*-1\r\n");
  EXPECT_EQ(r.run({"RPOP", "l", "-1"}), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(r.run({"RPOP", "l", "1", "2"}), "-ERR wrong number of arguments for 'rpop' command\r\n");
}

TEST_F(ListCommands, ReadsRangesWithNegativeAndOutlyingIndexes) {
  r.run({"RPUSH", "l", "a", "b", "c"});
  EXPECT_EQ(r.run({"LRANGE", "l", "-100", "100"}), "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(r.run({"LRANGE", "l", "-2", "-2"}), "*1\r\n$1\r\nb\r\n");
  EXPECT_EQ(r.run({"LRANGE", "l", "2", "1"}), "*0\r\n");
  EXPECT_EQ(r.run({"LRANGE", "l", "0", "-9223372036854775808"}), "*0\r\n");
  EXPECT_EQ(r.run({"LRANGE", "none", "0", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"LINDEX", "l", "-3"}), "$1\r\na\r\n");
  EXPECT_EQ(r.run({"LINDEX", "l", "3"}), "$-1\r\n");
}

TEST_F(ListCommands, FindsPositionsFromBothEnds) {
  r.run({"RPUSH", "l", "a", "1", "a", "b", "a"});
  EXPECT_EQ(r.run({"LPOS", "l", "a"}), ":0\r\n");
  EXPECT_EQ(r.run({"LPOS", "l", "a", "RANK", "-1"}), ":4\r\n");
  EXPECT_EQ(r.run({"LPOS", "l", "a", "RANK", "2", "COUNT", "0"}), "*2\r\n:2\r\n:4\r\n");
  EXPECT_EQ(r.run({"LPOS", "l", "a", "RANK", "-2", "COUNT", "1"}), "*1\r\n:2\r\n");
  EXPECT_EQ(r.run({"LPOS", "l", "a", "COUNT", "0", "MAXLEN", "2"}), "*1\r\n:0\r\n");
  EXPECT_EQ(r.run({"LPOS", "l", "1"}), ":1\r\n");
  EXPECT_EQ(r.run({"LPOS", "l", "x"}), "$-1\r\n");
  EXPECT_EQ(r.run({"LPOS", "l", "x", "COUNT", "1"}), "*0\r\n");
}

TEST_F(ListCommands, InsertsBesideTheFirstPivot) {
  r.run({"RPUSH", "l", "a", "b", "a"});
  EXPECT_EQ(r.run({"LINSERT", "l", "after", "a", "x"}), ":4\r\n");
  EXPECT_EQ(r.run({"LINSERT", "l", "BEFORE", "b", "y"}), ":5\r\n");
  EXPECT_EQ(r.run({"LINSERT", "l", "BEFORE", "none", "y"}), ":-1\r\n");
  EXPECT_EQ(r.run({"LINSERT", "missing", "BEFORE", "a", "y"}), ":0\r\n");
  EXPECT_EQ(r.run({"LINSERT", "l", "beside", "a", "y"}), "-ERR syntax error\r\n");
  EXPECT_EQ(all("l"), "*5\r\n$1\r\na\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nb\r\n$1\r\na\r\n");
}

TEST_F(ListCommands, RemovesEqualElementsFromTheRightForNegativeCounts) {
  r.run({"RPUSH", "l", "a", "b", "a", "c", "a"});
  EXPECT_EQ(r.run({"LREM", "l", "-2", "a"}), ":2\r\n");
  EXPECT_EQ(all("l"), "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(r.run({"LREM", "l", "0", "none"}), ":0\r\n");
  EXPECT_EQ(r.recorded, Lines{});
  r.run({"LREM", "l", "1", "b"});
  r.run({"LREM", "l", "1", "c"});
  EXPECT_EQ(r.run({"LREM", "l", "0", "a"}), ":1\r\n");
  EXPECT_EQ(r.run({"LLEN", "l"}), ":0\r\n");
}

TEST_F(ListCommands, TrimsToNothingByRemovingTheKey) {
  r.run({"RPUSH", "l", "a", "b", "c", "d"});
  EXPECT_EQ(r.run({"LTRIM", "l", "1", "-2"}), "+OK\r\n");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(all("l"), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(r.run({"LTRIM", "l", "0", "-1"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{});
  EXPECT_EQ(r.run({"LTRIM", "l", "5", "9"}), "+OK\r\n");
  EXPECT_EQ(r.run({"LLEN", "l"}), ":0\r\n");
}

TEST_F(ListCommands, SetsElementsThatExist) {
  r.run({"RPUSH", "l", "a", "b"});
  EXPECT_EQ(r.run({"LSET", "l", "-1", "z"}), "+OK\r\n");
  EXPECT_EQ(r.run({"LSET", "l", "2", "z"}), "-ERR index out of range\r\n");
  EXPECT_EQ(r.run({"LSET", "none", "x", "z"}), "-ERR no such key\r\n");
  EXPECT_EQ(all("l"), "*2\r\n$1\r\na\r\n$1\r\nz\r\n");
}

TEST_F(ListCommands, MovesWithinOneListAndToANewOne) {
  r.run({"RPUSH", "l", "a", "b"});
  EXPECT_EQ(r.run({"LMOVE", "l", "l", "LEFT", "RIGHT"}), "$1\r\na\r\n");
  EXPECT_EQ(all("l"), "*2\r\n$1\r\nb\r\n$1\r\na\r\n");
  EXPECT_EQ(r.run({"RPOPLPUSH", "l", "m"}), "$1\r\na\r\n");
  EXPECT_EQ(r.changes, 1U);
  EXPECT_EQ(r.run({"RPOPLPUSH", "l", "m"}), "$1\r\nb\r\n");
  EXPECT_EQ(r.run({"LLEN", "l"}), ":0\r\n");
  EXPECT_EQ(all("m"), "*2\r\n$1\r\nb\r\n$1\r\na\r\n");
  EXPECT_EQ(r.run({"RPOPLPUSH", "m", "m"}), "$1\r\na\r\n");
  EXPECT_EQ(r.run({"RPOPLPUSH", "none", "m"}), "$-1\r\n");
  EXPECT_EQ(r.run({"LMOVE", "m", "m", "UP", "LEFT"}), "-ERR syntax error\r\n");
}

TEST_F(ListCommands, RotatesAListOfOneElement) {
  r.run({"RPUSH", "l", "only"});
  EXPECT_EQ(r.run({"RPOPLPUSH", "l", "l"}), "$4\r\nonly\r\n");
  EXPECT_EQ(all("l"), "*1\r\n$4\r\nonly\r\n");
}

TEST_F(ListCommands, PopsFromTheFirstListThatHasElementsAndRecordsThePlainForm) {
  r.run({"RPUSH", "m", "a", "b", "c"});
  EXPECT_EQ(r.run({"LMPOP", "2", "none", "m", "RIGHT", "COUNT", "2"}), "*2\r\n$1\r\nm\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n");
  EXPECT_EQ(r.recorded, (Lines{"RPOP m 2"}));
  EXPECT_EQ(r.run({"LMPOP", "1", "none", "LEFT"}), "*-1\r\n");
  EXPECT_EQ(r.run({"LMPOP", "0", "m", "LEFT"}), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(r.run({"LMPOP", "1", "m", "LEFT", "COUNT", "0"}), "-ERR count should be greater than 0\r\n");
  EXPECT_EQ(r.run({"LMPOP", "9223372036854775807", "m", "LEFT"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"LMPOP", "1", "m", "LEFT", "COUNT", "1", "COUNT", "1"}), "-ERR syntax error\r\n");
}

TEST_F(ListCommands, BlockingPopsTakeFromTheFirstListAndRecordThePlainForm) {
  r.run({"RPUSH", "m", "a", "b", "c"});
  EXPECT_EQ(r.run({"BLPOP", "none", "m", "0"}), "*2\r\n$1\r\nm\r\n$1\r\na\r\n");
  EXPECT_EQ(r.recorded, (Lines{"LPOP m"}));
  EXPECT_EQ(r.run({"BRPOP", "m", "0.5"}), "*2\r\n$1\r\nm\r\n$1\r\nc\r\n");
  EXPECT_EQ(r.recorded, (Lines{"RPOP m"}));
  EXPECT_EQ(r.run({"BLMPOP", "1", "2", "none", "m", "LEFT", "COUNT", "5"}), "*2\r\n$1\r\nm\r\n*1\r\n$1\r\nb\r\n");
  EXPECT_EQ(r.recorded, (Lines{"LPOP m 1"}));
  EXPECT_EQ(r.run({"BLPOP", "m", "x"}), "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(r.run({"BLPOP", "m", "-1"}), "-ERR timeout is negative\r\n");
}

TEST_F(ListCommands, BlockingMovesRecordThePlainForm) {
  r.run({"RPUSH", "m", "a", "b"});
  EXPECT_EQ(r.run({"BLMOVE", "m", "l", "left", "right", "0"}), "$1\r\na\r\n");
  EXPECT_EQ(r.recorded, (Lines{"LMOVE m l LEFT RIGHT"}));
  EXPECT_EQ(r.run({"BRPOPLPUSH", "m", "l", "0"}), "$1\r\nb\r\n");
  EXPECT_EQ(r.recorded, (Lines{"RPOPLPUSH m l"}));
  EXPECT_EQ(all("l"), "*2\r\n$1\r\nb\r\n$1\r\na\r\n");
}

TEST_F(ListCommands, WaitsWhereNothingIsThere) {
  r.may_block = true;
  EXPECT_EQ(r.run({"BLPOP", "x", "y", "2"}), "");
  ASSERT_TRUE(r.blocked.has_value());
  EXPECT_EQ(r.blocked->keys, (Lines{"x", "y"}));
  EXPECT_EQ(r.blocked->timeout, Millis(2000));
  EXPECT_EQ(r.run({"BLMOVE", "x", "y", "LEFT", "LEFT", "0"}), "");
  EXPECT_EQ(r.blocked->keys, (Lines{"x"}));
  EXPECT_EQ(r.blocked->timeout, std::nullopt);
  EXPECT_EQ(r.recorded, Lines{});
}

TEST_F(ListCommands, AnswersNullAtOnceWhereWaitingIsNotAllowed) {
  EXPECT_EQ(r.run({"BRPOP", "x", "0"}), "*-1\r\n");
  EXPECT_EQ(r.run({"BLMPOP", "0", "1", "x", "LEFT"}), "*-1\r\n");
  EXPECT_EQ(r.run({"BLMOVE", "x", "y", "LEFT", "LEFT", "0"}), "$-1\r\n");
}

TEST_F(ListCommands, ChangesTheEncodingAtTheLimitAndBackAtHalfOfIt) {
  std::vector<std::string_view> args(130, "x");
  args[0] = "RPUSH";
  args[1] = "l";
  r.keyspace.limits().list_listpack_size = 128;
  r.run(args);
  EXPECT_EQ(encoding("l"), "listpack");
  r.run({"RPUSH", "l", "x"});
  EXPECT_EQ(encoding("l"), "quicklist");
  r.run({"LPOP", "l", "64"});
  EXPECT_EQ(encoding("l"), "quicklist");
  r.run({"LTRIM", "l", "0", "63"});
  EXPECT_EQ(encoding("l"), "listpack");
}

}  // namespace
}  // namespace ashlar::commands
