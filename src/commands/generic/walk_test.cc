#include <algorithm>
#include <map>
#include <set>

#include "commands/generic/test_fixture.h"

namespace ashlar::commands {
namespace {

struct Walk : GenericTest {
  /// The bulk strings of a flat reply, in order.
  static std::vector<std::string> words(const std::string& reply) {
    std::vector<std::string> out;
    std::size_t at = 0;
    while ((at = reply.find('$', at)) != std::string::npos) {
      const std::size_t line = reply.find("\r\n", at);
      const std::size_t size = std::stoul(reply.substr(at + 1, line - at - 1));
      out.push_back(reply.substr(line + 2, size));
      at = line + 2 + size;
    }
    return out;
  }
  std::set<std::string> matching(std::string_view pattern) {
    const auto found = words(r.run({"keys", pattern}));
    return {found.begin(), found.end()};
  }
  /// All keys that a whole scan returns, and the number of calls it took.
  std::pair<std::vector<std::string>, int> scan(std::vector<std::string_view> options) {
    std::vector<std::string> found;
    std::string cursor = "0";
    int calls = 0;
    do {
      std::vector<std::string_view> args = {"scan", cursor};
      args.insert(args.end(), options.begin(), options.end());
      auto reply = words(r.run(args));
      cursor = reply.at(0);
      found.insert(found.end(), reply.begin() + 1, reply.end());
    } while (++calls < 100'000 && cursor != "0");
    return {found, calls};
  }
};
using Names = std::set<std::string>;

TEST_F(Walk, KeysListsWhatMatchesAndHasNotExpired) {
  r.run({"mset", "one", "1", "two", "2", "three", "3"});
  r.run({"set", "tired", "0", "px", "1"});
  r.clock.advance(Millis(2));
  EXPECT_EQ(matching("*"), (Names{"one", "two", "three"}));
  EXPECT_EQ(matching("t*"), (Names{"two", "three"}));
  EXPECT_EQ(matching("?[nw][eo]"), (Names{"one", "two"}));
  EXPECT_EQ(r.run({"keys", "none*"}), "*0\r\n");
}
TEST_F(Walk, KeysWithAHashTagInThePatternFindsTheSame) {
  r.run({"mset", "a{t}1", "1", "a{t}2", "2", "b{t}1", "3", "a{u}1", "4", "a{t", "5", "{}a{t}", "6"});
  EXPECT_EQ(matching("a{t}*"), (Names{"a{t}1", "a{t}2"}));
  EXPECT_EQ(matching("*{t}1"), (Names{"a{t}1", "b{t}1"}));
  EXPECT_EQ(matching("a{*"), (Names{"a{t}1", "a{t}2", "a{u}1", "a{t"}));
  EXPECT_EQ(matching("{}a{t}*"), (Names{"{}a{t}"}));
}
TEST_F(Walk, ScanReturnsEveryKeyOnceInAnUnchangedDatabase) {
  Names expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "key:" + std::to_string(i);
    r.run({"set", key, "v"});
    expected.insert(key);
  }
  const auto [found, calls] = scan({"COUNT", "100"});
  EXPECT_EQ(found.size(), 3000U);
  EXPECT_EQ(Names(found.begin(), found.end()), expected);
  EXPECT_LE(calls, 40);
}
TEST_F(Walk, ScanWalksASlotWithManyKeysInSteps) {
  for (int i = 0; i < 3000; ++i) r.run({"set", "{tag}" + std::to_string(i), "v"});
  const auto [found, calls] = scan({});
  EXPECT_EQ(Names(found.begin(), found.end()).size(), 3000U);
  EXPECT_EQ(found.size(), 3000U);
  EXPECT_GE(calls, 200);  // about ten keys each
}
TEST_F(Walk, ScanReturnsKeysThatStayWhileOthersComeAndGo) {
  for (int i = 0; i < 500; ++i) r.run({"set", "{tag}stays" + std::to_string(i), "v"});
  Names found;
  std::string cursor = "0";
  int step = 0;
  do {
    const auto reply = words(r.run({"scan", cursor, "COUNT", "5"}));
    cursor = reply.at(0);
    found.insert(reply.begin() + 1, reply.end());
    for (int i = 0; i < 20; ++i) r.run({"set", "{tag}new" + std::to_string(step * 20 + i), "v"});
    if (step % 3 == 2) {
      for (int i = 0; i < 30; ++i) r.run({"del", "{tag}new" + std::to_string((step - 2) * 20 + i)});
    }
  } while (++step < 10'000 && cursor != "0");
  EXPECT_EQ(cursor, "0");
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(found.contains("{tag}stays" + std::to_string(i))) << i;
}
TEST_F(Walk, ScanFiltersByPatternTypeAndExpiry) {
  r.run({"mset", "a1", "1", "a2", "2", "b1", "3"});
  r.run({"set", "a3", "0", "px", "1"});
  r.clock.advance(Millis(2));
  const auto names = [](const auto& result) { return Names(result.first.begin(), result.first.end()); };
  EXPECT_EQ(names(scan({"MATCH", "a*", "COUNT", "1000"})), (Names{"a1", "a2"}));
  EXPECT_EQ(names(scan({"TYPE", "STRING"})), (Names{"a1", "a2", "b1"}));
  EXPECT_EQ(names(scan({"TYPE", "hash"})), Names{});
}
TEST_F(Walk, ScanPassesOverEmptySlotsWithinOneCall) {
  const auto [none, calls] = scan({});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(calls, 1);
  r.run({"mset", "a", "1", "b", "2", "c", "3"});
  const auto [found, rounds] = scan({});
  EXPECT_EQ(Names(found.begin(), found.end()), (Names{"a", "b", "c"}));
  EXPECT_EQ(rounds, 1);
}
TEST_F(Walk, ScanSeesTheSelectedDatabaseOnly) {
  r.run({"set", "zero", "v"});
  r.db = DbIndex{5};
  EXPECT_TRUE(scan({}).first.empty());
  EXPECT_EQ(r.run({"keys", "*"}), "*0\r\n");
  EXPECT_EQ(r.run({"randomkey"}), "$-1\r\n");
}
TEST_F(Walk, ScanTakesAnyNumberForACursor) {
  r.run({"set", "k", "v"});
  for (const std::string_view strange : {"4611686018427387904", "9223372036854775808", "18446744073709551615"}) {
    EXPECT_TRUE(r.run({"scan", strange}).starts_with("*2\r\n")) << strange;
  }
}
TEST_F(Walk, ScanRefusesCursorsAndOptionsThatAreNone) {
  for (const std::string_view bad : {"x", "-1", "", "18446744073709551616", "99999999999999999999"}) {
    EXPECT_EQ(r.run({"scan", bad}), "-ERR invalid cursor\r\n") << bad;
  }
  EXPECT_EQ(r.run({"scan", "0", "COUNT", "0"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"scan", "0", "COUNT", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(r.run({"scan", "0", "MATCH"}), "-ERR syntax error\r\n");
  EXPECT_EQ(r.run({"scan", "4611686018427387903", "COUNT", "9223372036854775807"}), "*2\r\n$1\r\n0\r\n*0\r\n");
}
TEST_F(Walk, RandomkeyDrawsEveryKeyOfASmallDatabase) {
  EXPECT_EQ(r.run({"randomkey"}), "$-1\r\n");
  r.run({"mset", "a", "1", "b", "2", "{a}c", "3"});
  std::map<std::string, int> drawn;
  for (int i = 0; i < 600; ++i) ++drawn[words(r.run({"randomkey"})).at(0)];
  EXPECT_EQ(drawn.size(), 3U);
  for (const auto& [key, times] : drawn) EXPECT_GT(times, 120) << key;  // about 200 each
}
TEST_F(Walk, AScanRemovesTheExpiredKeysThatItMeets) {
  r.run({"set", "gone", "v", "px", "1"});
  r.run({"set", "other", "v", "px", "1"});
  r.clock.advance(Millis(2));
  EXPECT_EQ(r.run({"scan", "0", "match", "g*", "count", "100000"}), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(r.recorded, std::vector<std::string>{"expired gone"});
}
TEST_F(Walk, RandomkeySkipsExpiredKeys) {
  for (int i = 0; i < 200; ++i) r.run({"set", "gone" + std::to_string(i), "v", "px", "1"});
  r.clock.advance(Millis(2));
  EXPECT_EQ(r.run({"randomkey"}), "$-1\r\n");
  r.run({"set", "stays", "v"});
  EXPECT_EQ(r.run({"randomkey"}), "$5\r\nstays\r\n");
}

}  // namespace
}  // namespace ashlar::commands
