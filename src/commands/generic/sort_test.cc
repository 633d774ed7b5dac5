#include "command/reach.h"
#include "commands/generic/test_fixture.h"
#include "commands/list/commands.h"

namespace ashlar::commands {
namespace {

struct Sort : GenericTest {
  Sort() { register_list_commands(r.table); }
  std::string stored(std::string_view key) { return r.run({"lrange", key, "0", "-1"}); }
};

TEST_F(Sort, AMissingKeyIsAnEmptyList) {
  EXPECT_EQ(r.run({"sort", "none"}), "*0\r\n");
  EXPECT_EQ(r.run({"sort_ro", "none", "DESC", "ALPHA", "LIMIT", "0", "10", "GET", "#", "BY", "w_*"}), "*0\r\n");
  EXPECT_EQ(r.run({"sort", "none", "STORE", "gone"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(Sort, StoringNothingDeletesTheDestination) {
  r.run({"mset", "a", "1", "b", "2"});
  EXPECT_EQ(r.run({"sort", "none", "STORE", "a", "ASC", "STORE", "b"}), ":0\r\n");
  EXPECT_EQ(r.recorded, Lines{"DEL b"});
  EXPECT_EQ(r.run({"exists", "a", "b"}), ":1\r\n");
}
TEST_F(Sort, AStringCannotBeSorted) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"sort", "k"}), "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}
TEST_F(Sort, ChecksOptionsBeforeTheKey) {
  r.run({"set", "k", "v"});
  EXPECT_EQ(r.run({"sort", "k", "LIMIT", "0"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"sort", "k", "LIMIT", "a", "1"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"sort", "k", "STORE"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"sort", "k", "BY", "STORE", "x"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"sort_ro", "k", "STORE", "x"}), "-ERR syntax error\r\n");
}
TEST_F(Sort, KeysAreFoundWhateverTheOptionsAre) {
  const auto positions = [&](std::vector<std::string_view> args) {
    std::vector<command::KeyPosition> out;
    command::find_keys(r.table.find("sort")->spec, args, out);
    std::vector<std::uint32_t> at;
    for (const auto& p : out) at.push_back(p.argument);
    return at;
  };
  using At = std::vector<std::uint32_t>;
  EXPECT_EQ(positions({"sort", "k"}), At{1});
  EXPECT_EQ(positions({"sort", "k", "LIMIT", "STORE", "1", "STORE", "d"}), (At{1, 6}));
  EXPECT_EQ(positions({"sort", "k", "BY", "STORE", "GET", "store"}), At{1});
  EXPECT_EQ(positions({"sort", "k", "STORE"}), At{1});
  EXPECT_EQ(positions({"sort"}), At{});
}
TEST_F(Sort, ComparesNumbersOrTexts) {
  r.run({"rpush", "l", "10", "9", "-1", "1.5"});
  EXPECT_EQ(r.run({"sort", "l"}), "*4\r\n$2\r\n-1\r\n$3\r\n1.5\r\n$1\r\n9\r\n$2\r\n10\r\n");
  EXPECT_EQ(r.run({"sort", "l", "ALPHA", "DESC"}), "*4\r\n$1\r\n9\r\n$2\r\n10\r\n$3\r\n1.5\r\n$2\r\n-1\r\n");
  EXPECT_EQ(r.run({"sort", "l", "LIMIT", "1", "2"}), "*2\r\n$3\r\n1.5\r\n$1\r\n9\r\n");
  EXPECT_EQ(r.run({"sort", "l", "LIMIT", "-5", "1"}), "*1\r\n$2\r\n-1\r\n");
  EXPECT_EQ(r.run({"sort", "l", "LIMIT", "9", "1"}), "*0\r\n");
  r.run({"rpush", "l", "x"});
  EXPECT_EQ(r.run({"sort", "l"}), "-ERR One or more scores can't be converted into double\r\n");
}
TEST_F(Sort, ComparesAndReturnsWhatPatternsLeadTo) {
  r.run({"rpush", "l", "a", "b", "c"});
  r.run({"mset", "w_a", "3", "w_b", "1", "n_b", "bee"});
  // c has no weight and counts as 0.
  EXPECT_EQ(r.run({"sort", "l", "BY", "w_*", "GET", "#", "GET", "n_*"}),
            "*6\r\n$1\r\nc\r\n$-1\r\n$1\r\nb\r\n$3\r\nbee\r\n$1\r\na\r\n$-1\r\n");
  EXPECT_EQ(r.run({"sort", "l", "BY", "w_*", "ALPHA", "DESC"}), "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(r.run({"sort", "l", "BY", "none", "DESC", "LIMIT", "0", "2"}), "*2\r\n$1\r\nc\r\n$1\r\nb\r\n");
}
TEST_F(Sort, StoresAListWithEmptyTextsWherePatternsLeadNowhere) {
  r.run({"rpush", "l", "2", "1"});
  r.run({"set", "n_2", "two"});
  EXPECT_EQ(r.run({"sort", "l", "GET", "n_*", "STORE", "l"}), ":2\r\n");
  EXPECT_EQ(r.recorded, Lines{"sort l GET n_* STORE l"});
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(stored("l"), "*2\r\n$0\r\n\r\n$3\r\ntwo\r\n");
}
TEST_F(Sort, ReachesBeyondItsKeysByPatternsOnly) {
  const auto reaches = [&](std::string_view name, std::vector<std::string_view> args) {
    return command::reaches_beyond_keys(r.table.find(name)->spec, args);
  };
  EXPECT_TRUE(reaches("sort", {"sort", "k", "get", "n_*"}));
  EXPECT_TRUE(reaches("sort_ro", {"sort_ro", "k", "ALPHA", "BY", "n_*"}));
  EXPECT_FALSE(reaches("sort", {"sort", "k", "BY", "nosort", "GET", "#", "LIMIT", "0", "1"}));
  EXPECT_FALSE(reaches("mget", {"mget", "k", "GET", "n_*"}));
}
TEST_F(GenericInCluster, SortTakesNoPatternsThatReachOtherSlots) {
  EXPECT_EQ(r.run({"sort", "k", "BY", "w_*"}), "-ERR BY option of SORT denied in Cluster mode.\r\n");
  EXPECT_EQ(r.run({"sort", "k", "GET", "#"}), "-ERR GET option of SORT denied in Cluster mode.\r\n");
  EXPECT_EQ(r.run({"sort", "k", "BY", "nosort"}), "*0\r\n");
}

}  // namespace
}  // namespace ashlar::commands
