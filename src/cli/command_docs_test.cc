#include "cli/command_docs.h"

#include <gtest/gtest.h>

#include "resp/reply_reader.h"

namespace ashlar::cli {
namespace {

using resp::Value;
using resp::ValueKind;
using List = std::vector<std::string>;

Value text(std::string s) { return Value::bulk(std::move(s)); }

/// An argument as COMMAND DOCS describes it, in RESP2 shape. Flags are separated by blanks.
Value argument(const std::string& name, const std::string& type, const std::string& token = "-",
               const std::string& flags = "", Value::Items parts = {}) {
  Value::Items items{text("name"), text(name), text("type"), text(type)};
  if (token != "-") {
    items.push_back(text("token"));
    items.push_back(text(token));
  }
  if (!flags.empty()) {
    Value::Items list;
    for (const char* flag : {"optional", "multiple", "multiple_token"}) {
      if ((" " + flags + " ").find(" " + std::string(flag) + " ") != std::string::npos)
        list.push_back(Value::simple(flag));
    }
    items.push_back(text("flags"));
    items.push_back(Value::array(std::move(list)));
  }
  if (!parts.empty()) {
    items.push_back(text("arguments"));
    items.push_back(Value::array(std::move(parts)));
  }
  return Value::array(std::move(items));
}

Value command(const std::string& group, Value::Items arguments, Value::Items subcommands = {}) {
  Value::Items items{text("summary"), text("Does it."), text("since"), text("1.0.0"), text("group"), text(group)};
  items.push_back(text("arguments"));
  items.push_back(Value::array(std::move(arguments)));
  items.push_back(text("subcommands"));
  items.push_back(Value::array(std::move(subcommands)));
  return Value::array(std::move(items));
}

CommandDocs sample() {
  const auto condition = [] {
    return argument("condition", "oneof", "-", "optional",
                    {argument("nx", "pure-token", "NX"), argument("xx", "pure-token", "XX")});
  };
  const auto expiry = [] {
    return argument("expiration", "oneof", "-", "optional",
                    {argument("seconds", "integer", "EX"), argument("keepttl", "pure-token", "KEEPTTL")});
  };
  Value::Items reply{
      text("set"),
      command("string", {argument("key", "key"), argument("value", "string"), condition(),
                         argument("get", "pure-token", "GET", "optional"), expiry()}),
      text("del"),
      command("generic", {argument("key", "key", "-", "multiple")}),
      text("zadd"),
      command("sorted-set", {argument("key", "key"), condition(),
                             argument("score_member", "block", "-", "multiple",
                                      {argument("score", "double"), argument("member", "string")})}),
      text("sort"),
      command("generic",
              {argument("key", "key"), argument("pattern", "pattern", "GET", "optional multiple multiple_token")}),
      text("config"),
      command("server", {},
              {text("config|get"), command("server", {argument("parameter", "string", "-", "multiple")})})};
  return CommandDocs::from_reply(Value::array(std::move(reply)));
}

std::string arguments_of(const CommandDocs& docs, const List& words) {
  const auto [found, size] = docs.match(words);
  return found == nullptr ? "(unknown)" : render_arguments(found->arguments);
}

TEST(CommandDocs, RendersArgumentsInTheUsualNotation) {
  const CommandDocs docs = sample();
  EXPECT_EQ(arguments_of(docs, {"set"}), "key value [NX|XX] [GET] [EX seconds|KEEPTTL]");
  EXPECT_EQ(arguments_of(docs, {"ZADD"}), "key [NX|XX] score member [score member ...]");
  EXPECT_EQ(arguments_of(docs, {"sort"}), "key [GET pattern [GET pattern ...]]");
}

TEST(CommandDocs, FindsTheLongestName) {
  const CommandDocs docs = sample();
  EXPECT_EQ(docs.match(List{"config", "get", "x"}).first->name, "CONFIG GET");
  EXPECT_EQ(docs.match(List{"config", "foo"}).first->name, "CONFIG");
  EXPECT_EQ(docs.match(List{"nosuch"}).first, nullptr);
}

TEST(CommandDocs, CompletesInTheCaseTheUserTypes) {
  const CommandDocs docs = sample();
  EXPECT_EQ(docs.completions("s"), (List{"set", "sort"}));
  EXPECT_EQ(docs.completions("CONFIG"), (List{"CONFIG", "CONFIG GET"}));
  EXPECT_EQ(docs.completions("help @s"), (List{"help @server", "help @sorted-set", "help @string"}));
  EXPECT_EQ(docs.completions("set k"), List{});
}

TEST(CommandDocs, ExplainsCommandsAndGroups) {
  const CommandDocs docs = sample();
  EXPECT_EQ(docs.help(List{"DEL"}),
            "\r\n  \x1b[1mDEL\x1b[0m \x1b[90mkey [key ...]\x1b[0m\r\n"
            "  \x1b[33msummary:\x1b[0m Does it.\r\n  \x1b[33msince:\x1b[0m 1.0.0\r\n"
            "  \x1b[33mgroup:\x1b[0m generic\r\n\r\n");
  EXPECT_NE(docs.help(List{"config"}).find("CONFIG GET"), std::string::npos);
  EXPECT_EQ(docs.help(List{"@string"}).find("group:"), std::string::npos);
  EXPECT_EQ(docs.help(List{"nosuch"}), "\r\n");
}

TEST(ArgumentHint, ShowsWhatIsLeftToType) {
  const CommandDocs docs = sample();
  EXPECT_EQ(argument_hint(docs, "set"), " key value [NX|XX] [GET] [EX seconds|KEEPTTL]");
  EXPECT_EQ(argument_hint(docs, "set "), "key value [NX|XX] [GET] [EX seconds|KEEPTTL]");
  EXPECT_EQ(argument_hint(docs, "set k v"), " [NX|XX] [GET] [EX seconds|KEEPTTL]");
}

TEST(ArgumentHint, DropsOptionsThatWereTyped) {
  const CommandDocs docs = sample();
  EXPECT_EQ(argument_hint(docs, "set k v get"), " [NX|XX] [EX seconds|KEEPTTL]");
  EXPECT_EQ(argument_hint(docs, "set k v get nx keepttl"), "");
}

TEST(ArgumentHint, AsksForTheValueOfAnOption) {
  EXPECT_EQ(argument_hint(sample(), "set k v ex "), "seconds [NX|XX] [GET]");
}

TEST(ArgumentHint, KeepsOfferingTheElementsOfAList) {
  const CommandDocs docs = sample();
  EXPECT_EQ(argument_hint(docs, "del a b"), " [key ...]");
  EXPECT_EQ(argument_hint(docs, "zadd k nx 1"), " member [score member ...]");
  EXPECT_EQ(argument_hint(docs, "zadd k 1 a 2 b"), " [score member ...] [NX|XX]");
  EXPECT_EQ(argument_hint(docs, "sort k get p"), " [GET pattern ...]");
  EXPECT_EQ(argument_hint(docs, "config get"), " parameter [parameter ...]");
}

TEST(ArgumentHint, IsSilentAboutUnknownCommandsAndOpenQuotes) {
  const CommandDocs docs = sample();
  EXPECT_EQ(argument_hint(docs, "nosuch "), "");
  EXPECT_EQ(argument_hint(docs, "set \"a"), "");
  EXPECT_EQ(argument_hint(docs, ""), "");
}

TEST(CommandDocs, IgnoresRepliesOfAnotherShape) {
  EXPECT_TRUE(CommandDocs::from_reply(Value::error("ERR unknown command")).empty());
  EXPECT_TRUE(CommandDocs::from_reply(Value::array({Value::integer(1), Value::integer(2), text("x")})).empty());
}

}  // namespace
}  // namespace ashlar::cli
