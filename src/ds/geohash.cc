#include "ds/geohash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ashlar::ds {

namespace {

constexpr unsigned kSteps = 26;  // bits of each coordinate
constexpr double kEarthRadius = 6372797.560856;
constexpr double kMercatorMax = 20037726.37;  // metres from the equator to the end of the projection

constexpr double radians(double degrees) noexcept { return degrees * (std::numbers::pi / 180.0); }
constexpr double degrees(double radians) noexcept { return radians / (std::numbers::pi / 180.0); }

/// Puts a zero bit between all bits.
constexpr std::uint64_t spread(std::uint32_t bits) noexcept {
  std::uint64_t v = bits;
  v = (v | v << 16) & 0x0000FFFF0000FFFFULL;
  v = (v | v << 8) & 0x00FF00FF00FF00FFULL;
  v = (v | v << 4) & 0x0F0F0F0F0F0F0F0FULL;
  v = (v | v << 2) & 0x3333333333333333ULL;
  return (v | v << 1) & 0x5555555555555555ULL;
}
/// The even bits, together.
constexpr std::uint32_t gather(std::uint64_t v) noexcept {
  v &= 0x5555555555555555ULL;
  v = (v | v >> 1) & 0x3333333333333333ULL;
  v = (v | v >> 2) & 0x0F0F0F0F0F0F0F0FULL;
  v = (v | v >> 4) & 0x00FF00FF00FF00FFULL;
  v = (v | v >> 8) & 0x0000FFFF0000FFFFULL;
  return static_cast<std::uint32_t>(v | v >> 16);
}

/// A square of the grid with 2^steps columns and as many rows.
struct Square {
  std::uint32_t column;
  std::uint32_t row;
  unsigned steps;

  [[nodiscard]] std::uint64_t hash() const noexcept { return spread(row) | spread(column) << 1; }
  /// The neighbour, around the world; a coordinate that stays may lie one beyond the grid (180 degrees does).
  [[nodiscard]] Square moved(int east, int north) const noexcept {
    return {shifted(column, east), shifted(row, north), steps};
  }
  [[nodiscard]] GeoCell cell() const noexcept {
    const unsigned shift = 2 * (kSteps - steps);
    return {hash() << shift, (hash() + 1) << shift};
  }

  [[nodiscard]] std::uint32_t shifted(std::uint32_t coordinate, int by) const noexcept {
    return by == 0 ? coordinate : (coordinate + static_cast<std::uint32_t>(by)) & ((1U << steps) - 1);
  }
};

struct Bounds {
  double west;
  double south;
  double east;
  double north;
};

std::uint32_t index_of(double value, double limit, unsigned steps) noexcept {
  const double share = (value + limit) / (limit + limit);
  return static_cast<std::uint32_t>(share * static_cast<double>(std::uint64_t{1} << steps));
}
double edge_of(std::uint32_t index, double limit, unsigned steps) noexcept {
  return -limit + (index * 1.0 / static_cast<double>(std::uint64_t{1} << steps)) * (limit + limit);
}

Square square_of(const GeoPoint& point, unsigned steps) noexcept {
  return {index_of(point.longitude, kLongitudeMax, steps), index_of(point.latitude, kLatitudeMax, steps), steps};
}
Bounds bounds_of(const Square& s) noexcept {
  return {.west = edge_of(s.column, kLongitudeMax, s.steps),
          .south = edge_of(s.row, kLatitudeMax, s.steps),
          .east = edge_of(s.column + 1, kLongitudeMax, s.steps),
          .north = edge_of(s.row + 1, kLatitudeMax, s.steps)};
}

double meridian_distance(double latitude_a, double latitude_b) noexcept {
  return kEarthRadius * std::fabs(radians(latitude_b) - radians(latitude_a));
}

/// From the centre to the farthest point, and half the sides of the box around the area.
struct Extent {
  double reach;
  double half_width;
  double half_height;
};
Extent extent_of(const GeoArea& area) noexcept {
  if (const auto* circle = std::get_if<GeoCircle>(&area.shape)) {
    return {circle->radius_m, circle->radius_m, circle->radius_m};
  }
  const auto& box = std::get<GeoBox>(area.shape);
  const double w = box.width_m / 2;
  const double h = box.height_m / 2;
  return {std::sqrt(w * w + h * h), w, h};
}

Bounds bounds_of(const GeoArea& area, const Extent& extent) noexcept {
  const double latitude = area.centre.latitude;
  const double up = degrees(extent.half_height / kEarthRadius);
  // A degree of longitude is shortest at the side of the nearer pole.
  const double narrow = latitude < 0 ? latitude - up : latitude + up;
  const double aside = degrees(extent.half_width / kEarthRadius / std::cos(radians(narrow)));
  return {.west = area.centre.longitude - aside,
          .south = latitude - up,
          .east = area.centre.longitude + aside,
          .north = latitude + up};
}

/// The finest grid whose squares are about as large as the area.
unsigned steps_for(double reach, double latitude) noexcept {
  if (reach == 0) return kSteps;
  int steps = 1;
  while (reach < kMercatorMax) {
    reach *= 2;
    ++steps;
  }
  steps -= 2;  // so that the area mostly fits into three squares
  // Squares get narrow towards the poles.
  const double away = std::fabs(latitude);
  if (away > 66) --steps;
  if (away > 80) --steps;
  return static_cast<unsigned>(std::clamp(steps, 1, static_cast<int>(kSteps)));
}

bool neighbours_reach(const Square& square, const Bounds& wanted) noexcept {
  return bounds_of(square.moved(0, 1)).north >= wanted.north && bounds_of(square.moved(0, -1)).south <= wanted.south &&
         bounds_of(square.moved(1, 0)).east >= wanted.east && bounds_of(square.moved(-1, 0)).west <= wanted.west;
}

struct Direction {
  int east;
  int north;
};
constexpr std::array<Direction, 9> kAround = {
    {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}};

/// Whether the area ends within the square in that direction, so that no neighbour there holds any of it.
bool needless(const Direction& d, const Bounds& square, const Bounds& wanted) noexcept {
  return (d.north < 0 && square.south < wanted.south) || (d.north > 0 && square.north > wanted.north) ||
         (d.east < 0 && square.west < wanted.west) || (d.east > 0 && square.east > wanted.east);
}

}  // namespace

bool within_limits(const GeoPoint& p) noexcept {
  return p.longitude >= -kLongitudeMax && p.longitude <= kLongitudeMax && p.latitude >= -kLatitudeMax &&
         p.latitude <= kLatitudeMax;
}

std::uint64_t geohash(const GeoPoint& point) noexcept { return square_of(point, kSteps).hash(); }

GeoPoint geohash_point(std::uint64_t hash) noexcept {
  const Bounds b = bounds_of(Square{gather(hash >> 1), gather(hash), kSteps});
  return {std::clamp((b.west + b.east) / 2, -kLongitudeMax, kLongitudeMax),
          std::clamp((b.south + b.north) / 2, -kLatitudeMax, kLatitudeMax)};
}

std::uint64_t geohash_of_score(double score) noexcept {
  if (score >= 0x1p64) return 0;
  if (score >= 0) return static_cast<std::uint64_t>(score);
  if (score >= -0x1p63) return static_cast<std::uint64_t>(static_cast<std::int64_t>(score));
  return std::uint64_t{1} << 63;
}

std::array<char, 11> geohash_text(const GeoPoint& point) noexcept {
  constexpr char kAlphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  // The common geohash divides latitudes up to the poles.
  const Square square{index_of(point.longitude, kLongitudeMax, kSteps), index_of(point.latitude, 90, kSteps), kSteps};
  const std::uint64_t bits = square.hash();
  std::array<char, 11> text;
  for (unsigned i = 0; i < 10; ++i) text[i] = kAlphabet[bits >> (52 - (i + 1) * 5) & 31];
  text[10] = kAlphabet[0];
  return text;
}

double geo_distance(const GeoPoint& a, const GeoPoint& b) noexcept {
  const double v = std::sin((radians(b.longitude) - radians(a.longitude)) / 2);
  if (v == 0.0) return meridian_distance(a.latitude, b.latitude);
  const double u = std::sin((radians(b.latitude) - radians(a.latitude)) / 2);
  const double h = u * u + std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) * v * v;
  return 2.0 * kEarthRadius * std::asin(std::sqrt(h));
}

std::optional<double> distance_within(const GeoArea& area, const GeoPoint& point) noexcept {
  if (const auto* circle = std::get_if<GeoCircle>(&area.shape)) {
    const double distance = geo_distance(area.centre, point);
    return distance > circle->radius_m ? std::nullopt : std::optional(distance);
  }
  const auto& box = std::get<GeoBox>(area.shape);
  if (meridian_distance(point.latitude, area.centre.latitude) > box.height_m / 2) return std::nullopt;
  if (geo_distance(point, {area.centre.longitude, point.latitude}) > box.width_m / 2) return std::nullopt;
  return geo_distance(area.centre, point);
}

GeoCells cells_covering(const GeoArea& area) noexcept {
  const Extent extent = extent_of(area);
  const Bounds wanted = bounds_of(area, extent);
  unsigned steps = steps_for(extent.reach, area.centre.latitude);
  if (steps > 1 && !neighbours_reach(square_of(area.centre, steps), wanted)) --steps;
  const Square middle = square_of(area.centre, steps);
  const Bounds square = bounds_of(middle);
  GeoCells found;
  for (const Direction& d : kAround) {
    // On the coarsest grid the neighbour in one direction is that in the other too: none is needless.
    if (steps >= 2 && needless(d, square, wanted)) continue;
    const GeoCell cell = middle.moved(d.east, d.north).cell();
    const bool known = std::any_of(found.cells.begin(), found.cells.begin() + found.count,
                                   [&](const GeoCell& c) { return c.first == cell.first; });
    if (known) continue;
    found.cells[found.count++] = cell;
  }
  return found;
}

}  // namespace ashlar::ds
