#include <gtest/gtest.h>

#include "commands/geo/commands.h"
#include "commands/string/commands.h"
#include "commands/testing/run.h"
#include "commands/zset/commands.h"

namespace ashlar::commands {
namespace {

// Positions and expected replies: the reference pages of the commands.
struct Geo : ::testing::Test {
  Geo() {
    strings.register_in(r.table);
    register_zset_commands(r.table);
    register_geo_commands(r.table);
    run({"geoadd", "Sicily", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"});
  }
  std::string run(std::initializer_list<std::string_view> words) {
    std::string out;
    for (const char c : r.run(words)) {
      if (c == '\n') out += ' ';
      if (c != '\r' && c != '\n') out += c;
    }
    if (!out.empty()) out.pop_back();
    return out;
  }
  testing::Runner r;
  StringCommands strings;
};

TEST_F(Geo, AddsPositionsAsScores) {
  EXPECT_EQ(run({"zscore", "Sicily", "Palermo"}), "$16 3479099956230698");
  EXPECT_EQ(run({"geoadd", "Sicily", "ch", "13.4", "38", "Palermo", "1", "1", "new"}), ":2");
  EXPECT_EQ(run({"geoadd", "Sicily", "nx", "13", "38", "Palermo"}), ":0");
  EXPECT_EQ(run({"geoadd", "none", "xx", "13", "38", "Palermo"}), ":0");
}
TEST_F(Geo, RefusesPositionsOutsideTheProjection) {
  EXPECT_EQ(run({"geoadd", "k", "200", "10", "m"}), "-ERR invalid longitude,latitude pair 200.000000,10.000000");
  EXPECT_EQ(run({"geoadd", "k", "10", "86", "m"}), "-ERR invalid longitude,latitude pair 10.000000,86.000000");
  EXPECT_EQ(run({"geoadd", "k", "x", "10", "m"}), "-ERR value is not a valid float");
  EXPECT_EQ(run({"geoadd", "k", "1", "2", "m", "3"}), "-ERR syntax error");
  EXPECT_EQ(run({"geoadd", "k", "nx", "xx", "1", "2", "m"}), "-ERR syntax error");
}
TEST_F(Geo, MeasuresDistancesInFourUnits) {
  EXPECT_EQ(run({"geodist", "Sicily", "Palermo", "Catania"}), "$11 166274.1516");
  EXPECT_EQ(run({"geodist", "Sicily", "Palermo", "Catania", "KM"}), "$8 166.2742");
  EXPECT_EQ(run({"geodist", "Sicily", "Palermo", "Catania", "mi"}), "$8 103.3182");
  EXPECT_EQ(run({"geodist", "Sicily", "Palermo", "none"}), "$-1");
  EXPECT_EQ(run({"geodist", "none", "a", "b", "yd"}), "-ERR unsupported unit provided. please use M, KM, FT, MI");
}
TEST_F(Geo, TellsPositionsAsTextAndAsNumbers) {
  EXPECT_EQ(run({"geohash", "Sicily", "Palermo", "none", "Catania"}), "*3 $11 sqc8b49rny0 $-1 $11 sqdtr74hyu0");
  EXPECT_EQ(run({"geopos", "Sicily", "Palermo", "none"}),
            "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1");
  EXPECT_EQ(run({"geopos", "none", "a"}), "*1 *-1");
  r.version = resp::Version::kResp3;
  EXPECT_EQ(run({"geopos", "Sicily", "Palermo"}), "*1 *2 ,13.36138933897018433 ,38.11555639549629859");
}
TEST_F(Geo, FindsMembersWithinACircleOrABox) {
  EXPECT_EQ(run({"georadius", "Sicily", "15", "37", "200", "km", "withdist", "asc"}),
            "*2 *2 $7 Catania $7 56.4413 *2 $7 Palermo $8 190.4424");
  EXPECT_EQ(run({"georadius", "Sicily", "15", "37", "100", "km"}), "*1 $7 Catania");
  EXPECT_EQ(run({"geosearch", "Sicily", "fromlonlat", "15", "37", "bybox", "400", "400", "km", "desc"}),
            "*2 $7 Palermo $7 Catania");
  EXPECT_EQ(run({"geosearch", "Sicily", "frommember", "Palermo", "byradius", "0", "m", "withhash"}),
            "*1 *2 $7 Palermo :3479099956230698");
  EXPECT_EQ(run({"georadiusbymember_ro", "Sicily", "Palermo", "200", "km", "count", "1"}), "*1 $7 Palermo");
  EXPECT_EQ(run({"geosearch", "none", "frommember", "x", "byradius", "1", "m"}), "*0");
}
TEST_F(Geo, StoresWhatItFindsWithHashOrDistance) {
  EXPECT_EQ(run({"geosearchstore", "to", "Sicily", "fromlonlat", "15", "37", "byradius", "100", "km"}), ":1");
  EXPECT_EQ(run({"zrange", "to", "0", "-1", "withscores"}), "*2 $7 Catania $16 3479447370796909");
  EXPECT_EQ(run({"georadius", "Sicily", "15", "37", "100", "km", "storedist", "to"}), ":1");
  EXPECT_TRUE(run({"zscore", "to", "Catania"}).starts_with("$16 56.441257870158")) << run({"zscore", "to", "Catania"});
  EXPECT_EQ(run({"geosearchstore", "to", "none", "fromlonlat", "15", "37", "byradius", "100", "km"}), ":0");
  EXPECT_EQ(run({"zcard", "to"}), ":0");
}
TEST_F(Geo, RefusesQueriesThatSayTooLittleOrTooMuch) {
  EXPECT_EQ(run({"geosearch", "Sicily", "fromlonlat", "15", "37", "asc", "desc", "asc"}),
            "-ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch");
  EXPECT_EQ(run({"geosearch", "Sicily", "byradius", "1", "m", "asc", "desc"}),
            "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch");
  EXPECT_EQ(run({"geosearch", "Sicily", "fromlonlat", "1", "2", "frommember", "x", "byradius", "1", "m"}),
            "-ERR syntax error");
  EXPECT_EQ(run({"georadius", "Sicily", "1", "2", "3", "km", "any"}), "-ERR the ANY argument requires COUNT argument");
  EXPECT_EQ(run({"georadius", "Sicily", "1", "2", "3", "km", "count", "0"}), "-ERR COUNT must be > 0");
  EXPECT_EQ(run({"georadius", "Sicily", "1", "2", "-3", "km"}), "-ERR radius cannot be negative");
  EXPECT_EQ(run({"georadius", "Sicily", "1", "2", "3", "km", "withdist", "store", "to"}),
            "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
  EXPECT_EQ(run({"georadiusbymember", "Sicily", "none", "3", "km"}), "-ERR could not decode requested zset member");
}

}  // namespace
}  // namespace ashlar::commands
