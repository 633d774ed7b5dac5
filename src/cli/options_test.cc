#include "cli/options.h"

#include <gtest/gtest.h>

#include "cli/uri.h"

namespace ashlar::cli {
namespace {

using List = std::vector<std::string>;

Options parse(const List& args, const Surroundings& surroundings = {}) {
  auto options = parse_options(args, surroundings);
  EXPECT_TRUE(options.has_value()) << options.error().detail;
  return options.value_or(Options{});
}

std::string complaint(const List& args) {
  const auto options = parse_options(args, {});
  return options ? "(accepted)" : options.error().detail;
}

TEST(ParseOptions, StopsAtTheFirstWordOfTheCommand) {
  const Options o = parse({"-h", "db", "-p", "6001", "set", "-x", "-5"});
  EXPECT_EQ(o.connect.endpoint, (Endpoint{.host = "db", .port = 6001}));
  EXPECT_EQ(o.command, (List{"set", "-x", "-5"}));
  EXPECT_EQ(o.stdin_use, StdinUse::kNone);
}

TEST(ParseOptions, FormatsForPeopleOnlyOnATerminal) {
  EXPECT_EQ(parse({}, {.stdout_is_terminal = true}).output, OutputFormat::kTyped);
  EXPECT_EQ(parse({}).output, OutputFormat::kRaw);
  EXPECT_EQ(parse({"--no-raw"}).output, OutputFormat::kTyped);
  EXPECT_EQ(parse({"--csv"}).output, OutputFormat::kCsv);
}

TEST(ParseOptions, AsksForResp3WithJsonUnlessResp2IsForced) {
  EXPECT_EQ(parse({"--json"}).resp3, Resp3::kIfPossible);
  EXPECT_EQ(parse({"-2", "--json"}).resp3, Resp3::kNo);
  EXPECT_EQ(parse({"--json", "-2"}).resp3, Resp3::kNo);
  EXPECT_EQ(parse({"-3", "--json"}).resp3, Resp3::kRequired);
}

TEST(ParseOptions, PrefersTheArgumentToTheEnvironmentAndWarnsOfItAlone) {
  const Surroundings env{.password = "env"};
  EXPECT_EQ(parse({}, env).connect.password, "env");
  EXPECT_FALSE(parse({}, env).auth_warning);
  EXPECT_EQ(parse({"-a", "arg"}, env).connect.password, "arg");
  EXPECT_TRUE(parse({"-a", "arg"}, env).auth_warning);
  EXPECT_FALSE(parse({"-a", "arg", "--no-auth-warning"}).auth_warning);
}

TEST(ParseOptions, RepeatsForEverWhenTheCountIsNegative) {
  EXPECT_EQ(parse({"-r", "3"}).repeat, 3u);
  EXPECT_EQ(parse({"-r", "-1"}).repeat, std::nullopt);
  EXPECT_EQ(parse({"-i", "0.25"}).interval, Micros(250'000));
}

TEST(ParseOptions, LeavesTheWordsAfterClusterButTakesPasswords) {
  const Options o = parse({"-a", "x", "--cluster", "create", "h:1", "--user", "u", "--cluster-replicas", "1"});
  EXPECT_EQ(o.mode, Mode::kCluster);
  EXPECT_EQ(o.cluster_args, (List{"create", "h:1", "--cluster-replicas", "1"}));
  const Options early = parse({"--cluster-yes", "--cluster", "create", "h:1"});
  EXPECT_EQ(early.cluster_args, (List{"create", "h:1", "--cluster-yes"}));
  EXPECT_EQ(complaint({"--cluster-yes", "PING"}), "Unrecognized option or bad number of args for: '--cluster-yes'");
  EXPECT_EQ(o.connect.user, "u");
  EXPECT_EQ(o.connect.password, "x");
}

TEST(ParseOptions, NamesTheOptionThatIsWrong) {
  EXPECT_EQ(complaint({"-p"}), "Unrecognized option or bad number of args for: '-p'");
  EXPECT_EQ(complaint({"--foo", "x"}), "Unrecognized option or bad number of args for: '--foo'");
  EXPECT_EQ(complaint({"-p", "70000"}), "Invalid server port: '70000'");
  EXPECT_EQ(complaint({"-x", "-X", "t"}), "Options -x and -X are mutually exclusive.");
  EXPECT_EQ(complaint({"-2", "-3"}), "Options -2 and -3 are mutually exclusive.");
  EXPECT_EQ(complaint({"-3", "-2"}), "Options -2 and -3 are mutually exclusive.");
  EXPECT_EQ(complaint({"--rdb", "a", "--functions-rdb", "b"}),
            "Option --functions-rdb and --rdb are mutually exclusive.");
  EXPECT_EQ(complaint({"--show-pushes", "q"}), "Unknown --show-pushes value 'q' (valid: '[y]es', '[n]o')");
  EXPECT_EQ(complaint({"--quoted-pattern", "\"a"}), "Invalid quoted string specified for --quoted-pattern.");
  EXPECT_EQ(complaint({"--eval", "f.lua"}), "Option '--eval' is not supported by ashlar-cli.");
  EXPECT_EQ(complaint({"-i", "-1"}), "Invalid interval: '-1'");
}

TEST(ParseOptions, TakesGeneralOptionsBehindTheCommandsOfTheClusterManager) {
  const Options o = parse({"--cluster", "check", "h:1", "--verbose", "-c", "-n", "0", "--cluster-yes"});
  EXPECT_EQ(o.mode, Mode::kCluster);
  EXPECT_TRUE(o.verbose);
  EXPECT_EQ(o.cluster_args, (std::vector<std::string>{"check", "h:1", "--cluster-yes"}));
  EXPECT_EQ(complaint({"--cluster", "check", "h:1", "--stat"}), "Option '--stat' does not go with --cluster.");
  EXPECT_EQ(parse({"--cluster", "create", "h:1", "--help"}).mode, Mode::kHelp);
}

TEST(ParseOptions, LeavesTheWordsOfAClusterCallAlone) {
  const Options o = parse({"--cluster", "call", "h:1", "eval", "return 1", "0", "-c", "-n", "-a", "secret"});
  EXPECT_EQ(o.cluster_args, (std::vector<std::string>{"call", "h:1", "eval", "return 1", "0", "-c", "-n"}));
  EXPECT_EQ(o.connect.password, "secret");
}

TEST(ParseOptions, RefusesAnEmptyPathOfASocket) {
  EXPECT_EQ(complaint({"-s", "", "ping"}), "Option -s needs the path of a socket.");
}

TEST(ParseOptions, ShowsHelpForALoneH) {
  EXPECT_EQ(parse({"-h"}).mode, Mode::kHelp);
  EXPECT_EQ(parse({"--version", "--foo"}).mode, Mode::kVersion);
}

ConnectOptions from_uri(std::string_view uri) {
  ConnectOptions o;
  const auto applied = apply_uri(uri, o);
  EXPECT_TRUE(applied.has_value()) << uri;
  return o;
}

TEST(ApplyUri, ReadsEveryPart) {
  const ConnectOptions o = from_uri("redis://al%40ice:p%3Aw@db.example:6390/7");
  EXPECT_EQ(o.user, "al@ice");
  EXPECT_EQ(o.password, "p:w");
  EXPECT_EQ(o.endpoint, (Endpoint{.host = "db.example", .port = 6390}));
  EXPECT_EQ(o.database, 7u);
}

TEST(ApplyUri, LeavesOutWhatIsNotThere) {
  EXPECT_EQ(from_uri("redis://").endpoint, Endpoint{});
  EXPECT_EQ(from_uri("REDIS://secret@h").password, "secret");
  EXPECT_EQ(from_uri("redis://secret@h").user, "");
  EXPECT_EQ(from_uri("redis://:1234").endpoint.port, 1234);
  EXPECT_EQ(from_uri("redis:///5").database, 5u);
  EXPECT_EQ(from_uri("redis://[::1]:7").endpoint, (Endpoint{.host = "::1", .port = 7}));
}

TEST(ApplyUri, RefusesWhatItCannotRead) {
  ConnectOptions o;
  EXPECT_EQ(apply_uri("http://h", o).error().detail, "Invalid URI scheme");
  EXPECT_EQ(apply_uri("rediss://h", o).error().detail, "TLS ('rediss://') is not supported by ashlar-cli.");
  EXPECT_EQ(apply_uri("redis://%4@h", o).error().detail, "Incomplete URI encoding");
  EXPECT_EQ(apply_uri("redis://%4x@h", o).error().detail, "Illegal character in URI encoding");
  EXPECT_EQ(apply_uri("redis://h:99999", o).error().detail, "Invalid URI port");
  EXPECT_EQ(apply_uri("redis://h/x", o).error().detail, "Invalid URI database");
}

}  // namespace
}  // namespace ashlar::cli
