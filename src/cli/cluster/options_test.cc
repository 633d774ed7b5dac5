#include "cli/cluster/options.h"

#include <gtest/gtest.h>

namespace ashlar::cli::cluster {
namespace {

Result<Options> parse(std::vector<std::string> words) { return parse_options(words); }

std::string error_of(std::vector<std::string> words) {
  const auto options = parse_options(words);
  return options ? "no error" : options.error().detail;
}

TEST(ClusterOptions, ReadsCreate) {
  const auto options =
      parse({"create", "127.0.0.1:6001", "[::1]:6002", "--cluster-replicas", "1", "h:6003", "--cluster-yes"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_EQ(options->command, Command::kCreate);
  ASSERT_EQ(options->nodes.size(), 3U);
  EXPECT_EQ(options->nodes[1].host, "::1");
  EXPECT_EQ(options->nodes[2].port, 6003);
  EXPECT_EQ(options->replicas, 1U);
  EXPECT_TRUE(options->yes);
}

TEST(ClusterOptions, TakesTheEntryWithAColonOrWithABlank) {
  EXPECT_EQ(parse({"check", "h:7000"})->entry.text(), "h:7000");
  EXPECT_EQ(parse({"check", "h", "7000"})->entry.text(), "h:7000");
  EXPECT_EQ(parse({"info", "::1", "7000"})->entry.host, "::1");
  EXPECT_EQ(parse({"call", "h", "7000", "get", "a"})->arguments, (std::vector<std::string>{"get", "a"}));
  EXPECT_EQ(parse({"add-node", "n:1", "h:2"})->nodes.front().text(), "n:1");
  EXPECT_EQ(parse({"add-node", "n:1", "h:2"})->entry.text(), "h:2");
}

TEST(ClusterOptions, ReadsReshardAndRebalance) {
  const auto reshard = parse({"reshard", "h:1", "--cluster-from", "all", "--cluster-to", "ab", "--cluster-slots",
                              "16384", "--cluster-timeout", "500", "--cluster-pipeline", "100", "--cluster-replace"});
  ASSERT_TRUE(reshard);
  EXPECT_EQ(reshard->from, "all");
  EXPECT_EQ(reshard->to, "ab");
  EXPECT_EQ(reshard->slots, 16384U);
  EXPECT_EQ(reshard->timeout, Millis(500));
  EXPECT_EQ(reshard->pipeline, 100U);
  EXPECT_TRUE(reshard->replace);
  const auto rebalance = parse({"rebalance", "--cluster-weight", "ab=2", "cd=0.5", "h:1", "--cluster-threshold", "0.5",
                                "--cluster-use-empty-masters", "--cluster-simulate"});
  ASSERT_TRUE(rebalance) << rebalance.error().detail;
  EXPECT_EQ(rebalance->weights, (std::vector<std::pair<std::string, double>>{{"ab", 2.0}, {"cd", 0.5}}));
  EXPECT_EQ(rebalance->entry.text(), "h:1");
  EXPECT_EQ(rebalance->threshold, 0.5);
  EXPECT_TRUE(rebalance->use_empty_masters);
  EXPECT_TRUE(rebalance->simulate);
}

TEST(ClusterOptions, ReadsWhereACallGoes) {
  EXPECT_EQ(parse({"call", "h:1", "--cluster-only-masters", "get", "k"})->call_target, CallTarget::kMasters);
  EXPECT_EQ(parse({"call", "h:1", "get", "k", "--cluster-only-replicas"})->call_target, CallTarget::kReplicas);
  EXPECT_EQ(parse({"call", "h:1", "ping"})->call_target, CallTarget::kAll);
}

TEST(ClusterOptions, NamesTheWordAtFault) {
  EXPECT_EQ(error_of({}), "--cluster needs a command; --cluster help lists them");
  EXPECT_EQ(error_of({"chekc", "h:1"}), "Unknown --cluster subcommand 'chekc'; did you mean 'check'?");
  EXPECT_EQ(error_of({"create", "h:1", "foo"}), "Invalid address format: foo");
  EXPECT_EQ(error_of({"create", "h:1", "h:2", "h:1"}), "h:1 is given twice");
  EXPECT_EQ(error_of({"check"}), "--cluster check needs host:port (or host port)");
  EXPECT_EQ(error_of({"check", "h:1", "x"}), "--cluster check has no use for 'x'");
  EXPECT_EQ(error_of({"check", "h:0"}),
            "'h:0' is no address: host:port, or host and port with a blank between them, is");
  EXPECT_EQ(error_of({"check", "h:1", "--cluster-slots", "1"}), "--cluster check takes no option '--cluster-slots'");
  EXPECT_EQ(error_of({"reshard", "h:1", "--cluster-slots"}), "--cluster-slots needs a value");
  EXPECT_EQ(error_of({"reshard", "h:1", "--cluster-slots", "16385"}),
            "'16385' is no value for --cluster-slots: a whole number from 1 to 16384 is");
  EXPECT_EQ(error_of({"rebalance", "h:1", "--cluster-weight", "ab=x"}),
            "'ab=x' is no value for --cluster-weight: <node id>=<number from 0 up> is");
  EXPECT_EQ(error_of({"rebalance", "h:1", "--cluster-weight"}), "--cluster-weight needs <node id>=<weight>");
  EXPECT_EQ(error_of({"del-node", "h:1"}), "--cluster del-node needs host:port node_id");
}

TEST(ClusterOptions, HelpNamesEveryCommand) {
  const std::string help = help_text();
  for (const char* name : {"create", "check", "info", "fix", "reshard", "rebalance", "add-node", "del-node", "call",
                           "set-timeout", "import", "backup", "--cluster-weight <id=w>", "--cluster-yes"})
    EXPECT_NE(help.find(name), std::string::npos) << name;
  EXPECT_EQ(parse({"help"})->command, Command::kHelp);
}

}  // namespace
}  // namespace ashlar::cli::cluster
