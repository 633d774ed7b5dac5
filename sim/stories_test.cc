// Stories of elections and partitions, told step by step.
#include "sim/story.h"

namespace ashlar::sim {
namespace {

using cluster::ClusterState;
using cluster::Failover;
using cluster::FailoverMode;

TEST(ClusterStory, SixNodesMeetAndServe) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  EXPECT_EQ(world.view(0).voters(), 3U);
  EXPECT_TRUE(world.view(3).myself().is_replica());
  EXPECT_EQ(world.view(5).owner(SlotId::wrap(0))->id, world.id(0));
  EXPECT_EQ(world.view(5).owner(SlotId::wrap(16383))->id, world.id(2));
  expect_clean(world);
}

TEST(ClusterStory, ReplicaOfADeadPrimaryIsElectedWithinBounds) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.set_writing(true);
  world.run_for(Seconds{3});
  world.crash(0, Power::kMachineDown);
  const MonoTime died = world.now();
  ASSERT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{10}));
  // Not before the node timeout of 2 s, counted from a ping up to a second old, and the fixed delay of 0.5 s. Not after
  // half a timeout until the ping, the timeout, a second of gossip, a second of delay and one of ticks and votes.
  EXPECT_GE(world.now() - died, Micros(Millis{1'500}));
  EXPECT_LE(world.now() - died, Micros(Seconds{6}));
  EXPECT_EQ(world.view(3).myself().slot_count, 5461);
  ASSERT_TRUE(world.run_until([&] { return world.view(1).state() == ClusterState::kOk; }, Seconds{5}));

  world.restart(0);
  EXPECT_EQ(settle(world, Seconds{20}), "");
  EXPECT_EQ(world.view(0).myself().primary_id(), world.id(3));
  expect_clean(world);
}

TEST(ClusterStory, CrashedProcessIsReplacedLongBeforeTheNodeTimeoutIfAGraceIsSet) {
  WorldOptions options = quick();
  options.node.node_timeout = Millis{15'000};
  options.node.crash_grace = Millis{300};
  World world(options);
  build_by_commands(world, {3, 1, 0});
  world.run_for(Seconds{2});
  world.crash(0, Power::kProcessDown);
  EXPECT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{3}));
  expect_clean(world);
}

TEST(ClusterStory, SilentMachineIsNotTakenForACrashedProcess) {
  WorldOptions options = quick();
  options.node.node_timeout = Millis{5'000};
  options.node.crash_grace = Millis{300};
  World world(options);
  build_by_commands(world, {3, 1, 0});
  world.isolate(0);
  world.run_for(Millis{2'400});
  EXPECT_EQ(world.view(1).find(world.id(0))->health, cluster::Health::kOnline);
}

TEST(ClusterStory, PrimaryCutOffFromTheMajorityStopsServing) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.set_writing(true);
  world.isolate(0);
  ASSERT_TRUE(world.run_until([&] { return !world.accepts_writes(0); }, Seconds{5}));
  // It stops no later than its successor starts.
  EXPECT_TRUE(world.view(3).myself().is_replica());
  ASSERT_TRUE(world.run_until([&] { return world.accepts_writes(3); }, Seconds{10}));
  EXPECT_FALSE(world.accepts_writes(0));
  world.network().mend_all();
  EXPECT_EQ(settle(world, Seconds{20}), "");
  EXPECT_EQ(world.view(0).myself().primary_id(), world.id(3));
  expect_clean(world);
}

TEST(ClusterStory, MinorityElectsNobody) {
  World world(quick());
  build_by_commands(world, {5, 1, 0});
  // 0 and 1 with their replicas, and the replica of 2, against three primaries.
  world.split({0, 1, 5, 6, 7}, {2, 3, 4, 8, 9});
  world.crash(0, Power::kProcessDown);
  world.run_for(Seconds{30});
  EXPECT_TRUE(world.view(5).myself().is_replica());
  EXPECT_TRUE(world.view(7).myself().is_replica());
  EXPECT_EQ(world.view(1).state(), ClusterState::kFail);
  world.network().mend_all();
  world.restart(0);
  EXPECT_EQ(settle(world, Seconds{60}), "");
  expect_clean(world);
}

/// 0 comes back after 3 took its slots, but the two cannot talk: others must tell 0.
bool stale_primary_learns(World& world) {
  build_by_commands(world, {3, 1, 0});
  world.isolate(0);
  EXPECT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{10}));
  for (const HostIndex other : {1, 2, 4, 5}) {
    world.network().mend(0, other);
    world.network().mend(other, 0);
  }
  return world.run_until([&] { return world.view(0).myself().primary_id() == world.id(3); }, Seconds{20});
}

TEST(ClusterStory, StaleNodeLearnsOfItsSuccessorByAnUpdateOfOthers) {
  World world(quick());
  EXPECT_TRUE(stale_primary_learns(world));
  EXPECT_GT(world.checks().marks().updates, 0U);
  expect_clean(world);
}

TEST(ClusterStory, PlantedIgnoredUpdateKeepsTheStaleNodePrimary) {
  WorldOptions options = quick();
  options.node.faults.ignore_update = true;
  World world(options);
  EXPECT_FALSE(stale_primary_learns(world));
}

TEST(ClusterStory, ReplicaWithMoreDataWins) {
  WorldOptions options = quick();
  World world(options);
  build_by_commands(world, {3, 2, 0});
  world.set_writing(true);
  world.run_for(Seconds{2});
  // 6 stops hearing from its primary and falls behind 3, yet not for so long that it may not stand.
  world.network().cut(0, 6);
  world.run_for(Seconds{1});
  world.crash(0, Power::kMachineDown);
  world.network().mend_all();
  ASSERT_TRUE(world.run_until([&] { return is_primary(world, 3) || is_primary(world, 6); }, Seconds{15}));
  EXPECT_TRUE(is_primary(world, 3));
  EXPECT_EQ(settle(world, Seconds{1}).empty(), false);  // 0 is still called failing
  expect_clean(world);
}

TEST(ClusterStory, ReplicaWithOldDataDoesNotStand) {
  WorldOptions options = quick();
  options.node.replica_validity_factor = 1;
  options.node.repl_ping_period = Seconds{1};
  World world(options);
  build_by_commands(world, {3, 1, 0});
  world.run_for(Seconds{2});
  world.network().cut(0, 3);  // no stream, while 3 itself stays in the cluster
  world.run_for(Seconds{10});
  world.crash(0, Power::kMachineDown);
  world.run_for(Seconds{30});
  EXPECT_TRUE(world.view(3).myself().is_replica());
  expect_clean(world);
}

TEST(ClusterStory, ReplicaThatHasNotReachedItsPrimarySinceItStartedDoesNotStand) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.run_for(Seconds{2});
  world.crash(3, Power::kProcessDown);
  world.network().cut(0, 3);
  world.restart(3);
  world.run_for(Seconds{10});
  world.crash(0, Power::kMachineDown);
  world.run_for(Seconds{30});
  EXPECT_TRUE(world.view(3).myself().is_replica());
  must(world.command(3, Failover{FailoverMode::kForce}));  // an operator may know better
  EXPECT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{5}));
  expect_clean(world);
}

TEST(ClusterStory, ReplicaThatCameFromAnotherShardDoesNotStandBeforeItHasTheData) {
  World world(quick());
  build_by_commands(world, {3, 2, 0});
  world.run_for(Seconds{2});
  world.crash(4, Power::kMachineDown);
  world.crash(7, Power::kMachineDown);
  world.network().cut(1, 6);
  must(world.command(6, cluster::Replicate{world.id(1).hex()}));
  world.run_for(Seconds{2});
  world.crash(1, Power::kMachineDown);
  world.run_for(Seconds{30});
  EXPECT_TRUE(world.view(6).myself().is_replica());
  expect_clean(world);
}

TEST(ClusterStory, ReplicaWithoutItsPrimarysDataIsNotHandedTheSlotsWhateverItsOffset) {
  World world(quick());
  build_by_commands(world, {3, 2, 0});
  world.run_for(Seconds{2});
  world.hold_replication(6);
  must(world.command(6, cluster::Replicate{world.id(1).hex()}));
  world.run_for(Seconds{2});
  must(world.command(6, Failover{FailoverMode::kDefault}));
  world.run_for(Seconds{10});
  EXPECT_TRUE(is_primary(world, 1));
  EXPECT_TRUE(world.view(6).myself().is_replica());
  expect_clean(world);
}

TEST(ClusterStory, ReplicaThatHasNotReachedItsPrimarysHeirStandsWithWhatItHad) {
  World world(quick());
  build_by_commands(world, {3, 2, 0});
  world.run_for(Seconds{2});
  world.network().cut(3, 6);
  world.crash(0, Power::kMachineDown);
  const auto heir = [&]() -> HostIndex { return is_primary(world, 3) ? 3 : 6; };
  ASSERT_TRUE(world.run_until([&] { return is_primary(world, 3) || is_primary(world, 6); }, Seconds{15}));
  const HostIndex first = heir();
  const HostIndex other = 9 - first;
  ASSERT_TRUE(world.run_until([&] { return world.view(other).myself().primary_id() == world.id(first); }, Seconds{5}));
  world.crash(first, Power::kMachineDown);
  EXPECT_TRUE(world.run_until([&] { return is_primary(world, other); }, Seconds{20}));
  expect_clean(world);
}

TEST(ClusterStory, ReplicaToldNotToFailOverDoesNot) {
  WorldOptions options = quick();
  options.node.replica_no_failover = true;
  World world(options);
  build_by_commands(world, {3, 1, 0});
  world.run_for(Seconds{2});
  world.crash(0, Power::kMachineDown);
  world.run_for(Seconds{20});
  EXPECT_TRUE(world.view(3).myself().is_replica());
  EXPECT_TRUE(world.view(1).find(world.id(3))->no_failover);
  // An operator still can.
  must(world.command(3, Failover{FailoverMode::kForce}));
  EXPECT_TRUE(world.run_until([&] { return is_primary(world, 3); }, Seconds{5}));
  expect_clean(world);
}

TEST(ClusterStory, WholeClusterComesBackFromItsFiles) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  const NodeId first = world.id(0);
  for (HostIndex host = 0; host < 6; ++host) world.crash(host, Power::kProcessDown);
  world.run_for(Seconds{5});
  for (HostIndex host = 0; host < 6; ++host) world.restart(host);
  EXPECT_EQ(settle(world, Seconds{20}), "");
  EXPECT_EQ(world.id(0), first);
  EXPECT_EQ(world.view(3).myself().primary_id(), first);
  expect_clean(world);
}

TEST(ClusterStory, SlotlessHalfOpenLinksAreReplaced) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  for (HostIndex other = 1; other < 6; ++other) world.network().break_links(0, other, Network::Notice::kOneSide);
  world.run_for(Seconds{5});
  EXPECT_EQ(world.why_not_settled().value_or(""), "");
  expect_clean(world);
}

TEST(ClusterStory, MovedNodeIsFoundAtItsNewAddress) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.crash(4, Power::kProcessDown);
  world.move_to(4, "10.0.7.7");
  world.restart(4);
  const auto everybody_knows = [&] {
    for (HostIndex host = 0; host < 6; ++host) {
      if (world.view(host).find(world.id(4))->address.ip != "10.0.7.7") return false;
    }
    return true;
  };
  EXPECT_TRUE(world.run_until(everybody_knows, Seconds{20}));
  EXPECT_EQ(settle(world, Seconds{20}), "");
  expect_clean(world);
}

TEST(ClusterStory, CollidingEpochsMoveApart) {
  World world(quick());
  build_by_commands(world, {3, 0, 0});
  world.split({0}, {1, 2});
  must(world.command(0, cluster::BumpEpoch{}));
  must(world.command(1, cluster::BumpEpoch{}));
  ASSERT_EQ(world.view(0).myself().config_epoch, world.view(1).myself().config_epoch);
  world.network().mend_all();
  EXPECT_EQ(settle(world, Seconds{20}), "");
  expect_clean(world);
}

TEST(ClusterStory, PlantedIgnoredCollisionIsSeen) {
  WorldOptions options = quick();
  options.node.faults.ignore_collision = true;
  World world(options);
  build_by_commands(world, {3, 0, 0});
  world.split({0}, {1, 2});
  must(world.command(0, cluster::BumpEpoch{}));
  must(world.command(1, cluster::BumpEpoch{}));
  world.network().mend_all();
  EXPECT_EQ(settle(world, Seconds{20}), "two primaries hold epoch 4");
}

}  // namespace
}  // namespace ashlar::sim
