#include "cli/cluster/check.h"

#include <gtest/gtest.h>

#include "cli/cluster/test_nodes.h"

namespace ashlar::cli::cluster {
namespace {

using test::id_of;
using test::master_with;
using test::range;
using test::replica_of;
using test::slot;

Topology whole_cluster() {
  Topology out;
  out.nodes = {master_with('1', {range(0, 8191)}), master_with('2', {range(8192, 16383)}), replica_of('3', '1')};
  return out;
}

TEST(CheckTopology, FindsNothingWrongWithAWholeCluster) {
  const Findings findings = check_topology(whole_cluster());
  EXPECT_TRUE(findings.healthy());
  EXPECT_TRUE(findings.contested.empty());
}

TEST(CheckTopology, FindsDisagreementOfAReplicaToo) {
  Topology topology = whole_cluster();
  topology.nodes[2].signature = "other";
  EXPECT_FALSE(check_topology(topology).agree);
  EXPECT_EQ(check_topology(topology).problems(), 1U);
}

TEST(CheckTopology, ListsOpenSlotsByNode) {
  Topology topology = whole_cluster();
  topology.nodes[0].info.migrating = {{slot(7), id_of('2')}};
  topology.nodes[1].info.importing = {{slot(7), id_of('1')}, {slot(9), id_of('1')}};
  const Findings findings = check_topology(topology);
  EXPECT_EQ(findings.open.table_text(), "[7],[9]");
  ASSERT_EQ(findings.open_reports.size(), 2U);
  EXPECT_EQ(findings.open_reports[0].migrating, (std::vector{slot(7)}));
  EXPECT_EQ(findings.open_reports[1].importing, (std::vector{slot(7), slot(9)}));
  EXPECT_EQ(findings.problems(), 1U);
}

TEST(CheckTopology, FindsSlotsWithoutAndWithSeveralOwners) {
  Topology topology = whole_cluster();
  topology.nodes[0].slots.remove(slot(5));
  topology.nodes[1].slots.add(slot(6));
  const Findings findings = check_topology(topology);
  EXPECT_EQ(findings.uncovered.table_text(), "[5]");
  ASSERT_EQ(findings.contested.size(), 1U);
  EXPECT_EQ(findings.contested[0].slot, slot(6));
  EXPECT_EQ(findings.contested[0].owners, (std::vector{id_of('1'), id_of('2')}));
}

TEST(CheckTopology, DoesNotCountSlotsOfUnreachableMasters) {
  Topology topology = whole_cluster();
  topology.unreachable.push_back(topology.nodes[1].info);
  topology.nodes.erase(topology.nodes.begin() + 1);
  EXPECT_EQ(check_topology(topology).uncovered.size(), 8192U);
  EXPECT_EQ(topology.unreachable_masters(), 1U);
}

TEST(CheckTopology, CountsAMasterWithoutSlotsAmongTheUnreachable) {
  Topology topology = whole_cluster();
  topology.unreachable.push_back(test::master_with('9', {}).info);
  topology.unreachable.push_back(test::replica_of('8', '1').info);
  EXPECT_EQ(topology.unreachable_masters(), 1U);
}

}  // namespace
}  // namespace ashlar::cli::cluster
