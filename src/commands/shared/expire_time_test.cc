#include "commands/shared/expire_time.h"

#include <gtest/gtest.h>

namespace ashlar::commands {
namespace {

constexpr command::CommandSpec kSpec{.name = "set", .arity = command::at_least(3)};
constexpr WallTime kNow = WallTime(Millis(1'700'000'000'000));
constexpr TimeForm kEx{TimeUnit::kSeconds, TimeBase::kFromNow};
constexpr TimeForm kPx{TimeUnit::kMillis, TimeBase::kFromNow};
constexpr TimeForm kExAt{TimeUnit::kSeconds, TimeBase::kUnixEpoch};
constexpr TimeForm kPxAt{TimeUnit::kMillis, TimeBase::kUnixEpoch};

TEST(ExpireTime, CountsFromNowOrFromTheEpochInBothUnits) {
  EXPECT_EQ(*expire_millis("10", kEx, kNow, kSpec), 1'700'000'010'000);
  EXPECT_EQ(*expire_millis("10", kPx, kNow, kSpec), 1'700'000'000'010);
  EXPECT_EQ(*expire_millis("10", kExAt, kNow, kSpec), 10'000);
  EXPECT_EQ(*expire_millis("-10", kPxAt, kNow, kSpec), -10);
}
TEST(ExpireTime, RefusesWhatOverflowsWithTheNameOfTheCommand) {
  const auto error = expire_millis("9223372036854776", kEx, kNow, kSpec).error();
  EXPECT_EQ(error.resp_text(), "ERR invalid expire time in 'set' command");
  EXPECT_FALSE(expire_millis("-9223372036854776", kExAt, kNow, kSpec));
  EXPECT_FALSE(expire_millis("9223372036854775807", kPx, kNow, kSpec));
  EXPECT_EQ(*expire_millis("9223372036854775807", kPxAt, kNow, kSpec), 9223372036854775807);
  EXPECT_EQ(*expire_millis("9223372036854775", kExAt, kNow, kSpec), 9223372036854775000);
}
TEST(ExpireTime, AsksForAPositiveNumberWhereSetDoes) {
  EXPECT_FALSE(positive_expire_millis("0", kPxAt, kNow, kSpec));
  EXPECT_FALSE(positive_expire_millis("-1", kEx, kNow, kSpec));
  EXPECT_EQ(positive_expire_millis("1x", kEx, kNow, kSpec).error().code, ErrorCode::kNotInteger);
  EXPECT_EQ(*positive_expire_millis("1", kPxAt, kNow, kSpec), 1);
}
TEST(ExpireTime, KeepsTimesThatTheClockTypeCannotHoldAtItsEnds) {
  EXPECT_EQ(millis_text(expiry_at(9223372036854775807)), "9223372036854775");
  EXPECT_EQ(millis_text(expiry_at(-9223372036854775807)), "-9223372036854775");
  EXPECT_EQ(millis_text(expiry_at(12345)), "12345");
}

}  // namespace
}  // namespace ashlar::commands
