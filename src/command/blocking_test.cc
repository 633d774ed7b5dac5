#include "command/blocking.h"

#include <gtest/gtest.h>

namespace ashlar::command {
namespace {

std::string error_of(std::string_view text, TimeoutUnit unit) {
  const auto parsed = parse_timeout(text, unit);
  return parsed ? "" : std::string(parsed.error().text());
}

TEST(ParseTimeout, ZeroIsForEver) {
  EXPECT_EQ(parse_timeout("0", TimeoutUnit::kSeconds).value(), std::nullopt);
  EXPECT_EQ(parse_timeout("0.0", TimeoutUnit::kSeconds).value(), std::nullopt);
  EXPECT_EQ(parse_timeout("0", TimeoutUnit::kMilliseconds).value(), std::nullopt);
}

TEST(ParseTimeout, RoundsFractionsOfAMillisecondUp) {
  EXPECT_EQ(parse_timeout("0.0001", TimeoutUnit::kSeconds).value(), Millis(1));
  EXPECT_EQ(parse_timeout("1.5", TimeoutUnit::kSeconds).value(), Millis(1500));
}

TEST(ParseTimeout, RefusesWhatIsNoTime) {
  EXPECT_EQ(error_of("-1", TimeoutUnit::kSeconds), "timeout is negative");
  EXPECT_EQ(error_of("x", TimeoutUnit::kSeconds), "timeout is not a float or out of range");
  EXPECT_EQ(error_of("1e300", TimeoutUnit::kSeconds), "timeout is out of range");
  EXPECT_EQ(error_of("-1", TimeoutUnit::kMilliseconds), "timeout is negative");
  EXPECT_EQ(error_of("1.5", TimeoutUnit::kMilliseconds), "timeout is not an integer or out of range");
  EXPECT_EQ(error_of("9223372036854775807", TimeoutUnit::kMilliseconds), "timeout is out of range");
}

TEST(ParseTimeout, KeepsTimesBeyondAnyClockWithinIt) {
  const auto longest = parse_timeout("9223370000000000000", TimeoutUnit::kMilliseconds).value();
  ASSERT_TRUE(longest.has_value());
  EXPECT_GT(std::chrono::duration_cast<Micros>(*longest).count(), 0);
}

}  // namespace
}  // namespace ashlar::command
