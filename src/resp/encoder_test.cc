#include "resp/encoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace ashlar::resp {
namespace {

/// What `write` puts on the wire for a client of `version`.
template <typename Write>
std::string encoded(Version version, Write write) {
  ByteBuffer out;
  Encoder encoder(out, version);
  write(encoder);
  return std::string(out.view());
}

struct Expected {
  std::string resp2;
  std::string resp3;
};

template <typename Write>
void expect_both(const Expected& expected, Write write) {
  EXPECT_EQ(encoded(Version::kResp2, write), expected.resp2);
  EXPECT_EQ(encoded(Version::kResp3, write), expected.resp3);
}

TEST(Encoder, WritesSimpleRepliesAlikeInBothVersions) {
  expect_both({"+OK\r\n", "+OK\r\n"}, [](Encoder& e) { e.ok(); });
  expect_both({"+PONG\r\n", "+PONG\r\n"}, [](Encoder& e) { e.simple("PONG"); });
  expect_both({"+QUEUED\r\n", "+QUEUED\r\n"}, [](Encoder& e) { e.raw(kReplyQueued); });
}

TEST(Encoder, WritesIntegersOfEveryWidth) {
  const auto write = [](std::int64_t v) { return encoded(Version::kResp2, [v](Encoder& e) { e.integer(v); }); };
  EXPECT_EQ(write(0), ":0\r\n");
  EXPECT_EQ(write(9), ":9\r\n");
  EXPECT_EQ(write(10), ":10\r\n");
  EXPECT_EQ(write(-1), ":-1\r\n");
  EXPECT_EQ(write(1234567890123), ":1234567890123\r\n");
  EXPECT_EQ(write(std::numeric_limits<std::int64_t>::max()), ":9223372036854775807\r\n");
  EXPECT_EQ(write(std::numeric_limits<std::int64_t>::min()), ":-9223372036854775808\r\n");
}

TEST(Encoder, WritesBulksOfEveryLengthAroundTheFastPaths) {
  for (std::size_t n = 0; n < 300; ++n) {
    std::string bytes;
    for (std::size_t i = 0; i < n; ++i) bytes += static_cast<char>('a' + i % 26);
    const std::string expected = "$" + std::to_string(n) + "\r\n" + bytes + "\r\n";
    EXPECT_EQ(encoded(Version::kResp2, [&](Encoder& e) { e.bulk(bytes); }), expected);
  }
}

TEST(Encoder, BulksMayHoldAnyByte) {
  using namespace std::string_literals;
  EXPECT_EQ(encoded(Version::kResp3, [](Encoder& e) { e.bulk("a\0\r\n\xff"s); }), "$5\r\na\0\r\n\xff\r\n"s);
}

TEST(Encoder, WritesIntegersAsBulks) {
  EXPECT_EQ(encoded(Version::kResp2, [](Encoder& e) { e.bulk_i64(-123); }), "$4\r\n-123\r\n");
}

TEST(Encoder, WritesNullsInTheWordsOfTheVersion) {
  expect_both({"$-1\r\n", "_\r\n"}, [](Encoder& e) { e.null(); });
  expect_both({"*-1\r\n", "_\r\n"}, [](Encoder& e) { e.null_array(); });
}

TEST(Encoder, FallsBackToResp2Shapes) {
  expect_both({":1\r\n", "#t\r\n"}, [](Encoder& e) { e.boolean(true); });
  expect_both({":0\r\n", "#f\r\n"}, [](Encoder& e) { e.boolean(false); });
  expect_both({"$3\r\n2.5\r\n", ",2.5\r\n"}, [](Encoder& e) { e.number(2.5); });
  expect_both({"$3\r\ninf\r\n", ",inf\r\n"}, [](Encoder& e) { e.number(std::numeric_limits<double>::infinity()); });
  expect_both({"$20\r\n12345678901234567890\r\n", "(12345678901234567890\r\n"},
              [](Encoder& e) { e.big_number("12345678901234567890"); });
  expect_both({"$4\r\ntext\r\n", "=8\r\ntxt:text\r\n"}, [](Encoder& e) { e.verbatim("txt", "text"); });
  expect_both({"*2\r\n", "*2\r\n"}, [](Encoder& e) { e.array(2); });
  expect_both({"*6\r\n", "%3\r\n"}, [](Encoder& e) { e.map(3); });
  expect_both({"*30\r\n", "~30\r\n"}, [](Encoder& e) { e.set(30); });
  expect_both({"*3\r\n", ">3\r\n"}, [](Encoder& e) { e.push(3); });
}

TEST(Encoder, WritesAttributesInResp3) {
  EXPECT_EQ(encoded(Version::kResp3, [](Encoder& e) { e.attribute(1); }), "|1\r\n");
}

TEST(Encoder, ErrorsCarryThePrefixOfTheirCode) {
  expect_both({"-ERR syntax error\r\n", "-ERR syntax error\r\n"},
              [](Encoder& e) { e.error(Error{ErrorCode::kSyntax, ""}); });
  expect_both({"-MOVED 1 127.0.0.1:7000\r\n", "-MOVED 1 127.0.0.1:7000\r\n"},
              [](Encoder& e) { e.error(Error{ErrorCode::kMoved, "1 127.0.0.1:7000"}); });
}

TEST(Encoder, NoTextCanForgeASecondReply) {
  using namespace std::string_literals;
  const auto both = [](std::string_view text) {
    return encoded(Version::kResp2, [text](Encoder& e) {
      e.error(Error{ErrorCode::kGeneric, std::string(text)});
      e.error_line(text);
      e.simple(text);
    });
  };
  EXPECT_EQ(both("a\r\n+b\0"s), "-ERR a  +b \r\n-a  +b \r\n+a  +b \r\n");
}

TEST(Encoder, DeferredArraysGetTheirLengthAtTheEnd) {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{9}, std::size_t{10}, std::size_t{1000}}) {
    std::string expected = "+OK\r\n*" + std::to_string(n) + "\r\n";
    for (std::size_t i = 0; i < n; ++i) expected += ":7\r\n";
    expected += ":8\r\n";
    EXPECT_EQ(encoded(Version::kResp2,
                      [n](Encoder& e) {
                        e.ok();
                        const Deferred array = e.begin_array();
                        for (std::size_t i = 0; i < n; ++i) e.integer(7);
                        e.end(array, n);
                        e.integer(8);
                      }),
              expected);
  }
}

TEST(Encoder, DeferredAggregatesNest) {
  expect_both({"*4\r\n+a\r\n*1\r\n:1\r\n+b\r\n*0\r\n", "%2\r\n+a\r\n~1\r\n:1\r\n+b\r\n*0\r\n"}, [](Encoder& e) {
    const Deferred map = e.begin_map();
    e.simple("a");
    const Deferred set = e.begin_set();
    e.integer(1);
    e.end(set, 1);
    e.simple("b");
    const Deferred array = e.begin_array();
    e.end(array, 0);
    e.end(map, 2);
  });
}

TEST(Encoder, DropsWhatComesBehindTheCeiling) {
  ByteBuffer out;
  Encoder encoder(out);
  encoder.set_ceiling(10'000);
  const std::string value(1000, 'v');
  const Deferred all = encoder.begin_array();
  const Deferred inner = encoder.begin_array();
  for (int i = 0; i < 1000; ++i) {
    encoder.bulk(value);
    encoder.bulk("short");
    encoder.integer(i);
    encoder.raw(value);
  }
  encoder.end(inner, 4000);
  encoder.end(all, 1);
  EXPECT_TRUE(encoder.cut());
  EXPECT_GT(out.size(), 10'000U);
  EXPECT_LT(out.capacity(), 40'000U);
  EXPECT_EQ(&encoder.output(), &out);
}
TEST(Encoder, WritesAReplyThatEndsBelowTheCeilingWhole) {
  ByteBuffer out;
  Encoder encoder(out);
  encoder.set_ceiling(10'000);
  encoder.bulk(std::string(9000, 'v'));
  encoder.bulk(std::string(30'000, 'v'));  // goes beyond it, and is the last
  EXPECT_FALSE(encoder.cut());
  EXPECT_EQ(out.size(), 9000U + 30'000U + 9 + 10);
}
TEST(Encoder, WritesAgainWhenTheCutReplyIsTakenBack) {
  ByteBuffer out;
  Encoder encoder(out);
  encoder.set_ceiling(10'000);
  encoder.ok();
  for (int i = 0; i < 100; ++i) encoder.bulk(std::string(1000, 'v'));
  ASSERT_TRUE(encoder.cut());
  out.truncate(5);
  encoder.resume();
  encoder.integer(1);
  EXPECT_EQ(out.view(), "+OK\r\n:1\r\n");
}
TEST(Encoder, ChangesTheVersionBetweenReplies) {
  EXPECT_EQ(encoded(Version::kResp2,
                    [](Encoder& e) {
                      e.null();
                      e.set_version(Version::kResp3);
                      e.null();
                    }),
            "$-1\r\n_\r\n");
}

}  // namespace
}  // namespace ashlar::resp
