#include "server/sampler.h"

#include <gtest/gtest.h>

namespace ashlar::server {
namespace {

TEST(RateMeter, DividesTheGrowthByTheTimeItTook) {
  RateMeter meter;
  MonoTime now{Seconds(100)};
  EXPECT_EQ(meter.per_second(), 0U);
  meter.observe(1000, now);
  EXPECT_EQ(meter.per_second(), 0U);
  meter.observe(1050, now + Millis(100));
  EXPECT_EQ(meter.per_second(), 500U);
}
TEST(RateMeter, ForgetsWhatIsOlderThanItsSamples) {
  RateMeter meter;
  MonoTime now{Seconds(100)};
  meter.observe(0, now);
  meter.observe(1'000'000, now += Millis(100));  // a burst
  for (int i = 0; i < 16; ++i) meter.observe(1'000'000, now += Millis(100));
  EXPECT_EQ(meter.per_second(), 0U);
}
TEST(RateMeter, StartsAnewWhenTheCounterWasReset) {
  RateMeter meter;
  const MonoTime now{Seconds(100)};
  meter.observe(5000, now);
  meter.observe(10, now + Millis(100));
  EXPECT_EQ(meter.per_second(), 0U);
  meter.observe(20, now + Millis(200));
  EXPECT_EQ(meter.per_second(), 100U);
}

}  // namespace
}  // namespace ashlar::server
