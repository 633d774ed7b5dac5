#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

using Payload = GenericTest;  // the clock starts at 1,700,000,000 s

TEST_F(Payload, DumpGivesWhatTheCodecMakes) {
  r.run({"mset", "i", "42", "s", "text"});
  EXPECT_EQ(r.run({"dump", "i"}), "$4\r\ni:42\r\n");
  EXPECT_EQ(r.run({"dump", "s"}), "$6\r\ns:text\r\n");
  EXPECT_EQ(r.run({"dump", "none"}), "$-1\r\n");
}
TEST_F(Payload, RestoreRecordsAnAbsoluteTime) {
  EXPECT_EQ(r.run({"restore", "k", "0", "s:v"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"restore k 0 s:v"});
  EXPECT_EQ(r.run({"restore", "k", "1000", "s:w", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"restore k 1700000001000 s:w REPLACE ABSTTL"});
  EXPECT_EQ(r.run({"pttl", "k"}), ":1000\r\n");
  EXPECT_EQ(r.run({"restore", "k", "1700000005000", "i:7", "replace", "absttl"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"restore k 1700000005000 i:7 replace absttl"});
  EXPECT_EQ(r.run({"pexpiretime", "k"}), ":1700000005000\r\n");
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\n7\r\n");
  EXPECT_EQ(r.run({"restore-asking", "k2", "0", "s:v"}), "+OK\r\n");
}
TEST_F(Payload, RestoreRefusesInTheOrderOfRedis) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"restore", "k", "x", "bad", "bogus"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"restore", "k", "x", "bad"}), "-BUSYKEY Target key name already exists.\r\n");
  EXPECT_EQ(r.run({"restore", "n", "x", "bad"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"restore", "n", "-1", "bad"}), "-ERR Invalid TTL value, must be >= 0\r\n");
  EXPECT_EQ(r.run({"restore", "k", "0", "bad", "REPLACE"}), "-ERR Bad data format\r\n");
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\nv\r\n");
}
TEST_F(Payload, RestoreTakesIdleTimeOrFrequency) {
  EXPECT_EQ(r.run({"restore", "k", "0", "s:v", "IDLETIME", "1000"}), "+OK\r\n");
  EXPECT_EQ(r.run({"object", "idletime", "k"}), ":1000\r\n");
  r.keyspace.access().policy = keyspace::EvictionPolicy::kAllKeysLfu;
  EXPECT_EQ(r.run({"restore", "f", "0", "s:v", "FREQ", "100"}), "+OK\r\n");
  EXPECT_EQ(r.run({"object", "freq", "f"}), ":100\r\n");
  EXPECT_EQ(r.run({"restore", "n", "0", "s:v", "IDLETIME", "-1"}), "-ERR Invalid IDLETIME value, must be >= 0\r\n");
  EXPECT_EQ(r.run({"restore", "n", "0", "s:v", "FREQ", "256"}), "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
  EXPECT_EQ(r.run({"restore", "n", "0", "s:v", "FREQ", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"restore", "n", "0", "s:v", "FREQ", "1", "IDLETIME", "1"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"restore", "n", "0", "s:v", "FREQ"}), "-ERR syntax error\r\n");
}
TEST_F(Payload, RestoreOfWhatHasExpiredOnlyReplaces) {
  EXPECT_EQ(r.run({"restore", "k", "1000", "s:v", "ABSTTL"}), "+OK\r\n");
  EXPECT_TRUE(r.recorded.empty());
  r.run({"set", "k", "old"});
  EXPECT_EQ(r.run({"restore", "k", "1000", "s:v", "ABSTTL", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"DEL k"});
  EXPECT_EQ(r.run({"exists", "k"}), ":0\r\n");
  EXPECT_EQ(r.run_from(command::Origin::kPrimary, {"restore", "k", "1000", "s:v", "ABSTTL"}), "+OK\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
}
TEST_F(Payload, RestoreTakesTheLongestTtl) {
  EXPECT_EQ(r.run({"restore", "k", "9223372036854775807", "s:v"}), "+OK\r\n");
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\nv\r\n");
}

}  // namespace
}  // namespace ashlar::commands
