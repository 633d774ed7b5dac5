#include <gtest/gtest.h>

#include "commands/stream/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

using Lines = std::vector<std::string>;

struct StreamWrites : ::testing::Test {
  testing::Runner r;  // the clock stands at 1,700,000,000 s
  StreamWrites() { register_stream_commands(r.table); }
  void add(int from, int to) {
    for (int i = from; i <= to; ++i) r.run({"xadd", "s", std::to_string(i) + "-0", "f", "v"});
  }
};

TEST_F(StreamWrites, GivesIdsByTheClockThatNeverGoBack) {
  EXPECT_EQ(r.run({"xadd", "s", "*", "f", "v"}), "$15\r\n1700000000000-0\r\n");
  EXPECT_EQ(r.recorded, Lines{"xadd s 1700000000000-0 f v"});
  EXPECT_EQ(r.run({"xadd", "s", "*", "f", "v"}), "$15\r\n1700000000000-1\r\n");
  EXPECT_EQ(r.run({"xadd", "s", "1800000000000-*", "f", "v"}), "$15\r\n1800000000000-0\r\n");
  EXPECT_EQ(r.recorded, Lines{"xadd s 1800000000000-0 f v"});
  EXPECT_EQ(r.run({"xadd", "s", "*", "f", "v"}), "$15\r\n1800000000000-1\r\n");
  EXPECT_EQ(r.run({"xadd", "s", "1900000000000", "f", "v"}), "$15\r\n1900000000000-0\r\n");
  EXPECT_EQ(r.recorded, Lines{"xadd s 1900000000000 f v"});
}

TEST_F(StreamWrites, RefusesIdsThatAreNotGreater) {
  const std::string smaller = "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n";
  r.run({"xadd", "s", "5-5", "f", "v"});
  EXPECT_EQ(r.run({"xadd", "s", "5-5", "f", "v"}), smaller);
  EXPECT_EQ(r.run({"xadd", "s", "4-*", "f", "v"}), smaller);
  EXPECT_EQ(r.changes, 0U);
  EXPECT_EQ(r.run({"xadd", "new", "0-0", "f", "v"}), "-ERR The ID specified in XADD must be greater than 0-0\r\n");
  EXPECT_EQ(r.run({"xlen", "new"}), ":0\r\n");
  EXPECT_EQ(r.run({"xadd", "new", "0-*", "f", "v"}), "$3\r\n0-1\r\n");
  r.run({"xadd", "s", "7-18446744073709551615", "f", "v"});
  EXPECT_EQ(r.run({"xadd", "s", "7-*", "f", "v"}), smaller);
  r.run({"xadd", "s", "18446744073709551615-18446744073709551615", "f", "v"});
  EXPECT_EQ(r.run({"xadd", "s", "*", "f", "v"}),
            "-ERR The stream has exhausted the last possible ID, unable to add more items\r\n");
}

TEST_F(StreamWrites, RefusesWhatIsNoId) {
  const std::string invalid = "-ERR Invalid stream ID specified as stream command argument\r\n";
  for (const std::string_view bad : {"-", "+", "", "x", "1-x", "1-", "-1", "1-2-3", "18446744073709551616", "1-**"}) {
    EXPECT_EQ(r.run({"xadd", "s", bad, "f", "v"}), invalid) << bad;
    EXPECT_EQ(r.run({"xdel", "s", bad}), ":0\r\n") << bad;
  }
  r.run({"xadd", "s", "1-1", "f", "v"});
  EXPECT_EQ(r.run({"xdel", "s", "1-1", "x"}), invalid);
  EXPECT_EQ(r.run({"xrange", "s", "1-*", "+"}), invalid);
  EXPECT_EQ(r.run({"xlen", "s"}), ":1\r\n");
}

TEST_F(StreamWrites, CreatesNothingWithNomkstream) {
  EXPECT_EQ(r.run({"xadd", "s", "nomkstream", "*", "f", "v"}), "$-1\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"xadd", "s", "maxlen", "~", "5", "nomkstream", "1-1", "f"}),
            "-ERR wrong number of arguments for 'xadd' command\r\n");
}

TEST_F(StreamWrites, RecordsImpreciseTrimmingAsWhatItCameTo) {
  for (int i = 1; i <= 250; ++i) r.run({"xadd", "s", std::to_string(i) + "-1", "f", "v"});
  EXPECT_EQ(r.run({"xadd", "s", "maxlen", "~", "120", "300-1", "f", "v"}), "$5\r\n300-1\r\n");
  EXPECT_EQ(r.recorded, Lines{"xadd s maxlen = 151 300-1 f v"});
  EXPECT_EQ(r.run({"xtrim", "s", "minid", "~", "220", "limit", "0"}), ":100\r\n");
  EXPECT_EQ(r.recorded, Lines{"xtrim s minid = 201-1 limit 0"});
  EXPECT_EQ(r.changes, 100U);
  EXPECT_EQ(r.run({"xtrim", "s", "maxlen", "10"}), ":41\r\n");
  EXPECT_EQ(r.recorded, Lines{"xtrim s maxlen 10"});
  EXPECT_EQ(r.run({"xtrim", "s", "maxlen", "10"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
}

TEST_F(StreamWrites, AcceptsALimitWithAnExactBoundFromItsPrimaryOnly) {
  add(1, 3);
  EXPECT_EQ(r.run({"xtrim", "s", "maxlen", "=", "1", "limit", "1"}),
            "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n");
  EXPECT_EQ(r.run_from(command::Origin::kPrimary, {"xtrim", "s", "maxlen", "=", "1", "limit", "1"}), ":2\r\n");
}

TEST_F(StreamWrites, RefusesTrimOptionsThatDoNotFit) {
  EXPECT_EQ(r.run({"xtrim", "s", "maxlen", "1", "minid", "1"}),
            "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible\r\n");
  EXPECT_EQ(r.run({"xtrim", "s", "maxlen", "-1"}), "-ERR The MAXLEN argument must be >= 0.\r\n");
  EXPECT_EQ(r.run({"xtrim", "s", "limit", "5"}),
            "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy\r\n");
  EXPECT_EQ(r.run({"xtrim", "s", "maxlen", "~", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"xtrim", "s", "maxlen", "1", "nomkstream"}), "-ERR syntax error\r\n");
}

TEST_F(StreamWrites, RangesGoBothWaysWithOpenEndsAndCounts) {
  add(1, 4);
  const std::string two = "*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
  const std::string three = "*2\r\n$3\r\n3-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
  EXPECT_EQ(r.run({"xrange", "s", "2", "3"}), "*2\r\n" + two + three);
  EXPECT_EQ(r.run({"xrevrange", "s", "3", "2"}), "*2\r\n" + three + two);
  EXPECT_EQ(r.run({"xrange", "s", "(1-0", "(4-0"}), "*2\r\n" + two + three);
  EXPECT_EQ(r.run({"xrange", "s", "(1-0", "+", "count", "1"}), "*1\r\n" + two);
  EXPECT_EQ(r.run({"xrange", "s", "-", "+", "count", "0"}), "*-1\r\n");
  EXPECT_EQ(r.run({"xrange", "s", "5", "1"}), "*0\r\n");
  EXPECT_EQ(r.run({"xrange", "none", "-", "+"}), "*0\r\n");
  EXPECT_EQ(r.run({"xrange", "s", "(18446744073709551615-18446744073709551615", "+"}),
            "-ERR invalid start ID for the interval\r\n");
  EXPECT_EQ(r.run({"xrange", "s", "-", "(0-0"}), "-ERR invalid end ID for the interval\r\n");
}

TEST_F(StreamWrites, XsetidGuardsTheOrderOfIds) {
  EXPECT_EQ(r.run({"xsetid", "s", "5"}), "-ERR no such key\r\n");
  add(1, 5);
  r.run({"xdel", "s", "5-0"});
  EXPECT_EQ(r.run({"xsetid", "s", "4-1"}),
            "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id\r\n");
  EXPECT_EQ(r.run({"xsetid", "s", "9", "entriesadded", "3"}),
            "-ERR The entries_added specified in XSETID is smaller than the target stream length\r\n");
  EXPECT_EQ(r.run({"xsetid", "s", "9", "maxdeletedid", "10"}),
            "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id\r\n");
  EXPECT_EQ(r.run({"xsetid", "s", "9", "entriesadded", "20", "maxdeletedid", "6-6"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"xsetid s 9 entriesadded 20 maxdeletedid 6-6"});
  EXPECT_EQ(r.run({"xadd", "s", "8", "f", "v"}),
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n");
}

TEST_F(StreamWrites, AnEmptiedStreamStaysWithItsLastId) {
  add(1, 2);
  EXPECT_EQ(r.run({"xdel", "s", "1", "2", "3"}), ":2\r\n");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(r.run({"xlen", "s"}), ":0\r\n");
  EXPECT_EQ(r.run({"xadd", "s", "2-*", "f", "v"}), "$3\r\n2-1\r\n");
}

}  // namespace
}  // namespace ashlar::commands
