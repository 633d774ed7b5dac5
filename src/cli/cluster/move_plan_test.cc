#include "cli/cluster/move_plan.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "cli/cluster/test_nodes.h"

namespace ashlar::cli::cluster {
namespace {

using test::id_of;
using test::range;
using test::slot;

SlotSource source(char digit, SlotRange slots) {
  SlotSource out{id_of(digit), {}};
  out.slots.add(slots);
  return out;
}

TEST(PlanReshard, TakesInProportionTheLowestSlotsOfEach) {
  const std::vector<SlotSource> sources = {source('a', range(0, 5460)), source('b', range(5461, 10922)),
                                           source('c', range(10923, 16383))};
  const auto moves = plan_reshard(sources, 5);
  ASSERT_TRUE(moves);
  // b has one slot more and comes first with ceil(5/3) = 2; a and c give 1 each; the slot that rounding loses is b's.
  const std::vector<SlotMove> expected = {{slot(5461), id_of('b')},
                                          {slot(5462), id_of('b')},
                                          {slot(5463), id_of('b')},
                                          {slot(0), id_of('a')},
                                          {slot(10923), id_of('c')}};
  EXPECT_EQ(*moves, expected);
}

TEST(PlanReshard, GivesExactlyTheNumberAskedForUpToAllThereAre) {
  const std::vector<SlotSource> sources = {source('a', range(0, 0)), source('b', range(1, 2)),
                                           source('c', range(3, 9))};
  for (std::size_t count = 0; count <= 10; ++count) EXPECT_EQ(plan_reshard(sources, count)->size(), count);
  const auto too_many = plan_reshard(sources, 11);
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(plan_reshard({}, 1).error().code, ErrorCode::kOutOfRange);
}

// Expected values: what redis-cli 7.0 moves for the same cluster.
TEST(PlanRebalance, FillsAnEmptyMasterAsRedisCliDoes) {
  const std::vector<MasterLoad> masters = {{id_of('0'), 5461}, {id_of('6'), 0}, {id_of('1'), 5462}, {id_of('2'), 5461}};
  const auto plan = plan_rebalance(masters, 2.0, EmptyMasters::kUse);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->involved, 4U);
  EXPECT_EQ(plan->total_weight, 4.0);
  const std::vector<Transfer> expected = {
      {id_of('1'), id_of('6'), 1366}, {id_of('2'), id_of('6'), 1365}, {id_of('0'), id_of('6'), 1365}};
  EXPECT_EQ(plan->transfers, expected);
}

// Expected values: redis-cli 7.0 with --cluster-weight 0=2 --cluster-threshold 1.
TEST(PlanRebalance, FollowsWeightsAsRedisCliDoes) {
  const std::vector<MasterLoad> masters = {
      {id_of('0'), 5459, 2.0}, {id_of('6'), 4}, {id_of('1'), 5460}, {id_of('2'), 5461}};
  const auto plan = plan_rebalance(masters, 1.0, EmptyMasters::kSkip);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->total_weight, 5.0);
  std::map<NodeId, std::int64_t> slots;
  for (const MasterLoad& master : masters) slots[master.node] = static_cast<std::int64_t>(master.slots);
  for (const Transfer& transfer : plan->transfers) {
    slots[transfer.from] -= static_cast<std::int64_t>(transfer.slots);
    slots[transfer.to] += static_cast<std::int64_t>(transfer.slots);
  }
  EXPECT_EQ(plan->transfers.size(), 3U);
  EXPECT_NEAR(static_cast<double>(slots[id_of('0')]), 6553.6, 1.0);
  for (const char other : {'1', '2', '6'}) EXPECT_NEAR(static_cast<double>(slots[id_of(other)]), 3276.8, 1.0);
}

TEST(PlanRebalance, LeavesSmallDifferencesAlone) {
  const std::vector<MasterLoad> masters = {{id_of('a'), 5500}, {id_of('b'), 5442}, {id_of('c'), 5442}};
  EXPECT_TRUE(plan_rebalance(masters, 2.0, EmptyMasters::kSkip)->transfers.empty());
  EXPECT_FALSE(plan_rebalance(masters, 0.5, EmptyMasters::kSkip)->transfers.empty());
  const std::vector<MasterLoad> even = {{id_of('a'), 5461}, {id_of('b'), 5461}, {id_of('c'), 5462}};
  EXPECT_TRUE(plan_rebalance(even, 1.0, EmptyMasters::kSkip)->transfers.empty());
}

TEST(PlanRebalance, SkipsEmptyMastersUnlessTold) {
  const std::vector<MasterLoad> masters = {{id_of('a'), 8192}, {id_of('b'), 8192}, {id_of('c'), 0}};
  const auto skipped = plan_rebalance(masters, 2.0, EmptyMasters::kSkip);
  EXPECT_EQ(skipped->involved, 2U);
  EXPECT_TRUE(skipped->transfers.empty());
  const auto used = plan_rebalance(masters, 2.0, EmptyMasters::kUse);
  std::size_t received = 0;
  for (const Transfer& transfer : used->transfers) {
    EXPECT_EQ(transfer.to, id_of('c'));
    received += transfer.slots;
  }
  EXPECT_GE(received, 5461U);
  EXPECT_LE(received, 5462U);
}

TEST(PlanRebalance, EmptiesAMasterOfWeightZero) {
  const std::vector<MasterLoad> masters = {{id_of('a'), 4096, 0.0}, {id_of('b'), 4096}, {id_of('c'), 8192}};
  const auto plan = plan_rebalance(masters, 2.0, EmptyMasters::kSkip);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->transfers, (std::vector<Transfer>{{id_of('a'), id_of('b'), 4096}}));
}

TEST(PlanRebalance, RefusesWeightsThatMeanNothing) {
  const auto with = [](double weight) {
    const std::vector<MasterLoad> masters = {{id_of('a'), 16384, weight}};
    return plan_rebalance(masters, 2.0, EmptyMasters::kSkip);
  };
  EXPECT_FALSE(with(-1));
  EXPECT_FALSE(with(0));
  EXPECT_FALSE(with(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(plan_rebalance({}, 2.0, EmptyMasters::kUse));
}

}  // namespace
}  // namespace ashlar::cli::cluster
