/// The words of an inline command: what a person types into a raw connection.
#pragma once

#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::resp {

enum class SplitStatus : std::uint8_t { kOk, kUnbalancedQuotes };

/// Appends the words of `line` (without its line end) to `args`. Words are divided by blanks; "..." knows \n \r \t \b
/// \a \xHH and a backslash before any other character, '...' knows only \'. A closing quote must end its word. A NUL
/// ends the line.
///
/// Words without escapes are views into `line`; the others are built in `decoded`, which must outlive `args`.
/// On kUnbalancedQuotes `args` is as it was. Thread: any.
/// Source: the inline commands of the Redis protocol specification, behaviour of redis-server 7.0.
[[nodiscard]] SplitStatus split_inline(std::string_view line, std::vector<std::string_view>& args,
                                       std::forward_list<std::string>& decoded);

}  // namespace ashlar::resp
