#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

using Relocate = GenericTest;

TEST_F(Relocate, RenameTakesValueFormAndExpiryAlong) {
  r.run({"set", "a", "1", "pxat", "1700000009000"});
  r.run({"append", "a", "2"});
  r.run({"set", "b", "old"});
  EXPECT_EQ(r.run({"rename", "a", "b"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"rename a b"});
  EXPECT_EQ(r.run({"get", "b"}), "$2\r\n12\r\n");
  EXPECT_EQ(r.run({"object", "encoding", "b"}), "$3\r\nraw\r\n");
  EXPECT_EQ(r.run({"pexpiretime", "b"}), ":1700000009000\r\n");
  EXPECT_EQ(r.run({"exists", "a"}), ":0\r\n");
}
TEST_F(Relocate, RenameReplacesTheExpiryOfTheTarget) {
  r.run({"set", "a", "1"});
  r.run({"set", "b", "2", "ex", "10"});
  r.run({"rename", "a", "b"});
  EXPECT_EQ(r.run({"ttl", "b"}), ":-1\r\n");
}
TEST_F(Relocate, RenameToItselfDoesNothing) {
  EXPECT_EQ(r.run({"rename", "a", "a"}), "-ERR no such key\r\n");
  r.run({"set", "a", "1"});
  EXPECT_EQ(r.run({"rename", "a", "a"}), "+OK\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"renamenx", "a", "a"}), ":0\r\n");
}
TEST_F(Relocate, RenamenxRefusesATakenName) {
  r.run({"mset", "a", "1", "b", "2"});
  EXPECT_EQ(r.run({"renamenx", "a", "b"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"renamenx", "a", "c"}), ":1\r\n");
  EXPECT_EQ(r.run({"renamenx", "none", "c"}), "-ERR no such key\r\n");
}
TEST_F(Relocate, CopyLeavesTheSourceAndAsksBeforeItReplaces) {
  r.run({"set", "a", "1", "ex", "10"});
  EXPECT_EQ(r.run({"copy", "a", "b"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"copy a b"});
  EXPECT_EQ(r.run({"ttl", "b"}), ":10\r\n");
  r.run({"set", "a", "2"});
  EXPECT_EQ(r.run({"copy", "a", "b"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"copy", "a", "b", "REPLACE"}), ":1\r\n");
  EXPECT_EQ(r.run({"get", "b"}), "$1\r\n2\r\n");
  EXPECT_EQ(r.run({"ttl", "b"}), ":-1\r\n");
  EXPECT_EQ(r.run({"copy", "none", "b", "REPLACE"}), ":0\r\n");
}
TEST_F(Relocate, CopyGoesToOtherDatabases) {
  r.run({"set", "a", "1"});
  EXPECT_EQ(r.run({"copy", "a", "a", "DB", "3"}), ":1\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{3}).keys, 1U);
  EXPECT_EQ(r.run({"copy", "a", "a"}), "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(r.run({"copy", "a", "a", "DB", "0"}), "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(r.run({"copy", "a", "b", "DB", "16"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(r.run({"copy", "a", "b", "DB", "-1"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(r.run({"copy", "a", "b", "DB", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"copy", "a", "b", "DB", "4294967296"}),
            "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
  EXPECT_EQ(r.run({"copy", "a", "b", "DB"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"copy", "a", "b", "bogus"}), "-ERR syntax error\r\n");
}
TEST_F(Relocate, MoveTakesAKeyToAnotherDatabase) {
  r.run({"set", "k", "v", "ex", "10"});
  EXPECT_EQ(r.run({"move", "k", "1"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"move k 1"});
  EXPECT_EQ(r.run({"exists", "k"}), ":0\r\n");
  r.run({"set", "k", "other"});
  EXPECT_EQ(r.run({"move", "k", "1"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  r.db = DbIndex{1};
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\nv\r\n");
  EXPECT_EQ(r.run({"ttl", "k"}), ":10\r\n");
  EXPECT_EQ(r.run({"move", "k", "1"}), "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(r.run({"move", "k", "16"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(r.run({"move", "k", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"move", "none", "2"}), ":0\r\n");
}
TEST_F(GenericInCluster, OtherDatabasesAreOutOfReach) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"move", "k", "1"}), "-ERR MOVE is not allowed in cluster mode\r\n");
  EXPECT_EQ(r.run({"copy", "k", "k2", "DB", "1"}),
            "-ERR Copying to another database is not allowed in cluster mode\r\n");
  EXPECT_EQ(r.run({"copy", "k", "k2", "DB", "0"}), ":1\r\n");
  EXPECT_EQ(r.run({"swapdb", "0", "1"}), "-ERR SWAPDB is not allowed in cluster mode\r\n");
}
TEST_F(GenericInClusterWithDatabases, KeysMayGoToOtherDatabases) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"copy", "k", "k2", "DB", "3"}), ":1\r\n");
  EXPECT_EQ(r.run({"move", "k", "3"}), ":1\r\n");
  EXPECT_EQ(r.run({"move", "k", "16"}), "-ERR DB index is out of range\r\n");
  r.db = DbIndex{3};
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\nv\r\n");
  EXPECT_EQ(r.run({"get", "k2"}), "$1\r\nv\r\n");
}
TEST_F(GenericInClusterWithDatabases, DatabasesCannotBeSwapped) {
  EXPECT_EQ(r.run({"swapdb", "0", "1"}), "-ERR SWAPDB is not allowed in cluster mode\r\n");
}

}  // namespace
}  // namespace ashlar::commands
