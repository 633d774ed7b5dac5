#include "cli/cluster/progress.h"

#include <gtest/gtest.h>

namespace ashlar::cli::cluster {
namespace {

constexpr MonoTime kStart{Seconds(100)};

TEST(Progress, ShowsPartRateAndTimeLeft) {
  Progress progress(100, ProgressUnit::kSlots, kStart);
  EXPECT_EQ(progress.line(kStart), "[........................]   0%  0/100 slots  0 slots/s  0 keys/s  -:-- left");
  for (int i = 0; i < 25; ++i) progress.step();
  progress.keys_moved(500);
  EXPECT_EQ(progress.line(kStart + Seconds(5)),
            "[######..................]  25%  25/100 slots  5 slots/s  100 keys/s  0:15 left");
  for (int i = 0; i < 75; ++i) progress.step();
  EXPECT_EQ(progress.line(kStart + Seconds(10)),
            "[########################] 100%  100/100 slots  10 slots/s  50 keys/s  0:00 left");
  EXPECT_EQ(progress.summary(kStart + Seconds(10)), "100 slots and 500 keys in 10.0 s (10 slots/s, 50 keys/s)");
}

TEST(Progress, GrowsItsTotalWhenMoreIsDoneThanAnnounced) {
  Progress progress(1, ProgressUnit::kKeys, kStart);
  progress.step();
  progress.step();
  EXPECT_EQ(progress.line(kStart + Seconds(1)), "[########################] 100%  2/2 keys  2 keys/s  0:00 left");
}

TEST(Progress, IsDueTenTimesASecondAndAtTheEnd) {
  Progress progress(2, ProgressUnit::kSlots, kStart);
  EXPECT_TRUE(progress.due(kStart));
  EXPECT_FALSE(progress.due(kStart + Millis(99)));
  EXPECT_TRUE(progress.due(kStart + Millis(100)));
  progress.step();
  progress.step();
  EXPECT_TRUE(progress.due(kStart + Millis(101)));
}

TEST(ClockText, CountsHoursWhenThereAreAny) {
  EXPECT_EQ(clock_text(Seconds(8)), "0:08");
  EXPECT_EQ(clock_text(Seconds(750)), "12:30");
  EXPECT_EQ(clock_text(Seconds(11220)), "3:07:00");
  EXPECT_EQ(clock_text(Seconds(-1)), "0:00");
}

}  // namespace
}  // namespace ashlar::cli::cluster
