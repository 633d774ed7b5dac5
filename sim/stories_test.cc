#include <gtest/gtest.h>

#include "sim/topology.h"
#include "sim/world.h"

namespace ashlar::sim {
namespace {

using cluster::ClusterState;

WorldOptions quick() {
  WorldOptions options;
  options.node.node_timeout = Millis{2'000};
  return options;
}

/// Runs until the running hosts agree again; gives the reason if they do not.
std::string settle(World& world, Seconds limit) {
  (void)world.run_until([&] { return !world.why_not_settled(); }, limit);
  return world.why_not_settled().value_or("");
}

void expect_clean(World& world) {
  for (const std::string& violation : world.checks().violations()) ADD_FAILURE() << violation;
}

TEST(ClusterStory, SixNodesMeetAndServe) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  EXPECT_EQ(world.view(0).voters(), 3U);
  EXPECT_TRUE(world.view(3).myself().is_replica());
  expect_clean(world);
}

TEST(ClusterStory, ReplicaOfADeadPrimaryIsElectedWithinBounds) {
  World world(quick());
  build_by_commands(world, {3, 1, 0});
  world.set_writing(true);
  world.run_for(Seconds{3});
  world.crash(0, Power::kMachineDown);
  // Node timeout 2 s, half a timeout until the ping, 0.5..1 s of delay, gossip rounds and ticks between.
  const MonoTime died = world.now();
  ASSERT_TRUE(world.run_until([&] { return world.view(3).myself().is_primary(); }, Seconds{10}));
  EXPECT_GE(world.now() - died, Micros(Millis{1'500}));
  EXPECT_LE(world.now() - died, Micros(Seconds{6}));
  EXPECT_EQ(world.view(3).myself().slot_count, 5461);
  ASSERT_TRUE(world.run_until([&] { return world.view(1).state() == ClusterState::kOk; }, Seconds{5}));

  world.restart(0);
  EXPECT_EQ(settle(world, Seconds{20}), "");
  EXPECT_EQ(world.view(0).myself().primary_id(), world.id(3));
  expect_clean(world);
}

}  // namespace
}  // namespace ashlar::sim
