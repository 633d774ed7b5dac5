#include <gtest/gtest.h>

#include "commands/string/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

using Lines = std::vector<std::string>;

struct Counter : ::testing::Test {
  testing::Runner r;
  StringCommands commands;
  Counter() { commands.register_in(r.table); }
};

TEST_F(Counter, CountsFromZeroAndKeepsTheExpiry) {
  EXPECT_EQ(r.run({"incr", "k"}), ":1\r\n");
  EXPECT_EQ(r.recorded, Lines{"incr k"});
  EXPECT_EQ(r.run({"decrby", "k", "11"}), ":-10\r\n");
  EXPECT_EQ(r.run({"decr", "k"}), ":-11\r\n");
  r.run({"set", "k", "5", "px", "10"});
  EXPECT_EQ(r.run({"incrby", "k", "-7"}), ":-2\r\n");
  r.clock.advance(Millis(11));
  EXPECT_EQ(r.run({"incr", "k"}), ":1\r\n");
}
TEST_F(Counter, ReadsIntegersThatAreKeptAsText) {
  r.run({"set", "k", "1"});
  r.run({"append", "k", "2"});
  EXPECT_EQ(r.run({"incr", "k"}), ":13\r\n");
}
TEST_F(Counter, RefusesWhatIsNoCanonicalInteger) {
  const std::string error = "-ERR value is not an integer or out of range\r\n";
  for (const std::string_view bad : {" 1", "1 ", "01", "+1", "", "1.0", "9223372036854775808", "abc"}) {
    r.run({"set", "k", bad});
    EXPECT_EQ(r.run({"incr", "k"}), error) << bad;
    EXPECT_TRUE(r.recorded.empty());
    EXPECT_EQ(r.run({"incrby", "n", bad}), error) << bad;
  }
}
TEST_F(Counter, RefusesToOverflow) {
  r.run({"set", "max", "9223372036854775807"});
  r.run({"set", "min", "-9223372036854775808"});
  const std::string error = "-ERR increment or decrement would overflow\r\n";
  EXPECT_EQ(r.run({"incr", "max"}), error);
  EXPECT_EQ(r.run({"decr", "min"}), error);
  EXPECT_EQ(r.run({"incrby", "min", "-1"}), error);
  EXPECT_EQ(r.run({"decrby", "max", "-1"}), error);
  EXPECT_EQ(r.run({"decrby", "max", "-9223372036854775808"}), "-ERR decrement would overflow\r\n");
  EXPECT_EQ(r.run({"incrby", "min", "9223372036854775807"}), ":-1\r\n");
}
TEST_F(Counter, AddsFloatsAndWritesThemWithoutNoise) {
  r.run({"set", "k", "10.50"});
  EXPECT_EQ(r.run({"incrbyfloat", "k", "0.1"}), "$4\r\n10.6\r\n");
  EXPECT_EQ(r.recorded, Lines{"SET k 10.6 KEEPTTL"});
  EXPECT_EQ(r.run({"incrbyfloat", "k", "-5"}), "$3\r\n5.6\r\n");
  r.run({"set", "k", "5.0e3"});
  EXPECT_EQ(r.run({"incrbyfloat", "k", "2.0e2"}), "$4\r\n5200\r\n");
  EXPECT_EQ(r.run({"incrbyfloat", "new", "3"}), "$1\r\n3\r\n");
  EXPECT_EQ(r.run({"incrbyfloat", "new", "-3"}), "$1\r\n0\r\n");
  EXPECT_EQ(r.run({"incrbyfloat", "new", "-0.0"}), "$1\r\n0\r\n");
  EXPECT_EQ(r.run({"incrbyfloat", "new", "1e-17"}), "$19\r\n0.00000000000000001\r\n");
  EXPECT_EQ(r.run({"incrbyfloat", "sci", "1e20"}), "$21\r\n100000000000000000000\r\n");
}
TEST_F(Counter, FloatsMixWithIntegersAndKeepTheExpiry) {
  r.run({"set", "k", "3", "px", "10"});
  EXPECT_EQ(r.run({"incrbyfloat", "k", "1"}), "$1\r\n4\r\n");
  EXPECT_EQ(r.run({"incr", "k"}), ":5\r\n");
  r.clock.advance(Millis(11));
  EXPECT_EQ(r.run({"get", "k"}), "$-1\r\n");
}
TEST_F(Counter, RefusesWhatIsNoFloatAndWhatIsNoNumberAfterwards) {
  const std::string error = "-ERR value is not a valid float\r\n";
  for (const std::string_view bad : {" 1", "1 ", "", "abc", "nan", "1e99999", "1e-99999", "1.5x"}) {
    EXPECT_EQ(r.run({"incrbyfloat", "n", bad}), error) << bad;
  }
  EXPECT_EQ(r.run({"incrbyfloat", "n", std::string(6000, '1')}), error);
  r.run({"set", "k", "text"});
  EXPECT_EQ(r.run({"incrbyfloat", "k", "1"}), error);
  EXPECT_EQ(r.run({"incrbyfloat", "n", "+inf"}), "-ERR increment would produce NaN or Infinity\r\n");
  EXPECT_EQ(r.run({"get", "n"}), "$-1\r\n");
}

}  // namespace
}  // namespace ashlar::commands
