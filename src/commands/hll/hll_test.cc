#include <gtest/gtest.h>

#include "commands/hll/commands.h"
#include "commands/testing/run.h"
#include "keyspace/values/list.h"

namespace ashlar::commands {
namespace {

using Lines = std::vector<std::string>;

struct Hll : ::testing::Test {
  testing::Runner r;
  Hll() { register_hll_commands(r.table); }
  std::string text(std::string_view key) {
    DecimalBuffer buffer;
    const auto ref = r.keyspace.ref(key);
    return std::string(keyspace::Db(r.keyspace, r.db, r.access).find(ref, keyspace::Access::kPeek)->text(buffer));
  }
  void put(std::string_view key, std::string_view bytes) {
    r.access.now = r.clock.wall();
    keyspace::Db(r.keyspace, r.db, r.access).set(r.keyspace.ref(key), bytes, keyspace::NoExpiry{});
  }
};

TEST_F(Hll, CountsDifferentElementsAndTellsWhatChanged) {
  EXPECT_EQ(r.run({"pfadd", "h", "a", "b", "a"}), ":1\r\n");
  EXPECT_EQ(r.changes, 3U);  // the key and two elements
  EXPECT_EQ(r.run({"pfadd", "h", "a"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"pfcount", "h"}), ":2\r\n");
  EXPECT_EQ(r.recorded, Lines{"pfcount h"});  // keeps its estimate
  EXPECT_EQ(r.run({"pfcount", "h"}), ":2\r\n");
  EXPECT_TRUE(r.recorded.empty());
  EXPECT_EQ(r.run({"pfcount", "none"}), ":0\r\n");
}

TEST_F(Hll, TakesTheWholePlaceOfWhatHasExpiredAndIsStillThere) {
  const WallTime soon = r.clock.wall() + Millis(1);
  put("text", "x");
  r.access.now = r.clock.wall();
  keyspace::Db db(r.keyspace, r.db, r.access);
  db.set(r.keyspace.ref("text"), "x", soon);
  db.put(r.keyspace.ref("list"), {keyspace::Owned<keyspace::List>(new keyspace::List())}, soon);
  r.clock.advance(Seconds(1));
  r.access.expiry_role = keyspace::ExpiryRole::kReplica;
  for (const std::string_view key : {"text", "list"}) {
    EXPECT_EQ(r.run({"pfadd", key, "a", "b"}), ":1\r\n");
    EXPECT_EQ(r.run({"pfcount", key}), ":2\r\n");
  }
}

// The text was taken from redis-server 7.0.15.
TEST_F(Hll, KeepsTheBytesOfRedis) {
  r.run({"pfadd", "h", "a", "b", "c"});
  EXPECT_EQ(r.run({"pfdebug", "decode", "h"}), "$44\r\nZ:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603\r\n");
}

TEST_F(Hll, MergesIntoTheDestination) {
  r.run({"pfadd", "a", "1", "2", "3"});
  r.run({"pfadd", "b", "3", "4"});
  EXPECT_EQ(r.run({"pfmerge", "a", "b", "none"}), "+OK\r\n");
  EXPECT_EQ(r.recorded, Lines{"pfmerge a b none"});
  EXPECT_EQ(r.run({"pfcount", "a"}), ":4\r\n");
  EXPECT_EQ(r.run({"pfcount", "a", "b", "none"}), ":4\r\n");
  EXPECT_EQ(r.run({"pfdebug", "encoding", "a"}), "+sparse\r\n");
  EXPECT_EQ(r.run({"pfdebug", "todense", "b"}), ":1\r\n");
  EXPECT_EQ(r.run({"pfmerge", "a", "b"}), "+OK\r\n");
  EXPECT_EQ(r.run({"pfdebug", "encoding", "a"}), "+dense\r\n");
  EXPECT_EQ(r.run({"pfcount", "a"}), ":4\r\n");
}

TEST_F(Hll, BecomesDenseWhenTheSparseFormGetsTooLong) {
  r.keyspace.limits().hll_sparse_bytes = 100;
  for (int i = 0; i < 200; ++i) r.run({"pfadd", "h", std::to_string(i)});
  EXPECT_EQ(r.run({"pfdebug", "encoding", "h"}), "+dense\r\n");
  EXPECT_EQ(text("h").size(), 12304U);
  r.keyspace.limits().hll_sparse_bytes = 3000;
  for (int i = 0; i < 200; ++i) r.run({"pfadd", "sparse", std::to_string(i)});
  EXPECT_EQ(r.run({"pfdebug", "encoding", "sparse"}), "+sparse\r\n");
  EXPECT_EQ(r.run({"pfcount", "h"}), r.run({"pfcount", "sparse"}));
}

TEST_F(Hll, RefusesOtherStringsAndDamagedValues) {
  const std::string no_hll = "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n";
  const std::string damaged = "-INVALIDOBJ Corrupted HLL object detected\r\n";
  put("s", "some text that is longer than a header");
  put("n", "12");
  EXPECT_EQ(r.run({"pfadd", "s", "a"}), no_hll);
  EXPECT_EQ(r.run({"pfcount", "n"}), no_hll);
  r.run({"pfadd", "h", "a"});
  const std::string good = text("h");
  put("cut", good.substr(0, good.size() - 1));
  put("long", good + "x");
  put("dense", good.substr(0, 4) + std::string(1, '\0') + good.substr(5));
  EXPECT_EQ(r.run({"pfcount", "cut"}), damaged);
  EXPECT_EQ(r.run({"pfadd", "long", "a"}), damaged);
  EXPECT_EQ(r.run({"pfmerge", "h", "cut"}), damaged);
  EXPECT_EQ(r.run({"pfcount", "dense", "h"}), no_hll);
  EXPECT_EQ(r.run({"pfdebug", "decode", "none"}), "-ERR The specified key does not exist\r\n");
}

TEST_F(Hll, AReplicaKeepsItsEstimateAndRecordsNothing) {
  r.run({"pfadd", "h", "a"});
  const std::string before = text("h");
  r.access.expiry_role = keyspace::ExpiryRole::kReplica;
  EXPECT_EQ(r.run({"pfcount", "h"}), ":1\r\n");
  EXPECT_NE(text("h"), before);  // as its primary does: both have the same bytes
  EXPECT_TRUE(r.recorded.empty());
}

TEST_F(Hll, KeepsTheExpiryOfTheKey) {
  r.run({"pfadd", "h", "a"});
  keyspace::Db db(r.keyspace, r.db, r.access);
  EXPECT_TRUE(db.set_expiry(r.keyspace.ref("h"), r.clock.wall() + Millis(10)));
  r.run({"pfadd", "h", "b"});
  r.clock.advance(Millis(11));
  EXPECT_EQ(r.run({"pfcount", "h"}), ":0\r\n");
}

}  // namespace
}  // namespace ashlar::commands
