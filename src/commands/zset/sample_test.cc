#include <set>

#include "commands/zset/test_fixture.h"

namespace ashlar::commands {
namespace {

struct ZsetSample : ZsetBoth {
  static std::vector<std::string> bulks(const std::string& reply) {
    std::vector<std::string> out;
    for (std::size_t at = 0; (at = reply.find('$', at)) != std::string::npos;) {
      const std::size_t body = reply.find('\n', at) + 1;
      const std::size_t size = std::stoul(reply.substr(at + 1));
      out.push_back(reply.substr(body, size));
      at = body + size;
    }
    return out;
  }
  void many(int n) {
    for (int i = 0; i < n; ++i) run({"zadd", "z", std::to_string(i), "m" + std::to_string(i)});
  }
};
ASH_BOTH_ENCODINGS(ZsetSample);

TEST_P(ZsetSample, DrawsDifferentMembersWithAPositiveCount) {
  many(100);
  for (const char* count : {"5", "60", "100", "1000"}) {
    const auto members = bulks(run({"zrandmember", "z", count}));
    const std::set<std::string> distinct(members.begin(), members.end());
    EXPECT_EQ(distinct.size(), std::min(100, std::stoi(count)));
    EXPECT_EQ(distinct.size(), members.size());
  }
}
TEST_P(ZsetSample, DrawsEveryMemberInTheLongRun) {
  many(20);
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) seen.insert(bulks(run({"zrandmember", "z"})).at(0));
  EXPECT_EQ(seen.size(), 20U);
}
TEST_P(ZsetSample, MayRepeatMembersWithANegativeCount) {
  many(2);
  EXPECT_EQ(bulks(run({"zrandmember", "z", "-7", "withscores"})).size(), 14U);
  EXPECT_EQ(run({"zrandmember", "none", "3"}), "*0\r\n");
  EXPECT_EQ(run({"zrandmember", "none"}), "$-1\r\n");
  EXPECT_EQ(run({"zrandmember", "z", "-9223372036854775808"}),
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n");
  EXPECT_EQ(run({"zrandmember", "z", "-9223372036854775807", "withscores"}), "-ERR value is out of range\r\n");
  EXPECT_EQ(run({"zrandmember", "z", "1", "x"}), "-ERR syntax error\r\n");
}
TEST_P(ZsetSample, ScanMeetsEveryMemberWithItsScore) {
  many(500);
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    const auto words = bulks(run({"zscan", "z", cursor, "count", "7"}));
    cursor = words.at(0);
    for (std::size_t i = 1; i < words.size(); i += 2) {
      seen.insert(words[i]);
      EXPECT_EQ("m" + words[i + 1], words[i]);
    }
  } while (cursor != "0");
  EXPECT_EQ(seen.size(), 500U);
}
TEST_P(ZsetSample, ScanFiltersByPattern) {
  many(30);
  EXPECT_EQ(bulks(run({"zscan", "z", "0", "match", "m1*", "count", "100"})).size(), 1U + 2U * 11U);
  EXPECT_EQ(run({"zscan", "z", "x"}), "-ERR invalid cursor\r\n");
  EXPECT_EQ(run({"zscan", "z", "0", "count", "0"}), "-ERR syntax error\r\n");
  EXPECT_EQ(run({"zscan", "none", "0", "bogus"}), "*2\r\n$1\r\n0\r\n*0\r\n");
}

}  // namespace
}  // namespace ashlar::commands
