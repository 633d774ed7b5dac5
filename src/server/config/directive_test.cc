#include "server/config/directive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ashlar::config {
namespace {

using testing::ElementsAre;

/// "ok <value as CONFIG GET prints it>" or the reason.
std::string assigned(std::string_view name, const std::vector<std::string>& arguments) {
  const Directive* directive = find_directive(name);
  if (directive == nullptr) return "unknown";
  Config config;
  const auto done = assign(config, *directive, arguments, Use::kFirst);
  return done ? "ok " + format_value(config, *directive) : std::string(done.error().text());
}

TEST(FindDirective, IgnoresCaseAndKnowsAliases) {
  EXPECT_EQ(find_directive("MaxMemory")->name, "maxmemory");
  EXPECT_EQ(find_directive("slave-priority")->name, "replica-priority");
  EXPECT_EQ(find_directive("lua-time-limit")->name, "busy-reply-threshold");
  EXPECT_EQ(find_directive("hash-max-ziplist-value")->name, "hash-max-listpack-value");
  EXPECT_EQ(find_directive("bgsave-cpulist")->name, "bgsave_cpulist");
  EXPECT_EQ(find_directive("primaryauth")->name, "masterauth");
  EXPECT_EQ(find_directive("xyzzy"), nullptr);
  EXPECT_EQ(find_directive(""), nullptr);
}
TEST(NearestName, FindsTypos) {
  EXPECT_EQ(nearest_name("maxmemmory"), "maxmemory");
  EXPECT_EQ(nearest_name("prot"), "port");
  EXPECT_EQ(nearest_name("INCLUDES"), "include");
  EXPECT_EQ(nearest_name("appendsync"), "appendfsync");
  EXPECT_EQ(nearest_name("completely-different-thing"), "");
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'x')), "");
}

TEST(Assign, WantsExactlyOneValueOfAScalar) {
  EXPECT_EQ(assigned("port", {}), "wrong number of arguments");
  EXPECT_EQ(assigned("port", {"1", "2"}), "wrong number of arguments");
}
TEST(Assign, TakesYesAndNoInAnyCase) {
  EXPECT_EQ(assigned("appendonly", {"YES"}), "ok yes");
  EXPECT_EQ(assigned("appendonly", {"true"}), "argument must be 'yes' or 'no'");
}
TEST(Assign, ChecksTheRangeOfIntegers) {
  EXPECT_EQ(assigned("port", {"65535"}), "ok 65535");
  EXPECT_EQ(assigned("port", {"65536"}), "argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(assigned("port", {"-1"}), "argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(assigned("port", {"080"}), "argument couldn't be parsed into an integer");
  EXPECT_EQ(assigned("threads", {"0"}), "argument must be between 1 and 64 inclusive");
  EXPECT_EQ(assigned("threads", {"65"}), "argument must be between 1 and 64 inclusive");
  EXPECT_EQ(assigned("list-max-listpack-size", {"-2147483648"}), "ok -2147483648");
  EXPECT_EQ(assigned("maxclients", {"4294967295"}), "ok 4294967295");
}
TEST(Assign, TakesMinusOneForNoSlowLog) {
  EXPECT_EQ(assigned("slowlog-log-slower-than", {"-1"}), "ok -1");
  EXPECT_EQ(assigned("slowlog-log-slower-than", {"0"}), "ok 0");
}
TEST(Assign, ReadsMemoryWithUnits) {
  EXPECT_EQ(assigned("maxmemory", {"2GB"}), "ok 2147483648");
  EXPECT_EQ(assigned("maxmemory", {"2k"}), "ok 2000");
  EXPECT_EQ(assigned("maxmemory", {"18446744073709551615"}), "ok 18446744073709551615");
  EXPECT_EQ(assigned("maxmemory", {"18446744073709551616"}),
            "argument must be between 0 and 18446744073709551615 inclusive");
  EXPECT_EQ(assigned("maxmemory", {"1x"}), "argument must be a memory value");
  EXPECT_EQ(assigned("maxmemory", {""}), "argument must be a memory value");
  EXPECT_EQ(assigned("maxmemory", {"-1"}), "argument must be a memory value");
  EXPECT_EQ(assigned("proto-max-bulk-len", {"1mb"}), "ok 1048576");
  EXPECT_EQ(assigned("proto-max-bulk-len", {"1"}),
            "argument must be between 1048576 and 9223372036854775807 inclusive");
}
TEST(Assign, ReadsPermissionsAsOctal) {
  EXPECT_EQ(assigned("unixsocketperm", {"0755"}), "ok 755");
  EXPECT_EQ(assigned("unixsocketperm", {"1000"}), "argument must be between 0 and 777 inclusive");
  EXPECT_EQ(assigned("unixsocketperm", {"8"}), "argument couldn't be parsed as an octal number");
}
TEST(Assign, ReadsMemoryOfClientsAsBytesOrPercent) {
  EXPECT_EQ(assigned("maxmemory-clients", {"5%"}), "ok 5%");
  EXPECT_EQ(assigned("maxmemory-clients", {"0%"}), "ok 0");
  EXPECT_EQ(assigned("maxmemory-clients", {"1gb"}), "ok 1073741824");
  EXPECT_EQ(assigned("maxmemory-clients", {"101%"}), "percentage argument must be less or equal to 100");
  EXPECT_EQ(assigned("maxmemory-clients", {"%"}), "argument must be a memory or percent value");
}
TEST(Assign, ListsTheChoices) {
  EXPECT_EQ(assigned("appendfsync", {"ALWAYS"}), "ok always");
  EXPECT_EQ(assigned("appendfsync", {"often"}), "argument(s) must be one of the following: everysec, always, no");
  EXPECT_EQ(assigned("oom-score-adj", {"relative"}), "ok yes") << "two names of one value: the first is printed";
}
TEST(Assign, ChecksFileNames) {
  EXPECT_EQ(assigned("dbfilename", {"a/b"}), "dbfilename can't be a path, just a filename");
  EXPECT_EQ(assigned("appendfilename", {""}), "appendfilename can't be empty");
  EXPECT_EQ(assigned("appenddirname", {"a/b"}), "appenddirname can't be a path, just a dirname");
}
TEST(Assign, ChecksAnnouncedNames) {
  EXPECT_EQ(assigned("cluster-announce-hostname", {"a-1.b"}), "ok a-1.b");
  EXPECT_EQ(assigned("cluster-announce-hostname", {"a b"}),
            "Hostnames may only contain alphanumeric characters, hyphens or dots");
  EXPECT_EQ(assigned("cluster-announce-hostname", {std::string(256, 'a')}),
            "Hostnames must be less than 256 characters");
  EXPECT_EQ(assigned("cluster-announce-human-nodename", {"a,b"}),
            "Announced human node name contained invalid character");
  EXPECT_EQ(assigned("cluster-announce-human-nodename", {std::string(256, 'a')}),
            "Announced human node names must be less than 256 characters");
  EXPECT_EQ(assigned("cluster-announce-ip", {"fe80::1%eth0"}), "ok fe80::1%eth0");
  EXPECT_EQ(assigned("cluster-announce-ip", {std::string(46, 'a')}),
            "Announced addresses must have at most 45 characters");
  EXPECT_EQ(assigned("cluster-announce-ip", {"h,x"}),
            "Announced addresses may only contain alphanumeric characters and any of -._:%");
  EXPECT_EQ(assigned("proc-title-template", {"{title} {{ {port}"}), "ok {title} {{ {port}");
  EXPECT_EQ(assigned("proc-title-template", {"{x}"}), "template format is invalid or contains unknown variables");
  EXPECT_EQ(assigned("proc-title-template", {"{title"}), "template format is invalid or contains unknown variables");
}
TEST(Assign, RefusesToTurnTlsOn) {
  EXPECT_EQ(assigned("tls-port", {"6380"}), "built without TLS");
  EXPECT_EQ(assigned("tls-port", {"0"}), "ok 0");
  EXPECT_EQ(assigned("tls-cluster", {"yes"}), "built without TLS");
  EXPECT_EQ(assigned("tls-replication", {"yes"}), "built without TLS");
  EXPECT_EQ(assigned("tls-cert-file", {"/a"}), "ok /a");
}
TEST(Assign, ReadsSavePoints) {
  EXPECT_EQ(assigned("save", {"900", "1", "300", "10"}), "ok 900 1 300 10");
  EXPECT_EQ(assigned("save", {""}), "ok ");
  EXPECT_EQ(assigned("save", {}), "ok ");
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{"900"}, {"0", "1"}, {"1", "-1"}, {"x", "1"}, {"99999999999", "1"}}) {
    EXPECT_EQ(assigned("save", bad), "Invalid save parameters");
  }
}
TEST(Assign, ReadsOutputLimitsPerClass) {
  EXPECT_EQ(assigned("client-output-buffer-limit", {"replica", "1mb", "2kb", "3"}),
            "ok normal 0 0 0 slave 1048576 2048 3 pubsub 33554432 8388608 60");
  EXPECT_EQ(assigned("client-output-buffer-limit", {"SLAVE", "1", "2", "3", "normal", "4", "5", "6"}),
            "ok normal 4 5 6 slave 1 2 3 pubsub 33554432 8388608 60");
  EXPECT_EQ(assigned("client-output-buffer-limit", {"normal", "1", "2"}),
            "Wrong number of arguments in buffer limit configuration.");
  EXPECT_EQ(assigned("client-output-buffer-limit", {"master", "1", "2", "3"}),
            "Invalid client class specified in buffer limit configuration.");
  EXPECT_EQ(assigned("client-output-buffer-limit", {"normal", "1", "2", "-3"}),
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
}
TEST(Assign, PrintsEventsInOneOrder) {
  EXPECT_EQ(assigned("notify-keyspace-events", {"KEA"}), "ok AKE");
  EXPECT_EQ(assigned("notify-keyspace-events", {"dtexzhsl$gmE"}), "ok AEm");
  EXPECT_EQ(assigned("notify-keyspace-events", {"xKng"}), "ok gxnK");
  EXPECT_EQ(assigned("notify-keyspace-events", {"An"}), "ok A");
  EXPECT_EQ(assigned("notify-keyspace-events", {""}), "ok ");
  EXPECT_EQ(assigned("notify-keyspace-events", {"q"}), "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
}
TEST(Assign, SetsTheBitsOfEvents) {
  Config config;
  ASSERT_TRUE(assign(config, *find_directive("notify-keyspace-events"), std::vector<std::string>{"Kg"}, Use::kFirst));
  EXPECT_EQ(config.monitor.events,
            static_cast<std::uint32_t>(EventClass::kKeyspace) | static_cast<std::uint32_t>(EventClass::kGeneric));
}
TEST(Assign, ReadsBindAddresses) {
  EXPECT_EQ(assigned("bind", {"127.0.0.1", "-::1"}), "ok 127.0.0.1 -::1");
  EXPECT_EQ(assigned("bind", {""}), "ok ");
  EXPECT_EQ(assigned("bind", std::vector<std::string>(17, "a")), "Too many bind addresses specified.");
  EXPECT_EQ(assigned("bind", {"a", ""}), "Invalid bind address");
}
TEST(Assign, ReadsTheUpstream) {
  EXPECT_EQ(assigned("slaveof", {"10.0.0.1", "6379"}), "ok 10.0.0.1 6379");
  EXPECT_EQ(assigned("replicaof", {"NO", "one"}), "ok ");
  EXPECT_EQ(assigned("replicaof", {"a"}), "wrong number of arguments");
  EXPECT_EQ(assigned("replicaof", {"a", "65536"}), "Invalid master port");
}
TEST(Assign, ReadsPercentilesAndSignals) {
  EXPECT_EQ(assigned("latency-tracking-info-percentiles", {"50", "99.90", "1e1"}), "ok 50 99.9 10");
  EXPECT_EQ(assigned("latency-tracking-info-percentiles", {"100.1"}),
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
  EXPECT_EQ(assigned("latency-tracking-info-percentiles", {"x"}),
            "Invalid latency-tracking-info-percentiles parameters");
  EXPECT_EQ(assigned("shutdown-on-sigterm", {"force", "NOW"}), "ok now force");
  EXPECT_EQ(assigned("shutdown-on-sigterm", {}),
            "argument(s) must be one of the following: default, save, nosave, now, force");
  EXPECT_EQ(assigned("shutdown-on-sigterm", {"save", "nosave"}),
            "shutdown options SAVE and NOSAVE can't be used simultaneously");
  EXPECT_EQ(assigned("oom-score-adj-values", {"1", "-2", "3"}), "ok 1 -2 3");
  EXPECT_EQ(assigned("oom-score-adj-values", {"1", "2", "2001"}),
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
}
TEST(Assign, MovesSomeValuesIntoTheirBounds) {
  EXPECT_EQ(assigned("hz", {"1000"}), "ok 500");
  EXPECT_EQ(assigned("hz", {"0"}), "ok 1");
  EXPECT_EQ(assigned("repl-backlog-size", {"1"}), "ok 16384");
}
TEST(Assign, LeavesTheConfigAloneWhenItFails) {
  Config config;
  config.network.port = 7;
  ASSERT_FALSE(assign(config, *find_directive("port"), std::vector<std::string>{"x"}, Use::kFirst));
  ASSERT_FALSE(assign(config, *find_directive("save"), std::vector<std::string>{"1", "1", "0", "1"}, Use::kFirst));
  EXPECT_EQ(config.network.port, 7);
  EXPECT_EQ(config.snapshot.save_points.size(), 3U);
}
TEST(Assign, FillsTypedMembers) {
  Config config;
  const auto put = [&](std::string_view name, std::string value) {
    ASSERT_TRUE(assign(config, *find_directive(name), std::vector<std::string>{std::move(value)}, Use::kFirst)) << name;
  };
  put("cluster-node-timeout", "5000");
  put("timeout", "30");
  put("maxmemory-policy", "allkeys-lfu");
  put("loglevel", "warning");
  put("enable-debug-command", "local");
  put("slowlog-log-slower-than", "-1");
  EXPECT_EQ(config.cluster.node_timeout, Millis(5000));
  EXPECT_EQ(config.clients.idle_timeout, Seconds(30));
  EXPECT_EQ(config.memory.policy, EvictionPolicy::kAllKeysLfu);
  EXPECT_EQ(config.log.level, log::Level::kWarning);
  EXPECT_TRUE(allows(config.security.debug_command, Locality::kLocal));
  EXPECT_FALSE(allows(config.security.debug_command, Locality::kRemote));
  EXPECT_EQ(config.monitor.slow_log_threshold, std::nullopt);
}
TEST(Assign, KeepsTheTextOfDirectivesWithoutEffect) {
  Config config;
  ASSERT_TRUE(
      assign(config, *find_directive("active-defrag-ignore-bytes"), std::vector<std::string>{"1kb"}, Use::kFirst));
  EXPECT_EQ(config.kept.at("active-defrag-ignore-bytes"), "1024");
}

}  // namespace
}  // namespace ashlar::config
