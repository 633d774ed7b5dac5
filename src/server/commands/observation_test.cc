// What observes the server: logs of commands, the latency monitor, reports, the dataset's digest.
#include <gtest/gtest.h>

#include "commands/string/commands.h"
#include "commands/testing/run.h"
#include "server/command_log.h"
#include "server/commands/latency_report.h"
#include "server/commands/lolwut.h"
#include "server/dataset_digest.h"
#include "server/latency_monitor.h"

namespace ashlar::server {
namespace {

using Kind = CommandLog::Kind;
constexpr WallTime kNow{Seconds(1'700'000'000)};

CommandLog::Call call(std::span<const std::string_view> args, std::span<const std::size_t> secrets = {}) {
  return {args, secrets, kNow, "127.0.0.1:5000", "me"};
}

TEST(CommandLog, KeepsTheNewestEntriesUpToItsLength) {
  CommandLog log;
  log.set_length(Kind::kSlow, 2);
  const std::vector<std::string_view> args = {"get", "k"};
  for (std::uint64_t i = 0; i < 3; ++i) log.add(Kind::kSlow, call(args), 10 + i);
  const auto entries = log.newest(Kind::kSlow, 10);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].id, 2U);
  EXPECT_EQ(entries[0].value, 12U);
  EXPECT_EQ(entries[1].id, 1U);
  EXPECT_EQ(log.size(Kind::kLargeReply), 0U);
}

TEST(CommandLog, ShowsNoSecrets) {
  CommandLog log;
  const std::vector<std::string_view> args = {"config", "set", "requirepass", "hush"};
  const std::vector<std::size_t> secrets = {3};
  log.add(Kind::kSlow, call(args, secrets), 1);
  EXPECT_EQ(log.newest(Kind::kSlow, 1)[0].args,
            (std::vector<std::string>{"config", "set", "requirepass", "(redacted)"}));
}

TEST(CommandLog, ShortensManyAndLongArguments) {
  CommandLog log;
  const std::string longer(200, 'x');
  std::vector<std::string_view> args(40, "a");
  args[1] = longer;
  log.add(Kind::kLargeRequest, call(args), 1);
  const auto kept = log.newest(Kind::kLargeRequest, 1)[0].args;
  ASSERT_EQ(kept.size(), 32U);
  EXPECT_EQ(kept[1], std::string(128, 'x') + "... (72 more bytes)");
  EXPECT_EQ(kept[31], "... (9 more arguments)");
}

TEST(CommandLog, OfLengthZeroKeepsNothing) {
  CommandLog log;
  log.set_length(Kind::kSlow, 0);
  const std::vector<std::string_view> args = {"get", "k"};
  log.add(Kind::kSlow, call(args), 1);
  EXPECT_EQ(log.size(Kind::kSlow), 0U);
}

TEST(LatencyMonitor, KeepsOnlyWhatReachesTheThreshold) {
  LatencyMonitor monitor;
  monitor.note("command", kNow, Millis(500));
  EXPECT_TRUE(monitor.all().empty());
  monitor.set_threshold(Millis(20));
  monitor.note("command", kNow, Millis(19));
  EXPECT_TRUE(monitor.all().empty());
  monitor.note("command", kNow, Millis(20));
  ASSERT_EQ(monitor.all().size(), 1U);
}

TEST(LatencyMonitor, KeepsTheWorstOfASecondAndTheWorstOfAll) {
  LatencyMonitor monitor;
  monitor.set_threshold(Millis(1));
  monitor.note("command", kNow, Millis(30));
  monitor.note("command", kNow, Millis(90));
  monitor.note("command", kNow, Millis(40));
  monitor.note("command", kNow + Seconds(1), Millis(10));
  const auto series = monitor.find("command");
  ASSERT_TRUE(series);
  ASSERT_EQ(series->samples.size(), 2U);
  EXPECT_EQ(series->samples[0].millis, 90U);
  EXPECT_EQ(series->samples[1].millis, 10U);
  EXPECT_EQ(series->max_millis, 90U);
  EXPECT_EQ(monitor.reset("other"), 0U);
  EXPECT_EQ(monitor.reset("command"), 1U);
}

TEST(LatencyGraph, NamesTheEventWithItsExtremes) {
  const LatencyMonitor::Series series{"command", {{1'699'999'990, 300}, {1'699'999'995, 500}}, 700};
  const std::string graph = latency_graph(series, kNow);
  EXPECT_TRUE(graph.starts_with("command - high 500 ms, low 300 ms (all time high 700 ms)\n")) << graph;
  EXPECT_NE(graph.find("15\n0s\ns"), std::string::npos) << graph;  // ages 10s and 5s, written downwards
}

TEST(Lolwut, DrawsAWallOfTheSizeAskedFor) {
  Rng rng(1);
  const std::string wall = draw_wall(40, 3, rng);
  EXPECT_EQ(wall.size(), 41U * 7);
}

// Expected values: DEBUG DIGEST and DEBUG DIGEST-VALUE of redis-server 7.0.15.
TEST(DatasetDigest, IsThatOfRedis) {
  commands::testing::Runner run;
  commands::StringCommands strings;
  strings.register_in(run.table);
  EXPECT_EQ(dataset_digest(run.keyspace), "0000000000000000000000000000000000000000");
  run.run({"SET", "a", "1"});
  run.run({"SET", "b", "hello", "EX", "100"});
  run.db = DbIndex{3};
  run.run({"SET", "c", "x"});
  EXPECT_EQ(dataset_digest(run.keyspace), "a7f05cbca741230dd3f265769629c113ddbc05b6");
}

}  // namespace
}  // namespace ashlar::server
