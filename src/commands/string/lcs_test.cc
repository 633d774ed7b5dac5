#include <gtest/gtest.h>

#include "commands/string/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

struct Lcs : ::testing::Test {
  testing::Runner r;
  StringCommands commands;
  Lcs() {
    commands.register_in(r.table);
    r.run({"mset", "a", "ohmytext", "b", "mynewtext"});  // the example of the reference
  }
};

TEST_F(Lcs, FindsTheSubsequenceAndItsLength) {
  EXPECT_EQ(r.run({"lcs", "a", "b"}), "$6\r\nmytext\r\n");
  EXPECT_EQ(r.run({"lcs", "a", "b", "len"}), ":6\r\n");
  EXPECT_EQ(r.run({"lcs", "a", "none"}), "$0\r\n\r\n");
  r.run({"mset", "n", "12345", "m", "345"});
  EXPECT_EQ(r.run({"lcs", "n", "m"}), "$3\r\n345\r\n");
}
TEST_F(Lcs, ListsTheRunsFromTheEnd) {
  EXPECT_EQ(r.run({"lcs", "a", "b", "IDX"}),
            "*4\r\n$7\r\nmatches\r\n*2\r\n"
            "*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n"
            "*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n"
            "$3\r\nlen\r\n:6\r\n");
  r.version = resp::Version::kResp3;
  EXPECT_EQ(r.run({"lcs", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"}),
            "%2\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$3\r\nlen\r\n:6\r\n");
}
TEST_F(Lcs, ChecksItsOptions) {
  EXPECT_EQ(r.run({"lcs", "a", "b", "IDX", "LEN"}),
            "-ERR If you want both the length and indexes, please just use IDX.\r\n");
  EXPECT_EQ(r.run({"lcs", "a", "b", "MINMATCHLEN"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"lcs", "a", "b", "MINMATCHLEN", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"lcs", "a", "b", "bogus"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"lcs", "a", "b", "LEN", "MINMATCHLEN", "-5"}), ":6\r\n");
}
TEST_F(Lcs, RefusesATableBeyondTheLimit) {
  commands.set_max_bytes(9 * 10 * 4 - 1);
  EXPECT_EQ(r.run({"lcs", "a", "b"}),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n");
}

}  // namespace
}  // namespace ashlar::commands
