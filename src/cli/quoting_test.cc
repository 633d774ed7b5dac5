#include "cli/quoting.h"

#include <gtest/gtest.h>

#include "cli/command_traits.h"
#include "cli/redirection.h"

namespace ashlar::cli {
namespace {

using List = std::vector<std::string>;

TEST(SplitWords, SeparatesAtBlanks) {
  EXPECT_EQ(split_words("  set\tkey  value "), (List{"set", "key", "value"}));
  EXPECT_EQ(split_words(""), List{});
  EXPECT_EQ(split_words("   "), List{});
}

TEST(SplitWords, ReadsDoubleQuotesWithEscapes) {
  EXPECT_EQ(split_words(R"("a b" "\x41\xfF" "\n\r\t\b\a" "\q\"\\" "")"),
            (List{"a b", "A\xff", "\n\r\t\b\a", "q\"\\", ""}));
  EXPECT_EQ(split_words(R"("\x4" "\xzz")"), (List{"x4", "xzz"}));
}

TEST(SplitWords, ReadsSingleQuotesWithOneEscape) {
  EXPECT_EQ(split_words(R"('a "b" \n' 'it\'s')"), (List{"a \"b\" \\n", "it's"}));
}

TEST(SplitWords, LetsAQuoteBeginInsideAWord) { EXPECT_EQ(split_words(R"(ab"c d")"), (List{"abc d"})); }

TEST(SplitWords, RefusesQuotesThatDoNotEnd) {
  EXPECT_EQ(split_words("\"abc"), std::nullopt);
  EXPECT_EQ(split_words("'abc"), std::nullopt);
  EXPECT_EQ(split_words("\"abc\\"), std::nullopt);
}

TEST(SplitWords, RefusesTextAfterAClosingQuote) {
  EXPECT_EQ(split_words("\"a\"b"), std::nullopt);
  EXPECT_EQ(split_words("'a'\"b\""), std::nullopt);
}

TEST(Unquote, TakesExactlyOneWord) {
  EXPECT_EQ(unquote(R"("a\x00b")"), std::string("a\0b", 3));
  EXPECT_EQ(unquote("a b"), std::nullopt);
  EXPECT_EQ(unquote(""), std::nullopt);
}

TEST(CarriesSecret, KnowsTheCommandsWithPasswords) {
  for (const char* line :
       {"auth sesame", "AUTH user sesame", "3 auth sesame", "hello 3 AUTH u p", "acl SetUser u >p",
        "config set requirepass p", "config set maxmemory 1 masterauth p", "migrate h 1 k 0 9 AUTH p",
        "migrate h 1 \"\" 0 9 auth2 u p keys a", "sentinel set m auth-pass p", "sentinel config set sentinel-pass p"})
    EXPECT_TRUE(carries_secret(*split_words(line))) << line;
}

TEST(CarriesSecret, LetsOtherCommandsPass) {
  for (const char* line : {"get auth", "hello 3", "acl list", "config get requirepass", "config set maxmemory 1",
                           "migrate h 1 k 0 9", "set requirepass 1", "3"})
    EXPECT_FALSE(carries_secret(*split_words(line))) << line;
}

TEST(ParseRedirection, ReadsMovedAndAsk) {
  const Endpoint asked{.host = "10.0.0.9", .port = 1};
  const auto moved = parse_redirection("MOVED 3999 127.0.0.1:6381", asked);
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(moved->kind, Redirection::Kind::kMoved);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->target, (Endpoint{.host = "127.0.0.1", .port = 6381}));
  const auto ask = parse_redirection("ASK 1 ::1:6381", asked);
  ASSERT_TRUE(ask.has_value());
  EXPECT_EQ(ask->kind, Redirection::Kind::kAsk);
  EXPECT_EQ(ask->target, (Endpoint{.host = "::1", .port = 6381}));
}

TEST(ParseRedirection, KeepsTheHostThatWasAskedWhenNoneIsNamed) {
  const auto moved = parse_redirection("MOVED 0 :6381", {.host = "10.0.0.9", .port = 1});
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(moved->target, (Endpoint{.host = "10.0.0.9", .port = 6381}));
}

TEST(ParseRedirection, IgnoresOtherErrorsAndNonsense) {
  for (const char* text : {"ERR MOVED 1 a:1", "MOVED", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1", "MOVED 1 a:65536",
                           "MOVED 1 a", "ASK a:1 2", "MOVEDX 1 a:1"})
    EXPECT_FALSE(parse_redirection(text, {}).has_value()) << text;
}

}  // namespace
}  // namespace ashlar::cli
