/// Intervals of scores and of members as clients write them: `(1 +inf`, `[a (c`, `- +`. Pure. Thread: any.
#pragma once

#include <string_view>

#include "base/error.h"
#include "ds/sorted_index.h"

namespace ashlar::commands {

/// The elements behind `low` and before `high`: none when they are the wrong way round.
struct Interval {
  ds::Cut low;
  ds::Cut high;
};

/// `min` and `max` as numbers, excluded with a '(' in front. Errors: "min or max is not a float".
/// Source: Redis reads them with strtod, so an empty text is 0 and blanks in front are allowed.
[[nodiscard]] Result<Interval> parse_score_interval(std::string_view min, std::string_view max);
/// `min` and `max` as '[' or '(' and bytes, '-' or '+'. The views live as long as the texts.
/// Errors: "min or max not valid string range item".
[[nodiscard]] Result<Interval> parse_lex_interval(std::string_view min, std::string_view max);

}  // namespace ashlar::commands
