/// Words of a command line as the REPL and `--quoted-input` understand them. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::cli {

/// Splits a line into words. Blanks separate; "..." knows \n \r \t \a \b \xHH and takes any other escaped character as
/// it is; '...' knows only \'. A closing quote must be followed by a blank or the end. nullopt: unbalanced quotes or
/// text right after a closing quote. Source: behaviour of redis-cli.
[[nodiscard]] std::optional<std::vector<std::string>> split_words(std::string_view line);

/// The one word that `text` spells under the same rules; nullopt when it is no word, several, or badly quoted.
[[nodiscard]] std::optional<std::string> unquote(std::string_view text);

}  // namespace ashlar::cli
