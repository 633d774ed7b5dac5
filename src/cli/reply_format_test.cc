// Expected texts were written down from what redis-cli 7.0.15 prints.
#include "cli/reply_format.h"

#include <gtest/gtest.h>

namespace ashlar::cli {
namespace {

using resp::Value;
using resp::ValueKind;

Value map(Value::Items items) { return Value::aggregate(ValueKind::kMap, std::move(items)); }
Value set(Value::Items items) { return Value::aggregate(ValueKind::kSet, std::move(items)); }

std::string raw(const Value& v) { return format_reply(v, OutputFormat::kRaw, {}); }
std::string json(const Value& v) { return format_json(v, OutputFormat::kJson); }

TEST(FormatTyped, ShowsTheKindOfScalars) {
  EXPECT_EQ(format_typed(Value::simple("OK")), "OK\n");
  EXPECT_EQ(format_typed(Value::error("ERR no")), "(error) ERR no\n");
  EXPECT_EQ(format_typed(Value::integer(-5)), "(integer) -5\n");
  EXPECT_EQ(format_typed(Value::bulk("a\"\x01\n")), "\"a\\\"\\x01\\n\"\n");
  EXPECT_EQ(format_typed(Value::verbatim({'t', 'x', 't'}, "two\nlines")), "two\nlines\n");
  EXPECT_EQ(format_typed(Value::null()), "(nil)\n");
  EXPECT_EQ(format_typed(Value::real("3.10")), "(double) 3.10\n");
  EXPECT_EQ(format_typed(Value::yes()), "(true)\n");
}

TEST(FormatTyped, NumbersAndIndentsNestedArrays) {
  const Value v = Value::array({Value::integer(1),
                                Value::array({Value::integer(2), Value::array({Value::integer(3), Value::bulk("x")})}),
                                Value::array({}), Value::null()});
  EXPECT_EQ(format_typed(v),
            "1) (integer) 1\n"
            "2) 1) (integer) 2\n"
            "   2) 1) (integer) 3\n"
            "      2) \"x\"\n"
            "3) (empty array)\n"
            "4) (nil)\n");
}

TEST(FormatTyped, AlignsTheNumbersOfLongArrays) {
  Value::Items ten(10, Value::array({Value::integer(1), Value::integer(2)}));
  const std::string text = format_typed(Value::array(std::move(ten)));
  EXPECT_TRUE(text.starts_with(" 1) 1) (integer) 1\n    2) (integer) 2\n 2) 1)")) << text;
  EXPECT_TRUE(text.ends_with("10) 1) (integer) 1\n    2) (integer) 2\n")) << text;
}

TEST(FormatTyped, MarksMapsAndSets) {
  EXPECT_EQ(format_typed(map(
                {Value::bulk("get"), map({Value::bulk("since"), Value::bulk("1.0.0")}), Value::bulk("x"), map({})})),
            "1# \"get\" => 1# \"since\" => \"1.0.0\"\n"
            "2# \"x\" => (empty hash)\n");
  EXPECT_EQ(format_typed(Value::array({map({Value::bulk("k"), Value::array({Value::integer(1), Value::integer(2)})})})),
            "1) 1# \"k\" => \n"
            "      1) (integer) 1\n"
            "      2) (integer) 2\n");
  EXPECT_EQ(format_typed(set({Value::integer(0), Value::integer(1)})), "1~ (integer) 0\n2~ (integer) 1\n");
  EXPECT_EQ(format_typed(set({})), "(empty set)\n");
}

TEST(FormatRaw, PrintsElementsBetweenDelimiters) {
  const Value v = Value::array(
      {Value::integer(1), Value::array({Value::bulk("a"), Value::null()}), Value::error("E x"), Value::simple("ok")});
  EXPECT_EQ(raw(v), "1\na\n\nE x\n\nok\n");
  EXPECT_EQ(format_reply(Value::array({Value::null(), Value::null()}), OutputFormat::kRaw, {",", "|"}), ",|");
  EXPECT_EQ(raw(map({Value::integer(0), Value::no(), Value::integer(1), Value::yes()})), "0 (false)\n1 (true)\n");
}

TEST(FormatRaw, EndsErrorsTwice) { EXPECT_EQ(raw(Value::error("ERR no")), "ERR no\n\n"); }

TEST(FormatCsv, FlattensEverything) {
  EXPECT_EQ(format_csv(Value::array(
                {Value::integer(1), Value::array({Value::bulk("x"), Value::array({})}), Value::null(), Value::yes()})),
            "1,\"x\",,NULL,true");
  EXPECT_EQ(format_csv(Value::error("ERR \"x\"")), "ERROR,\"ERR \\\"x\\\"\"");
  EXPECT_EQ(format_csv(map({Value::integer(0), Value::no()})), "0,false");
}

TEST(FormatJson, EscapesStringsAndKeepsUtf8) {
  EXPECT_EQ(json(Value::bulk("v\"\\\x01\n\xc3\xa9")), "\"v\\\"\\\\\\u0001\\n\xc3\xa9\"");
  EXPECT_EQ(json(Value::error("ERR x")), "error:\"ERR x\"");
}

TEST(FormatJson, QuotesKeysThatAreNoStrings) {
  EXPECT_EQ(json(map({Value::real("1.5"), Value::array({Value::integer(1)}), Value::bulk("k"), Value::null()})),
            "{\"1.5\":[1],\"k\":null}");
  EXPECT_EQ(json(set({Value::integer(0), Value::yes()})), "[0,true]");
}

TEST(FormatJson, StaysJsonWithQuotedStrings) {
  EXPECT_EQ(format_json(Value::bulk("k\xc3\"\\"), OutputFormat::kQuotedJson), R"("k\\xc3\\\"\\\\")");
}

TEST(FormatPush, ShowsInvalidationsInOneLine) {
  EXPECT_EQ(format_push(Value::aggregate(
                ValueKind::kPush, {Value::bulk("invalidate"), Value::array({Value::bulk("a"), Value::bulk("b")})})),
            "-> invalidate: 'a', 'b'\n");
  EXPECT_EQ(format_push(Value::aggregate(ValueKind::kPush, {Value::bulk("x")})), "1) \"x\"\n");
}

}  // namespace
}  // namespace ashlar::cli
