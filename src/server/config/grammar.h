/// The words of a configuration line, and of text in that style: quotes, escapes, lines with their numbers.
/// Pure; thread: any. Source: redis.conf(5) practice, checked against redis-server 7.0.15.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::config {

/// Splits a line at blanks. "..." knows \xHH \n \r \t \b \a and takes any other escaped character as it is; '...' knows
/// only
/// \'. Quotes may open inside a word, but only a blank or the end may follow a closing one. nullopt: unbalanced quotes,
/// or something glued behind a closing quote.
[[nodiscard]] std::optional<std::vector<std::string>> split_words(std::string_view line);

/// The pieces between single blanks; two blanks in a row enclose an empty piece. This is how CONFIG SET cuts the value
/// of a directive with several arguments.
[[nodiscard]] std::vector<std::string> split_at_blanks(std::string_view value);

/// A line of a file that says something: no comment, not blank.
struct Line {
  std::size_t number = 0;  // from 1
  std::string_view text;   // trimmed, inside the text that was read
};
/// `text` without blanks, tabs and line ends around it.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;
/// Every meaningful line of `text`; the views live as long as `text`.
[[nodiscard]] std::vector<Line> meaningful_lines(std::string_view text);

}  // namespace ashlar::config
