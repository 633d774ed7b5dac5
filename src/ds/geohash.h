/// Places on the earth as 52-bit numbers whose order keeps neighbours together, and the cells that cover an area.
///
/// The bits of latitude and longitude alternate, 26 each, longitude first, so a cell of any size is a range of numbers:
/// what a sorted set can look up. Pure. Thread: any. Nothing allocates. Source: the geospatial commands of Redis, which
/// fix limits, rounding and the radius of the earth (6372797.560856 m).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>

namespace ashlar::ds {

/// Degrees.
struct GeoPoint {
  double longitude;
  double latitude;
};
inline constexpr double kLongitudeMax = 180;
/// Where the Web Mercator projection ends.
inline constexpr double kLatitudeMax = 85.05112878;
/// False for NaN too.
[[nodiscard]] bool within_limits(const GeoPoint& point) noexcept;

/// The number of a point within limits, exact to about 0.6 m.
[[nodiscard]] std::uint64_t geohash(const GeoPoint& point) noexcept;
/// The middle of the smallest cell; for any number, also one that geohash() never gives.
[[nodiscard]] GeoPoint geohash_point(std::uint64_t hash) noexcept;
/// The number in a score, whatever the score is.
[[nodiscard]] std::uint64_t geohash_of_score(double score) noexcept;
/// The usual 11 letters of a geohash; the last one is always '0', for want of bits.
[[nodiscard]] std::array<char, 11> geohash_text(const GeoPoint& point) noexcept;

/// Metres along a great circle.
[[nodiscard]] double geo_distance(const GeoPoint& a, const GeoPoint& b) noexcept;

struct GeoCircle {
  double radius_m;
};
/// Its sides run along meridians and parallels.
struct GeoBox {
  double width_m;
  double height_m;
};
struct GeoArea {
  GeoPoint centre;
  std::variant<GeoCircle, GeoBox> shape;
};
/// The distance from the centre in metres if the point lies in the area, its edge included.
[[nodiscard]] std::optional<double> distance_within(const GeoArea& area, const GeoPoint& point) noexcept;

/// Geohashes from `first` up to, not including, `end`.
struct GeoCell {
  std::uint64_t first;
  std::uint64_t end;
};
struct GeoCells {
  std::array<GeoCell, 9> cells;
  std::uint32_t count = 0;
};
/// Up to nine cells, none twice, that together hold every point of the area: that of the centre, then the neighbours
/// north, south, east, west, north-east, north-west, south-east, south-west, as far as they are needed.
[[nodiscard]] GeoCells cells_covering(const GeoArea& area) noexcept;

}  // namespace ashlar::ds
