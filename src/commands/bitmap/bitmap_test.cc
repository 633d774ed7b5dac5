#include <gtest/gtest.h>

#include "commands/bitmap/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {
namespace {

struct BitmapCommands : ::testing::Test {
  BitmapCommands() { register_bitmap_commands(r.table); }
  std::string value(std::string_view key) {
    r.access.now = r.clock.wall();
    DecimalBuffer digits;
    const auto* entry =
        keyspace::Db(r.keyspace, DbIndex{0}, r.access).find(r.keyspace.ref(key), keyspace::Access::kPeek);
    return entry == nullptr ? "(none)" : std::string(entry->text(digits));
  }
  void put(std::string_view key, std::string_view text) {
    r.access.now = r.clock.wall();
    keyspace::Db(r.keyspace, DbIndex{0}, r.access).set(r.keyspace.ref(key), text, keyspace::NoExpiry{});
  }
  testing::Runner r;
};

TEST_F(BitmapCommands, SetbitGrowsTheValueAndTellsTheOldBit) {
  EXPECT_EQ(r.run({"SETBIT", "k", "7", "1"}), ":0\r\n");
  EXPECT_EQ(value("k"), "\x01");
  EXPECT_EQ(r.run({"SETBIT", "k", "7", "1"}), ":1\r\n");
  EXPECT_EQ(r.changes, 0U);
  EXPECT_EQ(r.run({"SETBIT", "k", "20", "0"}), ":0\r\n");
  EXPECT_EQ(value("k"), std::string("\x01\0\0", 3));
  EXPECT_EQ(r.run({"GETBIT", "k", "7"}), ":1\r\n");
  EXPECT_EQ(r.run({"GETBIT", "k", "4294967295"}), ":0\r\n");
}
TEST_F(BitmapCommands, OffsetsEndAtFourGigabits) {
  const std::string_view bad = "-ERR bit offset is not an integer or out of range\r\n";
  EXPECT_EQ(r.run({"SETBIT", "k", "4294967296", "1"}), bad);
  EXPECT_EQ(r.run({"SETBIT", "k", "-1", "1"}), bad);
  EXPECT_EQ(r.run({"BITFIELD", "k", "GET", "i64", "#9223372036854775807"}), bad);
  EXPECT_EQ(r.run({"SETBIT", "k", "1", "2"}), "-ERR bit is not an integer or out of range\r\n");
}
TEST_F(BitmapCommands, BitcountTakesRangesOfBytesAndBits) {
  put("k", "foobar");
  EXPECT_EQ(r.run({"BITCOUNT", "k"}), ":26\r\n");
  EXPECT_EQ(r.run({"BITCOUNT", "k", "0", "0"}), ":4\r\n");
  EXPECT_EQ(r.run({"BITCOUNT", "k", "1", "1"}), ":6\r\n");
  EXPECT_EQ(r.run({"BITCOUNT", "k", "5", "30", "BIT"}), ":17\r\n");
  EXPECT_EQ(r.run({"BITCOUNT", "k", "-100", "-50"}), ":4\r\n");
  EXPECT_EQ(r.run({"BITCOUNT", "k", "-1", "-2"}), ":0\r\n");
  EXPECT_EQ(r.run({"BITCOUNT", "k", "1"}), "-ERR syntax error\r\n");
}
TEST_F(BitmapCommands, BitposGoesOnWithZerosOnlyWithoutAnEnd) {
  put("k", "\xff\xff");
  EXPECT_EQ(r.run({"BITPOS", "k", "0"}), ":16\r\n");
  EXPECT_EQ(r.run({"BITPOS", "k", "0", "1"}), ":16\r\n");
  EXPECT_EQ(r.run({"BITPOS", "k", "0", "0", "-1"}), ":-1\r\n");
  EXPECT_EQ(r.run({"BITPOS", "k", "1", "2"}), ":-1\r\n");
  EXPECT_EQ(r.run({"BITPOS", "k", "1", "9", "15", "BIT"}), ":9\r\n");
  EXPECT_EQ(r.run({"BITPOS", "none", "0"}), ":0\r\n");
  EXPECT_EQ(r.run({"BITPOS", "none", "1"}), ":-1\r\n");
  EXPECT_EQ(r.run({"BITPOS", "k", "2"}), "-ERR The bit argument must be 1 or 0.\r\n");
}
TEST_F(BitmapCommands, BitopTreatsShortSourcesAsIfTheyWentOnWithZeros) {
  put("{t}a", "\xff\x0f\xf0\xff\xff\xff\xff\xff\xff\xaa");
  put("{t}b", "\x0f\xff");
  EXPECT_EQ(r.run({"BITOP", "AND", "{t}c", "{t}a", "{t}b"}), ":10\r\n");
  EXPECT_EQ(value("{t}c"), std::string("\x0f\x0f\0\0\0\0\0\0\0\0", 10));
  EXPECT_EQ(r.run({"BITOP", "XOR", "{t}c", "{t}b", "{t}a"}), ":10\r\n");
  EXPECT_EQ(value("{t}c"), "\xf0\xf0\xf0\xff\xff\xff\xff\xff\xff\xaa");
  EXPECT_EQ(r.run({"BITOP", "NOT", "{t}c", "{t}b"}), ":2\r\n");
  EXPECT_EQ(value("{t}c"), std::string("\xf0\0", 2));
  EXPECT_EQ(r.run({"BITOP", "OR", "{t}c", "{t}none"}), ":0\r\n");
  EXPECT_EQ(value("{t}c"), "(none)");
  EXPECT_EQ(r.run({"BITOP", "NOT", "{t}c", "{t}a", "{t}b"}),
            "-ERR BITOP NOT must be called with a single source key.\r\n");
}
TEST_F(BitmapCommands, BitfieldWrapsSaturatesOrFails) {
  EXPECT_EQ(r.run({"BITFIELD", "k", "SET", "u8", "0", "255", "INCRBY", "u8", "0", "1"}), "*2\r\n:0\r\n:0\r\n");
  EXPECT_EQ(r.run({"BITFIELD", "k", "OVERFLOW", "SAT", "INCRBY", "i8", "0", "200"}), "*1\r\n:127\r\n");
  EXPECT_EQ(r.run({"BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "i8", "0", "1"}), "*1\r\n$-1\r\n");
  EXPECT_EQ(r.changes, 0U);
  EXPECT_EQ(r.run({"BITFIELD", "k", "OVERFLOW", "SAT", "SET", "u4", "0", "-1", "GET", "u4", "0"}),
            "*2\r\n:7\r\n:15\r\n");
  EXPECT_EQ(r.run({"BITFIELD", "k", "SET", "i64", "#1", "-9223372036854775808", "INCRBY", "i64", "#1", "-1"}),
            "*2\r\n:0\r\n:9223372036854775807\r\n");
}
TEST_F(BitmapCommands, BitfieldThatChangesNoBitLeavesTheKeyAlone) {
  struct Changes final : keyspace::ModificationListener {
    int count = 0;
    void key_modified(DbIndex, const keyspace::KeyRef&, ClientId) override { ++count; }
    void flushed(std::optional<DbIndex>) override {}
  } told;
  put("k", "v");
  r.keyspace.set_interest_everywhere(1);
  r.access.modifications = &told;
  EXPECT_EQ(r.run({"BITFIELD", "k", "SET", "u8", "0", "118", "INCRBY", "i8", "0", "0"}), "*2\r\n:118\r\n:118\r\n");
  EXPECT_EQ(r.run({"BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u2", "0", "7"}), "*1\r\n$-1\r\n");
  EXPECT_EQ(told.count, 0);
  r.run({"BITFIELD", "k", "SET", "u8", "0", "119"});
  EXPECT_EQ(told.count, 1);
}
// Redis makes it longer, too; unlike there, a replica hears of it.
TEST_F(BitmapCommands, BitfieldThatOnlyGrowsTheValueRecordsIt) {
  EXPECT_EQ(r.run({"BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u2", "14", "7"}), "*1\r\n$-1\r\n");
  EXPECT_EQ(value("k"), std::string("\0\0", 2));
  EXPECT_EQ(r.recorded.size(), 1U);
}
TEST_F(BitmapCommands, BitfieldWithoutStepsOrReadingOnlyMakesNoKey) {
  EXPECT_EQ(r.run({"BITFIELD", "k"}), "*0\r\n");
  EXPECT_EQ(r.run({"BITFIELD", "k", "GET", "u8", "100"}), "*1\r\n:0\r\n");
  EXPECT_EQ(value("k"), "(none)");
  EXPECT_EQ(r.run({"BITFIELD_RO", "k", "SET", "u8", "0", "1"}),
            "-ERR BITFIELD_RO only supports the GET subcommand\r\n");
  EXPECT_EQ(r.run({"BITFIELD", "k", "GET", "u64", "0"}),
            "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.\r\n");
}

}  // namespace
}  // namespace ashlar::commands
