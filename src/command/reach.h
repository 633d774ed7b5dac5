/// Commands that look at keys which no key spec can tell, because values name them: SORT with patterns. Such a call
/// runs with the whole key space at hand, and its user must be allowed to read all keys. Pure. Thread: any.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"
#include "command/spec.h"

namespace ashlar::command {

/// Whether `args` have a BY or GET with a '*' for a command that has such options (its second key spec says that it
/// reads keys of unknown place). May say yes where the word is not an option, never no where it is one.
[[nodiscard]] inline bool reaches_beyond_keys(const CommandSpec& spec, std::span<const std::string_view> args) {
  const KeySpec& second = spec.keys[1];
  if (second.begin != KeySpec::Begin::kUnknown || second.access != KeyAccess::kRO) [[likely]]
    return false;
  for (std::size_t i = 2; i + 1 < args.size(); ++i) {
    if (!iequals(args[i], "GET") && !iequals(args[i], "BY")) continue;
    if (args[i + 1].find('*') != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace ashlar::command
