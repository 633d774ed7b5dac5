#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

using Expire = GenericTest;  // the clock starts at 1,700,000,000 s

TEST_F(Expire, SetsATimeInFourWaysAndRecordsOne) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"expire", "k", "100"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"PEXPIREAT k 1700000100000"});
  EXPECT_EQ(r.run({"pexpire", "k", "1500"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"PEXPIREAT k 1700000001500"});
  EXPECT_EQ(r.run({"expireat", "k", "1700000200"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"PEXPIREAT k 1700000200000"});
  EXPECT_EQ(r.run({"pexpireat", "k", "1700000001499"}), ":1\r\n");
  EXPECT_EQ(r.run({"pttl", "k"}), ":1499\r\n");
  EXPECT_EQ(r.run({"ttl", "k"}), ":1\r\n");  // rounded to the nearest second
  EXPECT_EQ(r.run({"pexpiretime", "k"}), ":1700000001499\r\n");
  EXPECT_EQ(r.run({"expiretime", "k"}), ":1700000001\r\n");
  r.clock.advance(Millis(1499));
  EXPECT_EQ(r.run({"pttl", "k"}), ":0\r\n");
  r.clock.advance(Millis(1));
  EXPECT_EQ(r.run({"pttl", "k"}), ":-2\r\n");
}
TEST_F(Expire, TellsMissingFromEverlasting) {
  r.run({"set", "k", "v"});
  for (const std::string_view name : {"ttl", "pttl", "expiretime", "pexpiretime"}) {
    EXPECT_EQ(r.run({name, "k"}), ":-1\r\n");
    EXPECT_EQ(r.run({name, "none"}), ":-2\r\n");
  }
  EXPECT_EQ(r.run({"expire", "none", "10"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(Expire, APastTimeDeletesOnAPrimary) {
  for (const std::string_view past : {"0", "-1", "-9999999999"}) {
    r.run({"set", "k", "v"});
    EXPECT_EQ(r.run({"expire", "k", past}), ":1\r\n");
    EXPECT_EQ(r.recorded, Lines{"DEL k"});
    EXPECT_EQ(r.run({"exists", "k"}), ":0\r\n");
  }
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"pexpireat", "k", "-9223372036854770000"}), ":1\r\n");
  EXPECT_EQ(r.run({"ttl", "k"}), ":-2\r\n");
}
TEST_F(Expire, APastTimeIsOnlyNotedWhereOthersDecide) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run_from(command::Origin::kPrimary, {"pexpireat", "k", "1000"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"PEXPIREAT k 1000"});
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
  EXPECT_EQ(r.run_from(command::Origin::kLoader, {"pexpireat", "k", "2000"}), ":1\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).expires, 1U);
  r.access.expiry_role = keyspace::ExpiryRole::kReplica;
  EXPECT_EQ(r.run({"exists", "k"}), ":0\r\n");
}
TEST_F(Expire, NxAndXxLookAtThePresentExpiry) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"expire", "k", "10", "XX"}), ":0\r\n");
  EXPECT_EQ(r.run({"expire", "k", "10", "nx"}), ":1\r\n");
  EXPECT_EQ(r.run({"expire", "k", "20", "NX"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"expire", "k", "20", "XX"}), ":1\r\n");
}
TEST_F(Expire, GtAndLtTakeNoExpiryForInfinity) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"expire", "k", "10", "GT"}), ":0\r\n");
  EXPECT_EQ(r.run({"expire", "k", "10", "XX", "LT"}), ":0\r\n");
  EXPECT_EQ(r.run({"expire", "k", "10", "LT"}), ":1\r\n");
  EXPECT_EQ(r.run({"expire", "k", "10", "GT"}), ":0\r\n");
  EXPECT_EQ(r.run({"expire", "k", "10", "LT"}), ":0\r\n");
  EXPECT_EQ(r.run({"expire", "k", "11", "GT"}), ":1\r\n");
  EXPECT_EQ(r.run({"expire", "k", "5", "LT", "XX"}), ":1\r\n");
  EXPECT_EQ(r.run({"ttl", "k"}), ":5\r\n");
}
TEST_F(Expire, RefusesContradictionsAndUnknownOptions) {
  r.run({"set", "k", "v"});
  const std::string nx = "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";
  EXPECT_EQ(r.run({"expire", "k", "1", "NX", "XX"}), nx);
  EXPECT_EQ(r.run({"expire", "k", "1", "LT", "NX"}), nx);
  EXPECT_EQ(r.run({"expire", "k", "1", "GT", "LT"}), "-ERR GT and LT options at the same time are not compatible\r\n");
  EXPECT_EQ(r.run({"expire", "k", "1", "AB"}), "-ERR Unsupported option AB\r\n");
}
TEST_F(Expire, RefusesTimesThatOverflow) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"expire", "k", "9223372036854776"}), "-ERR invalid expire time in 'expire' command\r\n");
  EXPECT_EQ(r.run({"expire", "k", "-9223372036854776"}), "-ERR invalid expire time in 'expire' command\r\n");
  EXPECT_EQ(r.run({"pexpire", "k", "9223372036854770000"}), "-ERR invalid expire time in 'pexpire' command\r\n");
  EXPECT_EQ(r.run({"expireat", "k", "9223372036854776"}), "-ERR invalid expire time in 'expireat' command\r\n");
  EXPECT_EQ(r.run({"pexpireat", "k", "9223372036854770000"}), ":1\r\n");
  EXPECT_EQ(r.run({"expire", "k", "1.5"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"exists", "k"}), ":1\r\n");
}
TEST_F(Expire, PersistRemovesAnExpiryOnce) {
  r.run({"set", "k", "v", "ex", "10"});
  EXPECT_EQ(r.run({"persist", "k"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"persist k"});
  EXPECT_EQ(r.run({"persist", "k"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"ttl", "k"}), ":-1\r\n");
  EXPECT_EQ(r.run({"persist", "none"}), ":0\r\n");
}

}  // namespace
}  // namespace ashlar::commands
