#include "commands/zset/intervals.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

namespace ashlar::commands {

using ds::BackCut;
using ds::Cut;
using ds::FrontCut;
using ds::LexCut;
using ds::ScoreCut;
using ds::Side;

namespace {

enum class End : std::uint8_t { kLow, kHigh };

/// An included bound lies on the outer side of its cut.
Side side_of(End end, bool excluded) noexcept { return (end == End::kLow) == excluded ? Side::kAfter : Side::kBefore; }

std::optional<Cut> score_cut(std::string_view text, End end) {
  const bool excluded = text.starts_with('(');
  const std::string number(excluded ? text.substr(1) : text);
  char* stop = nullptr;
  const double score = std::strtod(number.c_str(), &stop);
  if (*stop != '\0' || std::isnan(score)) return std::nullopt;
  return ScoreCut{score, side_of(end, excluded)};
}

std::optional<Cut> lex_cut(std::string_view text, End end) {
  if (text == "-") return FrontCut{};
  if (text == "+") return BackCut{};
  if (text.empty() || (text[0] != '(' && text[0] != '[')) return std::nullopt;
  return LexCut{text.substr(1), side_of(end, text[0] == '(')};
}

}  // namespace

Result<Interval> parse_score_interval(std::string_view min, std::string_view max) {
  const auto low = score_cut(min, End::kLow);
  const auto high = score_cut(max, End::kHigh);
  if (!low || !high) return fail("min or max is not a float");
  return Interval{*low, *high};
}

Result<Interval> parse_lex_interval(std::string_view min, std::string_view max) {
  const auto low = lex_cut(min, End::kLow);
  const auto high = lex_cut(max, End::kHigh);
  if (!low || !high) return fail("min or max not valid string range item");
  return Interval{*low, *high};
}

}  // namespace ashlar::commands
