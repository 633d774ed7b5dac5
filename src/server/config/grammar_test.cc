#include "server/config/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/command_line.h"

namespace ashlar::config {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::Optional;
using Words = std::vector<std::string>;

TEST(SplitWords, CutsAtAnyBlank) {
  EXPECT_THAT(split_words(" a \t b\vc\f \r\n"), Optional(ElementsAre("a", "b\vc\f")));
  EXPECT_THAT(split_words(""), Optional(ElementsAre()));
}
TEST(SplitWords, KnowsEscapesInDoubleQuotes) {
  EXPECT_THAT(split_words(R"("a b\x41\n\r\t\b\a\"\\\q")"), Optional(ElementsAre("a bA\n\r\t\b\a\"\\q")));
}
TEST(SplitWords, TakesHalfAHexEscapeAsItStands) {
  EXPECT_THAT(split_words(R"("\x4" "\xzz" "\x")"), Optional(ElementsAre("x4", "xzz", "x")));
}
TEST(SplitWords, KnowsOnlyTheQuoteInSingleQuotes) {
  EXPECT_THAT(split_words(R"('a\x41\'b\q')"), Optional(ElementsAre(R"(a\x41'b\q)")));
}
TEST(SplitWords, GivesEmptyWordsForEmptyQuotes) {
  EXPECT_THAT(split_words(R"(save "" '')"), Optional(ElementsAre("save", "", "")));
}
TEST(SplitWords, OpensQuotesInsideAWord) { EXPECT_THAT(split_words(R"(a"b c"d)"), Eq(std::nullopt)); }
TEST(SplitWords, JoinsQuotedTailToItsWord) {
  EXPECT_THAT(split_words(R"(a"b c" d)"), Optional(ElementsAre("ab c", "d")));
}
TEST(SplitWords, RefusesUnbalancedQuotes) {
  for (const char* line : {"\"a", "'a", "\"a\\\"", "'a\\'", "\"a\"b", "'a'b", "\"a\"\"b\"", "\"\\"}) {
    EXPECT_EQ(split_words(line), std::nullopt) << line;
  }
}

TEST(SplitAtBlanks, KeepsEmptyPieces) {
  EXPECT_THAT(split_at_blanks("900  1"), ElementsAre("900", "", "1"));
  EXPECT_THAT(split_at_blanks(""), ElementsAre(""));
  EXPECT_THAT(split_at_blanks("a\tb "), ElementsAre("a\tb", ""));
}

TEST(MeaningfulLines, CountsFromOneAndSkipsCommentsAndBlanks) {
  const auto lines = meaningful_lines("# c\r\n\n  port 1\t\r\n \t\n  # d\nhz 2");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].number, 3U);
  EXPECT_EQ(lines[0].text, "port 1");
  EXPECT_EQ(lines[1].number, 6U);
  EXPECT_EQ(lines[1].text, "hz 2");
}

[[nodiscard]] CommandLine parse(const Words& words) { return parse_command_line(words); }

TEST(CommandLine, TakesTheFirstWordAsFile) {
  const auto line = parse({"a.conf", "--port", "1"});
  EXPECT_EQ(line.file, "a.conf");
  EXPECT_EQ(line.options, "port \"1\" ");
}
TEST(CommandLine, MakesALineOfEachDirective) {
  EXPECT_EQ(parse({"--port", "1", "--bind", "a", "b"}).options, "port \"1\" \nbind \"a\" \"b\" ");
}
TEST(CommandLine, TakesNameAndValueFromOneArgument) {
  EXPECT_EQ(parse({"--port 1", "--hz", "2"}).options, "port 1 \nhz \"2\" ");
}
TEST(CommandLine, TakesDashesBehindANameAsValue) {
  EXPECT_EQ(parse({"--masterauth", "--x", "--hz", "2"}).options, "masterauth \"--x\" \nhz \"2\" ");
}
TEST(CommandLine, LetsSaveStandAlone) {
  EXPECT_EQ(parse({"--save", "--hz", "2"}).options, "save \"\"\nhz \"2\" ");
  EXPECT_EQ(parse({"--SAVE"}).options, "SAVE \"\"");
  EXPECT_EQ(parse({"--save", ""}).options, "save \"\" ");
}
TEST(CommandLine, ReadsStandardInputForADashAtEitherEnd) {
  using enum CommandLine::StandardInput;
  EXPECT_EQ(parse({"-", "--hz", "2"}).standard_input, kRead);
  EXPECT_EQ(parse({"a.conf", "--hz", "2", "-"}).standard_input, kRead);
  EXPECT_EQ(parse({"a.conf", "-"}).standard_input, kRead);
  EXPECT_EQ(parse({"a.conf", "-", "--hz", "2"}).standard_input, kIgnored);
  EXPECT_EQ(parse({}).standard_input, kIgnored);
}
TEST(CommandLine, QuotesWhatWouldBreakALine) { EXPECT_EQ(parse({"--x", "a\nport 1"}).options, "x \"a\\nport 1\" "); }

}  // namespace
}  // namespace ashlar::config
