#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

using KeysCommands = GenericTest;

TEST_F(KeysCommands, DelCountsWhatItDeletes) {
  r.run({"mset", "a", "1", "b", "2"});
  EXPECT_EQ(r.run({"del", "a", "none", "b", "a"}), ":2\r\n");
  EXPECT_EQ(r.changes, 2U);
  EXPECT_EQ(r.recorded, Lines{"del a none b a"});
  EXPECT_EQ(r.run({"unlink", "a"}), ":0\r\n");
  EXPECT_TRUE(r.recorded.empty());
}
TEST_F(KeysCommands, DelOfAnExpiredKeyDeletesNothingButTheExpiryIsRecorded) {
  r.run({"set", "k", "v", "px", "1"});
  r.clock.advance(Millis(2));
  EXPECT_EQ(r.run({"del", "k"}), ":0\r\n");
  EXPECT_EQ(r.recorded, Lines{"expired k"});
}
TEST_F(KeysCommands, ExistsCountsRepeatedKeysAndLeavesTheClockAlone) {
  r.run({"set", "k", "v"});
  r.clock.advance(Seconds(50));
  EXPECT_EQ(r.run({"exists", "k", "none", "k"}), ":2\r\n");
  EXPECT_EQ(r.run({"type", "k"}), "+string\r\n");
  EXPECT_EQ(r.run({"object", "idletime", "k"}), ":50\r\n");
}
TEST_F(KeysCommands, TouchMovesTheClockEvenForAClientThatLeavesNoTraces) {
  r.run({"set", "k", "v"});
  r.clock.advance(Seconds(50));
  r.no_touch = true;
  EXPECT_EQ(r.run({"touch", "k", "none"}), ":1\r\n");
  EXPECT_EQ(r.run({"object", "idletime", "k"}), ":0\r\n");
}
TEST_F(KeysCommands, TypeOfAMissingKeyIsNone) { EXPECT_EQ(r.run({"type", "k"}), "+none\r\n"); }

}  // namespace
}  // namespace ashlar::commands
