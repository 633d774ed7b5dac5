#include "server/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/map_files.h"

namespace ashlar::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Tree = std::map<std::string, std::string>;

Result<Config> load_tree(const Tree& tree, std::vector<std::string> arguments, std::string standard_input = {}) {
  MapFiles files(tree);
  return load({.arguments = std::move(arguments),
               .standard_input = std::move(standard_input),
               .working_directory = "/work",
               .processors = 8,
               .program = "Ashlar 0.1"},
              files);
}
Result<Config> load_text(const std::string& text) { return load_tree({{"/work/a.conf", text}}, {"a.conf"}); }
std::string error_of(const Result<Config>& result) { return result ? "it loaded" : std::string(result.error().text()); }

TEST(Load, GivesDefaultsWithoutInput) {
  const auto config = load_tree({}, {});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->network.port, 6379);
  EXPECT_EQ(config->snapshot.directory, "/work");
  EXPECT_EQ(config->origin.config_file, "");
  EXPECT_EQ(config->process.threads, 4U) << "eight processors, at most four threads by default";
  EXPECT_EQ(config->snapshot.save_points.size(), 3U);
}
TEST(Load, PassesOverLinesOfOtherBlanks) { EXPECT_EQ(load_text("\v\nhz 20\n\f\n")->process.hz, 20U); }
TEST(Load, ReadsFileThenStandardInputThenOptions) {
  const Tree tree = {{"/work/a.conf", "port 1\nhz 11\ntimeout 5\n"}};
  const auto config = load_tree(tree, {"a.conf", "--port", "3", "-"}, "port 2\nhz 12\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->network.port, 3);
  EXPECT_EQ(config->process.hz, 12U);
  EXPECT_EQ(config->clients.idle_timeout, Seconds(5));
  EXPECT_EQ(config->origin.config_file, "/work/a.conf");
}
TEST(Load, ReplacesTheDefaultSavePointsOnceAndThenAdds) {
  const auto config = load_tree({{"/work/a.conf", "save 900 1\nsave 300 10\n"}}, {"a.conf", "--save", "60", "5"});
  ASSERT_TRUE(config);
  const auto& points = config->snapshot.save_points;
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[0].period, Seconds(900));
  EXPECT_EQ(points[2].changes, 5U);
}
TEST(Load, ReplacesTheSavePointsOfIncludedFilesByThoseBehindThem) {
  const std::map<std::string, std::string> tree = {{"/work/a.conf", "include one.conf\ninclude two.conf\n"},
                                                   {"/work/b.conf", "include one.conf\nsave 3 3\nsave 4 4\n"},
                                                   {"/work/one.conf", "save 1 1\n"},
                                                   {"/work/two.conf", "save 2 2\n"}};
  EXPECT_EQ(load_tree(tree, {"a.conf"})->snapshot.save_points.size(), 2U);
  const auto points = load_tree(tree, {"b.conf"})->snapshot.save_points;
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].period, Seconds(3));
}
TEST(Load, ClearsSavePointsAtAnEmptyOne) {
  EXPECT_THAT(load_text("save 900 1\nsave \"\"\n")->snapshot.save_points, IsEmpty());
  EXPECT_THAT(load_tree({}, {"--save", ""})->snapshot.save_points, IsEmpty());
  EXPECT_EQ(load_text("save 900 1\nsave \"\"\nsave 5 6\n")->snapshot.save_points.size(), 1U);
}
TEST(Load, CutsOneQuotedValueOfADirectiveOfMany) {
  EXPECT_EQ(load_text("save \"900 1 300 2\"\n")->snapshot.save_points.size(), 2U);
  EXPECT_THAT(load_tree({}, {"--bind", "127.0.0.1 -::1"})->network.bind, ElementsAre("127.0.0.1", "-::1"));
  EXPECT_EQ(load_text("replicaof \"h 1\"\n")->replication.upstream->host, "h");
}
TEST(Load, FollowsIncludes) {
  const Tree tree = {{"/work/a.conf", "hz 11\ninclude sub/b.conf\ninclude /etc/c.conf\n"},
                     {"/work/sub/b.conf", "hz 12\ntimeout 1\n"},
                     {"/etc/c.conf", "timeout 2\n"}};
  const auto config = load_tree(tree, {"a.conf"});
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_EQ(config->process.hz, 12U);
  EXPECT_EQ(config->clients.idle_timeout, Seconds(2));
}
TEST(Load, ExpandsPatternsOfIncludesInOrder) {
  const Tree tree = {{"/work/a.conf", "include conf.d/*.conf\ninclude none/*.conf\n"},
                     {"/work/conf.d/20.conf", "hz 20\n"},
                     {"/work/conf.d/10.conf", "hz 10\ntimeout 3\n"},
                     {"/work/conf.d/.hidden.conf", "xyzzy\n"},
                     {"/work/conf.d/readme", "xyzzy\n"}};
  const auto config = load_tree(tree, {"a.conf"});
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_EQ(config->process.hz, 20U);
  EXPECT_EQ(config->clients.idle_timeout, Seconds(3));
}
TEST(Load, TakesRelativeIncludesFromTheDirectorySetBefore) {
  const Tree tree = {{"/work/a.conf", "dir data\ninclude b.conf\n"}, {"/work/data/b.conf", "hz 33\n"}};
  const auto config = load_tree(tree, {"a.conf"});
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_EQ(config->process.hz, 33U);
  EXPECT_EQ(config->snapshot.directory, "/work/data");
}
TEST(Load, RefusesIncludesInACircle) {
  const Tree tree = {
      {"/work/a.conf", "include b.conf\n"}, {"/work/b.conf", "hz 1\ninclude ./sub/../a.conf\n"}, {"/work/sub/x", ""}};
  EXPECT_EQ(error_of(load_tree(tree, {"a.conf"})),
            "\n*** FATAL CONFIG FILE ERROR (Ashlar 0.1) ***\n"
            "Reading the configuration file, at line 2 of /work/b.conf\n"
            ">>> 'include ./sub/../a.conf'\n"
            "include of '/work/a.conf' makes a circle\n");
}
TEST(Load, BoundsDepthAndNumberOfIncludes) {
  Tree deep;
  for (int i = 0; i < 17; ++i) deep["/work/" + std::to_string(i)] = "include " + std::to_string(i + 1) + "\n";
  deep["/work/17"] = "";
  EXPECT_THAT(error_of(load_tree(deep, {"0"})), HasSubstr("include goes too deep"));
  deep["/work/15"] = "";
  EXPECT_TRUE(load_tree(deep, {"0"}));
  Tree wide = {{"/work/b", "include c\ninclude c\n"}, {"/work/c", ""}};
  for (int i = 0; i < 1000; ++i) wide["/work/a"] += "include b\n";
  EXPECT_THAT(error_of(load_tree(wide, {"a"})), HasSubstr("too many configuration files"));
}
TEST(Load, NamesFileLineAndNearestDirective) {
  EXPECT_EQ(error_of(load_text("# a\n\n  maxmemmory 1gb\r\n")),
            "\n*** FATAL CONFIG FILE ERROR (Ashlar 0.1) ***\n"
            "Reading the configuration file, at line 3 of /work/a.conf\n"
            ">>> 'maxmemmory 1gb'\n"
            "Bad directive or wrong number of arguments\n"
            "Did you mean 'maxmemory'?\n");
}
TEST(Load, NamesThePlaceOutsideOfFiles) {
  EXPECT_THAT(error_of(load_tree({}, {"--hz", "x"})),
              HasSubstr("at line 1 of the command line options\n>>> 'hz \"x\"'\nargument couldn't be parsed"));
  EXPECT_THAT(error_of(load_tree({}, {"-"}, "\nhz x\n")), HasSubstr("at line 2 of standard input\n"));
}
TEST(Load, SaysWhichFileCannotBeRead) {
  EXPECT_EQ(error_of(load_tree({}, {"nope.conf"})),
            "Fatal error, can't open config file 'nope.conf': No such file or directory");
  EXPECT_EQ(error_of(load_text("include /nope\n")),
            "Fatal error, can't open config file '/nope': No such file or directory");
}
TEST(Load, RefusesWhatItCannotDo) {
  EXPECT_THAT(error_of(load_text("loadmodule /x.so a\n")), HasSubstr("this server cannot load modules"));
  EXPECT_THAT(error_of(load_text("search.threads 1\n")), HasSubstr("this server has no modules to configure"));
  EXPECT_THAT(error_of(load_text("sentinel monitor a b 1 2\n")), HasSubstr("while not in sentinel mode"));
  EXPECT_THAT(error_of(load_text("tls-port 6380\n")), HasSubstr("built without TLS"));
  EXPECT_THAT(error_of(load_text("dir /nope\n")), HasSubstr("No such file or directory"));
  EXPECT_THAT(error_of(load_text("replicaof a 1\ncluster-enabled yes\n")),
              HasSubstr("replicaof directive not allowed in cluster mode"));
  EXPECT_THAT(error_of(load_text("cluster-enabled yes\nport 55536\n")), HasSubstr("port number too high"));
  EXPECT_TRUE(load_text("cluster-enabled yes\nport 55536\ncluster-port 7\n"));
  EXPECT_THAT(error_of(load_text("rename-command GET\n")), HasSubstr("Bad directive or wrong number of arguments"));
  EXPECT_THAT(error_of(load_text("masterauth \"a\n")), HasSubstr("Unbalanced quotes in configuration line"));
  EXPECT_THAT(error_of(load_text(std::string("masterauth a\0b\n", 15))), HasSubstr("Zero byte"));
}
TEST(Load, KeepsRenamesAndUsersAsTheyStand) {
  const auto config = load_text("rename-command GET \"\"\nRENAME-COMMAND set fetch\nuser a on >p ~* +@all\n");
  ASSERT_TRUE(config) << error_of(config);
  const SecurityConfig& security = config->security;
  ASSERT_EQ(security.renamed_commands.size(), 2U);
  EXPECT_EQ(security.renamed_commands[0].to, "");
  EXPECT_EQ(security.renamed_commands[1].from, "set");
  EXPECT_EQ(security.renamed_commands[1].where.line, 2U);
  ASSERT_EQ(security.users.size(), 1U);
  EXPECT_THAT(security.users[0].words, ElementsAre("user", "a", "on", ">p", "~*", "+@all"));
}
TEST(Load, IgnoresWhatRedis7HasForgotten) {
  EXPECT_TRUE(load_text("list-max-ziplist-entries 1\nlist-max-ziplist-value 2\nlua-replicate-commands yes\n"));
  EXPECT_FALSE(load_text("list-max-ziplist-entries 1 2\n"));
}
TEST(Load, WarnsOfSettingsWithoutEffect) {
  EXPECT_THAT(warnings(*load_text("port 1\nio-threads 1\n")), IsEmpty());
  EXPECT_THAT(warnings(*load_text("io-threads 4\nuser a on\n")), ElementsAre(HasSubstr("'io-threads' has no effect")));
}
TEST(Load, AsksForStandardInputOnlyWhenADashStandsAlone) {
  EXPECT_TRUE(wants_standard_input(std::vector<std::string>{"-"}));
  EXPECT_FALSE(wants_standard_input(std::vector<std::string>{"a.conf", "--port", "1"}));
}

}  // namespace
}  // namespace ashlar::config
