#include <gtest/gtest.h>

#include "commands/string/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

using Lines = std::vector<std::string>;
constexpr std::string_view kTooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";

struct StringEdit : ::testing::Test {
  testing::Runner r;
  StringCommands commands;
  StringEdit() { commands.register_in(r.table); }
};

TEST_F(StringEdit, AppendGrowsAValueOfEveryForm) {
  EXPECT_EQ(r.run({"append", "k", "12"}), ":2\r\n");
  EXPECT_EQ(r.recorded, Lines{"append k 12"});
  EXPECT_EQ(r.run({"append", "k", "ab"}), ":4\r\n");
  std::string whole = "12ab";
  for (int i = 0; i < 40; ++i) {
    const std::string piece(100, static_cast<char>('a' + i % 26));
    whole += piece;
    EXPECT_EQ(r.run({"append", "k", piece}), ":" + std::to_string(whole.size()) + "\r\n");
  }
  EXPECT_EQ(r.run({"get", "k"}), "$4004\r\n" + whole + "\r\n");
  EXPECT_EQ(r.run({"append", "k", ""}), ":4004\r\n");
  EXPECT_EQ(r.changes, 1U);
}
TEST_F(StringEdit, AppendKeepsTheExpiryButRevivesNothing) {
  r.run({"set", "k", "a", "px", "10"});
  r.run({"append", "k", "b"});
  r.clock.advance(Millis(11));
  EXPECT_EQ(r.run({"append", "k", "c"}), ":1\r\n");
  r.clock.advance(Millis(100));
  EXPECT_EQ(r.run({"get", "k"}), "$1\r\nc\r\n");
}
TEST_F(StringEdit, SetrangeOverwritesAndPadsWithZeros) {
  r.run({"set", "k", "Hello World"});
  EXPECT_EQ(r.run({"setrange", "k", "6", "Redis"}), ":11\r\n");
  EXPECT_EQ(r.run({"get", "k"}), "$11\r\nHello Redis\r\n");
  EXPECT_EQ(r.run({"setrange", "k", "13", "!"}), ":14\r\n");
  EXPECT_EQ(r.run({"get", "k"}), std::string("$14\r\nHello Redis\0\0!\r\n", 21));
  EXPECT_EQ(r.run({"setrange", "new", "2", "x"}), ":3\r\n");
  EXPECT_EQ(r.run({"get", "new"}), std::string("$3\r\n\0\0x\r\n", 9));
  r.run({"set", "int", "1234"});
  EXPECT_EQ(r.run({"setrange", "int", "1", "0"}), ":4\r\n");
  EXPECT_EQ(r.run({"get", "int"}), "$4\r\n1034\r\n");
}
TEST_F(StringEdit, SetrangeWithNothingChangesNothing) {
  EXPECT_EQ(r.run({"setrange", "none", "5", ""}), ":0\r\n");
  r.run({"set", "k", "abc"});
  EXPECT_EQ(r.run({"setrange", "k", "9223372036854775807", ""}), ":3\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 1U);
}
TEST_F(StringEdit, SetrangeRefusesBadOffsets) {
  EXPECT_EQ(r.run({"setrange", "k", "-1", "x"}), "-ERR offset is out of range\r\n");
  EXPECT_EQ(r.run({"setrange", "k", "x", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"setrange", "k", "9223372036854775807", "x"}), kTooLong);
  EXPECT_EQ(r.run({"setrange", "k", "536870912", "x"}), kTooLong);
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 0U);
}
TEST_F(StringEdit, TheLimitIsConfigurableAndDoesNotBindTheStreamOfAPrimary) {
  commands.set_max_bytes(10);
  r.run({"set", "k", "12345678"});
  EXPECT_EQ(r.run({"append", "k", "90"}), ":10\r\n");
  EXPECT_EQ(r.run({"append", "k", "1"}), kTooLong);
  EXPECT_EQ(r.run({"setrange", "k", "10", "1"}), kTooLong);
  EXPECT_EQ(r.run_from(command::Origin::kPrimary, {"append", "k", "1"}), ":11\r\n");
  EXPECT_EQ(r.run_from(command::Origin::kPrimary, {"setrange", "k", "9223372036854775807", "1"}), kTooLong);
}

}  // namespace
}  // namespace ashlar::commands
