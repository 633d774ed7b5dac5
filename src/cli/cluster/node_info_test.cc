#include "cli/cluster/node_info.h"

#include <gtest/gtest.h>

#include "cli/cluster/test_nodes.h"

namespace ashlar::cli::cluster {
namespace {

using test::id_of;
using test::range;
using test::slot;

const std::string kA(40, 'a');
const std::string kB(40, 'b');
const std::string kC(40, 'c');

TEST(ParseClusterNodes, ReadsEveryFieldOfEveryRole) {
  const auto nodes = parse_cluster_nodes(
      kA + " 127.0.0.1:7000@17000 myself,master - 0 1795368591000 8 connected 201-5460 6552 [449->-" + kB + "] [7-<-" +
      kC + "]\n" + kB + " 10.1.2.3:7001@27001,host-b,shard-id=x slave,fail? " + kA +
      " 0 1795368591608 8 disconnected\n" + kC + " fe80::1:7002@17002 master,noaddr - 0 0 0 connected\n");
  ASSERT_TRUE(nodes) << nodes.error().detail;
  ASSERT_EQ(nodes->size(), 3U);
  const NodeInfo& a = (*nodes)[0];
  EXPECT_EQ(a.id, id_of('a'));
  EXPECT_EQ(a.address(), "127.0.0.1:7000");
  EXPECT_EQ(a.bus_port, 17000);
  EXPECT_TRUE(a.is_master());
  EXPECT_EQ(a.master, std::nullopt);
  EXPECT_EQ(a.config_epoch, 8U);
  EXPECT_TRUE(a.link_up);
  EXPECT_EQ(a.slots, (std::vector{range(201, 5460), range(6552, 6552)}));
  EXPECT_EQ(a.migrating, (std::vector{OpenSlot{slot(449), id_of('b')}}));
  EXPECT_EQ(a.importing, (std::vector{OpenSlot{slot(7), id_of('c')}}));
  const NodeInfo& b = (*nodes)[1];
  EXPECT_EQ(b.role, Role::kReplica);
  EXPECT_EQ(b.master, id_of('a'));
  EXPECT_EQ(b.hostname, "host-b");
  EXPECT_EQ(b.bus_port, 27001);
  EXPECT_TRUE(b.has_flag("fail?"));
  EXPECT_FALSE(b.has_flag("fail"));
  EXPECT_FALSE(b.link_up);
  EXPECT_EQ((*nodes)[2].host, "fe80::1");
  EXPECT_EQ(find_myself(*nodes), &a);
}

TEST(ParseClusterNodes, AcceptsANodeThatDoesNotKnowItsAddress) {
  const auto nodes = parse_cluster_nodes(kA + " :7000@17000 myself,master - 0 0 0 connected\n");
  ASSERT_TRUE(nodes);
  EXPECT_EQ(nodes->front().host, "");
  EXPECT_EQ(nodes->front().port, 7000);
  EXPECT_EQ(parse_cluster_nodes("")->size(), 0U);
}

TEST(ParseClusterNodes, NamesTheLineThatIsWrong) {
  const std::string good = kA + " 127.0.0.1:7000@17000 myself,master - 0 0 0 connected";
  const std::vector<std::string> lines = {
      "x",
      "short 127.0.0.1:7000@17000 master - 0 0 0 connected",
      kA + " 127.0.0.1@17000 master - 0 0 0 connected",
      kA + " 127.0.0.1:70000@17000 master - 0 0 0 connected",
      kA + " 127.0.0.1:7000@x master - 0 0 0 connected",
      kA + " 127.0.0.1:7000 slave xyz 0 0 0 connected",
      kA + " 127.0.0.1:7000 master - 0 0 -1 connected",
      good + " 16384",
      good + " 5-4",
      good + " 5-99999",
      good + " [5-",
      good + " [5->-short]",
      good + " [5-?-" + kB + "]",
      good + " []",
  };
  for (const std::string& bad : lines) {
    const auto nodes = parse_cluster_nodes(good + "\n" + bad + "\n");
    ASSERT_FALSE(nodes) << bad;
    EXPECT_NE(nodes.error().detail.find("line 2"), std::string::npos) << nodes.error().detail;
  }
}

TEST(ConfigSignature, IsEqualExactlyWhenTheOwnersAre) {
  const std::string a = kA + " h:1@2 master - 0 0 1 connected 0-5 6-9\n";
  const std::string b = kB + " h:2@3 master - 0 0 2 connected 10\n";
  const std::string c = kC + " h:3@4 slave " + kA + " 0 0 1 connected\n";
  const auto signature = [](const std::string& text) { return config_signature(*parse_cluster_nodes(text)); };
  EXPECT_EQ(signature(a + b + c), signature(b + a));
  EXPECT_EQ(signature(a + b), signature(kA + " x:9@9 myself,master - 7 7 7 connected 0-9 [3->-" + kB + "]\n" + b));
  EXPECT_NE(signature(a + b), signature(a + kC + " h:2@3 master - 0 0 2 connected 10\n"));
  EXPECT_NE(signature(a + b), signature(a));
}

TEST(SlotSet, WritesTheTextOfTheTables) {
  SlotSet set;
  EXPECT_EQ(set.table_text(), "");
  set.add(range(0, 3));
  set.add(slot(5));
  set.add(range(16382, 16383));
  EXPECT_EQ(set.table_text(), "[0-3],[5],[16382-16383]");
  EXPECT_EQ(set.size(), 7U);
  set.add(slot(4));
  set.remove(slot(16383));
  EXPECT_EQ(set.table_text(), "[0-5],[16382]");
  EXPECT_EQ(set.complement().size(), 16384U - 7U);
  EXPECT_EQ(SlotSet::full().complement(), SlotSet());
}

TEST(Topology, FindsNodesByTheBeginningOfTheirId) {
  Topology topology;
  topology.nodes = {test::master_with('a', {range(0, 9)}), test::replica_of('b', 'a')};
  EXPECT_EQ(*topology.find_prefix("AAA"), &topology.nodes[0]);
  EXPECT_FALSE(topology.find_prefix(""));
  EXPECT_FALSE(topology.find_prefix("c"));
  topology.nodes.push_back(test::master_with('a', {}));
  EXPECT_FALSE(topology.find_prefix("aaa"));
}

TEST(Topology, PrefersMastersWithSlotsAndFewReplicas) {
  Topology topology;
  topology.nodes = {test::master_with('1', {}), test::master_with('2', {range(0, 9)}),
                    test::master_with('3', {range(10, 19)}), test::replica_of('4', '2')};
  EXPECT_EQ(topology.master_with_fewest_replicas(), &topology.nodes[2]);
  EXPECT_EQ(topology.master_with_fewest_replicas(id_of('3')), &topology.nodes[1]);
  EXPECT_EQ(topology.replica_count(id_of('2')), 1U);
  EXPECT_EQ(topology.covered().size(), 20U);
}

}  // namespace
}  // namespace ashlar::cli::cluster
