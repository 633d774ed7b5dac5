#include "commands/geo/query.h"

#include <string>

#include "command/arg_parser.h"
#include "commands/geo/parts.h"

namespace ashlar::commands {

using command::ArgParser;
using command::Context;
using keyspace::SortedSet;

namespace {

bool searches(GeoForm form) noexcept { return form == GeoForm::kSearch || form == GeoForm::kSearchStore; }
bool may_store(GeoForm form) noexcept { return form == GeoForm::kRadius || form == GeoForm::kMember; }

/// Reads centre, shape and options, and knows which of them have been given.
class Reader {
 public:
  Reader(const Context& ctx, GeoForm form, const SortedSet* set) : ctx_(ctx), form_(form), set_(set) {}

  Result<GeoQuery> read() {
    ASH_TRY(const std::size_t options, read_fixed());
    ArgParser in(ctx_.args, options);
    while (in.more()) {
      ASH_TRY(const Found found, searches(form_) ? read_place(in) : Result<Found>(Found::kNo));
      if (found == Found::kNo) ASH_TRY_VOID(read_option(in));
    }
    if (in.failed()) return std::unexpected(in.error());
    ASH_TRY_VOID(check());
    return query_;
  }

 private:
  enum class Found : std::uint8_t { kNo, kYes };

  [[nodiscard]] std::string_view arg(std::size_t i) const { return ctx_.args[i]; }

  /// What stands at fixed places; returns where the options begin.
  Result<std::size_t> read_fixed() {
    switch (form_) {
      case GeoForm::kSearch: return 2;
      case GeoForm::kSearchStore: query_.store = arg(1); return 3;
      case GeoForm::kRadius:
      case GeoForm::kRadiusReadOnly: {
        ASH_TRY(query_.area.centre, parse_point(arg(2), arg(3)));
        ASH_TRY_VOID(read_circle(arg(4), arg(5)));
        return 6;
      }
      default: break;
    }
    if (set_ == nullptr) return 5;  // Redis looks at nothing else then
    ASH_TRY_VOID(read_member(arg(2)));
    ASH_TRY_VOID(read_circle(arg(3), arg(4)));
    return 5;
  }

  Result<void> read_member(std::string_view member) {
    has_centre_ = true;
    if (set_ == nullptr) return {};
    const auto point = point_of(*set_, member);
    if (!point) return fail("could not decode requested zset member");
    query_.area.centre = *point;
    return {};
  }

  Result<void> read_circle(std::string_view radius, std::string_view unit) {
    const auto r = parse_double(radius);
    if (!r) return fail("need numeric radius");
    if (*r < 0) return fail("radius cannot be negative");
    ASH_TRY(query_.unit, parse_unit(unit));
    query_.area.shape = ds::GeoCircle{*r * query_.unit};
    return {};
  }

  Result<void> read_box(std::string_view width, std::string_view height, std::string_view unit) {
    const auto w = parse_double(width);
    if (!w) return fail("need numeric width");
    const auto h = parse_double(height);
    if (!h) return fail("need numeric height");
    if (*w < 0 || *h < 0) return fail("height or width cannot be negative");
    ASH_TRY(query_.unit, parse_unit(unit));
    query_.area.shape = ds::GeoBox{*w * query_.unit, *h * query_.unit};
    return {};
  }

  /// FROMMEMBER, FROMLONLAT, BYRADIUS, BYBOX. A second way to say the same is a syntax error: kNo.
  Result<Found> read_place(ArgParser& in) {
    const bool by_member = has_centre_ && !has_point_;
    if (in.left() >= 2 && !has_point_ && in.take("FROMMEMBER")) {
      ASH_TRY_VOID(read_member(in.text()));
      return Found::kYes;
    }
    if (in.left() >= 3 && !by_member && in.take("FROMLONLAT")) {
      const std::string_view longitude = in.text();
      ASH_TRY(query_.area.centre, parse_point(longitude, in.text()));
      has_centre_ = has_point_ = true;
      return Found::kYes;
    }
    if (in.left() >= 3 && !has_box_ && in.take("BYRADIUS")) {
      const std::string_view radius = in.text();
      ASH_TRY_VOID(read_circle(radius, in.text()));
      has_shape_ = true;
      return Found::kYes;
    }
    if (in.left() >= 4 && !(has_shape_ && !has_box_) && in.take("BYBOX")) {
      const std::string_view width = in.text();
      const std::string_view height = in.text();
      ASH_TRY_VOID(read_box(width, height, in.text()));
      has_shape_ = has_box_ = true;
      return Found::kYes;
    }
    return Found::kNo;
  }

  Result<void> read_option(ArgParser& in) {
    if (in.take("WITHDIST")) {
      query_.with_distance = true;
    } else if (in.take("WITHHASH")) {
      query_.with_hash = true;
    } else if (in.take("WITHCOORD")) {
      query_.with_point = true;
    } else if (in.take("ANY")) {
      query_.which = GeoCount::kAny;
    } else if (in.take("ASC")) {
      query_.sort = GeoSort::kAscending;
    } else if (in.take("DESC")) {
      query_.sort = GeoSort::kDescending;
    } else if (in.left() >= 2 && in.take("COUNT")) {
      const std::int64_t count = in.integer();
      if (!in.failed() && count <= 0) return fail("COUNT must be > 0");
      query_.count = static_cast<std::uint64_t>(count);
    } else if (may_store(form_) && in.left() >= 2 && in.take("STORE")) {
      query_.store = in.text();
      query_.store_distance = false;
    } else if (may_store(form_) && in.left() >= 2 && in.take("STOREDIST")) {
      query_.store = in.text();
      query_.store_distance = true;
    } else if (form_ == GeoForm::kSearchStore && in.take("STOREDIST")) {
      query_.store_distance = true;
    } else {
      in.reject();
    }
    return {};
  }

  [[nodiscard]] Result<void> check() const {
    if (query_.store && (query_.with_distance || query_.with_hash || query_.with_point)) {
      const std::string_view who = form_ == GeoForm::kSearchStore ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
      return fail(std::string(who) + " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    }
    if (searches(form_) && !has_centre_) {
      return fail("exactly one of FROMMEMBER or FROMLONLAT can be specified for " + std::string(arg(0)));
    }
    if (searches(form_) && !has_shape_) {
      return fail("exactly one of BYRADIUS and BYBOX can be specified for " + std::string(arg(0)));
    }
    if (query_.which == GeoCount::kAny && query_.count == 0) return fail("the ANY argument requires COUNT argument");
    return {};
  }

  const Context& ctx_;
  GeoForm form_;
  const SortedSet* set_;
  GeoQuery query_;
  bool has_centre_ = false;
  bool has_point_ = false;  // by FROMLONLAT
  bool has_shape_ = false;
  bool has_box_ = false;
};

}  // namespace

Result<GeoQuery> parse_geo_query(const Context& ctx, GeoForm form, const SortedSet* set) {
  return Reader(ctx, form, set).read();
}

}  // namespace ashlar::commands
