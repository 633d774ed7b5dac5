#include <algorithm>
#include <string>
#include <vector>

#include "commands/geo/parts.h"
#include "commands/geo/query.h"
#include "commands/shared/sorted_set_result.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Owned;
using keyspace::SortedSet;

namespace {

struct Hit {
  std::string member;
  double score;
  double distance_m;
  ds::GeoPoint point;
};

/// All members in the area; with ANY, some of them, as many as are asked for.
std::vector<Hit> find_hits(const SortedSet& set, const GeoQuery& query) {
  const bool enough_is_enough = query.which == GeoCount::kAny && query.count > 0;
  const ds::GeoCells cells = ds::cells_covering(query.area);
  std::vector<Hit> hits;
  for (std::uint32_t i = 0; i < cells.count; ++i) {
    const ds::Cut end = ds::ScoreCut{static_cast<double>(cells.cells[i].end), ds::Side::kBefore};
    auto at = set.behind(ds::ScoreCut{static_cast<double>(cells.cells[i].first), ds::Side::kBefore});
    for (; !at.at_end(); at.forward()) {
      const auto e = at.element();
      if (!stands_before(e.score, e.member, end)) break;
      const ds::GeoPoint point = ds::geohash_point(ds::geohash_of_score(e.score));
      const auto distance = ds::distance_within(query.area, point);
      if (!distance) continue;
      if (enough_is_enough && hits.size() >= query.count) return hits;
      hits.push_back({std::string(e.member), e.score, *distance, point});
    }
  }
  return hits;
}

/// Sorts as asked and cuts off what is too much.
void order_hits(std::vector<Hit>& hits, const GeoQuery& query) {
  GeoSort sort = query.sort;
  // The nearest few are meant unless ANY is said.
  if (query.count > 0 && sort == GeoSort::kNone && query.which == GeoCount::kNearest) sort = GeoSort::kAscending;
  if (sort != GeoSort::kNone) {
    std::stable_sort(hits.begin(), hits.end(), [&](const Hit& a, const Hit& b) {
      return sort == GeoSort::kAscending ? a.distance_m < b.distance_m : a.distance_m > b.distance_m;
    });
  }
  if (query.count > 0 && hits.size() > query.count) hits.resize(query.count);
}

void reply_hits(Context& ctx, const std::vector<Hit>& hits, const GeoQuery& query) {
  const std::size_t details =
      (query.with_distance ? 1U : 0U) + (query.with_hash ? 1U : 0U) + (query.with_point ? 1U : 0U);
  ctx.reply.array(hits.size());
  for (const Hit& hit : hits) {
    if (details > 0) ctx.reply.array(details + 1);
    ctx.reply.bulk(hit.member);
    if (query.with_distance) reply_distance(ctx.reply, hit.distance_m / query.unit);
    if (query.with_hash) ctx.reply.integer(static_cast<std::int64_t>(hit.score));
    if (query.with_point) reply_point(ctx.reply, hit.point);
  }
}

void search(Context& ctx, GeoForm form) {
  const KeyRef& source = form == GeoForm::kSearchStore ? ctx.keys[1] : ctx.keys[0];
  const auto set = ctx.db.read<SortedSet>(source, ctx.read_access());
  if (!set) return ctx.error(set.error());
  const auto query = parse_geo_query(ctx, form, *set);
  if (!query) return ctx.error(query.error());
  std::vector<Hit> hits;
  if (*set != nullptr) hits = find_hits(**set, *query);
  order_hits(hits, *query);
  if (!query->store) return reply_hits(ctx, hits, *query);
  // Only keys that the spec has found are locked: a second STORE names one that it has not.
  const auto target =
      std::find_if(ctx.keys.begin(), ctx.keys.end(), [&](const KeyRef& key) { return key.text == *query->store; });
  if (target == ctx.keys.end()) return ctx.error(ErrorCode::kSyntax);
  Owned<SortedSet> result(new SortedSet());
  for (const Hit& hit : hits) {
    const double score = query->store_distance ? hit.distance_m / query->unit : hit.score;
    result->add(hit.member, score, {}, ctx.limits());
  }
  store_sorted_set(ctx, *target, std::move(result), form == GeoForm::kSearchStore ? "geosearchstore" : "georadiusstore",
                   hits.size());
}

constexpr KeySpec store_key(std::string_view keyword, std::int16_t from) {
  return {.begin = KeySpec::Begin::kKeyword,
          .index = from,
          .keyword = keyword,
          .access = KeyAccess::kOW,
          .action = KeyAction::kUpdate};
}

constexpr CommandSpec kGeoSearch{
    .name = "geosearch",
    .arity = at_least(7),
    .flags = Flag::kReadOnly,
    .group = Group::kGeo,
    .categories = Category::kGeo,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "6.2.0",
    .complexity = "O(N+log(M)) for N members in the cells around the area and M in the sorted set.",
    .summary = "Returns the members within a circle or a box.",
    .syntax =
        "key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width "
        "height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]"};
void geosearch(Context& ctx) { search(ctx, GeoForm::kSearch); }

constexpr CommandSpec kGeoSearchStore{
    .name = "geosearchstore",
    .arity = at_least(8),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kGeo,
    .categories = Category::kGeo,
    .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate), one_key(2, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "6.2.0",
    .complexity = "O(N+log(M)) for N members in the cells around the area and M in the sorted set.",
    .summary = "Stores the members within a circle or a box.",
    .syntax =
        "destination source <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | "
        "MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]"};
void geosearchstore(Context& ctx) { search(ctx, GeoForm::kSearchStore); }

constexpr CommandSpec kGeoRadius{
    .name = "georadius",
    .arity = at_least(6),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
    .group = Group::kGeo,
    .categories = Category::kGeo,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess), store_key("STORE", 6), store_key("STOREDIST", 6)},
    .since = "3.2.0",
    .complexity = "O(N+log(M)) for N members in the cells around the circle and M in the sorted set.",
    .summary = "Returns or stores the members within a circle around a point.",
    .syntax =
        "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] "
        "[ASC | DESC] [STORE key | STOREDIST key]",
    .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    .deprecated_since = "6.2.0"};
void georadius(Context& ctx) { search(ctx, GeoForm::kRadius); }

constexpr CommandSpec kGeoRadiusByMember{
    .name = "georadiusbymember",
    .arity = at_least(5),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
    .group = Group::kGeo,
    .categories = Category::kGeo,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess), store_key("STORE", 5), store_key("STOREDIST", 5)},
    .since = "3.2.0",
    .complexity = "O(N+log(M)) for N members in the cells around the circle and M in the sorted set.",
    .summary = "Returns or stores the members within a circle around a member.",
    .syntax =
        "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] "
        "[STORE key | STOREDIST key]",
    .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    .deprecated_since = "6.2.0"};
void georadiusbymember(Context& ctx) { search(ctx, GeoForm::kMember); }

constexpr CommandSpec kGeoRadiusRo{
    .name = "georadius_ro",
    .arity = at_least(6),
    .flags = Flag::kReadOnly,
    .group = Group::kGeo,
    .categories = Category::kGeo,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "3.2.10",
    .complexity = "O(N+log(M)) for N members in the cells around the circle and M in the sorted set.",
    .summary = "Returns the members within a circle around a point.",
    .syntax =
        "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] "
        "[ASC | DESC]",
    .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument",
    .deprecated_since = "6.2.0"};
void georadius_ro(Context& ctx) { search(ctx, GeoForm::kRadiusReadOnly); }

constexpr CommandSpec kGeoRadiusByMemberRo{
    .name = "georadiusbymember_ro",
    .arity = at_least(5),
    .flags = Flag::kReadOnly,
    .group = Group::kGeo,
    .categories = Category::kGeo,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "3.2.10",
    .complexity = "O(N+log(M)) for N members in the cells around the circle and M in the sorted set.",
    .summary = "Returns the members within a circle around a member.",
    .syntax = "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]",
    .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    .deprecated_since = "6.2.0"};
void georadiusbymember_ro(Context& ctx) { search(ctx, GeoForm::kMemberReadOnly); }

}  // namespace

void register_geo_searches(CommandTable& table) {
  table.add(kGeoSearch, &geosearch);
  table.add(kGeoSearchStore, &geosearchstore);
  table.add(kGeoRadius, &georadius);
  table.add(kGeoRadiusByMember, &georadiusbymember);
  table.add(kGeoRadiusRo, &georadius_ro);
  table.add(kGeoRadiusByMemberRo, &georadiusbymember_ro);
}

}  // namespace ashlar::commands
