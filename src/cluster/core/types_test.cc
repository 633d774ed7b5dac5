#include "cluster/core/types.h"

#include <gtest/gtest.h>

namespace ashlar::cluster {
namespace {

SlotId slot(int n) { return *SlotId::from(n); }

TEST(SlotBitmap, PutsSlotNInBitNModEightOfByteNDividedByEight) {
  SlotBitmap map;
  map.set(slot(0));
  map.set(slot(10));
  map.set(slot(16383));
  EXPECT_EQ(map.bytes()[0], 0x01);
  EXPECT_EQ(map.bytes()[1], 0x04);
  EXPECT_EQ(map.bytes()[2047], 0x80);
  EXPECT_EQ(map.count(), 3);
  map.reset(slot(10));
  EXPECT_FALSE(map.test(slot(10)));
  EXPECT_EQ(map.count(), 2);
}

TEST(SlotBitmap, RangesAreMaximalAcrossByteBorders) {
  SlotBitmap map;
  for (int s : {0, 1, 2, 7, 8, 9, 100, 16383}) map.set(slot(s));
  const std::vector<SlotRange> expected = {
      {slot(0), slot(2)}, {slot(7), slot(9)}, {slot(100), slot(100)}, {slot(16383), slot(16383)}};
  EXPECT_EQ(map.ranges(), expected);
}

TEST(SlotBitmap, AllSlotsAreOneRange) {
  SlotBitmap map;
  for (int s = 0; s < kSlotCount; ++s) map.set(slot(s));
  EXPECT_EQ(map.count(), 16384);
  ASSERT_EQ(map.ranges().size(), 1U);
  EXPECT_EQ(map.ranges()[0], (SlotRange{slot(0), slot(16383)}));
}

}  // namespace
}  // namespace ashlar::cluster
