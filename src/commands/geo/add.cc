#include <vector>

#include "command/arg_parser.h"
#include "commands/geo/parts.h"

namespace ashlar::commands {

using namespace command;
using keyspace::ScoreRule;
using keyspace::SortedSet;

namespace {

enum class Counted : std::uint8_t { kAdded, kChanged };

struct AddOptions {
  ScoreRule rule;
  Counted counted = Counted::kAdded;
  std::size_t first = 2;  // argument of the first longitude
};

Result<AddOptions> parse_add_options(std::span<const std::string_view> args) {
  AddOptions options;
  bool nx = false;
  bool xx = false;
  ArgParser in(args, 2);
  for (;;) {
    if (in.take("NX")) {
      nx = true;
    } else if (in.take("XX")) {
      xx = true;
    } else if (in.take("CH")) {
      options.counted = Counted::kChanged;
    } else {
      break;
    }
  }
  if (in.left() == 0 || in.left() % 3 != 0 || (nx && xx)) return fail(ErrorCode::kSyntax);
  options.first = args.size() - in.left();
  if (nx) options.rule.presence = ScoreRule::Presence::kOnlyNew;
  if (xx) options.rule.presence = ScoreRule::Presence::kOnlyPresent;
  return options;
}

constexpr CommandSpec kGeoAdd{
    .name = "geoadd",
    .arity = at_least(5),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kGeo,
    .categories = Category::kGeo,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate)},
    .since = "3.2.0",
    .complexity = "O(log(N)) for each member, where N is the size of the sorted set.",
    .summary = "Adds members with positions to a sorted set, or moves them; creates the key if missing.",
    .syntax = "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]"};
void geoadd(Context& ctx) {
  const auto options = parse_add_options(ctx.args);
  if (!options) return ctx.error(options.error());
  const auto triples = ctx.args.subspan(options->first);
  std::vector<double> scores;
  for (std::size_t i = 0; i < triples.size(); i += 3) {
    const auto point = parse_point(triples[i], triples[i + 1]);
    if (!point) return ctx.error(point.error());
    scores.push_back(static_cast<double>(ds::geohash(*point)));
  }
  const auto set = options->rule.presence == ScoreRule::Presence::kOnlyPresent
                       ? ctx.db.edit<SortedSet>(ctx.keys[0])
                       : ctx.db.edit_or_create<SortedSet>(ctx.keys[0]);
  if (!set) return ctx.error(set.error());
  if (*set == nullptr) return ctx.reply.integer(0);
  std::uint64_t added = 0;
  std::uint64_t moved = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto outcome = (*set)->add(triples[3 * i + 2], scores[i], options->rule, ctx.limits()).outcome;
    if (outcome == SortedSet::Outcome::kAdded) ++added;
    if (outcome == SortedSet::Outcome::kMoved) ++moved;
  }
  if (added + moved > 0) ctx.changed(ctx.keys[0], EventClass::kSortedSet, "zadd", added + moved);
  ctx.reply.integer(static_cast<std::int64_t>(options->counted == Counted::kChanged ? added + moved : added));
}

}  // namespace

void register_geo_adds(CommandTable& table) { table.add(kGeoAdd, &geoadd); }

}  // namespace ashlar::commands
