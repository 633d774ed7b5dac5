#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "server/acl/account.h"
#include "server/acl/denial_log.h"
#include "server/acl/describe.h"
#include "server/acl/users.h"

namespace ashlar::acl {
namespace {

using command::Channels;
using command::CommandSpec;
using command::Denial;
using command::Flag;
using command::KeyAccess;
using command::KeyAction;
using ::testing::ElementsAre;

void nothing(command::Context&) {}

/// A table with a few commands as the real ones are.
class AclTest : public ::testing::Test {
 protected:
  AclTest() {
    add({.name = "get",
         .arity = command::exactly(2),
         .flags = Flag::kReadOnly | Flag::kFast,
         .categories = command::Category::kString,
         .keys = {command::one_key(1, KeyAccess::kRO, KeyAction::kAccess)}});
    add({.name = "append",
         .arity = command::exactly(3),
         .flags = Flag::kWrite | Flag::kFast,
         .categories = command::Category::kString,
         .keys = {command::one_key(1, KeyAccess::kRW, KeyAction::kInsert)}});
    add({.name = "copy",
         .arity = command::at_least(3),
         .flags = Flag::kWrite,
         .keys = {command::one_key(1, KeyAccess::kRO, KeyAction::kAccess),
                  command::one_key(2, KeyAccess::kOW, KeyAction::kUpdate)}});
    add({.name = "sort",
         .arity = command::at_least(2),
         .keys = {command::one_key(1, KeyAccess::kRO, KeyAction::kAccess),
                  command::unknown_keys(KeyAccess::kRO, KeyAction::kAccess)}});
    add({.name = "select", .arity = command::exactly(2), .flags = Flag::kFast});
    add({.name = "auth", .arity = command::at_least(2), .flags = Flag::kNoAuth | Flag::kFast});
    table.add_container({.name = "config", .arity = command::at_least(2)});
    add({.name = "config|get", .arity = command::at_least(3), .flags = Flag::kAdmin});
    add({.name = "config|set", .arity = command::at_least(4), .flags = Flag::kAdmin});
    add({.name = "publish", .arity = command::exactly(3), .flags = Flag::kPubSub, .channels = Channels::kPublished});
    add({.name = "subscribe",
         .arity = command::at_least(2),
         .flags = Flag::kPubSub,
         .channels = Channels::kSubscribed});
    add({.name = "psubscribe", .arity = command::at_least(2), .flags = Flag::kPubSub, .channels = Channels::kPatterns});
    users.start(ChannelDefault::kNone);
  }
  void add(const CommandSpec& spec) { table.add(spec, &nothing); }

  std::string set(std::string_view name, std::vector<std::string_view> rules) {
    const auto done = users.set(name, rules);
    return done ? "OK" : std::string(done.error().text());
  }
  std::string text(std::string_view name) { return user_text(users.find(name)->rules()); }
  std::string commands(std::string_view name) { return command_text(users.find(name)->rules().root); }
  /// "OK", or the reason with what it is about.
  std::string check(std::string_view name, std::vector<std::string_view> args) {
    const auto denial = users.find(name)->check(*RuleParser(table, ChannelDefault::kNone).find(args[0]), args);
    if (!denial) return "OK";
    static constexpr std::string_view kReasons[] = {"command ", "key ", "channel ", "auth "};
    return std::string(kReasons[static_cast<int>(denial->reason)]) + denial->object;
  }
  std::string check_sub(std::string_view name, std::string_view full, std::vector<std::string_view> args) {
    const auto denial = users.find(name)->check(*RuleParser(table, ChannelDefault::kNone).find(full), args);
    return denial ? denial->object : "OK";
  }

  command::CommandTable table;
  Users users{table};
};

TEST_F(AclTest, TheDefaultUserMayDoEverythingWithoutAPassword) {
  EXPECT_EQ(text("default"), "on nopass sanitize-payload ~* &* +@all");
  EXPECT_EQ(users.default_user()->reach(), command::User::Reach::kEverything);
  EXPECT_TRUE(users.default_user()->open());
}

TEST_F(AclTest, ANewUserMayDoNothingAndIsOff) {
  EXPECT_EQ(set("al", {}), "OK");
  EXPECT_EQ(text("al"), "off sanitize-payload resetchannels -@all");
  EXPECT_EQ(check("al", {"get", "k"}), "command get");
  EXPECT_EQ(check("al", {"auth", "p"}), "OK");  // everybody may log in
}

TEST_F(AclTest, PasswordsAreKeptAsHashesAndChecked) {
  EXPECT_EQ(set("al", {"on", ">secret", ">secret"}), "OK");
  EXPECT_THAT(users.find("al")->rules().passwords, ElementsAre(sha256_hex("secret")));
  EXPECT_NE(users.log_in("al", "secret"), nullptr);
  EXPECT_EQ(users.log_in("al", "other"), nullptr);
  EXPECT_EQ(users.log_in("bo", "secret"), nullptr);
  EXPECT_EQ(
      set("al", {"<other"}),
      "Error in ACL SETUSER modifier '<other': The password you are trying to remove from the user does not exist");
  EXPECT_EQ(set("al", {"#abc"}),
            "Error in ACL SETUSER modifier '#abc': The password hash must be exactly 64 characters and contain only "
            "lowercase hexadecimal characters");
  EXPECT_EQ(set("al", {"<secret", "off", "nopass"}), "OK");
  EXPECT_EQ(users.log_in("al", "secret"), nullptr);  // off
}

TEST_F(AclTest, AFailingRuleChangesNothing) {
  EXPECT_EQ(set("al", {"on", "+get"}), "OK");
  EXPECT_EQ(set("al", {"off", "+nosuch"}),
            "Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL");
  EXPECT_TRUE(users.find("al")->rules().enabled);
  EXPECT_EQ(set("bo", {"what"}), "Error in ACL SETUSER modifier 'what': Syntax error");
  EXPECT_EQ(users.find("bo"), nullptr);
}

TEST_F(AclTest, CommandRulesKeepTheirOrderAndReplaceOlderOnesOnTheSame) {
  set("al", {"+@all", "-@string", "+get", "-config", "+config|get"});
  EXPECT_EQ(commands("al"), "+@all -@string +get -config +config|get");
  set("al", {"+config"});
  EXPECT_EQ(commands("al"), "+@all -@string +get +config");
  set("al", {"-get"});
  EXPECT_EQ(commands("al"), "+@all -@string +config -get");
  set("al", {"nocommands"});
  EXPECT_EQ(commands("al"), "-@all");
}

TEST_F(AclTest, CategoriesAllowAndDenyTheirCommands) {
  set("al", {"+@string", "allkeys"});
  EXPECT_EQ(check("al", {"get", "k"}), "OK");
  EXPECT_EQ(check("al", {"select", "0"}), "command select");
  set("al", {"+@all", "-@write"});
  EXPECT_EQ(check("al", {"append", "k", "v"}), "command append");
  EXPECT_EQ(check("al", {"get", "k"}), "OK");
}

TEST_F(AclTest, SubcommandsAreAllowedOneByOne) {
  set("al", {"+config|get"});
  EXPECT_EQ(check_sub("al", "config|get", {"config", "get", "x"}), "OK");
  EXPECT_EQ(check_sub("al", "config|set", {"config", "set", "x", "y"}), "config|set");
  EXPECT_EQ(set("al", {"+config|nosuch"}),
            "Error in ACL SETUSER modifier '+config|nosuch': Unknown command or category name in ACL");
  EXPECT_EQ(set("al", {"+config|get|x"}),
            "Error in ACL SETUSER modifier '+config|get|x': Allowing first-arg of a subcommand is not supported");
}

TEST_F(AclTest, AFirstArgumentMayBeAllowedAlone) {
  set("al", {"+select|0"});
  EXPECT_EQ(check("al", {"select", "0"}), "OK");
  EXPECT_EQ(check("al", {"select", "1"}), "command select");
  EXPECT_EQ(commands("al"), "-@all +select|0");
  set("al", {"-select"});
  EXPECT_EQ(check("al", {"select", "0"}), "command select");
}

TEST_F(AclTest, KeysAreCheckedWithTheAccessThatTheCommandNeeds) {
  set("al", {"+@all", "%R~r*", "%W~w*", "%RW~both"});
  EXPECT_EQ(check("al", {"get", "r1"}), "OK");
  EXPECT_EQ(check("al", {"append", "r1", "v"}), "key r1");
  EXPECT_EQ(check("al", {"append", "w1", "v"}), "OK");
  EXPECT_EQ(check("al", {"get", "w1"}), "key w1");
  EXPECT_EQ(check("al", {"copy", "r1", "w1"}), "OK");
  EXPECT_EQ(check("al", {"copy", "w1", "r1"}), "key w1");
  EXPECT_EQ(check("al", {"copy", "both", "r1"}), "key r1");
  EXPECT_EQ(keys_text(users.find("al")->rules().root), "%R~r* %W~w* ~both");
  EXPECT_EQ(set("al", {"%X~a"}), "Error in ACL SETUSER modifier '%X~a': Syntax error");
  EXPECT_EQ(set("al", {"%R"}), "Error in ACL SETUSER modifier '%R': Syntax error");
}

TEST_F(AclTest, KeysNamedByValuesNeedTheRightToReadAllKeys) {
  const command::Command& sort = *RuleParser(table, ChannelDefault::kNone).find("sort");
  const std::vector<std::string_view> args = {"sort", "ab", "BY", "w_*"};
  const auto enough = [&] { return users.find("al")->may_read_everything_for(sort, args); };
  set("al", {"on", "+sort", "~a*"});
  EXPECT_EQ(check("al", {"sort", "ab", "BY", "w_*"}), "OK");  // as far as the key is concerned
  EXPECT_FALSE(enough());
  set("al", {"%W~*"});
  EXPECT_FALSE(enough());
  set("al", {"(%R~*)"});
  EXPECT_FALSE(enough());  // that selector may not run it
  set("al", {"(+sort %R~*)"});
  EXPECT_TRUE(enough());
}
TEST_F(AclTest, APatternBehindAllKeysIsRefused) {
  EXPECT_EQ(set("al", {"allkeys", "~a"}),
            "Error in ACL SETUSER modifier '~a': Adding a pattern after the * pattern (or the 'allkeys' flag) is not "
            "valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns");
}

TEST_F(AclTest, ChannelsMatchAndPatternsMustBeTheSame) {
  set("al", {"+@all", "&news.*"});
  EXPECT_EQ(check("al", {"publish", "news.a", "m"}), "OK");
  EXPECT_EQ(check("al", {"publish", "other", "news.a"}), "channel other");
  EXPECT_EQ(check("al", {"subscribe", "news.a", "x"}), "channel x");
  EXPECT_EQ(check("al", {"psubscribe", "news.*"}), "OK");
  EXPECT_EQ(check("al", {"psubscribe", "news.a*"}), "channel news.a*");
}

TEST_F(AclTest, ASelectorMustAllowTheWholeCommand) {
  EXPECT_EQ(set("al", {"on", "+get", "~a*", "(+append ~b*)"}), "OK");
  EXPECT_EQ(check("al", {"get", "a"}), "OK");
  EXPECT_EQ(check("al", {"append", "b", "v"}), "OK");
  EXPECT_EQ(check("al", {"append", "a", "v"}), "key a");
  EXPECT_EQ(check("al", {"get", "b"}), "key b");
  EXPECT_EQ(check("al", {"select", "0"}), "command select");
  EXPECT_EQ(text("al"), "on sanitize-payload ~a* resetchannels -@all +get (~b* resetchannels -@all +append)");
  EXPECT_EQ(set("al", {"(+get", "~c)", "(+nosuch)"}),
            "Error in ACL SETUSER modifier '(+nosuch)': Unknown command or category name in ACL");
  EXPECT_EQ(set("al", {"(+get", "~c"}), "Unmatched parenthesis in acl selector starting at '(+get'.");
  set("al", {"clearselectors"});
  EXPECT_EQ(check("al", {"append", "b", "v"}), "command append");
}

TEST_F(AclTest, ASelectorThatMayDoEverythingMakesTheUserUnrestricted) {
  set("al", {"(allkeys allchannels +@all)"});
  EXPECT_EQ(users.find("al")->reach(), command::User::Reach::kEverything);
}

TEST_F(AclTest, TextOfAUserMakesTheSameUserAgain) {
  set("al", {"on", ">p", "~a*", "%R~b", "&c", "+@all", "-@write", "+copy", "(~x -@all +get)"});
  const std::string written = users.text();
  Users again(table);
  again.start(ChannelDefault::kNone);
  ASSERT_TRUE(again.load(written, "f"));
  EXPECT_EQ(again.text(), written);
}

TEST_F(AclTest, TextOfAPatternOfAllKeysMayBeFollowedByOthers) {
  ASSERT_EQ(set("al", {"%RW~*", "~more"}), "OK");
  const std::string described = text("al");
  EXPECT_EQ(described, "off sanitize-payload %RW~* ~more resetchannels -@all");
  EXPECT_TRUE(users.load("user al " + described, "file").has_value());
}

TEST_F(AclTest, AFileWithAnyErrorChangesNothingAndNamesThem) {
  set("al", {"on"});
  const auto loaded = users.load("user bo on +get\nuser bo off\n\nnonsense\nuser ce +nosuch\n", "f.acl");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().text(),
            "WARNING: Duplicate user 'bo' found on line 2. f.acl:4 should start with user keyword followed by the "
            "username. f.acl:5: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
            "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
  EXPECT_NE(users.find("al"), nullptr);
  EXPECT_EQ(users.find("bo"), nullptr);
}

TEST_F(AclTest, LoadingKeepsTheIdentityOfUsersThatAreStillThere) {
  set("al", {"on"});
  set("bo", {"on"});
  const auto before = users.find("al")->identity();
  ASSERT_TRUE(users.load("user al off\n", "f"));
  EXPECT_EQ(users.find("al")->identity(), before);
  EXPECT_EQ(users.find("bo"), nullptr);
  EXPECT_NE(users.find("default"), nullptr);
  set("bo", {"on"});
  users.remove("al");
  set("al", {"on"});
  EXPECT_NE(users.find("al")->identity(), before);
}

TEST_F(AclTest, RequirepassIsTheOnlyPasswordOfTheDefaultUser) {
  set("default", {">old"});
  users.set_default_password("new");
  EXPECT_EQ(users.log_in("default", "old"), nullptr);
  EXPECT_NE(users.log_in("default", "new"), nullptr);
  EXPECT_FALSE(users.default_user()->open());
  users.set_default_password("");
  EXPECT_TRUE(users.default_user()->open());
}

TEST_F(AclTest, TheDefaultUserIsNeverRemoved) {
  EXPECT_FALSE(users.remove("default"));
  EXPECT_FALSE(users.remove("nobody"));
}

TEST(DenialLog, CountsEqualRefusalsWithinAMinute) {
  DenialLog log;
  using Where = command::Permissions::Where;
  const WallTime now{Seconds(1'700'000'000)};
  log.add({Denial::Reason::kKey, "k"}, Where::kTopLevel, "al", "first", now);
  log.add({Denial::Reason::kCommand, "get"}, Where::kTopLevel, "al", "x", now);
  log.add({Denial::Reason::kKey, "k"}, Where::kTopLevel, "al", "second", now + Seconds(60));
  auto entries = log.newest(10);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].count, 2U);
  EXPECT_EQ(entries[0].client, "second");
  EXPECT_EQ(entries[0].id, 0U);
  log.add({Denial::Reason::kKey, "k"}, Where::kTransaction, "al", "x", now + Seconds(60));
  log.add({Denial::Reason::kKey, "k"}, Where::kTopLevel, "al", "x", now + Seconds(121));
  EXPECT_EQ(log.newest(10).size(), 4U);
  EXPECT_EQ(log.total(Denial::Reason::kKey), 4U);
  log.set_length(1);
  EXPECT_EQ(log.newest(10).size(), 1U);
}

}  // namespace
}  // namespace ashlar::acl
