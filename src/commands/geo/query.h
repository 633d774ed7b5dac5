/// What a geo search asks for, from the arguments of GEOSEARCH and of GEORADIUS in all their forms. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "command/context.h"
#include "ds/geohash.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::commands {

/// The forms of the command; they differ in where centre and shape stand, and in which options there are.
enum class GeoForm : std::uint8_t { kSearch, kSearchStore, kRadius, kRadiusReadOnly, kMember, kMemberReadOnly };

enum class GeoSort : std::uint8_t { kNone, kAscending, kDescending };
enum class GeoCount : std::uint8_t { kNearest, kAny };

struct GeoQuery {
  ds::GeoArea area{};
  double unit = 1;  // metres in the unit of distances
  GeoSort sort = GeoSort::kNone;
  std::uint64_t count = 0;  // 0: no limit
  GeoCount which = GeoCount::kNearest;
  bool with_distance = false;
  bool with_hash = false;
  bool with_point = false;
  std::optional<std::string_view> store;  // key to store the result at
  bool store_distance = false;
};

/// Reads the arguments. `set` may be null (no such key): then members are not looked up and the area is not to be used.
/// Errors: as Redis words them.
[[nodiscard]] Result<GeoQuery> parse_geo_query(const command::Context& ctx, GeoForm form,
                                               const keyspace::SortedSet* set);

}  // namespace ashlar::commands
