#include <gtest/gtest.h>

#include "commands/set/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

struct SetCommands : ::testing::Test {
  using Lines = std::vector<std::string>;
  SetCommands() { register_set_commands(r.table); }
  testing::Runner r;
};

TEST_F(SetCommands, SaddCountsOnlyNewMembers) {
  EXPECT_EQ(r.run({"SADD", "s", "1", "2", "1"}), ":2\r\n");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(r.recorded, Lines{"SADD s 1 2 1"});
  EXPECT_EQ(r.run({"SADD", "s", "2"}), ":0\r\n");
  EXPECT_EQ(r.recorded, Lines{});
}
TEST_F(SetCommands, SremRemovesTheKeyWithTheLastMember) {
  r.run({"SADD", "s", "a", "b"});
  EXPECT_EQ(r.run({"SREM", "s", "a", "x", "b", "a"}), ":2\r\n");
  EXPECT_EQ(r.run({"SCARD", "s"}), ":0\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 0U);
}
TEST_F(SetCommands, SmoveIsANoOpOntoItself) {
  r.run({"SADD", "s", "a"});
  EXPECT_EQ(r.run({"SMOVE", "s", "s", "a"}), ":1\r\n");
  EXPECT_EQ(r.run({"SMOVE", "s", "s", "b"}), ":0\r\n");
  EXPECT_EQ(r.recorded, Lines{});
  EXPECT_EQ(r.run({"SCARD", "s"}), ":1\r\n");
}
TEST_F(SetCommands, SmoveCountsBothKeysUnlessTheTargetHadIt) {
  r.run({"SADD", "{x}a", "1", "2"});
  EXPECT_EQ(r.run({"SMOVE", "{x}a", "{x}b", "1"}), ":1\r\n");
  EXPECT_EQ(r.changes, 2U);
  r.run({"SADD", "{x}b", "2"});
  EXPECT_EQ(r.run({"SMOVE", "{x}a", "{x}b", "2"}), ":1\r\n");
  EXPECT_EQ(r.changes, 1U);
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
}
TEST_F(SetCommands, SpopIsRecordedAsTheRemovalOfWhatItTook) {
  r.run({"SADD", "s", "only"});
  EXPECT_EQ(r.run({"SPOP", "s"}), "$4\r\nonly\r\n");
  EXPECT_EQ(r.recorded, Lines{"SREM s only"});
  EXPECT_EQ(r.run({"SPOP", "s"}), "$-1\r\n");
  EXPECT_EQ(r.run({"SPOP", "s", "3"}), "*0\r\n");
}
TEST_F(SetCommands, SpopOfEverythingIsRecordedAsADeletion) {
  r.run({"SADD", "s", "1", "2"});
  EXPECT_EQ(r.run({"SPOP", "s", "5"}), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_EQ(r.recorded, Lines{"DEL s"});
  EXPECT_EQ(r.changes, 2U);
}
TEST_F(SetCommands, SpopOfManyIsRecordedInBatches) {
  for (int i = 0; i < 3000; ++i) r.run({"SADD", "s", "m" + std::to_string(i)});
  r.run({"SPOP", "s", "1500"});
  ASSERT_EQ(r.recorded.size(), 2U);
  EXPECT_EQ(r.run({"SCARD", "s"}), ":1500\r\n");
}
TEST_F(SetCommands, SpopRefusesANegativeCount) {
  EXPECT_EQ(r.run({"SPOP", "s", "-1"}), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(r.run({"SPOP", "s", "x"}), "-ERR value is out of range, must be positive\r\n");
}
TEST_F(SetCommands, SrandmemberRepeatsForNegativeCountsOnly) {
  r.run({"SADD", "s", "a"});
  EXPECT_EQ(r.run({"SRANDMEMBER", "s", "-3"}), "*3\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n");
  EXPECT_EQ(r.run({"SRANDMEMBER", "s", "3"}), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(r.run({"SRANDMEMBER", "s", "-9223372036854775807"}), "-ERR value is out of range\r\n");
  EXPECT_EQ(r.run({"SRANDMEMBER", "s", "-9223372036854775808"}),
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n");
  EXPECT_EQ(r.run({"SRANDMEMBER", "none", "-9223372036854775807"}), "*0\r\n");
}
TEST_F(SetCommands, AlgebraReplacesTheTargetWhateverItWas) {
  r.run({"SADD", "{x}a", "1", "2", "3"});
  r.run({"SADD", "{x}b", "2", "3", "4"});
  EXPECT_EQ(r.run({"SINTERSTORE", "{x}a", "{x}a", "{x}b"}), ":2\r\n");
  EXPECT_EQ(r.run({"SMEMBERS", "{x}a"}), "*2\r\n$1\r\n2\r\n$1\r\n3\r\n");
  EXPECT_EQ(r.run({"SDIFFSTORE", "{x}a", "{x}a", "{x}b"}), ":0\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
}
TEST_F(SetCommands, SintercardStopsAtItsLimit) {
  r.run({"SADD", "{x}a", "1", "2", "3"});
  r.run({"SADD", "{x}b", "1", "2", "3"});
  EXPECT_EQ(r.run({"SINTERCARD", "2", "{x}a", "{x}b", "LIMIT", "2"}), ":2\r\n");
  EXPECT_EQ(r.run({"SINTERCARD", "2", "{x}a", "{x}b", "LIMIT", "0"}), ":3\r\n");
  EXPECT_EQ(r.run({"SINTERCARD", "2", "{x}a", "{x}b", "LIMIT", "-1"}), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(r.run({"SINTERCARD", "0", "{x}a"}), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(r.run({"SINTERCARD", "3", "{x}a"}), "-ERR Number of keys can't be greater than number of args\r\n");
}
TEST_F(SetCommands, RepliesAreSetsInResp3) {
  r.version = resp::Version::kResp3;
  r.run({"SADD", "s", "1"});
  EXPECT_EQ(r.run({"SMEMBERS", "s"}), "~1\r\n$1\r\n1\r\n");
  EXPECT_EQ(r.run({"SUNION", "s"}), "~1\r\n$1\r\n1\r\n");
  EXPECT_EQ(r.run({"SINTER", "s", "none"}), "~0\r\n");
  EXPECT_EQ(r.run({"SRANDMEMBER", "s", "1"}), "*1\r\n$1\r\n1\r\n");
}

}  // namespace
}  // namespace ashlar::commands
