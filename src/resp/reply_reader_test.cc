#include "resp/reply_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ashlar::resp {
namespace {

std::vector<Value> read_all(ReplyReader& reader) {
  std::vector<Value> values;
  for (;;) {
    auto value = reader.next();
    if (!value) {
      ADD_FAILURE() << value.error().text();
      return values;
    }
    if (!*value) return values;
    values.push_back(std::move(**value));
  }
}

std::vector<Value> parse(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  return read_all(reader);
}

std::string failure(std::string_view bytes, ReaderLimits limits = {}) {
  ReplyReader reader(limits);
  reader.feed(bytes);
  for (;;) {
    auto value = reader.next();
    if (!value) {
      EXPECT_EQ(value.error().code, ErrorCode::kProtocol);
      return value.error().detail;
    }
    if (!*value) return "(incomplete)";
  }
}

Value pairs(Value::Items items) { return Value::aggregate(ValueKind::kMap, std::move(items)); }

/// One reply of every kind and what it means.
struct Sample {
  std::string bytes;
  std::vector<Value> values;
};
Sample all_kinds() {
  return {
      "+OK\r\n-ERR no\r\n:-42\r\n$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n"
      "=8\r\nmkd:a\r\nb\r\n!5\r\nERR x\r\n,1.50\r\n,inf\r\n#t\r\n#f\r\n(-123456789012345678901234567890\r\n"
      "*3\r\n:1\r\n*0\r\n*1\r\n$1\r\nx\r\n%1\r\n+k\r\n~1\r\n:7\r\n>2\r\n+message\r\n_\r\n"
      "|1\r\n+ttl\r\n:9\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n",
      [] {
        Value described = Value::integer(1);
        described.set_attributes({Value::simple("a"), Value::simple("b")});
        Value outer = Value::array({described, Value::integer(2)});
        outer.set_attributes({Value::simple("ttl"), Value::integer(9)});
        return std::vector<Value>{Value::simple("OK"),
                                  Value::error("ERR no"),
                                  Value::integer(-42),
                                  Value::bulk("he\r\no"),
                                  Value::bulk(""),
                                  Value::null(),
                                  Value::null(),
                                  Value::null(),
                                  Value::verbatim({'m', 'k', 'd'}, "a\r\nb"),
                                  Value::error("ERR x"),
                                  Value::real("1.50"),
                                  Value::real("inf"),
                                  Value::yes(),
                                  Value::no(),
                                  Value::big_number("-123456789012345678901234567890"),
                                  Value::array({Value::integer(1), Value::array({}), Value::array({Value::bulk("x")})}),
                                  pairs({Value::simple("k"), Value::aggregate(ValueKind::kSet, {Value::integer(7)})}),
                                  Value::aggregate(ValueKind::kPush, {Value::simple("message"), Value::null()}),
                                  outer};
      }()};
}

TEST(ReplyReader, ReadsEveryKindOfReply) {
  const Sample sample = all_kinds();
  EXPECT_EQ(parse(sample.bytes), sample.values);
}

TEST(ReplyReader, GivesTheSameValuesWhereverTheBytesAreCut) {
  const Sample sample = all_kinds();
  for (std::size_t cut = 0; cut <= sample.bytes.size(); ++cut) {
    ReplyReader reader;
    reader.feed(std::string_view(sample.bytes).substr(0, cut));
    std::vector<Value> values = read_all(reader);
    reader.feed(std::string_view(sample.bytes).substr(cut));
    for (Value& v : read_all(reader)) values.push_back(std::move(v));
    ASSERT_EQ(values, sample.values) << "cut at " << cut;
    EXPECT_EQ(reader.pending_bytes(), 0u);
  }
}

TEST(ReplyReader, GivesTheSameValuesByteByByte) {
  const Sample sample = all_kinds();
  ReplyReader reader;
  std::vector<Value> values;
  for (const char c : sample.bytes) {
    reader.feed(std::string_view(&c, 1));
    for (Value& v : read_all(reader)) values.push_back(std::move(v));
  }
  EXPECT_EQ(values, sample.values);
}

TEST(ReplyReader, AcceptsAPlusSignInIntegers) { EXPECT_EQ(parse(":+5\r\n"), std::vector{Value::integer(5)}); }

TEST(ReplyReader, CountsBytesOfAReplyCutInHalf) {
  ReplyReader reader;
  reader.feed("*2\r\n:1\r\n$3\r\nab");
  ASSERT_TRUE(read_all(reader).empty());
  EXPECT_EQ(reader.pending_bytes(), 14u);
}

TEST(ReplyReader, HandsOverTheBytesAfterAReply) {
  ReplyReader reader;
  reader.feed("+FULLRESYNC x 0\r\n$88\r\nREDIS");
  auto first = reader.next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ(reader.take_unread(), "$88\r\nREDIS");
  EXPECT_EQ(reader.pending_bytes(), 0u);
}

TEST(ReplyReader, RefusesBytesThatAreNoResp) {
  EXPECT_EQ(failure("hello\r\n"), "Protocol error, got \"h\" as reply type byte");
  EXPECT_NE(failure("\r\n"), "(incomplete)");
  EXPECT_NE(failure(":12a\r\n"), "(incomplete)");
  EXPECT_NE(failure(":9223372036854775808\r\n"), "(incomplete)");
  EXPECT_NE(failure("$-2\r\n"), "(incomplete)");
  EXPECT_NE(failure("$18446744073709551616\r\n"), "(incomplete)");
  EXPECT_NE(failure("$2\r\nabc\r\n"), "(incomplete)");
  EXPECT_NE(failure("*-2\r\n"), "(incomplete)");
  EXPECT_NE(failure("%-1\r\n"), "(incomplete)");
  EXPECT_NE(failure("#x\r\n"), "(incomplete)");
  EXPECT_NE(failure("(12x\r\n"), "(incomplete)");
  EXPECT_NE(failure(",abc\r\n"), "(incomplete)");
  EXPECT_NE(failure("_x\r\n"), "(incomplete)");
  EXPECT_NE(failure("=2\r\nab\r\n"), "(incomplete)");
}

TEST(ReplyReader, StaysFailedAfterAnError) {
  ReplyReader reader;
  reader.feed("?\r\n");
  EXPECT_FALSE(reader.next().has_value());
  reader.feed("+OK\r\n");
  EXPECT_FALSE(reader.next().has_value());
}

TEST(ReplyReader, RefusesWhatExceedsItsLimits) {
  const ReaderLimits limits{.max_bulk_bytes = 4, .max_elements = 4, .max_line_bytes = 8, .max_depth = 2};
  EXPECT_EQ(failure("$4\r\nabcd\r\n", limits), "(incomplete)");
  EXPECT_NE(failure("$5\r\n", limits), "(incomplete)");
  EXPECT_EQ(failure("*4\r\n", limits), "(incomplete)");
  EXPECT_NE(failure("*5\r\n", limits), "(incomplete)");
  EXPECT_EQ(failure("%2\r\n", limits), "(incomplete)");
  EXPECT_NE(failure("%3\r\n", limits), "(incomplete)");
  EXPECT_EQ(failure("+1234567\r", limits), "(incomplete)");
  EXPECT_NE(failure("+12345678\r", limits), "(incomplete)");
  EXPECT_NE(failure("+12345678\r\n", limits), "(incomplete)");
  EXPECT_EQ(failure("*1\r\n*1\r\n", limits), "(incomplete)");
  EXPECT_NE(failure("*1\r\n*1\r\n*1\r\n", limits), "(incomplete)");
}

TEST(ReplyReader, RefusesAMapWhoseItemCountWouldWrapAround) {
  EXPECT_NE(failure("%9223372036854775809\r\n", {.max_elements = ~0ULL}), "(incomplete)");
}

TEST(ReplyReader, TakesNoMemoryForAnnouncedCounts) {
  ReplyReader reader;
  std::string nested;
  for (int depth = 0; depth < 200; ++depth) nested += "*2147483648\r\n";
  reader.feed(nested);
  auto value = reader.next();
  ASSERT_TRUE(value.has_value());
  EXPECT_FALSE(value->has_value());
}

}  // namespace
}  // namespace ashlar::resp
