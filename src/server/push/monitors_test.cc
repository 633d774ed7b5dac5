#include "server/push/monitors.h"

#include <gtest/gtest.h>

#include <array>

namespace ashlar::server {
namespace {

WallTime at_micros(std::int64_t micros) { return WallTime(Micros(micros)); }

TEST(MonitorLine, ShowsTimeDatabaseSourceAndQuotedArguments) {
  const std::array<std::string_view, 3> args = {"set", std::string_view("k\0\"", 3), "a\r\n\xff"};
  EXPECT_EQ(monitor_line(at_micros(1'339'518'083'107'412), DbIndex{9}, "127.0.0.1:60866", args),
            "+1339518083.107412 [9 127.0.0.1:60866] \"set\" \"k\\x00\\\"\" \"a\\r\\n\\xff\"\r\n");
}

TEST(MonitorLine, PadsTheFractionOfASecond) {
  const std::array<std::string_view, 1> args = {"ping"};
  EXPECT_EQ(monitor_line(at_micros(5'000'042), DbIndex{0}, "lua", args), "+5.000042 [0 lua] \"ping\"\r\n");
}

TEST(Monitors, FeedEachLoopOnceHoweverManyOfItsClientsWatch) {
  Monitors monitors;
  Inbox a{[] {}};
  Inbox b{[] {}};
  EXPECT_FALSE(monitors.any());
  monitors.add(a);
  monitors.add(a);
  monitors.add(b);
  EXPECT_TRUE(monitors.any());
  const std::array<std::string_view, 1> args = {"ping"};
  monitors.feed(at_micros(0), DbIndex{0}, "lua", args);
  EXPECT_EQ(a.drain().size(), 1U);
  EXPECT_EQ(b.drain().size(), 1U);
  monitors.remove(a);
  monitors.remove(b);
  monitors.feed(at_micros(0), DbIndex{0}, "lua", args);
  EXPECT_EQ(a.drain().size(), 1U);
  EXPECT_TRUE(b.drain().empty());
  monitors.remove(a);
  EXPECT_FALSE(monitors.any());
}

}  // namespace
}  // namespace ashlar::server
