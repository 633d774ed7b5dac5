// Stories of operators' commands, told step by step.
#include "sim/story.h"

namespace ashlar::sim {
namespace {

using cluster::Failover;
using cluster::FailoverMode;

TEST(OperationStory, ManualFailoverSwapsRolesWithinASecondWithoutLoss) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.set_writing(true);
  world.run_for(Seconds{3});
  must(world.command(3, Failover{}));
  ASSERT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{1}));
  EXPECT_GE(world.offset(3), world.offset(0));
  EXPECT_EQ(settle(world, Seconds{10}), "");
  EXPECT_EQ(world.view(0).myself().primary_id(), world.id(3));
  EXPECT_TRUE(world.accepts_writes(3));
  expect_clean(world);
}

TEST(OperationStory, PausedPrimaryGoesOnWhenTheReplicaVanishes) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.set_writing(true);
  world.run_for(Seconds{3});
  world.command_later(3, Failover{});
  ASSERT_TRUE(world.run_until([&] { return !world.accepts_writes(0); }, Seconds{1}));
  world.isolate(3);
  EXPECT_TRUE(world.run_until([&] { return world.accepts_writes(0); }, Seconds{6}));
  world.network().mend_all();
  EXPECT_EQ(settle(world, Seconds{20}), "");
  expect_clean(world);
}

TEST(OperationStory, VotesOfAnEarlierElectionAreNotCountedAgain) {
  WorldOptions options = quick();
  options.node.crash_grace = Millis{300};  // the failure is known while the votes are still there
  World world(options);
  build_by_commands(world, {3, 1, 0});
  world.run_for(Seconds{3});
  must(world.command(3, Failover{}));
  ASSERT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{1}));
  ASSERT_TRUE(
      world.run_until([&] { return world.view(3).find(world.id(0))->primary_id() == world.id(3); }, Seconds{2}));
  must(world.command(0, Failover{}));
  ASSERT_TRUE(world.run_until([&] { return is_primary(world, 0); }, Seconds{1}));
  ASSERT_TRUE(world.run_until([&] { return world.view(3).myself().is_replica(); }, Seconds{1}));
  world.run_for(Millis{200});  // and has its data
  const ConfigEpoch last = world.view(0).myself().config_epoch;
  world.crash(0, Power::kProcessDown);
  ASSERT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{20}));
  EXPECT_GT(world.view(3).myself().config_epoch, last);
  world.restart(0);
  EXPECT_EQ(settle(world, Seconds{20}), "");
  EXPECT_EQ(world.view(1).owner(SlotId::wrap(0))->id, world.id(3));
  expect_clean(world);
}

TEST(OperationStory, ForcedFailoverNeedsNoPrimaryButAMajority) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.run_for(Seconds{1});
  world.crash(0, Power::kMachineDown);
  must(world.command(3, Failover{FailoverMode::kForce}));
  EXPECT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Millis{1'500}));
  world.crash(1, Power::kMachineDown);
  world.crash(2, Power::kMachineDown);
  must(world.command(4, Failover{FailoverMode::kForce}));
  world.run_for(Seconds{10});
  EXPECT_TRUE(world.view(4).myself().is_replica());
  expect_clean(world);
}

TEST(OperationStory, TakeoverNeedsNobody) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  for (const HostIndex primary : {0, 1, 2}) world.crash(primary, Power::kMachineDown);
  for (const HostIndex replica : {3, 4, 5}) must(world.command(replica, Failover{FailoverMode::kTakeover}));
  for (const HostIndex replica : {3, 4, 5}) EXPECT_TRUE(is_primary(world, replica));
  for (const HostIndex primary : {0, 1, 2}) world.restart(primary);
  EXPECT_EQ(settle(world, Seconds{40}), "");
  EXPECT_EQ(world.view(1).myself().primary_id(), world.id(4));
  expect_clean(world);
}

TEST(OperationStory, FailoverIsRefusedWhereItMakesNoSense) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  EXPECT_EQ(world.command(0, Failover{}).error().text(), "You should send CLUSTER FAILOVER to a replica");
  world.crash(0, Power::kProcessDown);
  world.run_for(Millis{500});
  EXPECT_EQ(world.command(3, Failover{}).error().text(), "Master is down or failed, please use CLUSTER FAILOVER FORCE");
}

TEST(OperationStory, SpareReplicaMovesToAnOrphanedPrimary) {
  World world(quick());
  build_by_commands(world, {3, 1, 1});  // 3 and 6 copy 0, 4 copies 1
  world.crash(4, Power::kMachineDown);
  const HostIndex goes = world.id(3) < world.id(6) ? 3 : 6;
  ASSERT_TRUE(world.run_until([&] { return world.view(goes).myself().primary_id() == world.id(1); }, Seconds{20}));
  world.restart(4);
  EXPECT_EQ(settle(world, Seconds{20}), "");
  EXPECT_EQ(cluster::replicas_of(world.view(0), world.id(1)).size(), 2U);
  EXPECT_EQ(cluster::replicas_of(world.view(0), world.id(0)).size(), 1U);
  expect_clean(world);
}

TEST(OperationStory, SpareReplicaStaysIfMigrationIsOff) {
  WorldOptions options = quick();
  options.node.allow_replica_migration = false;
  World world(options);
  build_by_commands(world, {3, 1, 1});
  world.crash(4, Power::kMachineDown);
  world.run_for(Seconds{30});
  EXPECT_EQ(cluster::replicas_of(world.view(0), world.id(0)).size(), 2U);
}

TEST(OperationStory, MigrationBarrierKeepsReplicasBack) {
  WorldOptions options = quick();
  options.node.migration_barrier = 2;
  World world(options);
  build_by_commands(world, {3, 1, 1});
  world.crash(4, Power::kMachineDown);
  world.run_for(Seconds{30});
  EXPECT_EQ(cluster::replicas_of(world.view(0), world.id(0)).size(), 2U);
}

std::size_t hosts_that_know(World& world, const NodeId& id) {
  std::size_t count = 0;
  for (HostIndex host = 0; host < world.size(); ++host) {
    if (world.runs(host) && world.view(host).find(id) != nullptr) ++count;
  }
  return count;
}

TEST(OperationStory, ForgottenNodeIsForgottenEverywhereForGood) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  const NodeId gone = world.id(5);
  world.crash(5, Power::kProcessDown);
  must(world.command(0, cluster::Forget{gone.hex()}));
  EXPECT_TRUE(world.run_until([&] { return hosts_that_know(world, gone) == 0; }, Seconds{20}));
  // Past the minute that it is kept out, nobody is left to bring it back.
  world.run_for(Seconds{70});
  EXPECT_EQ(hosts_that_know(world, gone), 0U);
  expect_clean(world);
}

TEST(OperationStory, PlantedMissingBlacklistBringsTheForgottenBack) {
  WorldOptions options = quick();
  options.node.faults.forget_blacklist = true;
  World world(options);
  build_by_commands(world, {3, 1, 0});
  const NodeId gone = world.id(5);
  world.crash(5, Power::kProcessDown);
  must(world.command(0, cluster::Forget{gone.hex()}));
  world.run_for(Seconds{20});
  EXPECT_EQ(world.view(0).find(gone) != nullptr, true);
}

TEST(OperationStory, ReshardedSlotIsServedByItsNewOwnerEverywhere) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  const SlotId slot = SlotId::wrap(42);
  const std::string from = world.id(0).hex();
  const std::string to = world.id(1).hex();
  must(world.command(1, cluster::SetSlotImporting{slot, from}));
  must(world.command(0, cluster::SetSlotMigrating{slot, to}));
  must(world.command(1, cluster::SetSlotNode{slot, to}));
  must(world.command(0, cluster::SetSlotNode{slot, to}));
  EXPECT_EQ(settle(world, Seconds{10}), "");
  for (HostIndex host = 0; host < 6; ++host) {
    EXPECT_EQ(world.view(host).owner(slot)->id, world.id(1));
    EXPECT_TRUE(world.view(host).open_slots().empty());
  }
  expect_clean(world);
}

TEST(OperationStory, PrimaryThatLosesASlotDropsItsKeys) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  const SlotId slot = SlotId::wrap(42);
  must(world.command(1, cluster::SetSlotImporting{slot, world.id(0).hex()}));
  must(world.command(1, cluster::SetSlotNode{slot, world.id(1).hex()}));
  EXPECT_TRUE(world.run_until([&] { return world.slots_dropped(0) == 1; }, Seconds{5}));
  EXPECT_EQ(world.view(0).owner(slot)->id, world.id(1));
  expect_clean(world);
}

TEST(OperationStory, PrimaryThatLosesItsLastSlotFollowsTheWinner) {
  World world(quick());
  build_by_commands(world, {3, 1, 0, 2});
  for (const std::uint32_t s : {0, 1}) {
    must(world.command(1, cluster::SetSlotImporting{SlotId::wrap(s), world.id(0).hex()}));
    must(world.command(1, cluster::SetSlotNode{SlotId::wrap(s), world.id(1).hex()}));
  }
  EXPECT_EQ(settle(world, Seconds{10}), "");
  EXPECT_EQ(world.view(0).myself().primary_id(), world.id(1));
  EXPECT_EQ(world.view(3).myself().primary_id(), world.id(1));
  expect_clean(world);
}

TEST(OperationStory, PublishedMessageReachesEveryNodeOnce) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  must(world.command(2, cluster::PublishOut{{cluster::ChannelKind::kGlobal, "news", "hello"}}));
  must(world.command(0, cluster::PublishOut{{cluster::ChannelKind::kShard, "local", "psst"}}));
  world.run_for(Seconds{1});
  for (const HostIndex host : {0, 1, 4, 5}) EXPECT_EQ(world.delivered(host).size(), 1U) << host;
  EXPECT_EQ(world.delivered(3).size(), 2U);  // the shard of 0
  EXPECT_TRUE(world.delivered(2).empty());
}

TEST(OperationStory, MeetingOneselfOrAFriendChangesNothing) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  must(world.command(0, cluster::Meet{world.ip(0), 6379, std::nullopt}));
  must(world.command(0, cluster::Meet{world.ip(1), 6379, std::nullopt}));
  EXPECT_EQ(settle(world, Seconds{10}), "");
  EXPECT_EQ(world.view(0).size(), 6U);
  expect_clean(world);
}

TEST(OperationStory, MeetWithNobodyIsGivenUp) {
  World world(quick());
  build_by_commands(world, {3, 0, 0});
  must(world.command(0, cluster::Meet{"10.9.9.9", 6379, std::nullopt}));
  EXPECT_EQ(world.view(0).size(), 4U);
  world.run_for(Seconds{4});
  EXPECT_EQ(world.view(0).size(), 3U);
}

TEST(OperationStory, HardResetNodeJoinsAgainUnderANewId) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  const NodeId old = world.id(5);
  must(world.command(5, cluster::Reset{cluster::ResetMode::kHard, cluster::Keys::kSome}));
  EXPECT_NE(world.id(5), old);
  EXPECT_EQ(world.view(5).size(), 1U);
  must(world.command(0, cluster::Forget{old.hex()}));
  must(world.command(5, cluster::Meet{world.ip(0), 6379, std::nullopt}));
  ASSERT_TRUE(
      world.run_until([&] { return world.view(5).size() == 6 && hosts_that_know(world, old) == 0; }, Seconds{20}));
  must(world.command(5, cluster::Replicate{world.id(2).hex()}));
  EXPECT_EQ(settle(world, Seconds{20}), "");
  expect_clean(world);
}

}  // namespace
}  // namespace ashlar::sim
