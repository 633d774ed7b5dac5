#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

using Whole = GenericTest;

TEST_F(Whole, DbsizeCountsTheSelectedDatabase) {
  r.run({"mset", "a", "1", "b", "2"});
  EXPECT_EQ(r.run({"dbsize"}), ":2\r\n");
  r.db = DbIndex{1};
  EXPECT_EQ(r.run({"dbsize"}), ":0\r\n");
}
TEST_F(Whole, FlushdbEmptiesOneAndFlushallEveryDatabase) {
  for (const std::uint32_t db : {0U, 1U, 2U}) {
    r.db = DbIndex{db};
    r.run({"mset", "a", "1", "b", "2"});
  }
  r.db = DbIndex{1};
  EXPECT_EQ(r.run({"flushdb", "async"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"flushdb async"});
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys, 2U);
  EXPECT_EQ(r.keyspace.size(DbIndex{1}).keys, 0U);
  EXPECT_EQ(r.run({"flushall", "SYNC"}), "+OK\r\n");
  EXPECT_EQ(r.keyspace.size(DbIndex{0}).keys + r.keyspace.size(DbIndex{2}).keys, 0U);
}
TEST_F(Whole, AFlushGivesMemoryBackInTheBackgroundWhenToldSoOrSetSo) {
  using Freeing = keyspace::Keyspace::Freeing;
  r.keyspace.free_in_background();
  const auto goes_to_the_background = [&](std::initializer_list<std::string_view> command) {
    r.run({"set", "a", "1"});
    const auto objects = [&] { return r.keyspace.reclaimer()->pending() + r.keyspace.reclaimer()->freed(); };
    const std::uint64_t before = objects();
    r.run(command);
    return objects() > before;
  };
  EXPECT_FALSE(goes_to_the_background({"flushall"}));
  EXPECT_TRUE(goes_to_the_background({"flushall", "async"}));
  generic.set_freeing(Freeing::kInBackground);
  EXPECT_TRUE(goes_to_the_background({"flushall"}));
  EXPECT_TRUE(goes_to_the_background({"flushdb"}));
  EXPECT_FALSE(goes_to_the_background({"flushdb", "sync"}));
}
TEST_F(Whole, AFlushIsRecordedEvenWhenThereWasNothing) {
  EXPECT_EQ(r.run({"flushall"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"flushall"});
  EXPECT_EQ(r.run({"flushdb"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"flushdb"});
}
TEST_F(Whole, FlushesTakeOneWordOnly) {
  EXPECT_EQ(r.run({"flushall", "now"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"flushdb", "sync", "async"}), "-ERR syntax error\r\n");
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(Whole, SwapdbExchangesContents) {
  r.run({"set", "k", "zero", "ex", "10"});
  r.db = DbIndex{3};
  r.run({"set", "k", "three"});
  EXPECT_EQ(r.run({"swapdb", "0", "3"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"swapdb 0 3"});
  EXPECT_EQ(r.run({"get", "k"}), "$4\r\nzero\r\n");
  EXPECT_EQ(r.run({"ttl", "k"}), ":10\r\n");
  r.db = DbIndex{0};
  EXPECT_EQ(r.run({"get", "k"}), "$5\r\nthree\r\n");
}
TEST_F(Whole, SwapdbChecksBothIndexes) {
  EXPECT_EQ(r.run({"swapdb", "x", "0"}), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(r.run({"swapdb", "0", "x"}), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(r.run({"swapdb", "0", "16"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(r.run({"swapdb", "-1", "0"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(r.run({"swapdb", "5", "5"}), "+OK\r\n");
}

}  // namespace
}  // namespace ashlar::commands
