/// Reads the notation in which a CommandSpec writes down its arguments, into the tree that COMMAND DOCS and hints show.
///
///     key                      a value              [x]              may be left out
///     EX seconds               a word and a value   [x ...]          once more the same, any number of times
///     NX | XX                  one of these         <x | y>          one of these, must be given
///     LIMIT offset count       a word and several values: a block
///
/// Words without a lower-case letter are literal tokens ("" is an empty one). Pure. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace ashlar::command {

/// One argument. Invariant: `parts` is empty unless type is kOneOf or kBlock.
struct Argument {
  enum class Type : std::uint8_t {
    kString,
    kInteger,
    kDouble,
    kKey,
    kPattern,
    kUnixTime,
    kPureToken,
    kOneOf,
    kBlock,
  };
  std::string name;  // of a token: the word in lower case; of a group: those of its parts, joined by '-'
  Type type = Type::kString;
  std::string token;       // the literal word in front; for kPureToken the word itself
  bool has_token = false;  // the token may be the empty word
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;  // the token is repeated with every further value
  std::vector<Argument> parts;
};

/// "integer", "pure-token", "oneof", ... as COMMAND DOCS says it.
[[nodiscard]] std::string_view type_name(Argument::Type type) noexcept;

/// The arguments that `syntax` describes, in order. Errors: brackets that do not match or nest too deep.
[[nodiscard]] Result<std::vector<Argument>> parse_syntax(std::string_view syntax);

}  // namespace ashlar::command
