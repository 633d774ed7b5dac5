/// The command line of the server: `[file] [-] [--directive value ...]`.
/// Pure; thread: any. Source: behaviour of redis-server 7.0.15.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace ashlar::config {

struct CommandLine {
  enum class StandardInput : std::uint8_t { kIgnored, kRead };
  std::optional<std::string> file;  // as given
  StandardInput standard_input = StandardInput::kIgnored;
  std::string options;  // the rest as configuration text, one directive a line, read after the file and standard input
};

/// `arguments` without the program's name. The first one is a file unless it starts with '-'. A single '-' that stands
/// first or last means standard input. "--name" opens a directive, what follows up to the next "--name" are its values;
/// the word right behind "--name" is a value even when it starts with "--", except behind --save, which may stand alone
/// (no save points). "--name value" may be one argument. Never fails: nonsense becomes a line that load() refuses.
[[nodiscard]] CommandLine parse_command_line(std::span<const std::string> arguments);

}  // namespace ashlar::config
