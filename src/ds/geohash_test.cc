#include "ds/geohash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/rng.h"

namespace ashlar::ds {
namespace {

// From the reference pages of GEOADD, GEODIST, GEOHASH and GEOPOS.
constexpr GeoPoint kPalermo{13.361389, 38.115556};
constexpr GeoPoint kCatania{15.087269, 37.502669};

std::string text(const GeoPoint& point) {
  const auto letters = geohash_text(geohash_point(geohash(point)));
  return {letters.begin(), letters.end()};
}

TEST(Geohash, GivesTheScoresOfTheReference) {
  EXPECT_EQ(geohash(kPalermo), 3479099956230698U);
  EXPECT_EQ(geohash(kCatania), 3479447370796909U);
}

TEST(Geohash, DecodesToThePointsOfTheReference) {
  const GeoPoint p = geohash_point(geohash(kPalermo));
  EXPECT_DOUBLE_EQ(p.longitude, 13.36138933897018433);
  EXPECT_DOUBLE_EQ(p.latitude, 38.11555639549629859);
}

TEST(Geohash, SpellsTheLettersOfTheReference) {
  EXPECT_EQ(text(kPalermo), "sqc8b49rny0");
  EXPECT_EQ(text(kCatania), "sqdtr74hyu0");
}

TEST(Geohash, MeasuresTheDistanceOfTheReference) {
  const double d = geo_distance(geohash_point(geohash(kPalermo)), geohash_point(geohash(kCatania)));
  EXPECT_NEAR(d, 166274.1516, 0.0001);
}

TEST(Geohash, ReturnsCloseToWhereItCameFrom) {
  Rng rng(1);
  for (int i = 0; i < 10000; ++i) {
    const GeoPoint p{rng.unit() * 360 - 180, (rng.unit() * 2 - 1) * kLatitudeMax};
    EXPECT_LT(geo_distance(p, geohash_point(geohash(p))), 0.6);
  }
}

TEST(Geohash, StaysWithinTheLimitsForAnyNumber) {
  Rng rng(2);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(within_limits(geohash_point(rng.next())));
  for (const double lon : {-180.0, 180.0}) {
    for (const double lat : {-kLatitudeMax, kLatitudeMax}) {
      EXPECT_TRUE(within_limits(geohash_point(geohash({lon, lat}))));
    }
  }
}

TEST(Geohash, TakesAnyScoreForANumber) {
  EXPECT_EQ(geohash_of_score(3479099956230698.0), 3479099956230698U);
  EXPECT_EQ(geohash_of_score(-1), ~std::uint64_t{0});
  EXPECT_EQ(geohash_of_score(1e300), 0U);
  EXPECT_EQ(geohash_of_score(-1e300), std::uint64_t{1} << 63);
}

bool covered(const GeoCells& cells, std::uint64_t hash) {
  return std::any_of(cells.cells.begin(), cells.cells.begin() + cells.count,
                     [&](const GeoCell& c) { return c.first <= hash && hash < c.end; });
}

TEST(GeoCells, HoldEveryPointOfTheArea) {
  Rng rng(3);
  int inside = 0;
  for (int i = 0; i < 20000; ++i) {
    const GeoPoint centre{rng.unit() * 300 - 150, (rng.unit() * 2 - 1) * 70};
    const double size = 1 + rng.unit() * (rng.chance(0.5) ? 1000 : 900000);
    const double other = size * (0.2 + rng.unit());
    const GeoArea area = rng.chance(0.5) ? GeoArea{centre, GeoCircle{size}} : GeoArea{centre, GeoBox{size, other}};
    const GeoCells cells = cells_covering(area);
    ASSERT_LE(cells.count, 9U);
    for (int k = 0; k < 20; ++k) {
      const double degrees = size / 111000;
      const GeoPoint p{centre.longitude + (rng.unit() * 2 - 1) * degrees * 3,
                       centre.latitude + (rng.unit() * 2 - 1) * degrees};
      if (!within_limits(p) || !distance_within(area, geohash_point(geohash(p)))) continue;
      ++inside;
      ASSERT_TRUE(covered(cells, geohash(p))) << centre.longitude << ' ' << centre.latitude << ' ' << size;
    }
  }
  EXPECT_GT(inside, 50000);
}

TEST(GeoCells, OfAPointAreSmall) {
  const GeoCells cells = cells_covering({kPalermo, GeoCircle{0}});
  EXPECT_TRUE(covered(cells, geohash(kPalermo)));
  for (std::uint32_t i = 0; i < cells.count; ++i) EXPECT_LE(cells.cells[i].end - cells.cells[i].first, 4U);
}

TEST(GeoCells, HoldPointsAtTheEndsOfTheGrid) {
  for (const GeoPoint& corner : {GeoPoint{180, kLatitudeMax}, GeoPoint{180, 0}, GeoPoint{-180, -kLatitudeMax}}) {
    EXPECT_TRUE(covered(cells_covering({corner, GeoCircle{100000}}), geohash(corner))) << corner.longitude;
  }
}

TEST(GeoCells, OfTheWholeEarthHoldItOnce) {
  const GeoCells cells = cells_covering({{0, 0}, GeoCircle{3e7}});
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < cells.count; ++i) sum += cells.cells[i].end - cells.cells[i].first;
  EXPECT_EQ(sum, std::uint64_t{1} << 52);
}

TEST(GeoArea, CountsItsEdgeIn) {
  const GeoPoint a{0, 0};
  const GeoPoint b{1, 0};
  const double d = geo_distance(a, b);
  EXPECT_TRUE(distance_within({a, GeoCircle{d}}, b));
  EXPECT_FALSE(distance_within({a, GeoCircle{d * 0.999999}}, b));
  EXPECT_TRUE(distance_within({a, GeoBox{2 * d, 0}}, b));
  EXPECT_FALSE(distance_within({a, GeoBox{2 * d * 0.999999, 0}}, b));
}

}  // namespace
}  // namespace ashlar::ds
