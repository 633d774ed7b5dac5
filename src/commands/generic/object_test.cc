#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

using Object = GenericTest;

TEST_F(Object, NamesEncodingsAsRedisDoes) {
  r.run({"mset", "i", "42", "e", std::string(44, 'x'), "r", std::string(45, 'x')});
  r.run({"setrange", "s", "0", "x"});
  EXPECT_EQ(r.run({"object", "encoding", "i"}), "$3\r\nint\r\n");
  EXPECT_EQ(r.run({"OBJECT", "ENCODING", "e"}), "$6\r\nembstr\r\n");
  EXPECT_EQ(r.run({"object", "encoding", "r"}), "$3\r\nraw\r\n");
  EXPECT_EQ(r.run({"object", "encoding", "s"}), "$3\r\nraw\r\n");
  EXPECT_EQ(r.run({"object", "encoding", "none"}), "$-1\r\n");
  EXPECT_EQ(r.run({"object", "refcount", "i"}), ":1\r\n");
}
TEST_F(Object, TellsIdleTimeOrFrequencyAsThePolicySays) {
  using keyspace::EvictionPolicy;
  r.run({"set", "k", "v"});
  r.clock.advance(Seconds(7));
  EXPECT_EQ(r.run({"object", "idletime", "k"}), ":7\r\n");
  EXPECT_TRUE(r.run({"object", "freq", "k"})
                  .starts_with("-ERR An LFU maxmemory policy is not selected, access frequency not tracked."));
  r.keyspace.access().policy = EvictionPolicy::kAllKeysLfu;
  r.run({"set", "new", "v"});
  EXPECT_EQ(r.run({"object", "freq", "new"}), ":5\r\n");  // where counters start
  EXPECT_TRUE(r.run({"object", "idletime", "k"})
                  .starts_with("-ERR An LFU maxmemory policy is selected, idle time not tracked."));
  EXPECT_EQ(r.run({"object", "freq", "none"}), "$-1\r\n");
}
TEST_F(Object, HelpIsAListOfLines) {
  EXPECT_TRUE(r.run({"object", "help"}).starts_with("*11\r\n+OBJECT <subcommand>"));
}

}  // namespace
}  // namespace ashlar::commands
