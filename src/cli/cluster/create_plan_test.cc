#include "cli/cluster/create_plan.h"

#include <gtest/gtest.h>

#include <numeric>

#include "cli/cluster/test_nodes.h"

namespace ashlar::cli::cluster {
namespace {

using test::range;

std::vector<Endpoint> endpoints(std::initializer_list<std::pair<const char*, int>> list) {
  std::vector<Endpoint> out;
  for (const auto& [host, port] : list) {
    Endpoint endpoint;
    endpoint.host = host;
    endpoint.port = static_cast<std::uint16_t>(port);
    out.push_back(endpoint);
  }
  return out;
}

std::vector<Endpoint> on_one_host(int count) {
  std::vector<Endpoint> out;
  for (int i = 0; i < count; ++i) {
    Endpoint endpoint;
    endpoint.port = static_cast<std::uint16_t>(6001 + i);
    out.push_back(endpoint);
  }
  return out;
}

// Expected values: what redis-cli 7.0 prints for the same six nodes.
TEST(PlanCreate, SharesSlotsAndReplicasAsRedisCliDoes) {
  const auto plan = plan_create(on_one_host(6), 1);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->masters, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(plan->nodes[0].slots, range(0, 5460));
  EXPECT_EQ(plan->nodes[1].slots, range(5461, 10922));
  EXPECT_EQ(plan->nodes[2].slots, range(10923, 16383));
  EXPECT_EQ(plan->replicas, (std::vector<std::size_t>{4, 5, 3}));
  EXPECT_EQ(plan->nodes[4].master, 0U);
  EXPECT_EQ(plan->nodes[5].master, 1U);
  EXPECT_EQ(plan->nodes[3].master, 2U);
  EXPECT_EQ(plan->extra, 0U);
}

// Expected values: redis-cli 7.0 again, nodes on two hosts.
TEST(PlanCreate, TakesMastersFromTheHostsInTurn) {
  const auto plan = plan_create(endpoints({{"a", 1}, {"a", 2}, {"a", 3}, {"b", 4}, {"b", 5}, {"b", 6}}), 1);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->masters, (std::vector<std::size_t>{0, 3, 1}));
  EXPECT_EQ(plan->nodes[5].master, 0U);
  EXPECT_EQ(plan->nodes[2].master, 3U);
  EXPECT_EQ(plan->nodes[4].master, 1U);
  EXPECT_TRUE(affinity_of(*plan).perfect());
}

TEST(PlanCreate, CoversAllSlotsOnceWithSharesThatDifferByOneAtMost) {
  for (const std::size_t masters : {3U, 5U, 7U, 100U, 1000U}) {
    const auto plan = plan_create(on_one_host(static_cast<int>(masters)), 0);
    ASSERT_TRUE(plan);
    std::uint32_t next = 0;
    for (const std::size_t master : plan->masters) {
      const SlotRange& slots = *plan->nodes[master].slots;
      EXPECT_EQ(slots.first.value(), next);
      EXPECT_GE(slots.size(), kSlotCount / masters);
      EXPECT_LE(slots.size(), kSlotCount / masters + 1);
      next = slots.last.value() + 1U;
    }
    EXPECT_EQ(next, kSlotCount);
  }
}

TEST(PlanCreate, GivesLeftOverNodesToTheMastersInTurn) {
  const auto plan = plan_create(on_one_host(8), 1);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->masters.size(), 4U);
  const auto nine = plan_create(on_one_host(9), 1);
  ASSERT_TRUE(nine);
  EXPECT_EQ(nine->masters.size(), 4U);
  EXPECT_EQ(nine->extra, 1U);
  EXPECT_EQ(nine->replicas.size(), 5U);
  EXPECT_EQ(nine->nodes[nine->replicas.back()].master, nine->masters.front());
}

TEST(PlanCreate, SaysTheArithmeticWhenMastersAreTooFew) {
  EXPECT_EQ(plan_create(on_one_host(6), 2).error().detail,
            "6 nodes with 2 replicas per master make 2 masters; at least 3 are needed, so 9 nodes");
  EXPECT_EQ(plan_create(on_one_host(2), 0).error().detail,
            "2 nodes with 0 replicas per master make 2 masters; at least 3 are needed, so 3 nodes");
  EXPECT_EQ(plan_create(on_one_host(1), 1).error().detail,
            "1 node with 1 replica per master make 0 masters; at least 3 are needed, so 6 nodes");
  EXPECT_FALSE(plan_create({}, 0));
}

TEST(Affinity, CountsReplicasBesideTheirMasterAndBesideEachOther) {
  auto plan = *plan_create(endpoints({{"a", 1}, {"b", 2}, {"c", 3}, {"a", 4}, {"b", 5}, {"c", 6}}), 1);
  for (std::size_t i = 0; i < 3; ++i) plan.nodes[i + 3].master = i;
  EXPECT_EQ(affinity_of(plan), (Affinity{.with_master = 3, .with_sibling = 0}));
  Rng rng(1);
  EXPECT_TRUE(improve_affinity(plan, rng).perfect());
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NE(plan.nodes[i + 3].endpoint.host, plan.nodes[*plan.nodes[i + 3].master].endpoint.host);
}

TEST(Affinity, ImprovementKeepsOneMasterForEveryReplicaAndEqualNumbersEach) {
  std::vector<Endpoint> nodes;
  for (int i = 0; i < 60; ++i) {
    Endpoint endpoint;
    endpoint.host = "host" + std::to_string(i % 7);
    endpoint.port = static_cast<std::uint16_t>(7000 + i);
    nodes.push_back(endpoint);
  }
  auto plan = *plan_create(nodes, 2);
  // The worst start: everybody beside somebody.
  for (std::size_t i = 0; i < plan.replicas.size(); ++i) plan.nodes[plan.replicas[i]].master = plan.masters[i / 2];
  Rng rng(42);
  const Affinity reached = improve_affinity(plan, rng);
  EXPECT_TRUE(reached.perfect());
  EXPECT_EQ(reached, affinity_of(plan));
  std::vector<int> replicas(plan.nodes.size());
  for (const std::size_t replica : plan.replicas) ++replicas[*plan.nodes[replica].master];
  for (const std::size_t master : plan.masters) EXPECT_EQ(replicas[master], 2);
}

TEST(Affinity, ReportsWhatOneHostCannotAvoid) {
  auto plan = *plan_create(on_one_host(6), 1);
  Rng rng(1);
  EXPECT_EQ(improve_affinity(plan, rng), (Affinity{.with_master = 3, .with_sibling = 0}));
  std::vector<std::size_t> masters;
  for (const std::size_t replica : plan.replicas) masters.push_back(*plan.nodes[replica].master);
  std::sort(masters.begin(), masters.end());
  EXPECT_EQ(masters, (std::vector<std::size_t>{0, 1, 2}));
}

}  // namespace
}  // namespace ashlar::cli::cluster
