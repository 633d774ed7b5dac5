/// What the files of this folder share: registration, units, coordinates in arguments and replies. Thread: any.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "command/context.h"
#include "command/table.h"
#include "ds/geohash.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::commands {

// The families of this folder, one source file each.
void register_geo_adds(command::CommandTable& table);
void register_geo_reads(command::CommandTable& table);
void register_geo_searches(command::CommandTable& table);

/// Metres in one "m", "km", "ft" or "mi". Errors: "unsupported unit provided. ...".
[[nodiscard]] Result<double> parse_unit(std::string_view unit);
/// Two numbers within limits. Errors: kNotFloat, "invalid longitude,latitude pair ...".
[[nodiscard]] Result<ds::GeoPoint> parse_point(std::string_view longitude, std::string_view latitude);
/// Where a member is; nullopt when it is not in the set.
[[nodiscard]] std::optional<ds::GeoPoint> point_of(const keyspace::SortedSet& set, std::string_view member);

/// A distance with four digits behind the point.
void reply_distance(resp::Encoder& reply, double distance);
/// Longitude and latitude with up to 17 digits behind the point.
void reply_point(resp::Encoder& reply, const ds::GeoPoint& point);

}  // namespace ashlar::commands
