#include <fmt/core.h>

#include <array>
#include <cstdio>
#include <string>

#include "commands/geo/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::SortedSet;

Result<double> parse_unit(std::string_view unit) {
  if (iequals(unit, "m")) return 1.0;
  if (iequals(unit, "km")) return 1000.0;
  if (iequals(unit, "ft")) return 0.3048;
  if (iequals(unit, "mi")) return 1609.34;
  return fail("unsupported unit provided. please use M, KM, FT, MI");
}

Result<ds::GeoPoint> parse_point(std::string_view longitude, std::string_view latitude) {
  const auto lon = parse_double(longitude);
  const auto lat = parse_double(latitude);
  if (!lon || !lat) return fail(ErrorCode::kNotFloat);
  const ds::GeoPoint point{*lon, *lat};
  if (ds::within_limits(point)) return point;
  return fail(fmt::format("invalid longitude,latitude pair {:f},{:f}", *lon, *lat));
}

std::optional<ds::GeoPoint> point_of(const SortedSet& set, std::string_view member) {
  const auto score = set.score(member);
  if (!score) return std::nullopt;
  return ds::geohash_point(ds::geohash_of_score(*score));
}

void reply_distance(resp::Encoder& reply, double distance) { reply.bulk(fmt::format("{:.4f}", distance)); }

namespace {

/// Up to 17 digits behind the point, without trailing zeros: a bulk string, or a double in RESP3.
void reply_coordinate(resp::Encoder& reply, double degrees) {
  std::string text = fmt::format("{:.17f}", degrees);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  if (text == "-0") text = "0";
  if (reply.version() == resp::Version::kResp2) return reply.bulk(text);
  reply.raw(',' + text + "\r\n");
}

}  // namespace

void reply_point(resp::Encoder& reply, const ds::GeoPoint& point) {
  reply.array(2);
  reply_coordinate(reply, point.longitude);
  reply_coordinate(reply, point.latitude);
}

namespace {

constexpr CommandSpec kGeoDist{.name = "geodist",
                               .arity = at_least(4),
                               .flags = Flag::kReadOnly,
                               .group = Group::kGeo,
                               .categories = Category::kGeo,
                               .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                               .since = "3.2.0",
                               .complexity = "O(1)",
                               .summary = "Returns how far two members are apart.",
                               .syntax = "key member1 member2 [M | KM | FT | MI]"};
void geodist(Context& ctx) {
  double unit = 1;
  if (ctx.args.size() == 5) {
    const auto named = parse_unit(ctx.args[4]);
    if (!named) return ctx.error(named.error());
    unit = *named;
  } else if (ctx.args.size() > 5) {
    return ctx.error(ErrorCode::kSyntax);
  }
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.null();
  const auto a = point_of(**set, ctx.args[2]);
  const auto b = point_of(**set, ctx.args[3]);
  if (!a || !b) return ctx.reply.null();
  reply_distance(ctx.reply, ds::geo_distance(*a, *b) / unit);
}

constexpr CommandSpec kGeoHash{.name = "geohash",
                               .arity = at_least(2),
                               .flags = Flag::kReadOnly,
                               .group = Group::kGeo,
                               .categories = Category::kGeo,
                               .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                               .since = "3.2.0",
                               .complexity = "O(N) where N is the number of members asked for.",
                               .summary = "Returns the positions of members as geohash text.",
                               .syntax = "key [member [member ...]]"};
void geohash(Context& ctx) {
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  ctx.reply.array(ctx.args.size() - 2);
  for (const std::string_view member : ctx.args.subspan(2)) {
    const auto point = *set == nullptr ? std::nullopt : point_of(**set, member);
    if (!point) {
      ctx.reply.null();
      continue;
    }
    const std::array<char, 11> text = ds::geohash_text(*point);
    ctx.reply.bulk({text.data(), text.size()});
  }
}

constexpr CommandSpec kGeoPos{.name = "geopos",
                              .arity = at_least(2),
                              .flags = Flag::kReadOnly,
                              .group = Group::kGeo,
                              .categories = Category::kGeo,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "3.2.0",
                              .complexity = "O(N) where N is the number of members asked for.",
                              .summary = "Returns the longitudes and latitudes of members.",
                              .syntax = "key [member [member ...]]"};
void geopos(Context& ctx) {
  const auto set = ctx.db.read<SortedSet>(ctx.keys[0], ctx.read_access());
  if (!set) return ctx.error(set.error());
  ctx.reply.array(ctx.args.size() - 2);
  for (const std::string_view member : ctx.args.subspan(2)) {
    const auto point = *set == nullptr ? std::nullopt : point_of(**set, member);
    if (point) {
      reply_point(ctx.reply, *point);
    } else {
      ctx.reply.null_array();
    }
  }
}

}  // namespace

void register_geo_reads(CommandTable& table) {
  table.add(kGeoDist, &geodist);
  table.add(kGeoHash, &geohash);
  table.add(kGeoPos, &geopos);
}

}  // namespace ashlar::commands
