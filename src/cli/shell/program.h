/// ashlar-cli as a function: everything between main() and the modes.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/time.h"
#include "cli/session.h"

namespace ashlar::cli {

/// What the program takes from the system around it.
struct Environment {
  /// Value of an environment variable; nullopt when it is not set.
  std::function<std::optional<std::string>(const char*)> variable;
  const Clock& clock;
  Console console;
};

/// Does what `args` (without the program name) say and returns the exit status: 0, or 1 after any failure that the user
/// was told of. Standard input and output are used directly. Thread: the main one.
[[nodiscard]] int run_program(std::span<const std::string> args, const Environment& environment);

}  // namespace ashlar::cli
