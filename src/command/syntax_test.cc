#include "command/syntax.h"

#include <gtest/gtest.h>

namespace ashlar::command {
namespace {

/// The tree as one line: name:type(parts) with =TOKEN, ? optional, * multiple, + multiple token.
std::string shown(const std::vector<Argument>& arguments) {
  std::string out;
  for (const Argument& a : arguments) {
    out += (out.empty() ? "" : " ") + a.name + ":" + std::string(type_name(a.type));
    if (a.has_token) out += "=" + a.token;
    if (a.optional) out += "?";
    if (a.multiple) out += "*";
    if (a.multiple_token) out += "+";
    if (!a.parts.empty()) out += "(" + shown(a.parts) + ")";
  }
  return out;
}
std::string parsed(std::string_view syntax) {
  const auto arguments = parse_syntax(syntax);
  return arguments ? shown(*arguments) : "error";
}

TEST(ParseSyntax, ReadsPlainValuesWithTypesFromTheirNames) {
  EXPECT_EQ(parsed("key seconds value"), "key:key seconds:integer value:string");
  EXPECT_EQ(parsed(""), "");
}
TEST(ParseSyntax, MarksAValueThatMayBeGivenAgain) {
  EXPECT_EQ(parsed("key [key ...]"), "key:key*");
  EXPECT_EQ(parsed("numkeys [key [key ...]]"), "numkeys:integer key:key?*");
}
TEST(ParseSyntax, PutsValuesThatRepeatTogetherIntoABlock) {
  EXPECT_EQ(parsed("key score member [score member ...]"), "key:key score-member:block*(score:double member:string)");
}
TEST(ParseSyntax, TellsOptionalChoicesOfTokensAndTokensWithValues) {
  EXPECT_EQ(parsed("key [NX | XX] [EX seconds | KEEPTTL]"),
            "key:key nx-xx:oneof?(nx:pure-token=NX xx:pure-token=XX) "
            "seconds-keepttl:oneof?(seconds:integer=EX keepttl:pure-token=KEEPTTL)");
}
TEST(ParseSyntax, GivesATokenAllTheValuesBehindIt) {
  EXPECT_EQ(parsed("[LIMIT offset count]"), "offset-count:block=LIMIT?(offset:integer count:integer)");
  EXPECT_EQ(parsed("STREAMS key [key ...] id [id ...]"), "key-id:block=STREAMS(key:key* id:string*)");
}
TEST(ParseSyntax, RepeatsTheTokenWhenTheNotationDoes) {
  EXPECT_EQ(parsed("[GET pattern [GET pattern ...]]"), "pattern:pattern=GET?*+");
  EXPECT_EQ(parsed("[KEYS key [key ...]]"), "key:key=KEYS?*");
}
TEST(ParseSyntax, KeepsChoicesThatMustBeMade) {
  EXPECT_EQ(parsed("slot <IMPORTING node-id | STABLE>"),
            "slot:integer node-id-stable:oneof(node-id:string=IMPORTING stable:pure-token=STABLE)");
  EXPECT_EQ(parsed("<key | \"\">"), "key-\"\":oneof(key:key \"\":pure-token=)");
}
TEST(ParseSyntax, NestsOptionsWithinOptions) {
  EXPECT_EQ(parsed("[COUNT count [ANY]]"), "count-any:block?(count:integer=COUNT any:pure-token=ANY?)");
}
TEST(ParseSyntax, RefusesBracketsThatDoNotMatch) {
  for (const std::string_view bad : {"[key", "key]", "<a | b]", "[]", "a > b"}) EXPECT_EQ(parsed(bad), "error") << bad;
  EXPECT_EQ(parsed(std::string(1000, '[')), "error");
}

}  // namespace
}  // namespace ashlar::command
