#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "command/arg_parser.h"
#include "commands/zset/parts.h"
#include "keyspace/values/set.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Owned;
using keyspace::Set;
using keyspace::SetMember;
using keyspace::SortedSet;

namespace {

enum class Operation : std::uint8_t { kUnion, kIntersection, kDifference };
enum class Aggregate : std::uint8_t { kSum, kMin, kMax };
/// What becomes of the result; decides which options a command takes.
enum class Purpose : std::uint8_t { kReply, kStore, kCount };

/// One input: a sorted set, a set whose members all have score 1, or nothing.
struct Input {
  const SortedSet* sorted = nullptr;
  const Set* set = nullptr;
  double weight = 1;

  [[nodiscard]] std::uint64_t size() const {
    return sorted != nullptr ? sorted->size() : set != nullptr ? set->size() : 0;
  }
  /// Unweighted.
  [[nodiscard]] std::optional<double> score(std::string_view member) const {
    if (sorted != nullptr) return sorted->score(member);
    if (set != nullptr && set->contains(SetMember(member))) return 1;
    return std::nullopt;
  }
  [[nodiscard]] bool same_as(const Input& other) const noexcept { return sorted == other.sorted && set == other.set; }
  /// Calls visit(member, score) for each element until it returns false.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    if (sorted != nullptr) {
      for (auto at = sorted->first(); !at.at_end(); at.forward()) {
        const auto e = at.element();
        if (!visit(e.member, e.score)) return;
      }
    } else if (set != nullptr) {
      DecimalBuffer digits;
      set->for_each([&](const ds::PackedValue& member) { return visit(member.text(digits), 1.0); });
    }
  }
};

struct Request {
  std::vector<Input> inputs;
  Aggregate aggregate = Aggregate::kSum;
  Shape shape = Shape::kMembers;
  std::uint64_t limit = 0;  // 0: none
};

/// Source: infinities of both signs, and infinity times zero, count as 0.
double number(double score) noexcept { return std::isnan(score) ? 0 : score; }

double aggregated(Aggregate aggregate, double a, double b) noexcept {
  switch (aggregate) {
    case Aggregate::kMin: return std::min(a, b);
    case Aggregate::kMax: return std::max(a, b);
    default: return number(a + b);
  }
}

Result<void> parse_aggregate(ArgParser& in, Request& request) {
  if (in.take("SUM")) {
    request.aggregate = Aggregate::kSum;
  } else if (in.take("MIN")) {
    request.aggregate = Aggregate::kMin;
  } else if (in.take("MAX")) {
    request.aggregate = Aggregate::kMax;
  } else {
    return fail(ErrorCode::kSyntax);
  }
  return {};
}

Result<void> parse_algebra_options(ArgParser& in, Operation operation, Purpose purpose, Request& request) {
  const bool weighs = operation != Operation::kDifference && purpose != Purpose::kCount;
  while (in.more()) {
    if (weighs && in.left() > request.inputs.size() && in.take("WEIGHTS")) {
      for (Input& input : request.inputs)
        input.weight = in.number({ErrorCode::kGeneric, "weight value is not a float"});
    } else if (weighs && in.left() >= 2 && in.take("AGGREGATE")) {
      ASH_TRY_VOID(parse_aggregate(in, request));
    } else if (purpose == Purpose::kReply && in.take("WITHSCORES")) {
      request.shape = Shape::kWithScores;
    } else if (purpose == Purpose::kCount && in.left() >= 2 && in.take("LIMIT")) {
      request.limit = static_cast<std::uint64_t>(
          in.integer_in(0, std::numeric_limits<std::int64_t>::max(), {ErrorCode::kGeneric, "LIMIT can't be negative"}));
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return {};
}

Result<Input> open_input(Context& ctx, const KeyRef& key) {
  const Entry* entry = ctx.db.find(key, ctx.read_access());
  if (entry == nullptr) return Input{};
  if (const auto* sorted = entry->collection<SortedSet>()) return Input{.sorted = sorted};
  if (const auto* set = entry->collection<Set>()) return Input{.set = set};
  return fail(ErrorCode::kWrongType);
}

/// Reads `numkeys key [key ...] [options]`, numkeys standing at `at`. The inputs' keys are the last ones of the
/// command.
Result<Request> parse_request(Context& ctx, std::size_t at, Operation operation, Purpose purpose) {
  const auto count = parse_i64(ctx.args[at]);
  if (!count) return fail(ErrorCode::kNotInteger);
  if (*count < 1) return fail("at least 1 input key is needed for '" + std::string(ctx.spec.name) + "' command");
  if (static_cast<std::uint64_t>(*count) > ctx.args.size() - at - 1) return fail(ErrorCode::kSyntax);
  const auto n = static_cast<std::size_t>(*count);
  Request request;
  for (const KeyRef& key : ctx.keys.last(n)) {
    ASH_TRY(const Input input, open_input(ctx, key));
    request.inputs.push_back(input);
  }
  ArgParser in(ctx.args, at + 1 + n);
  ASH_TRY_VOID(parse_algebra_options(in, operation, purpose, request));
  // Smallest first, but for a difference: the order in which scores are added up, too.
  if (operation != Operation::kDifference) {
    std::stable_sort(request.inputs.begin(), request.inputs.end(),
                     [](const Input& a, const Input& b) { return a.size() < b.size(); });
  }
  return request;
}

/// Calls visit(member, score) for each member that is in all inputs, until it returns false.
template <typename Visit>
void intersect(const Request& request, Visit&& visit) {
  const Input& smallest = request.inputs[0];
  smallest.for_each([&](std::string_view member, double own) {
    double score = number(smallest.weight * own);
    for (std::size_t i = 1; i < request.inputs.size(); ++i) {
      const Input& input = request.inputs[i];
      const auto other = input.same_as(smallest) ? std::optional(own) : input.score(member);
      if (!other) return true;
      // As in Redis, infinity times zero takes the whole sum with it here, and not in a union.
      score = aggregated(request.aggregate, score, input.weight * *other);
    }
    return visit(member, score);
  });
}

void unite(const Request& request, SortedSet& result, const keyspace::EncodingLimits& limits) {
  for (const Input& input : request.inputs) {
    input.for_each([&](std::string_view member, double own) {
      double score = number(input.weight * own);
      if (const auto before = result.score(member)) score = aggregated(request.aggregate, *before, score);
      result.add(member, score, {}, limits);
      return true;
    });
  }
}

void subtract(const Request& request, SortedSet& result, const keyspace::EncodingLimits& limits) {
  request.inputs[0].for_each([&](std::string_view member, double score) {
    for (std::size_t i = 1; i < request.inputs.size(); ++i) {
      if (request.inputs[i].score(member)) return true;
    }
    result.add(member, score, {}, limits);
    return true;
  });
}

Owned<SortedSet> combine(Context& ctx, const Request& request, Operation operation) {
  Owned<SortedSet> result(new SortedSet());
  switch (operation) {
    case Operation::kUnion: unite(request, *result, ctx.limits()); break;
    case Operation::kDifference: subtract(request, *result, ctx.limits()); break;
    case Operation::kIntersection:
      intersect(request, [&](std::string_view member, double score) {
        result->add(member, score, {}, ctx.limits());
        return true;
      });
  }
  return result;
}

void reply_combined(Context& ctx, Operation operation) {
  const auto request = parse_request(ctx, 1, operation, Purpose::kReply);
  if (!request) return ctx.error(request.error());
  const auto result = combine(ctx, *request, operation);
  ElementReply reply(ctx.reply, request->shape);
  reply.begin(result->size());
  for (auto at = result->first(); !at.at_end(); at.forward()) reply.put(at.element());
}

void store_combined(Context& ctx, Operation operation, std::string_view event) {
  const auto request = parse_request(ctx, 2, operation, Purpose::kStore);
  if (!request) return ctx.error(request.error());
  store_sorted_set(ctx, ctx.keys[0], combine(ctx, *request, operation), event);
}

constexpr CommandSpec kZunion{
    .name = "zunion",
    .arity = at_least(3),
    .flags = Flag::kReadOnly,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {counted_keys(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "6.2.0",
    .complexity = "O(N)+O(M*log(M)) for N elements of all inputs and M of the result.",
    .summary = "Returns the members of any of several sorted sets, scores combined.",
    .syntax = "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]"};
void zunion(Context& ctx) { reply_combined(ctx, Operation::kUnion); }

constexpr CommandSpec kZinter{
    .name = "zinter",
    .arity = at_least(3),
    .flags = Flag::kReadOnly,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {counted_keys(1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "6.2.0",
    .complexity = "O(N*K)+O(M*log(M)) for K inputs, the smallest of N elements, and a result of M.",
    .summary = "Returns the members of all of several sorted sets, scores combined.",
    .syntax = "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]"};
void zinter(Context& ctx) { reply_combined(ctx, Operation::kIntersection); }

constexpr CommandSpec kZdiff{.name = "zdiff",
                             .arity = at_least(3),
                             .flags = Flag::kReadOnly,
                             .group = Group::kSortedSet,
                             .categories = Category::kSortedSet,
                             .keys = {counted_keys(1, KeyAccess::kRO, KeyAction::kAccess)},
                             .since = "6.2.0",
                             .complexity = "O(N*K+M*log(M)) for K inputs, N elements in the first and M in the result.",
                             .summary = "Returns the members of the first sorted set that are in none of the others.",
                             .syntax = "numkeys key [key ...] [WITHSCORES]"};
void zdiff(Context& ctx) { reply_combined(ctx, Operation::kDifference); }

constexpr CommandSpec kZunionStore{
    .name = "zunionstore",
    .arity = at_least(4),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate), counted_keys(2, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "2.0.0",
    .complexity = "O(N)+O(M*log(M)) for N elements of all inputs and M of the result.",
    .summary = "Stores the members of any of several sorted sets, scores combined.",
    .syntax = "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]"};
void zunionstore(Context& ctx) { store_combined(ctx, Operation::kUnion, "zunionstore"); }

constexpr CommandSpec kZinterStore{
    .name = "zinterstore",
    .arity = at_least(4),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate), counted_keys(2, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "2.0.0",
    .complexity = "O(N*K)+O(M*log(M)) for K inputs, the smallest of N elements, and a result of M.",
    .summary = "Stores the members of all of several sorted sets, scores combined.",
    .syntax = "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]"};
void zinterstore(Context& ctx) { store_combined(ctx, Operation::kIntersection, "zinterstore"); }

constexpr CommandSpec kZdiffStore{
    .name = "zdiffstore",
    .arity = at_least(4),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kSortedSet,
    .categories = Category::kSortedSet,
    .keys = {one_key(1, KeyAccess::kOW, KeyAction::kUpdate), counted_keys(2, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "6.2.0",
    .complexity = "O(N*K+M*log(M)) for K inputs, N elements in the first and M in the result.",
    .summary = "Stores the members of the first sorted set that are in none of the others.",
    .syntax = "destination numkeys key [key ...]"};
void zdiffstore(Context& ctx) { store_combined(ctx, Operation::kDifference, "zdiffstore"); }

constexpr CommandSpec kZinterCard{.name = "zintercard",
                                  .arity = at_least(3),
                                  .flags = Flag::kReadOnly,
                                  .group = Group::kSortedSet,
                                  .categories = Category::kSortedSet,
                                  .keys = {counted_keys(1, KeyAccess::kRO, KeyAction::kAccess)},
                                  .since = "7.0.0",
                                  .complexity = "O(N*K) for K inputs, the smallest of N elements.",
                                  .summary = "Counts the members that are in all of several sorted sets.",
                                  .syntax = "numkeys key [key ...] [LIMIT limit]"};
void zintercard(Context& ctx) {
  const auto request = parse_request(ctx, 1, Operation::kIntersection, Purpose::kCount);
  if (!request) return ctx.error(request.error());
  std::uint64_t n = 0;
  intersect(*request, [&](std::string_view, double) { return ++n != request->limit; });
  ctx.reply.integer(static_cast<std::int64_t>(n));
}

}  // namespace

void register_zset_algebra(CommandTable& table) {
  table.add(kZunion, &zunion);
  table.add(kZinter, &zinter);
  table.add(kZdiff, &zdiff);
  table.add(kZunionStore, &zunionstore);
  table.add(kZinterStore, &zinterstore);
  table.add(kZdiffStore, &zdiffstore);
  table.add(kZinterCard, &zintercard);
}

}  // namespace ashlar::commands
