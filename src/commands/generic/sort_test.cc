#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

using Sort = GenericTest;

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
TEST_F(GenericInCluster, SortTakesNoPatternsThatReachOtherSlots) {
  EXPECT_EQ(r.run({"sort", "k", "BY", "w_*"}), "-ERR BY option of SORT denied in cluster mode.\r\n");
  EXPECT_EQ(r.run({"sort", "k", "GET", "#"}), "-ERR GET option of SORT denied in cluster mode.\r\n");
  EXPECT_EQ(r.run({"sort", "k", "BY", "nosort"}), "*0\r\n");
}

}  // namespace
}  // namespace ashlar::commands
