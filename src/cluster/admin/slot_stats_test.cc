#include "cluster/admin/slot_stats.h"

#include <gtest/gtest.h>

namespace ashlar::cluster {
namespace {

using Costs = SlotStats::Costs;
const SlotId kOne = SlotId::wrap(1);
const SlotId kTwo = SlotId::wrap(2);

SlotBitmap bitmap(std::initializer_list<SlotId> slots) {
  SlotBitmap map;
  for (const SlotId slot : slots) map.set(slot);
  return map;
}

TEST(SlotStats, CostsAddUpForEachSlot) {
  SlotStats stats;
  stats.start();
  stats.add(kOne, {.ticks = 5, .bytes_in = 33, .bytes_out = 5});
  stats.add(kOne, {.ticks = 2, .bytes_out = 7});
  stats.add(kTwo, {.bytes_in = 1});
  EXPECT_EQ(stats.of(kOne), (Costs{7, 33, 12}));
  EXPECT_EQ(stats.of(kTwo), (Costs{0, 1, 0}));
}

TEST(SlotStats, ASlotCostsNothingBeforeCountingBegan) { EXPECT_EQ(SlotStats().of(kOne), Costs{}); }

TEST(SlotStats, WhatWasCountedStaysWhenCountingStops) {
  SlotStats stats;
  stats.start();
  stats.add(kOne, {.ticks = 5});
  stats.stop();
  EXPECT_FALSE(stats.counting());
  stats.start();
  EXPECT_EQ(stats.of(kOne), Costs{.ticks = 5});
}

TEST(SlotStats, ResetSetsAllSlotsToZero) {
  SlotStats stats;
  stats.start();
  stats.add(kOne, {.ticks = 5});
  stats.add(kTwo, {.bytes_out = 5});
  stats.reset();
  EXPECT_EQ(stats.of(kOne), Costs{});
  EXPECT_EQ(stats.of(kTwo), Costs{});
}

TEST(SlotStats, ASlotThatIsLostBeginsAgainWithZero) {
  SlotStats stats;
  stats.start();
  stats.follow(bitmap({kOne, kTwo}));
  stats.add(kOne, {.ticks = 5});
  stats.add(kTwo, {.ticks = 6});
  stats.follow(bitmap({kTwo}));
  EXPECT_EQ(stats.of(kOne), Costs{});
  EXPECT_EQ(stats.of(kTwo), Costs{.ticks = 6});
}

TEST(SlotStats, ASlotThatIsGainedBeginsWithZero) {
  SlotStats stats;
  stats.start();
  stats.add(kOne, {.ticks = 5});  // redirected commands cost, too
  stats.follow(bitmap({kOne}));
  EXPECT_EQ(stats.of(kOne), Costs{});
}

}  // namespace
}  // namespace ashlar::cluster
